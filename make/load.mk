# Attacks, overload and bytes on L1: what `make test` has no time for. Included by the Makefile at the root.

.PHONY: bench-bytes soak-overload

MINUTES ?= 10

bench-bytes: contracts/node_modules ## bytes on L1 for each transfer, in six blobs and in calldata, by what is posted
	cargo test --locked -p trestle --test it measured::bytes -- --ignored --nocapture

soak-overload: contracts/node_modules ## twenty times what a node takes, for MINUTES=10
	MINUTES=$(MINUTES) cargo test --locked -p trestle --test it measured::overload -- --ignored --nocapture
