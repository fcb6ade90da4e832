# The load generator. Included by the Makefile at the root.

.PHONY: bench-load bench-growth

bench-load: contracts/node_modules ## transactions per second and CPU per transaction, beside anvil
	cargo build --release --locked --package trestle --package trestle-bench-load
	$(TARGET_DIR)/release/trestle-load --trestle $(TARGET_DIR)/release/trestle \
		--anvil contracts/node_modules/.bin/anvil --disk $(TARGET_DIR) $(ARGS)

bench-growth: contracts/node_modules ## the same among 10,000, a million and five million accounts; ACCOUNTS
	cargo build --release --locked --package trestle --package trestle-bench-load
	for accounts in $(or $(ACCOUNTS),10000 1000000 5000000); do \
		$(TARGET_DIR)/release/trestle-load --trestle $(TARGET_DIR)/release/trestle \
			--disk $(TARGET_DIR) --kind ether --accounts $$accounts $(ARGS) || exit 1; \
	done
