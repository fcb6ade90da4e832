//! Names of methods and how each runs: at once, on a blocking thread, or asynchronously.

use std::sync::Arc;

use jsonrpsee::{RpcModule, server::RegisterMethodError, types::ErrorObjectOwned};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::rpc::{RpcError, args::Args, context::Context, heavy::Deadline};

use super::{
    blocks, calls, debug, fees, logs, node, otterscan, preimages, profile, proofs, raw, simulate,
    stages, state, submit, traces, transactions, trestle, txpool,
};

/// A result, serialised where it was made.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
struct Reply(Box<RawValue>);

impl Reply {
    /// Writes a result, and stops where it gets too long to be sent.
    fn new(value: &impl Serialize, context: &Context) -> Result<Self, RpcError> {
        let most = context.limits.response_bytes;
        let mut text = Text {
            bytes: Vec::new(),
            most,
        };
        match serde_json::to_writer(&mut text, value) {
            Err(error) if error.is_io() => {
                let words = format!("response exceeds {most} bytes");
                return Err(RpcError::with_code(TOO_BIG, words));
            }
            written => written.map_err(|error| RpcError::internal(error.to_string()))?,
        }
        let text = String::from_utf8(text.bytes);
        let json = text.map(RawValue::from_string);
        match json {
            Ok(Ok(json)) => Ok(Self(json)),
            _ => Err(RpcError::internal("result is no JSON")),
        }
    }
}

/// Code of a response that is too big, as jsonrpsee has it.
const TOO_BIG: i32 = -32008;

/// Bytes of a result, up to a number.
#[derive(Debug)]
struct Text {
    bytes: Vec<u8>,
    most: usize,
}

