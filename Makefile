# Trestle. `make help` lists what there is to do; make/*.mk hold the targets of single parts, and
# their test-…, check-…, bench-… and soak-… targets are folded into those of the same name here.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

PARTS := $(sort $(wildcard make/*.mk))
# Targets in make/*.mk whose name starts with $(1)-.
fold = $(if $(PARTS),$(shell sed -nE 's/^($(1)-[a-z0-9-]+):.*/\1/p' $(PARTS) | sort -u))

TARGET_DIR := $(abspath $(or $(CARGO_TARGET_DIR),target))
TRESTLE := $(TARGET_DIR)/debug/trestle
# Every npm package that a target needs; `npm ci` runs when the lock file is newer.
NODE_MODULES := contracts/node_modules tests/clients/node_modules sdk/ts/node_modules

.PHONY: help setup dev build test test-rust check check-format check-lints check-docs check-deny bench soak

help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' Makefile $(PARTS) | expand -t 26

setup: ## check the tools and install what is missing and pinned
	@tools/setup
	@$(MAKE) --no-print-directory $(NODE_MODULES)

dev: ## set up what is missing, start a local L1 and the rollup on it; ARGS="--fresh" passes options
	@tools/setup dev
	@$(MAKE) --silent --no-print-directory contracts/node_modules
	@cargo run --locked --package trestle -- dev $(ARGS)

build: ## compile everything that the tests run
	cargo test --workspace --locked --no-run

test: setup check-artifacts test-rust $(call fold,test) ## set up what is missing and run every test

test-rust: contracts/node_modules
	cargo test --workspace --locked

check: check-format check-lints check-docs check-deny $(filter-out check-artifacts,$(call fold,check)) ## formatting, lints, documentation, licences

check-format:
	cargo fmt --all --check

check-lints:
	cargo clippy --workspace --all-targets --locked -- -D warnings

check-docs:
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

check-deny: .tools/bin/cargo-deny
	.tools/bin/cargo-deny --locked check licenses bans sources

bench: $(call fold,bench) ## measure; each part prints its method

soak: $(call fold,soak) ## long fuzzing and invariant runs

tests/clients/node_modules: tests/clients/package-lock.json
	cd tests/clients && npm ci
	touch $@

.tools/bin/cargo-deny: tools/cargo-deny.version
	tools/install-cargo-deny

-include $(PARTS)
