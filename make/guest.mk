# The program that is proven. Included by the Makefile at the root.

.PHONY: image test-image guest-test bench-guest soak-guest

image: ## rebuild the program that is proven, its ELF file and its image root
	tools/write-image

test-image: ## the committed image comes from these sources, wherever they are built
	tools/check-image

# `make test` runs these by way of test-rust.
guest-test: contracts/node_modules ## the program that is proven, against the node's own derivation
	cargo test -p trestle-guest -p trestle-guest-tests -p trestle-challenger

# The second program computes keccak and signers in software, for comparison.
bench-guest: ## instructions per batch and per transaction, and the worst gas there is
	tools/build-guest $(TARGET_DIR)/guest-software machine
	cargo run -p trestle-guest-tests --example guest_bench -- all \
		$(TARGET_DIR)/guest-software/riscv64im-trestle-none-elf/release/trestle-guest

GUEST_SECONDS ?= 600

soak-guest: ## random batches in the machine, against derivation; GUEST_SECONDS, GUEST_SEED
	cargo run -p trestle-guest-tests --example guest_soak -- $(GUEST_SECONDS) $(GUEST_SEED)
