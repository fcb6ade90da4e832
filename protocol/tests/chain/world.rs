//! A chain in memory: tries as state, keys that sign, a sequencer and an L1 log to derive from.

use alloy_consensus::{SignableTransaction, TxEip1559, TxLegacy};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, keccak256};
use k256::ecdsa::SigningKey;
use op_alloy_consensus::OpTxEnvelope;
use revm::{
    Database,
    bytecode::Bytecode,
    primitives::{StorageKey, StorageValue},
    state::AccountInfo as EvmAccount,
};
use std::{collections::BTreeMap, convert::Infallible};
use trestle_protocol::{
    BatchContent, BatchHeader, BlockInput, ChainConfig, Deposit, Derivation, EntryBody, Genesis,
    GenesisAccount, L1Attributes, OpenBlock, PendingBlock, QueueEntry, QueuedEntry, SealedBlock,
    SealedHeader, StateDiff, chunked_hash,
    payload::{Payload, PayloadBlock, PayloadTx, encode_columns},
    predeploys,
    trie::{MissingNode, Nibbles, NodeSource, StateTrie},
};

pub(crate) const CHAIN_ID: u64 = 4_242;
pub(crate) const L1_TIME: u64 = 1_700_000_000;

/// Writes slot 0 := calldata word 0, logs it, reverts when the word is zero.
pub(crate) const RECORDER: Address = Address::repeat_byte(0xc0);

fn recorder_code() -> Bytes {
    // PUSH0 CALLDATALOAD DUP1 PUSH1 0x08 JUMPI PUSH0 PUSH0 REVERT | JUMPDEST DUP1 PUSH0 SSTORE
    // PUSH0 MSTORE PUSH1 0x20 PUSH0 LOG0 STOP
    Bytes::from_static(&[
        0x5f, 0x35, 0x80, 0x60, 0x08, 0x57, 0x5f, 0xfd, 0x5b, 0x80, 0x5f, 0x55, 0x5f, 0x52, 0x60,
        0x20, 0x5f, 0xa0, 0x00,
    ])
}

/// A contract whose code ends at once: stands for the predeploys that system deposits call.
fn quiet_code() -> Bytes {
    Bytes::from_static(&[0x00])
}

/// A key and its address.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    key: SigningKey,
    pub(crate) address: Address,
}

impl Account {
    pub(crate) fn new(seed: u8) -> Self {
        let key = SigningKey::from_slice(&[seed; 32]).unwrap();
        let public = key.verifying_key().to_encoded_point(false);
        let address = Address::from_raw_public_key(&public.as_bytes()[1..]);
        Self { key, address }
    }

    pub(crate) fn sign_hash(&self, hash: B256) -> Signature {
        let (signature, id) = self.key.sign_prehash_recoverable(hash.as_slice()).unwrap();
        Signature::from((signature, id))
    }

    pub(crate) fn sign(&self, tx: TxEip1559) -> OpTxEnvelope {
        let signature = self.sign_hash(tx.signature_hash());
        OpTxEnvelope::Eip1559(tx.into_signed(signature))
    }

    pub(crate) fn sign_legacy(&self, tx: TxLegacy) -> OpTxEnvelope {
        let signature = self.sign_hash(tx.signature_hash());
        OpTxEnvelope::Legacy(tx.into_signed(signature))
    }

    /// A call of `to` with enough gas and fee.
    pub(crate) fn call(
        &self,
        nonce: u64,
        to: Address,
        value: u64,
        data: impl Into<Bytes>,
    ) -> OpTxEnvelope {
        self.sign(call(nonce, to, value, data))
    }
}

pub(crate) fn call(nonce: u64, to: Address, value: u64, data: impl Into<Bytes>) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 200_000,
        max_fee_per_gas: 1_000_000_000,
        max_priority_fee_per_gas: 1,
        to: TxKind::Call(to),
        value: U256::from(value),
        input: data.into(),
        ..TxEip1559::default()
    }
}

/// Every node and code that ever was, by hash.
#[derive(Debug, Clone, Default)]
pub(crate) struct Nodes(pub(crate) BTreeMap<B256, Bytes>);

impl Nodes {
    pub(crate) fn put(&mut self, bytes: impl Into<Bytes>) -> B256 {
        let bytes = bytes.into();
        let hash = keccak256(&bytes);
        self.0.insert(hash, bytes);
        hash
    }
}

impl NodeSource for &Nodes {
    type Error = MissingNode;

    fn node(&mut self, _: Option<B256>, _: &Nibbles, hash: B256) -> Result<Bytes, MissingNode> {
        self.0.get(&hash).cloned().ok_or(MissingNode(hash))
    }
}

/// The state after some block.
#[derive(Debug, Clone)]
pub(crate) struct State {
    root: B256,
    nodes: Nodes,
}

