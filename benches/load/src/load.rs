//! A chain under load: its accounts are funded, then transactions are signed, sent, and every receipt fetched
//! by its hash.

use std::{sync::Arc, time::Duration};

use alloy::{
    primitives::{Address, B256, TxKind, U256, utils::parse_ether},
    sol_types::SolCall,
};
use eyre::{bail, eyre};
use serde::Deserialize;
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep, sleep_until},
};
use trestle_contracts::bindings::SampleToken;

use crate::{
    crowd::Crowd,
    heads::Heads,
    measure::{Latency, Measured, Meter},
    rpc::Rpc,
    senders::{Kind, Sender, Signed},
};

/// Requests of one HTTP request.
pub(crate) const BATCH: usize = 50;
/// Pause before receipts are asked for while accounts are made, in milliseconds.
const ASK_AGAIN_MILLIS: u64 = 4;
/// The same under full load: each answer that there is none would cost the node about what the answer costs that
/// counts, and the more of them there were the slower it is.
pub(crate) const ASK_LATER_MILLIS: u64 = 100;
/// The same for a client that has one transaction under way, in microseconds.
const ASK_ONE_MICROS: u64 = 500;
/// Batches of one connection that may wait for receipts under full load, so that what queues up, and how often it is
/// asked for in vain, does not depend on how long the load lasts.
pub(crate) const UNDER_WAY: usize = 20;
/// Time for a receipt to appear, in seconds.
const RECEIPT_SECONDS: u64 = 120;
/// Holders in one call of `mint`, each a new storage slot.
const MINTS: usize = 250;

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

/// A chain whose accounts can send.
#[derive(Debug)]
pub(crate) struct Load {
    target: Target,
    plan: Plan,
    payers: Payers,
    /// Sends one transaction after the other.
    lone: Sender,
}

/// Who sends, what, and to whom.
#[derive(Clone, Debug)]
struct Payers {
    senders: Vec<Sender>,
    connections: usize,
    kind: Kind,
    token: Address,
    crowd: Crowd,
}

impl Load {
    /// Makes `crowd` accounts, and gives the senders what they will send.
    ///
    /// # Errors
    /// When a transaction is refused, fails, or its receipt does not come.
    pub(crate) async fn prepare(
        target: Target,
        plan: Plan,
        kind: Kind,
        crowd: usize,
    ) -> eyre::Result<Self> {
        let rpc = Rpc::new(&target.url);
        let mut rich = rich(&rpc, &target).await?;
        let crowd = Crowd::make(&rpc, &mut rich, crowd).await?;
        let mut senders = fund(&rpc, &mut rich, &target, plan.senders + 1).await?;
        let token = match kind {
            Kind::Ether => Address::ZERO,
            Kind::Token | Kind::Market => deploy_token(&rpc, &mut rich, &senders).await?,
        };
        let lone = senders.pop().ok_or_else(|| eyre!("no senders"))?;
        let payers = Payers {
            senders,
            connections: plan.connections,
            kind,
            token,
            crowd,
        };
        Ok(Self {
            target,
            plan,
            payers,
            lone,
        })
    }

    /// The process that is measured has another number.
    pub(crate) fn restarted(&mut self, target: Target) {
        self.target = target;
    }

    /// As much as the chain takes: a connection sends its next batch when the last one is acknowledged and no more than
    /// [`UNDER_WAY`] wait for their receipts.
    ///
    /// # Errors
    /// When a transaction is refused, fails, or its receipt does not come.
    pub(crate) async fn full(&mut self) -> eyre::Result<Measured> {
        let lanes = self.payers.sign(self.plan.each)?;
        let meter = Meter::start(self.target.process)?;
        let start = Instant::now();
        let runs = lanes
            .into_iter()
            .map(|lane| tokio::spawn(send_lane(Rpc::new(&self.target.url), lane)));
        let mut latencies = Vec::new();
        for lane in futures::future::try_join_all(runs).await? {
            latencies.extend(lane?);
        }
        meter.finish(start.elapsed(), latencies)
    }

    /// A fixed number of transactions per second for a while, sent whether or not the chain keeps up, and beside them
    /// a client with one transaction at a time; the latencies of both.
    ///
    /// # Errors
    /// When a transaction is refused, fails, or its receipt does not come.
    pub(crate) async fn paced(
        &mut self,
        rate: f64,
        time: Duration,
    ) -> eyre::Result<(Measured, Latency)> {
        let lanes = self.payers.sign(self.each_at(rate, time))?;
        self.pace(rate, time, lanes).await
    }

    /// The same round after round, without a pause: what is sent next is signed meanwhile. Each round is shown as it
    /// ends.
    ///
    /// # Errors
    /// Those of [`Self::paced`].
    pub(crate) async fn held(
        &mut self,
        rate: f64,
        time: Duration,
        rounds: u64,
        show: impl Fn(u64, Measured, Latency),
    ) -> eyre::Result<()> {
        let each = self.each_at(rate, time);
        let mut lanes = self.payers.sign(each)?;
        for round in 1..=rounds {
            let mut payers = self.payers.clone();
            let each = if round < rounds { each } else { 0 };
            let next = tokio::task::spawn_blocking(move || {
                let lanes = payers.sign(each)?;
                eyre::Ok((payers, lanes))
            });
            let (measured, lone) = self.pace(rate, time, lanes).await?;
            (self.payers, lanes) = next.await??;
            show(round, measured, lone);
        }
        Ok(())
    }

