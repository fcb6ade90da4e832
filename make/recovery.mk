# Recovery of signers. Included by the Makefile at the root.

.PHONY: bench-recovery

bench-recovery: ## microseconds per recovered signature, beside the C library
	cargo run --release --locked --package trestle-recovery --example compare
