# Contracts: build, artifacts, forge tests. Included by the Makefile at the root.

.PHONY: artifacts check-artifacts test-contracts test-layouts

contracts/node_modules: contracts/package-lock.json
	cd contracts && npm ci
	touch $@

artifacts: contracts/node_modules ## rebuild the contracts and rewrite the committed artifacts
	cd contracts && node_modules/.bin/forge build --quiet src && node tools/artifacts.mjs

check-artifacts: contracts/node_modules ## rebuild the contracts and fail on any difference
	cd contracts && node_modules/.bin/forge build --quiet src && node tools/artifacts.mjs --check

test-contracts: contracts/node_modules ## forge tests
	# Gas snapshots are compared; without the variable a run rewrites them.
	cd contracts && FORGE_SNAPSHOT_CHECK=true node_modules/.bin/forge test

test-layouts: ## a storage layout that no proxy could be upgraded to is noticed
	node --test contracts/tools/
