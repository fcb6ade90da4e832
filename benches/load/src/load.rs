//! One run: fund the senders, sign everything, then send it and fetch every receipt by its hash.

use std::time::Duration;

use alloy::{
    primitives::{Address, B256, TxKind, U256, address, utils::parse_ether},
    sol_types::SolCall,
};
use eyre::{bail, eyre};
use serde::Deserialize;
use tokio::time::{Instant, sleep};
use trestle_contracts::bindings::SampleToken;

use crate::{
    measure::{Measured, Meter},
    rpc::Rpc,
    senders::{Sender, Signed},
};

/// Requests of one HTTP request.
pub(crate) const BATCH: usize = 50;
/// Pause before receipts that were not there are asked for again, in milliseconds.
const ASK_AGAIN_MILLIS: u64 = 5;
/// Time for a receipt to appear, in seconds.
const RECEIPT_SECONDS: u64 = 120;
/// Holders in one call of `mint`, each a new storage slot.
const MINTS: usize = 250;
/// Who receives ETH, in the manner of a busy exchange: the same account again and again.
const SINK: Address = address!("00000000000000000000000000000000000051ac");

/// What is transferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// ETH, to one account.
    Ether,
    /// An ERC-20, each sender to the next one.
    Token,
}

/// How much, and from how many.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Accounts that send.
    pub(crate) senders: usize,
    /// Transactions of each.
    pub(crate) each: usize,
    /// Connections that send at once.
    pub(crate) connections: usize,
}

/// A node under load.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// JSON-RPC over HTTP.
    pub(crate) url: String,
    /// Chain id.
    pub(crate) chain_id: u64,
    /// Private key of an account with ETH.
    pub(crate) rich: B256,
    /// Process whose CPU time counts.
    pub(crate) process: u32,
}

/// A receipt, as far as it matters here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Receipt {
    status: String,
    block_hash: B256,
    contract_address: Option<Address>,
}

/// Loads `target` as planned and measures.
///
/// # Errors
/// When a transaction is refused, fails, or its receipt does not come.
pub(crate) async fn run(target: &Target, plan: Plan, kind: Kind) -> eyre::Result<Measured> {
    let rpc = Rpc::new(&target.url);
    let mut senders = fund(&rpc, target, plan).await?;
    let token = match kind {
        Kind::Ether => Address::ZERO,
        Kind::Token => deploy_token(&rpc, target, &senders).await?,
    };
    let lanes = sign_all(&mut senders, plan, kind, token)?;
    let meter = Meter::start(target.process)?;
    let start = Instant::now();
    let runs = lanes
        .into_iter()
        .map(|lane| tokio::spawn(send_lane(Rpc::new(&target.url), lane)));
    let mut latencies = Vec::new();
    for lane in futures::future::try_join_all(runs).await? {
        latencies.extend(lane?);
    }
    meter.finish(start.elapsed(), latencies)
}

/// Gives each sender ETH, from the rich account.
async fn fund(rpc: &Rpc, target: &Target, plan: Plan) -> eyre::Result<Vec<Sender>> {
    let senders: Vec<_> = (0..plan.senders)
        .map(|index| Sender::numbered(index, target.chain_id))
        .collect::<eyre::Result<_>>()?;
    let mut rich = rich(rpc, target).await?;
    let value = parse_ether("0.5")?;
    let gifts: Vec<_> = senders
        .iter()
        .map(|sender| rich.sign(sender.address().into(), value, Default::default(), 21_000))
        .collect::<eyre::Result<_>>()?;
    for batch in gifts.chunks(BATCH) {
        send(rpc, batch).await?;
        receipts(rpc, batch).await?;
    }
    Ok(senders)
}

async fn rich(rpc: &Rpc, target: &Target) -> eyre::Result<Sender> {
    let address = Sender::new(&target.rich, 0, target.chain_id)?.address();
    let nonce: U256 = rpc
        .call(
            "eth_getTransactionCount",
            &format!("[\"{address}\",\"pending\"]"),
        )
        .await?;
    Sender::new(&target.rich, nonce.saturating_to(), target.chain_id)
}

