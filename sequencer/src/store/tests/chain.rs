//! Random blocks with real encodings and roots, and the naive model of the chain they form.

use crate::store::{
    HashedNodes, Identity, Snapshot, Store, StoreConfig, StoreError, Ticket, block::reference,
};
use alloy_consensus::{
    Header, Receipt, ReceiptWithBloom, Signed, TxLegacy,
    proofs::{calculate_receipt_root, calculate_transaction_root},
};
use alloy_primitives::{Address, B256, Bytes, Log, LogData, Signature, U256, keccak256};
use op_alloy_consensus::{OpDepositReceipt, OpReceiptEnvelope, OpTxEnvelope, TxDeposit};
use parking_lot::{RwLock, RwLockReadGuard};
use std::{
    collections::BTreeMap,
    path::Path,
    process::{Child, Command},
    sync::Arc,
};
use trestle_protocol::{
    AccountChange, AccountInfo, Body, SealedBlock, SealedHeader, StateDiff,
    trie::{EMPTY_ROOT_HASH, HashChecked, Nibbles, NodeSource, NodesByHash, StateTrie},
};

/// Accounts and slots that tests use: few, so that blocks collide.
pub(super) const ACCOUNTS: u8 = 6;
pub(super) const SLOTS: u64 = 4;

pub(super) fn address(n: u8) -> Address {
    Address::repeat_byte(n % ACCOUNTS + 1)
}

/// Everything that a state holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct World {
    pub(super) accounts: BTreeMap<Address, AccountInfo>,
    pub(super) storage: BTreeMap<(Address, U256), U256>,
}

impl World {
    pub(super) fn apply(&mut self, diff: &StateDiff) {
        for (address, change) in &diff.accounts {
            match change.info {
                Some(info) => self.accounts.insert(*address, info),
                None => self.accounts.remove(address),
            };
            for (slot, value) in &change.storage {
                self.storage.insert((*address, *slot), *value);
            }
        }
    }

    /// The state root, from nothing.
    pub(super) fn root(&self) -> B256 {
        let mut diff = StateDiff::default();
        for (address, info) in &self.accounts {
            diff.accounts.entry(*address).or_default().info = Some(*info);
        }
        for ((address, slot), value) in &self.storage {
            if let Some(change) = diff.accounts.get_mut(address) {
                change.storage.insert(*slot, *value);
            }
        }
        let mut trie = StateTrie::new(EMPTY_ROOT_HASH);
        trie.apply(&diff, &mut NodesByHash::default()).unwrap();
        trie.root()
    }
}

/// A chain in memory: each block with the state after it.
#[derive(Debug, Clone)]
pub(crate) struct Chain(pub(super) Vec<(Arc<SealedBlock>, World)>);

impl Chain {
    pub(crate) fn new() -> Self {
        let mut diff = StateDiff::default();
        for n in 0..3 {
            let info = AccountInfo {
                balance: U256::from(200 + n),
                ..AccountInfo::default()
            };
            let change = AccountChange {
                info: Some(info),
                ..AccountChange::default()
            };
            diff.accounts.insert(address(n), change);
        }
        let mut world = World::default();
        world.apply(&diff);
        let header = Header {
            state_root: world.root(),
            ..Header::default()
        };
        Self(vec![(Arc::new(seal(header, Vec::new(), diff)), world)])
    }

    pub(super) fn head(&self) -> u64 {
        self.0.len() as u64 - 1
    }

    pub(crate) fn block(&self, number: u64) -> &Arc<SealedBlock> {
        &self.0[index(number)].0
    }

    pub(super) fn world(&self, number: u64) -> &World {
        &self.0[index(number)].1
    }

    pub(crate) fn genesis(&self) -> &Arc<SealedBlock> {
        self.block(0)
    }

    /// Whether a block holds the transaction.
    pub(super) fn contains(&self, hash: &B256) -> bool {
        let mut all = self
            .0
            .iter()
            .flat_map(|(block, _)| &block.body.transactions);
        all.any(|tx| tx.tx_hash() == *hash)
    }

    pub(super) fn unwind(&mut self, to: u64) {
        self.0.truncate(index(to) + 1);
    }

    /// Adds a block made from `seed`; different seeds give different blocks.
    pub(crate) fn extend(&mut self, seed: u64) -> Arc<SealedBlock> {
        let transactions = (0..seed % 4).map(|n| transaction(seed * 8 + n)).collect();
        self.extend_with(seed, transactions)
    }

