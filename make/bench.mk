# The load generator. Included by the Makefile at the root.

.PHONY: bench-load

bench-load: contracts/node_modules ## transactions per second and CPU per transaction, beside anvil
	cargo build --release --locked --package trestle --package trestle-bench-load
	$(TARGET_DIR)/release/trestle-load --trestle $(TARGET_DIR)/release/trestle \
		--anvil contracts/node_modules/.bin/anvil --disk $(TARGET_DIR) $(ARGS)