/// Deploys the token and mints for each sender.
async fn deploy_token(rpc: &Rpc, target: &Target, senders: &[Sender]) -> eyre::Result<Address> {
    let mut rich = rich(rpc, target).await?;
    let create = rich.sign(
        TxKind::Create,
        U256::ZERO,
        SampleToken::BYTECODE.clone(),
        3_000_000,
    )?;
    send(rpc, std::slice::from_ref(&create)).await?;
    let created = receipts(rpc, std::slice::from_ref(&create)).await?;
    let token = created.first().and_then(|receipt| receipt.contract_address);
    let token = token.ok_or_else(|| eyre!("the token was not created"))?;
    for holders in senders.chunks(MINTS) {
        let holders = holders.iter().map(Sender::address).collect();
        let call = SampleToken::mintCall {
            holders,
            amount: parse_ether("1")?,
        };
        let mint = rich.sign(
            token.into(),
            U256::ZERO,
            call.abi_encode().into(),
            12_000_000,
        )?;
        send(rpc, std::slice::from_ref(&mint)).await?;
        receipts(rpc, std::slice::from_ref(&mint)).await?;
    }
    Ok(token)
}

/// Transactions of each connection, in the order of sending: every sender once, then again.
fn sign_all(
    senders: &mut [Sender],
    plan: Plan,
    kind: Kind,
    token: Address,
) -> eyre::Result<Vec<Vec<Signed>>> {
    let addresses: Vec<_> = senders.iter().map(Sender::address).collect();
    let next = addresses.iter().cycle().skip(1);
    let to: Vec<_> = next
        .take(addresses.len())
        .map(|to| if kind == Kind::Ether { SINK } else { *to })
        .collect();
    let share = senders.len().div_ceil(plan.connections);
    let mut lanes = Vec::new();
    for (senders, to) in senders.chunks_mut(share).zip(to.chunks(share)) {
        let mut lane = Vec::with_capacity(senders.len() * plan.each);
        for _ in 0..plan.each {
            for (sender, to) in senders.iter_mut().zip(to) {
                lane.push(sender.transfer(kind, token, *to)?);
            }
        }
        lanes.push(lane);
    }
    Ok(lanes)
}

/// Sends a connection's transactions; receipts of a batch are fetched while the next ones go out.
async fn send_lane(rpc: Rpc, lane: Vec<Signed>) -> eyre::Result<Vec<Duration>> {
    let mut waiting = Vec::new();
    for batch in lane.chunks(BATCH) {
        let sent = Instant::now();
        send(&rpc, batch).await?;
        let (rpc, batch) = (rpc.clone(), batch.to_vec());
        waiting.push(tokio::spawn(async move {
            receipts(&rpc, &batch)
                .await
                .map(|_| vec![sent.elapsed(); batch.len()])
        }));
    }
    let mut latencies = Vec::with_capacity(lane.len());
    for batch in futures::future::try_join_all(waiting).await? {
        latencies.extend(batch?);
    }
    Ok(latencies)
}

async fn send(rpc: &Rpc, batch: &[Signed]) -> eyre::Result<()> {
    let params: Vec<_> = batch.iter().map(|tx| tx.params.clone()).collect();
    rpc.batch("eth_sendRawTransaction", &params).await.map(drop)
}

/// The receipts of a batch, asked for until all are there; all must be of success.
async fn receipts(rpc: &Rpc, batch: &[Signed]) -> eyre::Result<Vec<Receipt>> {
    let limit = Instant::now() + Duration::from_secs(RECEIPT_SECONDS);
    let mut missing: Vec<_> = batch.iter().map(|tx| tx.hash).collect();
    let mut found = Vec::with_capacity(batch.len());
    loop {
        let params: Vec<_> = missing.iter().map(|hash| format!("[\"{hash}\"]")).collect();
        let answers = rpc.batch("eth_getTransactionReceipt", &params).await?;
        let mut still = Vec::new();
        for (hash, answer) in missing.into_iter().zip(answers) {
            match serde_json::from_str::<Option<Receipt>>(answer.get())? {
                Some(receipt) if receipt.status == "0x1" && !receipt.block_hash.is_zero() => {
                    found.push(receipt)
                }
                Some(_) => bail!("transaction {hash} failed"),
                None => still.push(hash),
            }
        }
        if still.is_empty() {
            return Ok(found);
        }
        if Instant::now() > limit {
            bail!(
                "{} receipts did not come within {RECEIPT_SECONDS} s",
                still.len()
            );
        }
        missing = still;
        sleep(Duration::from_millis(ASK_AGAIN_MILLIS)).await;
    }
}