    pub(super) fn extend_with(&mut self, seed: u64, txs: Vec<OpTxEnvelope>) -> Arc<SealedBlock> {
        let (parent, mut world) = self.0.last().unwrap().clone();
        let diff = random_diff(seed, &world);
        world.apply(&diff);
        let header = Header {
            number: parent.header.header.number + 1,
            parent_hash: parent.header.hash,
            timestamp: seed,
            state_root: world.root(),
            ..Header::default()
        };
        let block = Arc::new(seal(header, txs, diff));
        self.0.push((Arc::clone(&block), world));
        block
    }
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap()
}

pub(super) fn transaction(seed: u64) -> OpTxEnvelope {
    if seed.is_multiple_of(3) {
        let source_hash = B256::from(U256::from(seed + 1));
        return TxDeposit {
            source_hash,
            ..TxDeposit::default()
        }
        .into();
    }
    let tx = TxLegacy {
        nonce: seed,
        gas_limit: 21_000,
        ..TxLegacy::default()
    };
    OpTxEnvelope::Legacy(Signed::new_unhashed(tx, Signature::test_signature()))
}

/// The first accounts come and go and have no storage, the others have and stay.
fn random_diff(seed: u64, world: &World) -> StateDiff {
    let noise = keccak256(seed.to_be_bytes());
    let mut diff = StateDiff::default();
    for chunk in noise.chunks(8).take(3) {
        let (balance, who) = (U256::from(chunk[1]), address(chunk[0]));
        let mut info = Some(AccountInfo {
            nonce: seed,
            balance,
            ..AccountInfo::default()
        });
        if chunk[2].is_multiple_of(5) {
            info = world.accounts.get(&who).copied();
        }
        let change = diff.accounts.entry(who).or_default();
        if who < address(3) {
            change.info = info.filter(|_| !chunk[2].is_multiple_of(4));
        } else if info.is_some() {
            let (slot, value) = (u64::from(chunk[3]) % SLOTS, U256::from(chunk[4] % 3));
            change.info = info;
            change.storage.insert(U256::from(slot), value);
        }
    }
    let code = Bytes::copy_from_slice(&noise[..4]);
    diff.codes.insert(keccak256(&code), code);
    diff
}

fn seal(mut header: Header, transactions: Vec<OpTxEnvelope>, diff: StateDiff) -> SealedBlock {
    let receipts: Vec<_> = transactions.iter().map(receipt).collect();
    header.transactions_root = calculate_transaction_root(&transactions);
    header.receipts_root = calculate_receipt_root(&receipts);
    let senders = transactions
        .iter()
        .zip(0..)
        .map(|(_, n)| address(n))
        .collect();
    let deposits = header.timestamp..header.timestamp + 2;
    let body = Body {
        transactions,
        senders,
        receipts,
        deposits,
    };
    SealedBlock {
        header: SealedHeader::new(header),
        body,
        diff,
    }
}

fn receipt(tx: &OpTxEnvelope) -> OpReceiptEnvelope {
    let data = LogData::new_unchecked(vec![tx.tx_hash()], Bytes::from_static(b"log"));
    let logs = vec![Log {
        address: address(1),
        data,
    }];
    let logs_bloom = alloy_primitives::logs_bloom(&logs);
    let inner = Receipt {
        status: true.into(),
        cumulative_gas_used: 21_000,
        logs,
    };
    if tx.is_deposit() {
        let (deposit_nonce, deposit_receipt_version) = (Some(7), Some(1));
        let receipt = OpDepositReceipt {
            inner,
            deposit_nonce,
            deposit_receipt_version,
        };
        return OpReceiptEnvelope::Deposit(ReceiptWithBloom {
            receipt,
            logs_bloom,
        });
    }
    OpReceiptEnvelope::Legacy(ReceiptWithBloom {
        receipt: inner,
        logs_bloom,
    })
}

/// No folding but on demand, and no waiting.
/// Written to by who starts a process.
static STARTING: RwLock<()> = RwLock::new(());

/// Until it runs, a process that is started holds copies of all files of this one, the locks of directories among
/// them. Whoever closes a directory and opens it again holds this meanwhile.
pub(super) fn nobody_starts() -> RwLockReadGuard<'static, ()> {
    STARTING.read()
}

/// Starts a process while nobody holds [`nobody_starts`].
pub(super) fn start(command: &mut Command) -> Child {
    let _starting = STARTING.write();
    command.spawn().unwrap()
}

pub(crate) fn config(path: &Path, genesis: &Arc<SealedBlock>) -> StoreConfig {
    let identity = Identity {
        l1_chain_id: 1,
        l2_chain_id: 2,
        genesis_hash: genesis.header.hash,
        config_hash: B256::repeat_byte(7),
    };
    let mut config = StoreConfig::new(path.into(), identity, Arc::clone(genesis));
    config.fold_every = None;
    config.retry_every = std::time::Duration::from_millis(1);
    config
}

