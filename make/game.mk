# The dissection game.
FORGE ?= node_modules/.bin/forge
GAME_CRATES := -p trestle-game-tests -p trestle-challenger

.PHONY: test-game bench-game soak-game

# All that `make test` runs of it, alone. The space keeps it out of that list, where it would run twice.
test-game : contracts/node_modules ## forge's tests, 1,000 seeded games, every weakened contract
	cd contracts && $(FORGE) test --match-path 'test/dispute/game/*'
	cargo test $(GAME_CRATES) -- --nocapture

bench-game: contracts/node_modules ## gas of every transaction of a dispute, calldata included, against its snapshot
	cargo test -p trestle-game-tests gas -- --nocapture

soak-game: contracts/node_modules ## 10,000 seeded games, 64 attackers at once, long fuzzing
	cd contracts && FOUNDRY_PROFILE=soak FOUNDRY_INVARIANT_RUNS=64 FOUNDRY_INVARIANT_DEPTH=100 $(FORGE) test --match-path 'test/dispute/game/*'
	GAME_SEEDS=$${GAME_SEEDS:-6000} GAME_CROWDS=$${GAME_CROWDS:-200} GAME_KINDS=$${GAME_KINDS:-200} GAME_LAWS=99 \
		cargo test $(GAME_CRATES) -- --nocapture
