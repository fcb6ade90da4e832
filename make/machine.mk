# The machine: its tests, benches and long runs. Included by the Makefile at the root.

.PHONY: machine-test soak-machine vectors-machine bench-machine programs-machine

# `make test` runs these by way of test-rust and test-contracts.
machine-test: contracts/node_modules ## the machine alone, against qemu, LLVM, binutils and its Solidity twin
	cargo test -p trestle-vm -p trestle-machine-tests
	cd contracts && node_modules/.bin/forge test --match-path 'test/dispute/step/*'

soak-machine: ## all 2^32 words decoded twice; ten million random steps in lockstep
	cargo run --release -p trestle-machine-tests --example all_words
	cargo run --release -p trestle-machine-tests --example lockstep -- 10000000 100000

vectors-machine: ## rewrite the shared vectors and the gas snapshot of the step
	cargo run -p trestle-machine-tests --example write_vectors

bench-machine: ## speed of the machine, cost of pages, snapshots and witnesses
	cargo run --release -p trestle-machine-bench

programs-machine: ## rebuild the machine's example programs; needs clang and lld
	$(MAKE) -C prover/vm/examples/programs
