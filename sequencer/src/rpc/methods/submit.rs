//! Sending: plain, with a receipt as the answer, and filling in what a request leaves open.

use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy::rpc::types::TransactionRequest;
use alloy_consensus::{SignableTransaction, TxEip1559, TxEip2930, TxEip7702, TxLegacy};
use alloy_primitives::{B256, Bytes, U64, U256};
use jsonrpsee::{RpcModule, server::RegisterMethodError, types::ErrorObjectOwned};
use revm::primitives::TxKind;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use super::{calls, fees, state::pending_nonce};
use crate::rpc::{
    RpcError,
    args::Args,
    context::Context,
    heavy::Deadline,
    wire::{self, RpcReceipt},
};

/// Longest wait of `eth_sendRawTransactionSync`; asked for more, it waits this long.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// What became of a submission that was taken together with others of its batch, before its method was called.
#[derive(Debug, Clone)]
pub(in crate::rpc) struct Submitted {
    /// When it was begun.
    pub(in crate::rpc) begun: Instant,
    /// Its hash, or why it was refused.
    pub(in crate::rpc) outcome: Result<B256, ErrorObjectOwned>,
}

/// Submits a transaction; its hash comes back once the transaction is on disk.
async fn submit(context: &Context, encoded: Bytes) -> Result<B256, RpcError> {
    match &context.forward {
        Some(forward) => {
            let hash = forward.submit(encoded).await?;
            context.forwarded.insert(hash);
            Ok(hash)
        }
        None => Ok(context.pool.submit(encoded).await?),
    }
}

pub(super) fn register(module: &mut RpcModule<Arc<Context>>) -> Result<(), RegisterMethodError> {
    module.register_async_method(
        "eth_sendRawTransaction",
        |params, context, extensions| async move {
            if let Some(submitted) = extensions.get::<Submitted>() {
                return submitted.outcome.clone();
            }
            let mut args = Args::new(&params)?;
            let encoded: Bytes = args.required()?;
            args.end()?;
            Ok::<_, ErrorObjectOwned>(submit(&context, encoded).await?)
        },
    )?;
    module.register_async_method(
        "eth_sendRawTransactionSync",
        |params, context, _| async move {
            let mut args = Args::new(&params)?;
            let encoded: Bytes = args.required()?;
            let wait: Option<Milliseconds> = args.optional()?;
            args.end()?;
            let wait = wait.map_or(LONGEST_WAIT, Duration::from);
            Ok::<_, ErrorObjectOwned>(submit_and_wait(&context, encoded, wait).await?)
        },
    )?;
    Ok(())
}

/// A time in hex or as a number.
#[derive(Debug, Clone, Copy, serde::Deserialize)]
#[serde(untagged)]
enum Milliseconds {
    Plain(u64),
    Hex(U64),
}

impl From<Milliseconds> for Duration {
    fn from(time: Milliseconds) -> Self {
        let millis = match time {
            Milliseconds::Plain(millis) => millis,
            Milliseconds::Hex(millis) => millis.to(),
        };
        Self::from_millis(millis).min(LONGEST_WAIT)
    }
}

/// Submits a transaction and waits for its receipt (EIP-7966).
async fn submit_and_wait(
    context: &Context,
    encoded: Bytes,
    wait: Duration,
) -> Result<RpcReceipt, RpcError> {
    // Listening begins before submission, so the block cannot be missed.
    let mut events = context.events.subscribe();
    refuse_gap(context, &encoded).await?;
    let hash = submit(context, encoded).await?;
    let receipt = async {
        loop {
            if let Some((block, index)) = context.transaction(&hash)? {
                let receipt = wire::receipt(&block, index);
                return receipt.ok_or_else(|| RpcError::internal("block lacks a receipt"));
            }
            if let Err(RecvError::Closed) = events.recv().await {
                return Err(RpcError::internal("node is shutting down"));
            }
        }
    };
    tokio::time::timeout(wait, receipt)
        .await
        .unwrap_or_else(|_| {
            let message = "the transaction was accepted but is in no block yet";
            Err(RpcError::with_data(4, message, json!(hash)))
        })
}

/// A transaction whose turn has not come would never get its receipt in time: it is not taken.
async fn refuse_gap(context: &Context, encoded: &Bytes) -> Result<(), RpcError> {
    let tx = context.pool.decode(encoded.clone())?;
    let expected = pending_nonce(context, tx.sender).await?;
    if tx.nonce() > expected {
        let message = format!("nonce gap: next nonce {expected}, tx nonce {}", tx.nonce());
        return Err(RpcError::with_data(6, message, json!(U64::from(expected))));
    }
    Ok(())
}

/// A transaction to be signed, and its encoding for signing.
#[derive(Debug, Serialize)]
pub(super) struct Filled {
    raw: Bytes,
    tx: Value,
}

/// Fills in what a request leaves open, from what a wallet would ask one after another.
pub(super) async fn fill(context: Arc<Context>, mut args: Args) -> Result<Filled, RpcError> {
    let mut request: TransactionRequest = args.required()?;
    args.end()?;
    if request.nonce.is_none() {
        let from = request.from.unwrap_or_default();
        request.nonce = Some(pending_nonce(&context, from).await?);
    }
    let inner = Arc::clone(&context);
    let work = move |deadline| fill_rest(&inner, request, deadline);
    context.heavy.run(work).await
}

