# The JSON-RPC.

.PHONY: soak-rpc soak-rpc-cycles docs-rpc

# In the profile of development: its overflow checks are part of the test.
soak-rpc: ## a million malformed requests
	RPC_FUZZ_CASES=1000000 RPC_FUZZ_SEED=$${RPC_FUZZ_SEED:-$$RANDOM} cargo test -p trestle-sequencer --lib pitfall_b8 -- --nocapture

# One test at a time: each looks at the memory of the process.
soak-rpc-cycles: ## a million subscriptions and a million connections that come and go
	RPC_CYCLES=$${RPC_CYCLES:-1000000} cargo test -p trestle-sequencer --lib rpc::tests::cycles -- --nocapture --test-threads=1

docs-rpc: ## rewrite docs/rpc.md from the code
	UPDATE_DOCS=1 cargo test -p trestle-sequencer rpc_page
