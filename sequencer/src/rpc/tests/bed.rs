//! A node in a directory of its own: genesis, store, pool, RPC; blocks are sealed when a test says.

pub(super) use super::programs::{creation, environment, logger, reverter};
pub(super) use super::socket::Socket;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use alloy::signers::{SignerSync, local::PrivateKeySigner};
use alloy_consensus::{SignableTransaction, Signed, TxEip1559};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, keccak256};
use op_alloy_consensus::OpTxEnvelope;
use parking_lot::Mutex;
use revm::database_interface::WrapDatabaseRef;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;
use trestle_protocol::{
    AccountChange, AccountInfo, BlockInput, Body, ChainConfig, Deposit, EntryBody, Genesis,
    GenesisAccount, HeaderExtra, OpenBlock, QueueEntry, QueuedEntry, SealedBlock, SealedHeader,
    StateDiff, StateRoots, fees,
    predeploys::{HISTORY_STORAGE, MESSAGE_PASSER, ROLLUP_STATE},
    trie::StateTrie,
};

use crate::{
    batcher::BatcherStatus,
    mempool::{BlockUpdate, FeeView, Mempool, PoolLimits},
    rpc::{
        Clock, CorsOrigins, Forward, L1View, NodeHandle, RpcConfig, RpcLimits, RpcServer,
        SettledHeads,
    },
    store::{Identity, Store, StoreConfig},
};

pub(super) const CHAIN_ID: u64 = 7_117;
pub(super) const GWEI: u128 = 1_000_000_000;
pub(super) const ETHER: U256 = U256::from_limbs([1_000_000_000_000_000_000, 0, 0, 0]);
/// Seconds at which genesis is, and the clock starts.
pub(crate) const START: u64 = 1_800_000_000;

/// A clock that tests move.
#[derive(Debug)]
pub(super) struct TestClock(AtomicU64);

impl TestClock {
    pub(super) fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A node with its RPC.
pub(crate) struct Bed {
    pub(crate) config: Arc<ChainConfig>,
    pub(crate) store: Arc<Store>,
    pub(super) pool: Arc<Mempool>,
    pub(super) clock: Arc<TestClock>,
    pub(super) settled: watch::Sender<SettledHeads>,
    pub(super) batcher: watch::Sender<BatcherStatus>,
    pub(super) server: RpcServer,
    pub(super) provider: DynProvider,
    pub(super) keys: Vec<PrivateKeySigner>,
    handle: NodeHandle,
    deposits: Mutex<u64>,
    _directory: TempDir,
}

/// What a test wants otherwise than usual.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    pub(super) limits: RpcLimits,
    pub(super) l1: Option<Arc<dyn L1View>>,
    pub(super) hosts: Vec<String>,
    pub(super) forward: Option<Arc<dyn Forward>>,
    pub(super) cors: Option<CorsOrigins>,
}

fn key(index: u64) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&keccak256(index.to_be_bytes())).unwrap()
}

fn genesis(keys: &[PrivateKeySigner]) -> Genesis {
    let rich = |balance| GenesisAccount {
        balance,
        ..GenesisAccount::default()
    };
    let mut alloc: BTreeMap<Address, GenesisAccount> = keys
        .iter()
        .map(|key| (key.address(), rich(ETHER * U256::from(10))))
        .collect();
    // userGasLimit u64 ‖ dataScalar u32 ‖ dataKinds u8 ‖ minFloor u128.
    let params = U256::from(40_000_000) | (U256::from(1) << 64) | (U256::from(1) << 96);
    let predeploy = |storage| GenesisAccount {
        nonce: 1,
        code: Bytes::from_static(&[0]),
        storage,
        ..GenesisAccount::default()
    };
    alloc.insert(ROLLUP_STATE, predeploy([(U256::from(1), params)].into()));
    alloc.insert(HISTORY_STORAGE, predeploy(BTreeMap::new()));
    alloc.insert(
        MESSAGE_PASSER,
        predeploy([(U256::from(3), U256::from(4))].into()),
    );
    Genesis {
        timestamp: START,
        floor: GWEI,
        alloc,
    }
}

fn genesis_block(genesis: &Genesis, config: &ChainConfig) -> SealedBlock {
    let mut diff = StateDiff::default();
    for (address, account) in &genesis.alloc {
        let code_hash = keccak256(&account.code);
        if !account.code.is_empty() {
            diff.codes.insert(code_hash, account.code.clone());
        }
        let info = AccountInfo {
            nonce: account.nonce,
            balance: account.balance,
            code_hash,
        };
        let change = AccountChange {
            info: Some(info),
            storage: account.storage.clone(),
        };
        diff.accounts.insert(*address, change);
    }
    let body = Body {
        transactions: Vec::new(),
        senders: Vec::new(),
        receipts: Vec::new(),
        deposits: 0..0,
    };
    SealedBlock {
        header: SealedHeader::new(genesis.header(config)),
        body,
        diff,
    }
}