impl State {
    fn trie(&self) -> StateTrie {
        StateTrie::new(self.root)
    }

    pub(crate) fn nonce(&self, address: Address) -> u64 {
        self.trie()
            .account(address, &mut &self.nodes)
            .unwrap()
            .map_or(0, |a| a.nonce)
    }

    pub(crate) fn balance(&self, address: Address) -> U256 {
        let account = self.trie().account(address, &mut &self.nodes).unwrap();
        account.map_or(U256::ZERO, |account| account.balance)
    }

    pub(crate) fn slot(&self, address: Address, slot: u64) -> U256 {
        self.trie()
            .storage(address, U256::from(slot), &mut &self.nodes)
            .unwrap()
    }

    fn apply(&mut self, diff: &StateDiff) -> trestle_protocol::StateRoots {
        let mut trie = self.trie();
        trie.apply(diff, &mut &self.nodes).unwrap();
        let roots = trie.roots(&mut &self.nodes).unwrap();
        let changes = trie.take_changes();
        let all = changes.storages.into_values().chain([changes.accounts]);
        for node in all
            .flat_map(|changes| changes.nodes.into_values())
            .flatten()
        {
            self.nodes.put(node);
        }
        for code in diff.codes.values() {
            self.nodes.put(code.clone());
        }
        self.root = roots.state;
        roots
    }
}

impl Database for State {
    type Error = Infallible;

    fn basic(&mut self, address: Address) -> Result<Option<EvmAccount>, Infallible> {
        let account = self.trie().account(address, &mut &self.nodes).unwrap();
        Ok(account.map(|account| EvmAccount {
            balance: account.balance,
            nonce: account.nonce,
            code_hash: account.code_hash,
            code: None,
            ..EvmAccount::default()
        }))
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, Infallible> {
        Ok(Bytecode::new_raw(self.nodes.0[&hash].clone()))
    }

    fn storage(&mut self, address: Address, key: StorageKey) -> Result<StorageValue, Infallible> {
        Ok(self.trie().storage(address, key, &mut &self.nodes).unwrap())
    }

    fn block_hash(&mut self, _: u64) -> Result<B256, Infallible> {
        unreachable!("the overlay answers from the history contract")
    }
}

/// A chain and the L1 that it follows.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) config: ChainConfig,
    pub(crate) state: State,
    pub(crate) head: SealedHeader,
    pub(crate) queue: Vec<QueuedEntry>,
    pub(crate) batch_acc: B256,
    pub(crate) batches: u64,
    pub(crate) consumed: u64,
}

impl World {
    /// Block 0 with 100 ETH for each account of `seeds`.
    pub(crate) fn new(seeds: &[u8]) -> Self {
        let mut alloc: BTreeMap<Address, GenesisAccount> = seeds
            .iter()
            .map(|seed| {
                (
                    Account::new(*seed).address,
                    GenesisAccount {
                        balance: eth(100),
                        ..Default::default()
                    },
                )
            })
            .collect();
        let contract = |code| GenesisAccount {
            nonce: 1,
            code,
            ..Default::default()
        };
        alloc.insert(RECORDER, contract(recorder_code()));
        alloc.insert(predeploys::L1_BLOCK, contract(quiet_code()));
        alloc.insert(predeploys::HISTORY_STORAGE, contract(quiet_code()));
        let params =
            U256::from(47_900_000u64) | (U256::from(1_000_000u64) << 64) | (U256::from(1) << 96);
        let mut rollup = contract(quiet_code());
        rollup.storage.insert(U256::from(1), params);
        alloc.insert(predeploys::ROLLUP_STATE, rollup);
        let genesis = Genesis {
            timestamp: L1_TIME,
            floor: 1_000,
            alloc,
        };
        let mut config = ChainConfig::new(1, CHAIN_ID, Address::repeat_byte(0x1b), B256::ZERO);
        let block = genesis.block(&config);
        config.genesis_hash = block.header.hash;
        let mut state = State {
            root: trestle_protocol::trie::EMPTY_ROOT_HASH,
            nodes: Nodes::default(),
        };
        assert_eq!(
            state.apply(&block.diff).state,
            block.header.header.state_root
        );
        Self {
            config,
            state,
            head: block.header,
            queue: Vec::new(),
            batch_acc: B256::ZERO,
            batches: 0,
            consumed: 0,
        }
    }

    pub(crate) fn enqueue(&mut self, body: EntryBody) -> QueuedEntry {
        self.enqueue_at(L1_TIME, body)
    }

    pub(crate) fn enqueue_at(&mut self, l1_time: u64, body: EntryBody) -> QueuedEntry {
        let entry = QueueEntry {
            l1_number: 10,
            l1_time,
            body,
        };
        let before = self.queue.last().map_or(B256::ZERO, |queued| queued.acc);
        let index = self.queue.len() as u64;
        let queued = QueuedEntry {
            index,
            acc: entry.accumulate(before),
            entry,
        };
        self.queue.push(queued.clone());
        queued
    }

