//! The methods in words: the one table from which `rpc.discover` and `docs/rpc.md` are made.
//!
//! Parameters are written `name: type`, with `?` after the name of one that may be absent. Types are
//! names of [`TYPES`], `[]` after one for a list.

use serde_json::{Map, Value, json};

/// A method as the table has it: name, what it does, parameters, result, deviation from what
/// Ethereum's clients do (empty without).
type Entry = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

/// Types by name, with the JSON schema of each.
const TYPES: [(&str, &str); 17] = [
    (
        "quantity",
        r#"{"type":"string","pattern":"^0x(0|[1-9a-f][0-9a-f]*)$"}"#,
    ),
    (
        "bytes",
        r#"{"type":"string","pattern":"^0x([0-9a-f]{2})*$"}"#,
    ),
    ("hash", r#"{"type":"string","pattern":"^0x[0-9a-f]{64}$"}"#),
    (
        "address",
        r#"{"type":"string","pattern":"^0x[0-9a-fA-F]{40}$"}"#,
    ),
    (
        "slot",
        r#"{"type":"string","pattern":"^0x[0-9a-fA-F]{0,64}$"}"#,
    ),
    (
        "block",
        r##"{"description":"number, tag, or object with blockNumber or blockHash (EIP-1898)","anyOf":[{"$ref":"#/components/schemas/quantity"},{"enum":["latest","pending","safe","finalized","earliest"]},{"type":"object"}]}"##,
    ),
    ("bool", r#"{"type":"boolean"}"#),
    ("string", r#"{"type":"string"}"#),
    ("integer", r#"{"type":"integer"}"#),
    ("number", r#"{"type":"number"}"#),
    (
        "request",
        r#"{"type":"object","description":"transaction request"}"#,
    ),
    (
        "overrides",
        r#"{"type":"object","description":"account overrides by address"}"#,
    ),
    (
        "blockOverrides",
        r#"{"type":"object","description":"block overrides"}"#,
    ),
    ("filter", r#"{"type":"object","description":"log filter"}"#),
    ("options", r#"{"type":"object","description":"options"}"#),
    ("object", r#"{"type":["object","null"]}"#),
    ("any", r"{}"),
];

const NO_BLOBS: &str = "blob transactions are refused";
const NEXT_BLOCK: &str =
    "`latest` and no block mean a block sealed now, since the newest may be old";
const REPLAY: &str = "no JavaScript tracers; at most 20,000,000 steps, and the limits of time and of what tracers keep";

/// Every method.
#[rustfmt::skip]
pub(super) const METHODS: [Entry; 101] = [
    ("eth_accounts", "Accounts whose keys the node holds: none", "", "address[]", ""),
    ("eth_baseFee", "Base fee of a block sealed now, in wei per gas", "", "quantity", "falls with time, not with blocks"),
    ("eth_blobBaseFee", "Base fee of blobs, in wei", "", "quantity", "always 1: there are no blobs"),
    ("eth_blockNumber", "Number of the newest durable block", "", "quantity", ""),
    ("eth_call", "Runs a call on the state after a block, inside that block", "request: request, block?: block, accounts?: overrides, blockOverrides?: blockOverrides", "bytes", NO_BLOBS),
    ("eth_capabilities", "Which parts of history the node serves", "", "object", ""),
    ("eth_chainId", "Chain id", "", "quantity", ""),
    ("eth_config", "Fork configuration (EIP-7910)", "", "object", "one fork for ever; the blob schedule is zero"),
    ("eth_createAccessList", "Access list of a transaction, and the gas it uses with it", "request: request, block?: block, accounts?: overrides", "object", NEXT_BLOCK),
    ("eth_estimateGas", "Least gas limit that suffices, within 1.5 %", "request: request, block?: block, accounts?: overrides, blockOverrides?: blockOverrides", "quantity", NEXT_BLOCK),
    ("eth_feeHistory", "Base fees, fullness and tips of past blocks", "count: quantity, newest: block, percentiles?: number[]", "object", "the fee after the newest block is that of a block sealed now"),
    ("eth_fillTransaction", "Fills in what a transaction request leaves open", "request: request", "object", ""),
    ("eth_gasPrice", "A seventh above the base fee of a block sealed now, or the price of admission if that is higher, in wei per gas", "", "quantity", ""),
    ("eth_getBalance", "Balance of an account, in wei", "address: address, block?: block", "quantity", ""),
    ("eth_getBlockByHash", "A block by hash", "hash: hash, full?: bool", "object", ""),
    ("eth_getBlockByNumber", "A block by number or tag", "number: block, full?: bool", "object", "`pending` is `latest`; `safe` is in a batch on L1, `finalized` in a batch on a finalized L1 block; `withdrawalsRoot` is the message passer's storage root"),
    ("eth_getBlockReceipts", "Receipts of a block", "block: block", "object", "deposits carry depositNonce and depositReceiptVersion"),
    ("eth_getBlockTransactionCountByHash", "Number of a block's transactions", "hash: hash", "object", ""),
    ("eth_getBlockTransactionCountByNumber", "Number of a block's transactions", "number: block", "object", ""),
    ("eth_getCode", "Code of an account", "address: address, block?: block", "bytes", ""),
    ("eth_getFilterChanges", "What is new for a filter", "id: quantity", "any", "at most 10,000 blocks at a time; the next poll continues"),
    ("eth_getFilterLogs", "All logs of a log filter", "id: quantity", "any", ""),
    ("eth_getHeaderByHash", "A header by hash", "hash: hash", "object", ""),
    ("eth_getHeaderByNumber", "A header by number or tag", "number: block", "object", ""),
    ("eth_getLogs", "Logs of a range of blocks", "filter: filter", "any", ""),
    ("eth_getProof", "Merkle proof of an account and its storage", "address: address, keys: slot[], block?: block", "object", ""),
    ("eth_getRawTransactionByHash", "A transaction's encoding", "hash: hash", "any", ""),
    ("eth_getStorageAt", "A storage slot", "address: address, slot: slot, block?: block", "hash", ""),
    ("eth_getStorageValues", "Storage slots of several accounts", "slots: options, block?: block", "object", ""),
    ("eth_getTransactionByBlockHashAndIndex", "A transaction by its place", "hash: hash, index: quantity", "object", ""),
    ("eth_getTransactionByBlockNumberAndIndex", "A transaction by its place", "number: block, index: quantity", "object", ""),
    ("eth_getTransactionByHash", "A transaction, in a block or waiting", "hash: hash", "object", "deposits have a zero signature with v 0x0"),
    ("eth_getTransactionCount", "Next nonce of an account; `pending` counts what waits", "address: address, block?: block", "quantity", ""),
    ("eth_getTransactionReceipt", "A receipt, once its block is on disk", "hash: hash", "object", "deposits carry depositNonce and depositReceiptVersion"),
    ("eth_getUncleByBlockHashAndIndex", "Null: there are no uncles", "hash: block, index: quantity", "object", ""),
    ("eth_getUncleByBlockNumberAndIndex", "Null: there are no uncles", "number: block, index: quantity", "object", ""),
    ("eth_getUncleCountByBlockHash", "Zero: there are no uncles", "hash: hash", "object", ""),
    ("eth_getUncleCountByBlockNumber", "Zero: there are no uncles", "number: block", "object", ""),
    ("eth_maxPriorityFeePerGas", "Tip with which a transaction is soon in a block: none unless many wait", "", "quantity", ""),
    ("eth_mining", "False: there are no miners", "", "bool", ""),
    ("eth_newBlockFilter", "Filter of new blocks", "", "quantity", ""),
    ("eth_newFilter", "Filter of new logs", "filter: filter", "quantity", ""),
    ("eth_newPendingTransactionFilter", "Filter of transactions that enter the pool", "full?: bool", "quantity", ""),
    ("eth_sendRawTransaction", "Submits a signed transaction; its hash comes once it is on disk", "transaction: bytes", "hash", NO_BLOBS),
    ("eth_sendRawTransactionSync", "The same, and waits for the receipt (EIP-7966)", "transaction: bytes, timeout?: integer", "object", "waits at most 30 s"),
    ("eth_simulateV1", "Calls in blocks that were never sealed", "payload: options, block?: block", "any", "state roots of simulated blocks are zero; movePrecompileToAddress is refused"),
    ("eth_subscribe", "Subscribes to newHeads, logs, newPendingTransactions or syncing (WebSocket)", "kind: string, options?: any", "quantity", "not in a batch: its answer comes before its notifications"),
    ("eth_syncing", "False: what is served is complete", "", "bool", ""),
    ("eth_uninstallFilter", "Removes a filter", "id: quantity", "bool", ""),
    ("eth_unsubscribe", "Ends a subscription (WebSocket)", "id: quantity", "bool", ""),
    ("net_listening", "True", "", "bool", ""),
    ("net_peerCount", "Zero: nodes follow L1 and the sequencer's feed", "", "quantity", ""),
    ("net_version", "Chain id in decimal", "", "string", ""),
    ("web3_clientVersion", "Name and version of the node", "", "string", ""),
    ("web3_sha3", "Keccak-256", "data: bytes", "hash", ""),
    ("rpc_modules", "Namespaces", "", "object", ""),
    ("rpc.discover", "This document", "", "object", ""),
    ("txpool_content", "Transactions in the pool", "", "object", ""),
    ("txpool_contentFrom", "Transactions of one sender in the pool", "sender: address", "object", ""),
    ("txpool_inspect", "The pool in words", "", "object", ""),
    ("txpool_status", "Numbers of transactions in the pool", "", "object", ""),
    ("debug_getBadBlocks", "None: invalid blocks are not kept", "", "any", ""),
    ("debug_getRawBlock", "A block's RLP", "block: block", "bytes", ""),
    ("debug_getRawHeader", "A header's RLP", "block: block", "bytes", ""),
    ("debug_getRawReceipts", "A block's receipts, encoded", "block: block", "bytes[]", ""),
    ("debug_getRawTransaction", "A transaction, encoded", "hash: hash", "any", ""),
    ("debug_traceBlockByHash", "Traces every transaction of a block", "hash: hash, options?: options", "any", REPLAY),
    ("debug_traceBlockByNumber", "Traces every transaction of a block", "number: block, options?: options", "any", REPLAY),
    ("debug_traceCall", "Traces a call", "request: request, block?: block, options?: options", "any", REPLAY),
    ("debug_traceTransaction", "Traces a transaction", "hash: hash, options?: options", "any", REPLAY),
    ("trace_block", "Parity traces of a block", "block: block", "any", REPLAY),
    ("trace_call", "Parity traces of a call", "request: request, types: string[], block?: block", "object", REPLAY),
    ("trace_filter", "Parity traces of a range of blocks", "filter: options", "any", REPLAY),
    ("trace_get", "One Parity trace of a transaction", "hash: hash, path: quantity[]", "object", REPLAY),
    ("trace_replayBlockTransactions", "Replays a block", "block: block, types: string[]", "any", REPLAY),
    ("trace_replayTransaction", "Replays a transaction", "hash: hash, types: string[]", "object", REPLAY),
    ("trace_transaction", "Parity traces of a transaction", "hash: hash", "any", REPLAY),
    ("erigon_getHeaderByNumber", "A header by number or tag", "number: block", "object", ""),
    ("ots_getApiLevel", "API level of Otterscan", "", "integer", ""),
    ("ots_getBlockDetails", "A block without its transactions", "number: block", "object", "no issuance: ether comes from L1"),
    ("ots_getBlockDetailsByHash", "A block without its transactions", "hash: hash", "object", "no issuance: ether comes from L1"),
    ("ots_getBlockTransactions", "One page of a block's transactions", "number: block, page: integer, size: integer", "object", ""),
    ("ots_getContractCreator", "Who created a contract, in which transaction", "address: address", "object", ""),
    ("ots_getInternalOperations", "Internal transfers, creations and self-destructs", "hash: hash", "any", ""),
    ("ots_getTransactionBySenderAndNonce", "Hash of a transaction", "sender: address, nonce: integer", "any", ""),
    ("ots_getTransactionError", "What a transaction reverted with", "hash: hash", "bytes", ""),
    ("ots_hasCode", "Whether an account has code", "address: address, block?: block", "bool", ""),
    ("ots_searchTransactionsAfter", "Transactions of an address after a block", "address: address, number: integer, size: integer", "object", "by sender, recipient and created contract; not by internal calls"),
    ("ots_searchTransactionsBefore", "Transactions of an address before a block", "address: address, number: integer, size: integer", "object", "by sender, recipient and created contract; not by internal calls"),
    ("ots_traceTransaction", "The calls of a transaction", "hash: hash", "any", ""),
    ("trestle_batch", "A batch as L1 has it", "index: quantity", "object", ""),
    ("trestle_batchOfBlock", "The batch that yields a block; null while it is not on L1", "block: block", "object", ""),
    ("trestle_batchPreimages", "Output roots and accumulators around a batch, and every preimage by hash that its proof reads and L1 does not have; to be given the batch's payload, none for a forced one, as L1 has it", "index: quantity, payload?: bytes", "object", "batches that begin within the blocks that proofs reach back; time and size are bounded as of calls and responses"),
    ("trestle_depositStatus", "A deposit by its place in the queue or its L2 hash", "id: any", "object", ""),
    ("trestle_heads", "The unsafe, safe and finalized heads", "", "object", ""),
    ("trestle_outputAtBatch", "Output root after a batch, and what it commits to", "index: quantity", "object", ""),
    ("trestle_outputAtBlock", "Output root after a block, and what it commits to", "block: block", "object", ""),
    ("trestle_subscribe", "Subscribes to transactionStatus of a hash, or to heads (WebSocket)", "kind: string, options?: any", "quantity", "not in a batch"),
    ("trestle_syncStatus", "Heads, and how far L1 is read", "", "object", ""),
    ("trestle_transactionStatus", "Stage of a transaction: accepted, sealed, posted, safe, finalized or dropped; a replica asks the sequencer about accepted and posted, and L1 alone about the rest", "hash: hash", "object", ""),
    ("trestle_unsubscribe", "Ends a subscription (WebSocket)", "id: quantity", "bool", ""),
];

/// The OpenRPC document.
pub(super) fn document() -> Value {
    let schemas: Map<String, Value> = TYPES
        .iter()
        .map(|(name, schema)| {
            (
                (*name).to_owned(),
                serde_json::from_str(schema).unwrap_or_default(),
            )
        })
        .collect();
    json!({
        "openrpc": "1.3.2",
        "info": { "title": "Trestle JSON-RPC", "version": env!("CARGO_PKG_VERSION") },
        "methods": METHODS.iter().map(method).collect::<Vec<_>>(),
        "components": { "schemas": schemas },
    })
}

fn method((name, summary, params, result, deviation): &Entry) -> Value {
    let params: Vec<Value> = params
        .split(", ")
        .filter(|part| !part.is_empty())
        .map(param)
        .collect();
    let mut described = json!({
        "name": name,
        "summary": summary,
        "paramStructure": "by-position",
        "params": params,
        "result": { "name": "result", "schema": schema(result) },
    });
    if let (false, Some(fields)) = (deviation.is_empty(), described.as_object_mut()) {
        fields.insert("description".to_owned(), json!(deviation));
    }
    described
}

fn param(text: &str) -> Value {
    let (name, kind) = text.split_once(": ").unwrap_or((text, "any"));
    let (name, is_required) = match name.strip_suffix('?') {
        Some(name) => (name, false),
        None => (name, true),
    };
    json!({ "name": name, "required": is_required, "schema": schema(kind) })
}

fn schema(kind: &str) -> Value {
    let one = |kind: &str| json!({ "$ref": format!("#/components/schemas/{kind}") });
    match kind.strip_suffix("[]") {
        Some(item) => json!({ "type": "array", "items": one(item) }),
        None => one(kind),
    }
}