impl Bed {
    pub(crate) async fn new() -> Self {
        Self::with(Wishes::default()).await
    }

    pub(super) async fn with(wishes: Wishes) -> Self {
        let keys: Vec<_> = (0..4).map(key).collect();
        let mut config = ChainConfig::new(1, CHAIN_ID, Address::ZERO, B256::ZERO);
        let genesis = genesis_block(&genesis(&keys), &config);
        config.genesis_hash = genesis.header.hash;
        let config = Arc::new(config);
        let directory = TempDir::new().unwrap();
        let identity = Identity::new(&config);
        let path = directory.path().to_owned();
        let store_config = StoreConfig::new(path, identity, Arc::new(genesis));
        let store = Arc::new(Store::open(store_config).unwrap());
        let fees = FeeView {
            base_fee: GWEI,
            least_fee: GWEI,
            block_gas: 40_000_000,
        };
        let limits = PoolLimits::default();
        let pool = Mempool::new(config.clone(), limits, fees, store.clone(), store.clone());
        let pool = Arc::new(pool);
        let clock = Arc::new(TestClock(AtomicU64::new(START)));
        let (settled, watched) = watch::channel(SettledHeads::default());
        let (batcher, batching) = watch::channel(BatcherStatus::default());
        let node = NodeHandle {
            config: config.clone(),
            store: store.clone(),
            pool: pool.clone(),
            settled: watched,
            l1: wishes.l1,
            forward: wishes.forward,
            batcher: Some(batching),
            clock: clock.clone(),
        };
        let handle = node.clone();
        let rpc = RpcConfig {
            listen: ([127, 0, 0, 1], 0).into(),
            limits: wishes.limits,
            hosts: wishes.hosts,
            cors: wishes.cors.unwrap_or(CorsOrigins::Any),
        };
        let server = RpcServer::start(rpc, node, axum::Router::new())
            .await
            .unwrap();
        let url = format!("http://{}", server.address());
        let provider = ProviderBuilder::new()
            .disable_recommended_fillers()
            .connect_http(url.parse().unwrap())
            .erased();
        let deposits = Mutex::new(0);
        Self {
            config,
            store,
            pool,
            clock,
            settled,
            batcher,
            server,
            provider,
            keys,
            handle,
            deposits,
            _directory: directory,
        }
    }

    /// The node as its RPC has it, for another server.
    pub(super) fn handle(&self) -> NodeHandle {
        self.handle.clone()
    }

    pub(super) fn ws_url(&self) -> String {
        format!("ws://{}", self.server.address())
    }

    pub(super) fn address(&self, index: usize) -> Address {
        self.keys[index].address()
    }

    /// Calls a method; the error object if it fails. The answer is held against the public schema.
    pub(super) async fn ask(&self, method: &str, params: Value) -> Result<Value, Value> {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let answer = self.post(&request.to_string()).await;
        let judge = trestle_test_support::Judge::shared().unwrap();
        let held = judge.hold_answer(method, &answer);
        held.unwrap_or_else(|complaint| panic!("{complaint}"));
        match answer.get("result") {
            Some(result) => Ok(result.clone()),
            None => Err(answer["error"].clone()),
        }
    }

    /// Posts a body; gives the answer as JSON.
    pub(super) async fn post(&self, body: &str) -> Value {
        let (_, answer) = self
            .http("POST", "content-type: application/json\r\n", body)
            .await;
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"))
    }