    /// Opens a block with the next `deposits` entries.
    pub(crate) fn open(&self, timestamp: u64, deposits: usize) -> OpenBlock<State> {
        let from = self.consumed as usize;
        let input = BlockInput {
            config: &self.config,
            parent: &self.head,
            timestamp,
            entries: &self.queue[from..from + deposits],
        };
        OpenBlock::begin(input, self.state.clone()).unwrap()
    }

    pub(crate) fn seal(&mut self, pending: PendingBlock) -> SealedBlock {
        let roots = self.state.apply(pending.diff());
        let block = pending.seal(roots);
        self.head = block.header.clone();
        self.consumed = self.consumed.max(block.body.deposits.end);
        block
    }

    /// Sequences a block whose transactions must all be included.
    pub(crate) fn build(
        &mut self,
        timestamp: u64,
        deposits: usize,
        txs: &[OpTxEnvelope],
    ) -> SealedBlock {
        let mut block = self.open(timestamp, deposits);
        for tx in txs {
            block.offer(tx.clone(), None).unwrap().unwrap();
        }
        self.seal(block.finish())
    }

    /// A batch header that consumes up to entry `deposit_to`.
    pub(crate) fn header(&self, payload: Option<&[u8]>, deposit_to: u64) -> BatchHeader {
        let content = payload.map_or(BatchContent::Forced, |payload| BatchContent::Calldata {
            hash: chunked_hash(payload),
            length: payload.len() as u32,
        });
        let acc = deposit_to
            .checked_sub(1)
            .map_or(B256::ZERO, |last| self.queue[last as usize].acc);
        BatchHeader {
            inbox: self.config.inbox,
            l1_chain_id: self.config.l1_chain_id,
            index: self.batches + 1,
            l1_number: 20,
            l1_time: L1_TIME + 12,
            deposit_from: self.consumed,
            deposit_to,
            deposit_acc: acc,
            claimed_end_block_hash: B256::ZERO,
            content,
        }
    }

    /// Derives a batch as a replica would.
    pub(crate) fn derive(
        &mut self,
        header: &BatchHeader,
        payload: Option<&[u8]>,
    ) -> Vec<SealedBlock> {
        let range = header.deposit_from as usize..header.deposit_to as usize;
        let entries = self.queue[range].to_vec();
        let mut derivation = Derivation::new(&self.config, header, entries, payload);
        let mut blocks = Vec::new();
        while let Some(pending) = derivation
            .next_block(&self.head, &mut self.state.clone())
            .unwrap()
        {
            blocks.push(self.seal(pending));
        }
        self.batch_acc = header.accumulate(self.batch_acc);
        self.batches += 1;
        self.consumed = header.deposit_to;
        blocks
    }

    pub(crate) fn nodes(&self) -> &Nodes {
        &self.state.nodes
    }
}

/// What a batcher posts for these blocks.
pub(crate) fn payload_of(blocks: &[SealedBlock]) -> Vec<u8> {
    let declare = |block: &SealedBlock| PayloadBlock {
        timestamp: block.header.header.timestamp,
        deposit_count: block.body.deposits.end - block.body.deposits.start,
        transactions: block
            .body
            .transactions
            .iter()
            .filter(|tx| !tx.is_deposit())
            .map(|tx| PayloadTx::Typed(tx.clone()))
            .collect(),
    };
    compress(&Payload {
        blocks: blocks.iter().map(declare).collect(),
    })
}

pub(crate) fn compress(payload: &Payload) -> Vec<u8> {
    let columns = encode_columns(payload, CHAIN_ID);
    let mut encoder = zstd::Encoder::new(vec![1], 3).unwrap();
    encoder.window_log(22).unwrap();
    std::io::Write::write_all(&mut encoder, &columns).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn eth(n: u64) -> U256 {
    U256::from(n) * U256::from(10).pow(U256::from(18))
}

pub(crate) fn word(n: u64) -> Bytes {
    Bytes::copy_from_slice(B256::from(U256::from(n)).as_slice())
}

pub(crate) fn deposit(
    from: Address,
    to: Option<Address>,
    mint: U256,
    value: U256,
    data: Bytes,
) -> EntryBody {
    EntryBody::Deposit(Deposit {
        from,
        to,
        mint,
        value,
        gas_limit: 200_000,
        data,
    })
}

pub(crate) fn attributes(base_fee: u64, prevrandao: u8) -> EntryBody {
    EntryBody::Attributes(L1Attributes {
        base_fee: U256::from(base_fee),
        blob_base_fee: U256::from(1),
        parent_hash: B256::repeat_byte(1),
        prevrandao: B256::repeat_byte(prevrandao),
    })
}
