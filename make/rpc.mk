# The JSON-RPC.

.PHONY: soak-rpc docs-rpc

# In the profile of development: its overflow checks are part of the test.
soak-rpc: ## a million malformed requests
	RPC_FUZZ_CASES=1000000 RPC_FUZZ_SEED=$${RPC_FUZZ_SEED:-$$RANDOM} cargo test -p trestle-sequencer --lib pitfall_b8 -- --nocapture

docs-rpc: ## rewrite docs/rpc.md from the code
	UPDATE_DOCS=1 cargo test -p trestle-sequencer rpc_page