    /// A whole HTTP exchange: status line with headers, and body.
    pub(super) async fn http(&self, verb: &str, headers: &str, body: &str) -> (String, String) {
        let host = if headers.starts_with("host:") {
            ""
        } else {
            "host: localhost\r\n"
        };
        let length = body.len();
        let request = format!(
            "{verb} / HTTP/1.1\r\n{host}{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        let mut stream = tokio::net::TcpStream::connect(self.server.address())
            .await
            .unwrap();
        // The server may answer and close before it has read all of a body that is too long.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer
            .split_once("\r\n\r\n")
            .unwrap_or((answer.as_str(), ""));
        let body = if head
            .to_ascii_lowercase()
            .contains("transfer-encoding: chunked")
        {
            unchunk(body)
        } else {
            body.to_owned()
        };
        (head.to_owned(), body)
    }

    /// Signs a transaction; unset fields are filled with what works.
    pub(super) fn sign(&self, sender: usize, tx: TxEip1559) -> Bytes {
        let tx = TxEip1559 {
            chain_id: CHAIN_ID,
            gas_limit: if tx.gas_limit == 0 {
                1_000_000
            } else {
                tx.gas_limit
            },
            max_fee_per_gas: if tx.max_fee_per_gas == 0 {
                10 * GWEI
            } else {
                tx.max_fee_per_gas
            },
            ..tx
        };
        self.sign_any(sender, tx)
    }

    pub(super) fn sign_any<T>(&self, sender: usize, tx: T) -> Bytes
    where
        T: SignableTransaction<Signature>,
        OpTxEnvelope: From<Signed<T>>,
    {
        let signature = self.keys[sender]
            .sign_hash_sync(&tx.signature_hash())
            .unwrap();
        OpTxEnvelope::from(tx.into_signed(signature))
            .encoded_2718()
            .into()
    }

    pub(crate) fn transfer(&self, sender: usize, nonce: u64, value: u64) -> Bytes {
        let to = TxKind::Call(Address::repeat_byte(0xaa));
        let value = U256::from(value);
        self.sign(
            sender,
            TxEip1559 {
                nonce,
                gas_limit: 21_000,
                to,
                value,
                ..TxEip1559::default()
            },
        )
    }

    pub(crate) async fn send(&self, encoded: Bytes) -> B256 {
        let hash = self
            .ask("eth_sendRawTransaction", json!([encoded]))
            .await
            .unwrap();
        serde_json::from_value(hash).unwrap()
    }

    /// Seals a block from what the pool has ready, and returns when it is durable.
    pub(crate) async fn seal(&self) -> Arc<SealedBlock> {
        self.seal_with(&[]).await
    }

    /// The same with queue entries in front.
    pub(super) async fn seal_with(&self, entries: &[QueuedEntry]) -> Arc<SealedBlock> {
        let block = self.append(entries);
        let (block, ticket) = block;
        ticket.durable().await.unwrap();
        block
    }

    fn append(&self, entries: &[QueuedEntry]) -> (Arc<SealedBlock>, crate::store::Ticket) {
        let snapshot = self.store.sequenced().unwrap();
        let parent = snapshot.header(snapshot.head().number).unwrap().unwrap();
        let mut view = snapshot.state_at(parent.header.number).unwrap();
        let timestamp = self.clock.now().max(parent.header.timestamp);
        let input = BlockInput {
            config: &self.config,
            parent: &parent,
            timestamp,
            entries,
        };
        let mut open = OpenBlock::begin(input, WrapDatabaseRef(view.clone())).unwrap();
        let mut included = Vec::new();
        for pooled in self.pool.take_ready(1_000) {
            match open.offer(pooled.tx.clone(), Some(pooled.sender)).unwrap() {
                Ok(_) => included.push(pooled.hash()),
                Err(reason) => self.pool.reject(&pooled.hash(), reason.to_string()),
            }
        }
        let pending = open.finish();
        let mut trie = StateTrie::new(parent.header.state_root);
        trie.apply(pending.diff(), &mut view).unwrap();
        let message_passer = trie.storage_root(MESSAGE_PASSER, &mut view).unwrap();
        let roots = StateRoots {
            state: trie.root(),
            message_passer,
        };
        let block = Arc::new(pending.seal(roots));
        let ticket = self
            .store
            .append(block.clone(), trie.take_changes())
            .unwrap();
        let extra = HeaderExtra::decode(&block.header.header.extra_data).unwrap();
        let base_fee = u128::from(fees::base_fee(&self.config, extra, 0));
        let fees = FeeView {
            base_fee,
            least_fee: extra.floor,
            block_gas: 40_000_000,
        };
        self.pool.on_block(&BlockUpdate {
            included: &included,
            diff: &block.diff,
            fees,
        });
        (block, ticket)
    }

    /// Takes blocks above `number` back.
    pub(super) fn unwind(&self, number: u64) {
        self.store.unwind(number).unwrap();
        let decode = |encoded| self.pool.decode(encoded).unwrap();
        let removed = self.store.pool().into_iter().map(decode).collect();
        self.pool.on_unwind(removed, self.pool.fees()).unwrap();
    }

    /// A deposit as the queue has it.
    pub(super) fn deposit(&self, deposit: Deposit) -> QueuedEntry {
        let mut next = self.deposits.lock();
        let index = *next;
        *next += 1;
        QueuedEntry {
            index,
            acc: keccak256(index.to_be_bytes()),
            entry: QueueEntry {
                l1_number: 5,
                l1_time: START,
                body: EntryBody::Deposit(deposit),
            },
        }
    }

    /// Deploys `runtime`; gives its address.
    pub(super) async fn deploy(&self, sender: usize, nonce: u64, runtime: &[u8]) -> Address {
        let input = creation(runtime);
        let tx = TxEip1559 {
            nonce,
            to: TxKind::Create,
            input,
            ..TxEip1559::default()
        };
        let hash = self.send(self.sign(sender, tx)).await;
        self.seal().await;
        let receipt = self
            .ask("eth_getTransactionReceipt", json!([hash]))
            .await
            .unwrap();
        assert_eq!(receipt["status"], "0x1", "{receipt}");
        serde_json::from_value(receipt["contractAddress"].clone()).unwrap()
    }
}

fn unchunk(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((length, rest)) = body.split_once("\r\n") {
        let length = usize::from_str_radix(length.trim(), 16).unwrap();
        if length == 0 {
            break;
        }
        whole.push_str(&rest[..length]);
        body = &rest[length + 2..];
    }
    whole
}
