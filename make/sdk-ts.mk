# The TypeScript package over viem. Included by the Makefile at the root.

.PHONY: test-sdk-ts

sdk/ts/node_modules: sdk/ts/package-lock.json
	cd sdk/ts && npm ci
	touch $@

sdk/ts/dist: sdk/ts/node_modules sdk/ts/tsconfig.json $(wildcard sdk/ts/src/*.ts)
	cd sdk/ts && node_modules/.bin/tsc --project tsconfig.json
	touch $@

test-sdk-ts: sdk/ts/dist ## the TypeScript package: types, vectors; test-clients runs it against a chain
	cd sdk/ts && node_modules/.bin/tsc --project tsconfig.test.json
	node --test sdk/ts/test/
