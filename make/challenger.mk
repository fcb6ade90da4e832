# Proposer and challenger. Included by the Makefile at the root.

.PHONY: soak-challenger

# In `make test` with the other end-to-end tests. The space keeps it out of that list, where it would run twice.
test-challenger : contracts/node_modules ## frauds of every class on anvil, kills and reorgs in mid-game
	cargo test --locked -p trestle --test it fraud -- --nocapture

soak-challenger: contracts/node_modules ## 50 kills of the challenger and 25 reorgs of L1 in one game
	CHALLENGER_KILLS=$${CHALLENGER_KILLS:-50} cargo test --locked -p trestle --test it fraud::challenger_killed -- --nocapture