    /// Transactions of each account that make this rate for this time.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a few rounds of a minute at most"
    )]
    fn each_at(&self, rate: f64, time: Duration) -> usize {
        ((rate * time.as_secs_f64() / self.payers.senders.len() as f64) as usize).max(1)
    }

    async fn pace(
        &mut self,
        rate: f64,
        time: Duration,
        lanes: Vec<Vec<Signed>>,
    ) -> eyre::Result<(Measured, Latency)> {
        let pause = Duration::from_secs_f64(usize_f64(BATCH * lanes.len()) / rate);
        let meter = Meter::start(self.target.process)?;
        let start = Instant::now();
        let (heads, _subscription) = Heads::subscribe(&self.target.url).await?;
        let run = |lane| pace_lane(Rpc::new(&self.target.url), heads.clone(), lane, pause);
        let runs: Vec<_> = lanes.into_iter().map(run).map(tokio::spawn).collect();
        let alone = self.alone(time).await?;
        let mut latencies = Vec::new();
        for lane in futures::future::try_join_all(runs).await? {
            latencies.extend(lane?);
        }
        Ok((meter.finish(start.elapsed(), latencies)?, alone))
    }

    /// One transaction after the other for a while, each when the receipt of the last one is there.
    ///
    /// # Errors
    /// When a transaction is refused, fails, or its receipt does not come.
    pub(crate) async fn alone(&mut self, time: Duration) -> eyre::Result<Latency> {
        let rpc = Rpc::new(&self.target.url);
        let begun = Instant::now();
        let mut latencies = Vec::new();
        while begun.elapsed() < time {
            let to = self.payers.crowd.member();
            let signed = self
                .lone
                .transfer(self.payers.kind, self.payers.token, to)?;
            let sent = Instant::now();
            let _: B256 = rpc.single("eth_sendRawTransaction", &signed.params).await?;
            let hash = format!("[\"{}\"]", signed.hash);
            let limit = sent + Duration::from_secs(RECEIPT_SECONDS);
            while rpc
                .single::<Option<Receipt>>("eth_getTransactionReceipt", &hash)
                .await?
                .is_none()
            {
                if Instant::now() > limit {
                    bail!("the receipt of {} did not come", signed.hash);
                }
                sleep(Duration::from_micros(ASK_ONE_MICROS)).await;
            }
            latencies.push(sent.elapsed());
        }
        Latency::of(latencies)
    }
}

impl Payers {
    /// Transactions of each connection, in the order of sending: every sender once, then again.
    fn sign(&mut self, each: usize) -> eyre::Result<Vec<Vec<Signed>>> {
        let share = self.senders.len().div_ceil(self.connections);
        let mut lanes = Vec::new();
        for senders in self.senders.chunks_mut(share) {
            let mut lane = Vec::with_capacity(senders.len() * each);
            for _ in 0..each {
                for sender in &mut *senders {
                    lane.push(sender.transfer(self.kind, self.token, self.crowd.member())?);
                }
            }
            lanes.push(lane);
        }
        Ok(lanes)
    }
}

/// Gives `count` senders ETH, from the rich account.
async fn fund(
    rpc: &Rpc,
    rich: &mut Sender,
    target: &Target,
    count: usize,
) -> eyre::Result<Vec<Sender>> {
    let senders: Vec<_> = (0..count)
        .map(|index| Sender::numbered(index, target.chain_id))
        .collect::<eyre::Result<_>>()?;
    let value = parse_ether("1")?;
    let gifts: Vec<_> = senders
        .iter()
        .map(|sender| rich.sign(sender.address().into(), value, Default::default(), 21_000))
        .collect::<eyre::Result<_>>()?;
    for batch in gifts.chunks(BATCH) {
        send_and_see(rpc, batch).await?;
    }
    Ok(senders)
}

async fn rich(rpc: &Rpc, target: &Target) -> eyre::Result<Sender> {
    let address = Sender::new(&target.rich, 0, target.chain_id)?.address();
    let params = format!("[\"{address}\",\"pending\"]");
    let nonce: U256 = rpc.call("eth_getTransactionCount", &params).await?;
    Sender::new(&target.rich, nonce.saturating_to(), target.chain_id)
}

