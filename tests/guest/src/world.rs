//! The chain: a genesis, a queue, batches, and what follows from them.

use crate::{Account, Run, code, run};
use alloy_primitives::{Address, B256, Bytes, U256};
use op_alloy_consensus::OpTxEnvelope;
use std::{collections::BTreeMap, sync::Arc};
use trestle_challenger::host::{
    BatchRecord, Follower, L1Batch, LogPosition, MemoryStore, Payload as Content, Recorded, Store,
};
use trestle_contracts::{GenesisParams, L1Bridge, genesis_alloc};
use trestle_protocol::{
    BatchContent, BatchHeader, ChainConfig, Deposit, EntryBody, Genesis, GenesisAccount,
    L1Attributes, QueueEntry, QueuedEntry, chunked_hash,
    payload::{Payload, PayloadBlock, PayloadTx, encode_columns},
};

pub const CHAIN_ID: u64 = 4_242;
pub const L1_TIME: u64 = 1_700_000_000;

#[derive(Debug)]
pub struct World {
    pub follower: Follower,
    pub queue: Vec<QueuedEntry>,
    pub genesis: Genesis,
    store: Arc<MemoryStore>,
    acc: B256,
}

impl World {
    /// Funds the accounts with these seeds and puts the contracts of [`code::contracts`] beside the real genesis.
    pub fn new(seeds: std::ops::Range<u64>) -> Self {
        Self::with(seeds, BTreeMap::new())
    }

    pub fn with(seeds: std::ops::Range<u64>, contracts: BTreeMap<Address, GenesisAccount>) -> Self {
        let params = GenesisParams {
            l2_chain_id: CHAIN_ID,
            user_gas_limit: 47_900_000,
            data_scalar: 1_000_000,
            data_kinds: 1,
            min_floor: 1_000,
            l1_bridge: L1Bridge::default(),
        };
        let account = |a: trestle_contracts::GenesisAccount| GenesisAccount {
            nonce: a.nonce,
            balance: a.balance,
            code: a.code,
            storage: a.storage,
        };
        let mut alloc: BTreeMap<_, _> = genesis_alloc(&params)
            .into_iter()
            .map(|(address, a)| (address, account(a)))
            .collect();
        for seed in seeds {
            let funded = GenesisAccount {
                balance: eth(1_000_000),
                ..GenesisAccount::default()
            };
            alloc.insert(Account::new(seed).address, funded);
        }
        alloc.extend(code::contracts());
        alloc.extend(contracts);
        let genesis = Genesis {
            timestamp: L1_TIME,
            floor: 1_000,
            alloc,
        };
        let mut config = ChainConfig::new(1, CHAIN_ID, Address::repeat_byte(0x1b), B256::ZERO);
        config.genesis_hash = genesis.block(&config).header.hash;
        let store = Arc::new(MemoryStore::default());
        Self {
            follower: Follower::open(config, &genesis, store.clone()).unwrap(),
            store,
            queue: Vec::new(),
            genesis,
            acc: B256::ZERO,
        }
    }

    /// Enqueues an entry; it waits for the next batch.
    pub fn enqueue(&mut self, body: EntryBody) {
        let at = self.follower.position();
        let entry = QueueEntry {
            l1_number: 10 + at.batches,
            l1_time: L1_TIME + 12 * at.batches,
            body,
        };
        if self.queue.is_empty() {
            self.acc = at.entry_acc;
        }
        let index = at.entries + self.queue.len() as u64;
        self.acc = entry.accumulate(self.acc);
        self.queue.push(QueuedEntry {
            index,
            acc: self.acc,
            entry,
        });
    }

