# The way out: portal, messengers and bridge.

.PHONY: test-bridge-mutants soak-bridge

# Its forge tests are among those of test-contracts.
test-bridge-mutants: contracts/node_modules ## every mutant of portal, messengers and bridge is noticed
	cd contracts && node_modules/.bin/forge build --quiet
	node tests/bridge/mutants.mjs

soak-bridge: contracts/node_modules ## long fuzzing and invariant runs of portal, messengers and bridge
	cd contracts && FOUNDRY_PROFILE=soak node_modules/.bin/forge test --match-path 'test/{bridge,withdrawal}/*'
