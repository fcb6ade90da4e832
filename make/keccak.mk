# Hashing side by side. Included by the Makefile at the root.

.PHONY: bench-keccak

bench-keccak: ## nanoseconds per hash, and microseconds of a state root per changed key, beside one by one
	cargo run --release --locked --package trestle-keccak --example hashes
	cargo run --release --locked --package trestle-keccak --example roots