impl std::io::Write for Text {
    fn write(&mut self, more: &[u8]) -> std::io::Result<usize> {
        if self.bytes.len() + more.len() > self.most {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

type Answer = Result<Reply, ErrorObjectOwned>;

/// Registers methods under their names.
#[derive(Debug)]
pub(in crate::rpc) struct Registry {
    module: RpcModule<Arc<Context>>,
}

impl Registry {
    pub(in crate::rpc) fn new(context: Arc<Context>) -> Self {
        Self {
            module: RpcModule::new(context),
        }
    }

    pub(in crate::rpc) fn into_module(self) -> RpcModule<Arc<Context>> {
        self.module
    }

    pub(in crate::rpc) const fn module(&mut self) -> &mut RpcModule<Arc<Context>> {
        &mut self.module
    }

    /// A method that answers within microseconds.
    fn quick<T: Serialize + 'static>(
        &mut self,
        name: &'static str,
        method: fn(&Context, Args) -> Result<T, RpcError>,
    ) -> Result<&mut Self, RegisterMethodError> {
        self.module
            .register_method(name, move |params, context, _| -> Answer {
                let value = Args::new(&params).and_then(|args| method(context, args))?;
                Ok(Reply::new(&value, context)?)
            })?;
        Ok(self)
    }

    /// A method that may take long; it runs on a blocking thread, with a deadline.
    fn heavy<T: Serialize + 'static>(
        &mut self,
        name: &'static str,
        method: fn(&Context, Args, Deadline) -> Result<T, RpcError>,
    ) -> Result<&mut Self, RegisterMethodError> {
        self.module
            .register_async_method(name, move |params, context, _| async move {
                let args = Args::new(&params)?;
                let inner = Arc::clone(&context);
                let work = move |deadline| Reply::new(&method(&inner, args, deadline)?, &inner);
                Answer::Ok(context.heavy.run(work).await?)
            })?;
        Ok(self)
    }

    /// A method that may ask the sequencer.
    fn asking<T, F>(
        &mut self,
        name: &'static str,
        method: fn(Arc<Context>, Args) -> F,
    ) -> Result<&mut Self, RegisterMethodError>
    where
        T: Serialize + 'static,
        F: Future<Output = Result<T, RpcError>> + Send + 'static,
    {
        self.module
            .register_async_method(name, move |params, context, _| async move {
                let args = Args::new(&params)?;
                let value = method(Arc::clone(&context), args).await?;
                Answer::Ok(Reply::new(&value, &context)?)
            })?;
        Ok(self)
    }

    /// Every method that is there by default.
    pub(in crate::rpc) fn register_all(&mut self) -> Result<(), RegisterMethodError> {
        self.quick("eth_chainId", node::chain_id)?
            .quick("net_version", node::net_version)?
            .quick("net_listening", node::net_listening)?
            .quick("net_peerCount", node::net_peer_count)?
            .quick("web3_clientVersion", node::client_version)?
            .quick("web3_sha3", node::sha3)?
            .quick("eth_accounts", node::accounts)?
            .quick("eth_syncing", node::syncing)?
            .quick("eth_mining", node::syncing)?
            .quick("rpc_modules", node::modules)?
            .quick("rpc.discover", node::discover)?
            .quick("eth_blockNumber", blocks::block_number)?
            .quick("eth_getBlockByNumber", blocks::by_number)?
            .quick("eth_getBlockByHash", blocks::by_hash)?
            .quick("eth_getHeaderByNumber", blocks::header_by_number)?
            .quick("eth_getHeaderByHash", blocks::header_by_hash)?
            .quick(
                "eth_getBlockTransactionCountByNumber",
                blocks::count_by_number,
            )?
            .quick("eth_getBlockTransactionCountByHash", blocks::count_by_hash)?
            .quick("eth_getUncleCountByBlockNumber", blocks::uncles_by_number)?
            .quick("eth_getUncleCountByBlockHash", blocks::uncles_by_hash)?
            .quick("eth_getUncleByBlockNumberAndIndex", blocks::no_uncle)?
            .quick("eth_getUncleByBlockHashAndIndex", blocks::no_uncle)?
            .quick("eth_getBlockReceipts", blocks::receipts)?
            .asking("eth_getTransactionByHash", transactions::by_hash)?
            .quick("eth_getRawTransactionByHash", transactions::raw_by_hash)?
            .quick(
                "eth_getTransactionByBlockNumberAndIndex",
                transactions::by_number_and_index,
            )?
            .quick(
                "eth_getTransactionByBlockHashAndIndex",
                transactions::by_hash_and_index,
            )?
            .quick("eth_getTransactionReceipt", transactions::receipt)?
            .quick("eth_getBalance", state::balance)?
            .quick("eth_getCode", state::code)?
            .quick("eth_getStorageAt", state::storage_at)?
            .asking("eth_getTransactionCount", state::transaction_count)?
            .quick("eth_gasPrice", fees::gas_price)?
            .quick("eth_maxPriorityFeePerGas", fees::max_priority_fee)?
            .quick("eth_blobBaseFee", fees::blob_base_fee)?
            .quick("eth_baseFee", fees::base_fee)?
            .heavy("eth_feeHistory", fees::fee_history)?
            .heavy("eth_call", calls::call)?
            .heavy("eth_estimateGas", calls::estimate_gas)?
            .heavy("eth_createAccessList", calls::create_access_list)?
            .heavy("eth_getProof", proofs::proof)?
            .heavy("eth_getLogs", logs::logs)?
            .quick("eth_newFilter", logs::new_filter)?
            .quick("eth_newBlockFilter", logs::new_block_filter)?
            .quick("eth_newPendingTransactionFilter", logs::new_pending_filter)?
            .heavy("eth_getFilterChanges", logs::filter_changes)?
            .heavy("eth_getFilterLogs", logs::filter_logs)?
            .quick("eth_uninstallFilter", logs::uninstall_filter)?
            .quick("trestle_batchOfBlock", trestle::batch_of_block)?
            .quick("trestle_batch", trestle::batch)?
            .quick("trestle_outputAtBlock", trestle::output_at_block)?
            .quick("trestle_outputAtBatch", trestle::output_at_batch)?
            .heavy("trestle_batchPreimages", preimages::batch_preimages)?
            .quick("trestle_syncStatus", trestle::sync_status)?
            .quick("trestle_heads", trestle::heads)?
            .asking("trestle_depositStatus", trestle::deposit_status)?
            .asking("trestle_transactionStatus", stages::transaction_status)?;
        self.register_more()?;
        submit::register(&mut self.module)
    }

    /// Methods that explorers and tools ask for.
    fn register_more(&mut self) -> Result<(), RegisterMethodError> {
        self.quick("eth_getStorageValues", state::storage_values)?
            .quick("eth_config", profile::config)?
            .quick("eth_capabilities", profile::capabilities)?
            .heavy("eth_simulateV1", simulate::simulate)?
            .asking("eth_fillTransaction", submit::fill)?
            .heavy("debug_traceTransaction", debug::trace_transaction)?
            .heavy("debug_traceBlockByNumber", debug::trace_block_by_number)?
            .heavy("debug_traceBlockByHash", debug::trace_block_by_hash)?
            .heavy("debug_traceCall", debug::trace_call)?
            .heavy("trace_block", traces::block)?
            .heavy("trace_transaction", traces::transaction)?
            .heavy("trace_get", traces::get)?
            .heavy("trace_filter", traces::filter)?
            .heavy("trace_call", traces::call)?
            .heavy("trace_replayTransaction", traces::replay_transaction)?
            .heavy("trace_replayBlockTransactions", traces::replay_block)?
            .quick("debug_getRawHeader", raw::header)?
            .quick("debug_getRawBlock", raw::block)?
            .quick("debug_getRawReceipts", raw::receipts)?
            .quick("debug_getRawTransaction", raw::transaction)?
            .quick("debug_getBadBlocks", raw::bad_blocks)?
            .quick("txpool_status", txpool::status)?
            .quick("txpool_content", txpool::content)?
            .quick("txpool_contentFrom", txpool::content_from)?
            .quick("txpool_inspect", txpool::inspect)?;
        self.register_otterscan()
    }

    fn register_otterscan(&mut self) -> Result<(), RegisterMethodError> {
        self.quick("ots_getApiLevel", otterscan::api_level)?
            .quick("ots_hasCode", otterscan::has_code)?
            .quick("ots_getBlockDetails", otterscan::block_details)?
            .quick(
                "ots_getBlockDetailsByHash",
                otterscan::block_details_by_hash,
            )?
            .quick("ots_getBlockTransactions", otterscan::block_transactions)?
            .heavy("ots_getInternalOperations", otterscan::internal_operations)?
            .heavy("ots_getTransactionError", otterscan::transaction_error)?
            .heavy("ots_traceTransaction", otterscan::trace_transaction)?
            .heavy("ots_searchTransactionsBefore", otterscan::search_before)?
            .heavy("ots_searchTransactionsAfter", otterscan::search_after)?
            .heavy(
                "ots_getTransactionBySenderAndNonce",
                otterscan::by_sender_and_nonce,
            )?
            .heavy("ots_getContractCreator", otterscan::contract_creator)?
            .quick("erigon_getHeaderByNumber", blocks::header_by_number)?;
        Ok(())
    }
}
