# Proposer and challenger. Included by the Makefile at the root.

.PHONY: soak-challenger bench-challenger

# In `make test` with the other end-to-end tests. The space keeps it out of that list, where it would run twice.
test-challenger : contracts/node_modules ## frauds of every class on anvil, kills and reorgs in mid-game
	cargo test --locked -p trestle --test it fraud -- --nocapture

soak-challenger: contracts/node_modules ## 50 kills of the challenger and 50 reorgs of L1 in one game
	CHALLENGER_KILLS=$${CHALLENGER_KILLS:-50} cargo test --locked -p trestle --test it fraud::challenger_killed -- --nocapture

# Gas is what L1 charged the challenger in a dispute of its own: its moves, decisions included.
bench-challenger: contracts/node_modules ## from a false claim to the first divergent step; gas of the honest path
	cargo run --release --locked -p trestle-guest-tests --example challenger_bench
	cargo build --locked -p trestle
	dev=$$(mktemp -d) && trap 'rm -rf "$$dev"' EXIT && \
	$(TRESTLE) dev --fraud=balance --exit --datadir "$$dev/dev" --l1-port 0 --port 0 --replica-port 0 > "$$dev/out" && \
	sed -n 's/^gas /gas of the honest path /p' "$$dev/out"