    /// The next batch: `content`, and everything that waits in the queue.
    pub fn batch(&mut self, content: Content) -> L1Batch {
        let at = self.follower.position();
        let entries = std::mem::take(&mut self.queue);
        let entry_acc = entries.last().map_or(at.entry_acc, |queued| queued.acc);
        let kind = match &content {
            Content::Calldata(bytes) => BatchContent::Calldata {
                hash: chunked_hash(bytes),
                length: bytes.len() as u32,
            },
            Content::Blobs(blobs) => {
                BatchContent::Blobs(blobs.iter().map(|b| crate::inputs::blob_hash(b)).collect())
            }
            Content::Forced => BatchContent::Forced,
        };
        let header = BatchHeader {
            inbox: self.follower.chain().inbox,
            l1_chain_id: 1,
            index: at.batches + 1,
            l1_number: 20 + at.batches,
            l1_time: L1_TIME + 12 * (at.batches + 1),
            deposit_from: at.entries,
            deposit_to: at.entries + entries.len() as u64,
            deposit_acc: entry_acc,
            claimed_end_block_hash: B256::ZERO,
            content: kind,
        };
        L1Batch {
            acc_before: at.batch_acc,
            deposit_acc_before: at.entry_acc,
            position: LogPosition {
                block: header.l1_number,
                batches: header.index,
                batch_acc: header.accumulate(at.batch_acc),
                entries: header.deposit_to,
                entry_acc,
            },
            header,
            entries,
            payload: content,
        }
    }

    /// Derives the next batch, which carries `payload`, and records its inputs.
    pub fn derive(&mut self, content: Content) -> (BatchRecord, Recorded) {
        let batch = self.batch(content);
        let record = self.follower.derive(&batch).unwrap();
        (record, self.follower.inputs(record.batch()).unwrap())
    }

    /// Derives the next batch and runs it in the machine, which must say the same.
    pub fn prove(&mut self, what: &str, content: Content) -> (BatchRecord, Run) {
        let (record, inputs) = self.derive(content);
        let run = run(&inputs);
        assert!(run.exit_code.is_success(), "{what}: {run:?}");
        assert_eq!(run.output, record.output_root, "{what}: {run:?}");
        (record, run)
    }

    /// Gas that the last block after a batch used.
    pub fn gas_used(&self, record: &BatchRecord) -> u64 {
        let bytes = self.store.preimage(&record.block_hash).unwrap().unwrap();
        let header: alloy_consensus::Header = alloy_rlp::decode_exact(&bytes).unwrap();
        header.gas_used
    }

    /// Time of the next batch's blocks, in seconds.
    pub fn time(&self) -> u64 {
        L1_TIME + 12 * (self.follower.position().batches + 1)
    }

    /// A payload of blocks with these transactions, the first of which takes the whole queue.
    pub fn payload(&self, blocks: Vec<Vec<PayloadTx>>) -> Content {
        let timestamp = self.time();
        let block = |(at, transactions)| PayloadBlock {
            timestamp,
            deposit_count: if at == 0 { u64::MAX } else { 0 },
            transactions,
        };
        let blocks = blocks.into_iter().enumerate().map(block).collect();
        Content::Calldata(compress(&Payload { blocks }).into())
    }

    /// Derives and runs a batch of one block with these transactions, each of which must be included.
    pub fn prove_transactions(&mut self, what: &str, txs: Vec<OpTxEnvelope>) -> (BatchRecord, Run) {
        let payload = self.payload(vec![typed(txs)]);
        self.prove(what, payload)
    }
}

pub fn typed(txs: Vec<OpTxEnvelope>) -> Vec<PayloadTx> {
    txs.into_iter().map(PayloadTx::Typed).collect()
}

/// What a batcher posts.
pub fn compress(payload: &Payload) -> Vec<u8> {
    compress_bytes(&encode_columns(payload, CHAIN_ID))
}

pub(crate) fn compress_bytes(columns: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(vec![1], 3).unwrap();
    encoder.window_log(22).unwrap();
    std::io::Write::write_all(&mut encoder, columns).unwrap();
    encoder.finish().unwrap()
}

pub fn eth(n: u64) -> U256 {
    U256::from(n) * U256::from(10).pow(U256::from(18))
}

pub fn deposit(from: Address, to: Option<Address>, gas_limit: u64, data: Bytes) -> EntryBody {
    EntryBody::Deposit(Deposit {
        from,
        to,
        mint: eth(1),
        value: U256::from(5),
        gas_limit,
        data,
    })
}

pub fn attributes(base_fee: u64) -> EntryBody {
    EntryBody::Attributes(L1Attributes {
        base_fee: U256::from(base_fee),
        blob_base_fee: U256::from(1),
        parent_hash: B256::repeat_byte(1),
        prevrandao: B256::repeat_byte(7),
    })
}