/// Appends as the engine does, without waiting.
pub(super) fn queue(store: &Store, block: &Arc<SealedBlock>) -> Result<Ticket, StoreError> {
    let snapshot = store.sequenced()?;
    let head = snapshot.head().number;
    let root = snapshot.header(head)?.unwrap().header.state_root;
    let mut trie = StateTrie::new(root);
    trie.apply(&block.diff, &mut snapshot.state_at(head)?)?;
    assert_eq!(trie.root(), block.header.header.state_root);
    store.append(Arc::clone(block), trie.take_changes())
}

pub(crate) fn append(store: &Store, block: &Arc<SealedBlock>) -> Result<(), StoreError> {
    queue(store, block)?.wait()
}

/// Checks everything that can be read against the model.
pub(super) fn assert_equal(store: &Store, chain: &Chain) {
    let snapshot = store.sequenced().unwrap();
    assert_eq!(snapshot.head(), reference(chain.block(chain.head())));
    for number in 0..=chain.head() {
        assert_block(&snapshot, chain.block(number));
        assert_world(&snapshot, number, chain.world(number));
    }
    assert!(snapshot.header(chain.head() + 1).unwrap().is_none());
    assert!(snapshot.state_at(chain.head() + 1).is_err());
}

fn assert_block(snapshot: &Snapshot, block: &SealedBlock) {
    let (number, body) = (block.header.header.number, &block.body);
    assert_eq!(
        snapshot.header(number).unwrap().as_ref(),
        Some(&block.header)
    );
    assert_eq!(snapshot.number(&block.header.hash).unwrap(), Some(number));
    let stored = snapshot.body(number).unwrap().unwrap();
    assert_eq!(stored.transactions, body.transactions);
    assert_eq!(stored.senders, body.senders);
    assert_eq!(stored.deposits, body.deposits);
    assert_eq!(stored.receipts, body.receipts);
    let mut gas = 0;
    for (used, receipt) in snapshot
        .gas_used(number)
        .unwrap()
        .unwrap()
        .iter()
        .zip(&body.receipts)
    {
        gas += used;
        assert_eq!(gas, receipt.cumulative_gas_used());
    }
    for (tx, index) in body.transactions.iter().zip(0..) {
        assert_eq!(
            snapshot.transaction(&tx.tx_hash()).unwrap(),
            Some((number, index))
        );
    }
    let state = snapshot.state_at(number).unwrap();
    for (hash, code) in &block.diff.codes {
        assert_eq!(&state.code(hash).unwrap(), code);
    }
}

fn assert_world(snapshot: &Snapshot, number: u64, world: &World) {
    let state = snapshot.state_at(number).unwrap();
    for who in (0..ACCOUNTS).map(address) {
        assert_eq!(
            state.account(&who).unwrap().as_ref(),
            world.accounts.get(&who),
            "at {number}"
        );
        for slot in (0..SLOTS).map(U256::from) {
            let expected = world.storage.get(&(who, slot)).copied().unwrap_or_default();
            assert_eq!(state.slot(&who, &slot).unwrap(), expected, "at {number}");
        }
    }
    assert_trie(snapshot, number, world);
}

/// Reads every leaf through the trie, each node checked against its hash, by path and by nothing but that hash.
fn assert_trie(snapshot: &Snapshot, number: u64, world: &World) {
    let header = snapshot.header(number).unwrap().unwrap();
    let root = header.header.state_root;
    let nodes = snapshot.nodes_at(number).unwrap();
    assert_leaves(root, &mut HashChecked(nodes.clone()), world);
    assert_leaves(root, &mut ByHash(HashedNodes::new(nodes, root)), world);
}

/// Nodes for a reader that does not tell where they lie.
struct ByHash(HashedNodes);

impl NodeSource for ByHash {
    type Error = StoreError;

    fn node(&mut self, _: Option<B256>, _: &Nibbles, hash: B256) -> Result<Bytes, StoreError> {
        self.0.get(hash)?.ok_or(StoreError::MissingNode { hash })
    }
}

fn assert_leaves<S>(root: B256, nodes: &mut S, world: &World)
where
    S: NodeSource<Error: std::fmt::Debug>,
{
    let mut trie = StateTrie::new(root);
    for who in (0..ACCOUNTS).map(address) {
        let account = trie.account(who, nodes).unwrap();
        let expected = world.accounts.get(&who);
        assert_eq!(
            account.map(|a| (a.nonce, a.balance)),
            expected.map(|a| (a.nonce, a.balance))
        );
        for slot in (0..SLOTS).map(U256::from) {
            let expected = world.storage.get(&(who, slot)).copied().unwrap_or_default();
            assert_eq!(trie.storage(who, slot, nodes).unwrap(), expected);
        }
    }
}
