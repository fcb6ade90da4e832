# The protocol's own checks.

.PHONY: check-bare-metal soak-fuzz

check-bare-metal: ## the protocol compiles for the machine's target
	tools/check-bare-metal

FUZZ_SECONDS ?= 600

soak-fuzz: ## coverage-guided fuzzing of payloads and derivation (libFuzzer)
	for target in payload derivation; do \
		mkdir -p $(TARGET_DIR)/fuzz/corpus-$$target; \
		RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table -Ccodegen-units=1 --cfg fuzzing" \
		cargo run --locked --release --manifest-path protocol/fuzz/Cargo.toml --target-dir $(TARGET_DIR)/fuzz \
			--target x86_64-unknown-linux-gnu --bin $$target -- $(TARGET_DIR)/fuzz/corpus-$$target \
			-max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=2048 -max_len=65536; \
	done
