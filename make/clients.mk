# Tests with client libraries. Included by the Makefile at the root.

.PHONY: test-clients

test-clients: contracts/node_modules tests/clients/node_modules sdk/ts/dist build ## viem, ethers, wagmi, cast, forge, a browser and @ethereumjs/vm against a dev chain
	node tests/clients/run.mjs $(TRESTLE)