/// Deploys the token and mints for each sender.
async fn deploy_token(rpc: &Rpc, rich: &mut Sender, senders: &[Sender]) -> eyre::Result<Address> {
    let code = SampleToken::BYTECODE.clone();
    let create = rich.sign(TxKind::Create, U256::ZERO, code, 3_000_000)?;
    send(rpc, std::slice::from_ref(&create)).await?;
    let created = receipts(rpc, std::slice::from_ref(&create), AGAIN).await?;
    let token = created.first().and_then(|receipt| receipt.contract_address);
    let token = token.ok_or_else(|| eyre!("the token was not created"))?;
    for holders in senders.chunks(MINTS) {
        let holders = holders.iter().map(Sender::address).collect();
        let amount = parse_ether("1000000")?;
        let call = SampleToken::mintCall { holders, amount };
        let input = call.abi_encode().into();
        let mint = rich.sign(token.into(), U256::ZERO, input, 12_000_000)?;
        send_and_see(rpc, std::slice::from_ref(&mint)).await?;
    }
    Ok(token)
}

/// Sends a connection's transactions; receipts of a batch are fetched while the next ones go out.
async fn send_lane(rpc: Rpc, lane: Vec<Signed>) -> eyre::Result<Vec<Duration>> {
    let mut waiting = Vec::new();
    let room = Arc::new(Semaphore::new(UNDER_WAY));
    for batch in lane.chunks(BATCH) {
        let under_way = Arc::clone(&room).acquire_owned().await?;
        let sent = Instant::now();
        send(&rpc, batch).await?;
        let (rpc, batch) = (rpc.clone(), batch.to_vec());
        waiting.push(tokio::spawn(async move {
            let seen = see(rpc, batch, sent, LATER).await;
            drop(under_way);
            seen
        }));
    }
    collect(waiting).await
}

/// The same at one batch in every `pause`, answered or not; its receipts are asked for at each block since.
async fn pace_lane(
    rpc: Rpc,
    heads: Heads,
    lane: Vec<Signed>,
    pause: Duration,
) -> eyre::Result<Vec<Duration>> {
    let mut waiting = Vec::new();
    let mut due = Instant::now();
    for batch in lane.chunks(BATCH) {
        sleep_until(due).await;
        let (rpc, batch, sent, mut heads) = (rpc.clone(), batch.to_vec(), due, heads.clone());
        waiting.push(tokio::spawn(async move {
            heads.forget();
            send(&rpc, &batch).await?;
            see(rpc, batch, sent, Ask::AtBlocks(heads)).await
        }));
        due += pause;
    }
    collect(waiting).await
}

type Seen = tokio::task::JoinHandle<eyre::Result<Vec<Duration>>>;

async fn collect(waiting: Vec<Seen>) -> eyre::Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    for batch in futures::future::try_join_all(waiting).await? {
        latencies.extend(batch?);
    }
    Ok(latencies)
}

async fn see(rpc: Rpc, batch: Vec<Signed>, sent: Instant, ask: Ask) -> eyre::Result<Vec<Duration>> {
    receipts(&rpc, &batch, ask).await?;
    Ok(vec![sent.elapsed(); batch.len()])
}

/// Sends a batch and waits for its receipts.
pub(crate) async fn send_and_see(rpc: &Rpc, batch: &[Signed]) -> eyre::Result<()> {
    send(rpc, batch).await?;
    receipts(rpc, batch, AGAIN).await.map(drop)
}

async fn send(rpc: &Rpc, batch: &[Signed]) -> eyre::Result<()> {
    let params: Vec<_> = batch.iter().map(|tx| tx.params.clone()).collect();
    rpc.batch("eth_sendRawTransaction", &params).await.map(drop)
}

/// When receipts are asked for.
#[derive(Debug)]
enum Ask {
    /// After this time, and again after it.
    Every(Duration),
    /// At each block, as viem and ethers do.
    AtBlocks(Heads),
}

/// While accounts are made.
const AGAIN: Ask = Ask::Every(Duration::from_millis(ASK_AGAIN_MILLIS));
/// Under full load.
const LATER: Ask = Ask::Every(Duration::from_millis(ASK_LATER_MILLIS));

impl Ask {
    async fn wait(&mut self) -> eyre::Result<()> {
        match self {
            Self::Every(pause) => sleep(*pause).await,
            Self::AtBlocks(heads) => heads.next().await?,
        }
        Ok(())
    }
}

/// The receipts of a batch, asked for until all are there; all must be of success.
async fn receipts(rpc: &Rpc, batch: &[Signed], mut ask: Ask) -> eyre::Result<Vec<Receipt>> {
    let limit = Instant::now() + Duration::from_secs(RECEIPT_SECONDS);
    let mut missing: Vec<_> = batch.iter().map(|tx| tx.hash).collect();
    let mut found = Vec::with_capacity(batch.len());
    loop {
        ask.wait().await?;
        let params: Vec<_> = missing.iter().map(|hash| format!("[\"{hash}\"]")).collect();
        let answers = rpc.batch("eth_getTransactionReceipt", &params).await?;
        let mut still = Vec::new();
        for (hash, answer) in missing.into_iter().zip(answers) {
            match serde_json::from_str::<Option<Receipt>>(answer.get())? {
                Some(receipt) if receipt.status == "0x1" && !receipt.block_hash.is_zero() => {
                    found.push(receipt);
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
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn usize_f64(number: usize) -> f64 {
    number as f64
}
