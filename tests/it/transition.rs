//! The unit of proof over a chain that was really run: L1's log and the genesis are all it gets, and
//! its output roots must be those that the node serves.

use alloy::{
    consensus::Transaction,
    primitives::{B256, Bytes},
    providers::Provider,
};
use serde_json::json;
use trestle_protocol::{
    BatchContent, BatchHeader, Derivation, EntryBody, QueueEntry, QueuedEntry, SealedHeader,
    TransitionInput, transition,
};

use crate::{
    agreement::{settle, some_of_everything},
    support::{Chain, ChainOptions, Node, archive::Archive, json::word},
};

/// Where the payload begins in the input of `appendBatch`. Spec: section 3.2.
const PAYLOAD_AT: usize = 228;

/// A batch as L1 has it.
struct Batch {
    header: BatchHeader,
    payload: Option<Bytes>,
}

/// All queue entries, by their events.
async fn queue(chain: &Chain) -> Vec<QueuedEntry> {
    let events = chain
        .inbox()
        .EntryEnqueued_filter()
        .from_block(0)
        .query()
        .await
        .unwrap();
    let entry =
        |(event, _): (trestle_contracts::bindings::inbox::Inbox::EntryEnqueued, _)| QueuedEntry {
            index: event.index,
            acc: event.acc,
            entry: QueueEntry::decode(&event.entry, event.data).unwrap(),
        };
    events.into_iter().map(entry).collect()
}

/// All batches: headers by their events, payloads out of the transactions.
async fn batches(chain: &Chain) -> Vec<Batch> {
    let events = chain
        .inbox()
        .BatchAppended_filter()
        .from_block(0)
        .query()
        .await
        .unwrap();
    let l1 = chain.batcher();
    let mut batches = Vec::new();
    for (event, log) in events {
        let header = BatchHeader::decode(&event.header).unwrap();
        let payload = match header.content {
            BatchContent::Calldata { length, .. } => {
                let hash = log.transaction_hash.unwrap();
                let tx = l1.get_transaction_by_hash(hash).await.unwrap().unwrap();
                let end = PAYLOAD_AT + usize::try_from(length).unwrap();
                Some(Bytes::copy_from_slice(&tx.input()[PAYLOAD_AT..end]))
            }
            _ => None,
        };
        batches.push(Batch { header, payload });
    }
    batches
}

/// A replica of a few lines, and what a prover would be given of it.
struct Follower {
    chain: trestle_protocol::ChainConfig,
    archive: Archive,
    head: SealedHeader,
    batch_acc: B256,
}

impl Follower {
    fn new(chain: &Chain) -> Self {
        let config = chain.deployed.genesis.chain.clone();
        let block = chain.deployed.genesis.genesis.block(&config);
        let mut archive = Archive::default();
        let roots = archive.apply(&block.diff);
        assert_eq!(roots.state, block.header.header.state_root);
        Self {
            chain: config,
            archive,
            head: block.header,
            batch_acc: B256::ZERO,
        }
    }

    /// Output root after `batch` by the transition, from preimages alone.
    fn prove(&mut self, batch: &Batch, queue: &[QueuedEntry]) -> B256 {
        let Batch { header, payload } = batch;
        self.archive.put(self.head.output().encode().to_vec());
        self.archive.put(alloy::rlp::encode(&self.head.header));
        self.archive.put([self.batch_acc, header.hash()].concat());
        self.archive.put(header.encode());
        let mut before = B256::ZERO;
        for queued in queue {
            self.archive.put([before, queued.entry.hash()].concat());
            self.archive.put(queued.entry.encode());
            if let EntryBody::Deposit(deposit) = &queued.entry.body {
                self.archive.put_chunks(&deposit.data);
            }
            before = queued.acc;
        }
        payload
            .iter()
            .for_each(|payload| self.archive.put_chunks(payload));
        let input = TransitionInput {
            config: self.chain.clone(),
            output_before: self.head.output().root(),
            batch_acc_before: self.batch_acc,
            batch_acc_after: header.accumulate(self.batch_acc),
        };
        transition(&input, &self.archive).unwrap()
    }

    /// Takes the batch in, by derivation over the state.
    fn derive(&mut self, batch: &Batch, queue: &[QueuedEntry]) {
        let index = |at: u64| usize::try_from(at).unwrap();
        let entries =
            queue[index(batch.header.deposit_from)..index(batch.header.deposit_to)].to_vec();
        let payload = batch.payload.as_ref().map(AsRef::as_ref);
        let mut derivation = Derivation::new(&self.chain, &batch.header, entries, payload);
        while let Some(pending) = derivation
            .next_block(&self.head, &mut self.archive.clone())
            .unwrap()
        {
            let roots = self.archive.apply(pending.diff());
            self.head = pending.seal(roots).header;
        }
        self.batch_acc = batch.header.accumulate(self.batch_acc);
    }
}

#[tokio::test]
async fn transition_over_every_batch_gives_the_output_roots_that_the_node_serves() {
    let chain = Chain::new(ChainOptions::default()).await;
    let sequencer = Node::start(chain.sequencer()).await;
    let mut user = chain.funded_user(0, &sequencer.rpc).await;
    some_of_everything(&chain, &sequencer.rpc, &mut user).await;
    settle(&sequencer, &sequencer).await;

    let (queue, batches) = (queue(&chain).await, batches(&chain).await);
    let mut follower = Follower::new(&chain);
    assert!(batches.len() >= 3);
    for batch in &batches[..usize::try_from(sequencer.rpc.batches().await)
        .unwrap()
        .min(batches.len())]
    {
        let proven = follower.prove(batch, &queue);
        follower.derive(batch, &queue);
        assert_eq!(
            proven,
            follower.head.output().root(),
            "batch {}",
            batch.header.index
        );
        let at = json!([format!("{:#x}", batch.header.index)]);
        let served = sequencer.rpc.call("trestle_outputAtBatch", at).await;
        assert_eq!(
            proven,
            word(&served["outputRoot"]),
            "batch {}",
            batch.header.index
        );
    }
    assert!(crate::proven::prove_all(&chain).await > 0);
}