/// What is left once the nonce is there.
fn fill_rest(
    context: &Context,
    mut request: TransactionRequest,
    deadline: Deadline,
) -> Result<Filled, RpcError> {
    request.chain_id = Some(request.chain_id.unwrap_or(context.config.l2_chain_id));
    request.value = Some(request.value.unwrap_or_default());
    if request.gas.is_none() {
        let site = calls::upcoming(context, None)?;
        // Without prices: what the account can pay is for the wallet to say.
        let unpriced = TransactionRequest {
            gas_price: None,
            max_fee_per_gas: None,
            max_priority_fee_per_gas: None,
            ..request.clone()
        };
        request.gas = Some(calls::estimate(context, &site, unpriced, deadline)?);
    }
    if request.gas_price.is_none() {
        let tip = request.max_priority_fee_per_gas.unwrap_or_default();
        request.max_priority_fee_per_gas = Some(tip);
        if request.max_fee_per_gas.is_none() {
            let base_fee = u128::from(fees::next_base_fee(context)?);
            request.max_fee_per_gas = Some(base_fee.saturating_mul(2).saturating_add(tip));
        }
    }
    filled(request)
}

/// A request with every field, as the transaction that it is.
fn filled(request: TransactionRequest) -> Result<Filled, RpcError> {
    let input = request
        .input
        .clone()
        .try_into_unique_input()
        .map_err(|_| RpcError::params("both \"data\" and \"input\" are set and not equal"))?
        .unwrap_or_default();
    let (chain_id, nonce) = (
        request.chain_id.unwrap_or_default(),
        request.nonce.unwrap_or_default(),
    );
    let (gas_limit, value) = (
        request.gas.unwrap_or_default(),
        request.value.unwrap_or_default(),
    );
    let to = request.to.unwrap_or(TxKind::Create);
    let access_list = request.access_list.clone();
    let max_fee_per_gas = request.max_fee_per_gas.unwrap_or_default();
    let max_priority_fee_per_gas = request.max_priority_fee_per_gas.unwrap_or_default();
    let (kind, raw) = match (
        request.gas_price,
        &request.authorization_list,
        &request.access_list,
    ) {
        (None, Some(list), _) => {
            let TxKind::Call(to) = to else {
                return Err(RpcError::input("a transaction of type 4 needs a recipient"));
            };
            let tx = TxEip7702 {
                chain_id,
                nonce,
                gas_limit,
                max_fee_per_gas,
                max_priority_fee_per_gas,
                to,
                value,
                access_list: access_list.unwrap_or_default(),
                authorization_list: list.clone(),
                input: input.clone(),
            };
            (4, tx.encoded_for_signing())
        }
        (None, None, _) => {
            let tx = TxEip1559 {
                chain_id,
                nonce,
                gas_limit,
                max_fee_per_gas,
                max_priority_fee_per_gas,
                to,
                value,
                access_list: access_list.unwrap_or_default(),
                input: input.clone(),
            };
            (2, tx.encoded_for_signing())
        }
        (Some(gas_price), _, Some(list)) => {
            let tx = TxEip2930 {
                chain_id,
                nonce,
                gas_price,
                gas_limit,
                to,
                value,
                access_list: list.clone(),
                input: input.clone(),
            };
            (1, tx.encoded_for_signing())
        }
        (Some(gas_price), _, None) => {
            let tx = TxLegacy {
                chain_id: Some(chain_id),
                nonce,
                gas_price,
                gas_limit,
                to,
                value,
                input: input.clone(),
            };
            (0, tx.encoded_for_signing())
        }
    };
    Ok(Filled {
        raw: raw.into(),
        tx: shown(&request, kind, &input),
    })
}

/// The fields of the type, and no others.
fn shown(request: &TransactionRequest, kind: u8, input: &Bytes) -> Value {
    let quantity = |number: u128| json!(U256::from(number));
    let to = request.to.and_then(|to| to.to().copied());
    let mut tx = json!({
        "type": U64::from(kind),
        "nonce": U64::from(request.nonce.unwrap_or_default()),
        "to": to,
        "gas": U64::from(request.gas.unwrap_or_default()),
        "value": request.value.unwrap_or_default(),
        "input": input,
        "chainId": U64::from(request.chain_id.unwrap_or_default()),
    });
    let Value::Object(fields) = &mut tx else {
        return tx;
    };
    if let Some(from) = request.from {
        fields.insert("from".to_owned(), json!(from));
    }
    if kind >= 2 {
        let (fee, tip) = (request.max_fee_per_gas, request.max_priority_fee_per_gas);
        let fee = quantity(fee.unwrap_or_default());
        fields.insert("maxFeePerGas".to_owned(), fee.clone());
        let tip = quantity(tip.unwrap_or_default());
        fields.insert("maxPriorityFeePerGas".to_owned(), tip);
        fields.insert("gasPrice".to_owned(), fee);
    } else {
        let price = quantity(request.gas_price.unwrap_or_default());
        fields.insert("gasPrice".to_owned(), price);
    }
    if kind >= 1 {
        let list = request.access_list.clone().unwrap_or_default();
        fields.insert("accessList".to_owned(), json!(list));
    }
    if let Some(list) = &request.authorization_list {
        fields.insert("authorizationList".to_owned(), json!(list));
    }
    tx
}
