//! Memory and tables together: snapshots over both, and the fold from one into the other.

use super::{
    BlockRef, Files, Point, Snapshot, StoreError,
    block::reference,
    fold::{Plan, Reversal, write_layers},
    journal::Op,
    layers::{Layer, Memory, layer_at},
    progress::Shared,
    recent::{Maps, Recent},
    tables::{Db, Folded, del, put, set},
};
use alloy_primitives::{B256, map::B256Set};
use parking_lot::{Mutex, RwLock};
use std::{sync::Arc, time::Duration};
use trestle_protocol::{
    SealedBlock, StateDiff,
    trie::{StateTrie, StateTrieChanges},
};

/// Held by whoever changes the tables.
#[derive(Debug)]
pub(super) struct Folding {
    /// Hashes in the `pool` table.
    pub(super) pooled: B256Set,
    /// Room for the index of the blocks above the next fold.
    pub(super) room: Maps,
}

/// Memory and tables. Locks are taken in the order `folding`, `memory`, those of `shared`.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) db: Db,
    pub(super) files: Arc<dyn Files>,
    pub(super) memory: RwLock<Memory>,
    pub(super) folding: Mutex<Folding>,
    pub(super) shared: Arc<Shared>,
}

impl Core {
    /// Everything queued so far, on disk or not.
    pub(super) fn sequenced(&self) -> Result<Snapshot, StoreError> {
        self.snapshot(|memory| memory.head)
    }

    /// Everything that is on disk.
    pub(super) fn durable(&self) -> Result<Snapshot, StoreError> {
        self.snapshot(|memory| {
            let durable = self.shared.durable_now();
            if durable.number < memory.head.number {
                durable
            } else {
                memory.head
            }
        })
    }

    /// Memory is locked while the transaction begins: so no unwind falls between, and a fold that
    /// does leaves layers and tables overlapping, which is harmless.
    fn snapshot(&self, head: impl FnOnce(&Memory) -> BlockRef) -> Result<Snapshot, StoreError> {
        let memory = self.memory.read();
        let head = head(&memory);
        let tx = self.db.read()?;
        let folded = self.db.tables.folded(&tx)?.head;
        let head = if head.number < folded.number {
            folded
        } else {
            head
        };
        Ok(Snapshot {
            layers: Arc::clone(&memory.layers),
            recent: memory.recent.clone(),
            head,
            tx,
            folded: folded.number,
            tables: Arc::clone(&self.db.tables),
        })
    }

    /// The tables alone.
    fn tables_only(&self) -> Result<Snapshot, StoreError> {
        let tx = self.db.read()?;
        let head = self.db.tables.folded(&tx)?.head;
        Ok(Snapshot {
            layers: Arc::default(),
            recent: Recent::default(),
            head,
            tx,
            folded: head.number,
            tables: Arc::clone(&self.db.tables),
        })
    }

    /// Writes `ops`, which follow the last record applied, into the tables in one transaction.
    pub(super) fn fold(&self, folding: &mut Folding, ops: &[(u64, Op)]) -> Result<(), StoreError> {
        let (layers, before) = {
            let memory = self.memory.read();
            (Arc::clone(&memory.layers), memory.folded)
        };
        let mut plan = Plan::new(ops, before.head.number);
        let layers = find_layers(&layers, &plan)?;
        let reversal = plan.unwind.map(|to| self.reversal(to)).transpose()?;
        let base = plan.unwind.unwrap_or(before.head);
        let head = layers.last().map_or(base, |layer| reference(&layer.block));
        let after = Folded {
            head,
            record: plan.record,
        };

        if reversal.is_none() {
            self.divide_index(head.number, std::mem::take(&mut folding.room));
        }
        let (tx, t) = (self.db.write()?, &*self.db.tables);
        if let Some(reversal) = &reversal {
            for (hash, raw) in reversal.write(&tx, t)? {
                plan.pool.insert(hash, Some(raw));
            }
        }
        write_layers(&tx, t, &layers)?;
        for (key, value) in &plan.marks {
            set(&tx, t.marks, key, value.as_ref())?;
        }
        let pooled = self.write_pool(&tx, folding, &plan)?;
        t.set_folded(&tx, &after)?;
        self.files
            .reached(Point::FoldReady)
            .map_err(StoreError::io("fold", "the journal"))?;

        let garbage = if reversal.is_none() {
            tx.commit()?;
            self.memory.write().prune(after)
        } else {
            let mut memory = self.memory.write();
            tx.commit()?;
            let returned = plan
                .pool
                .into_iter()
                .filter_map(|(hash, raw)| Some((hash, raw?)));
            memory.drop_above(after.head.number, after.head);
            memory.pool.extend(returned);
            memory.prune(after)
        };
        folding.room = garbage.into_room().unwrap_or_default();
        folding.pooled = pooled;
        Ok(())
    }

    /// Divides the index of the memory where the fold of the blocks up to number `last` will cut it; what lies above
    /// goes into `room`.
    fn divide_index(&self, last: u64, room: Maps) {
        let (layers, is_split) = {
            let memory = self.memory.read();
            (Arc::clone(&memory.layers), memory.recent.is_split())
        };
        if is_split {
            // The last fold failed, and its blocks are still here.
            self.memory.write().index_anew();
        }
        let above: Vec<_> = layers
            .iter()
            .filter(|layer| layer.number() > last)
            .cloned()
            .collect();
        let index = Recent::within(room, &above);
        self.memory.write().divide(last, (above, index));
    }

    /// How the tables get back to `to`.
    fn reversal(&self, to: BlockRef) -> Result<Reversal, StoreError> {
        let snapshot = self.tables_only()?;
        let from = snapshot.head;
        let diff = snapshot.reverse_diff(to.number)?;
        let nodes = follow(
            &snapshot,
            &diff,
            to.number,
            state_root(&snapshot, to.number)?,
        )?;
        Ok(Reversal {
            from,
            to,
            diff,
            nodes,
        })
    }

    /// Brings the `pool` table up to date; returns the hashes in it.
    fn write_pool(
        &self,
        tx: &super::tables::WriteTx,
        folding: &Folding,
        plan: &Plan,
    ) -> Result<B256Set, StoreError> {
        let mut pooled = folding.pooled.clone();
        let table = self.db.tables.pool;
        for (hash, raw) in &plan.pool {
            match raw {
                Some(raw) if pooled.insert(*hash) => put(tx, table, hash.as_slice(), raw)?,
                None if pooled.remove(hash) => del(tx, table, hash.as_slice())?,
                _ => {}
            }
        }
        Ok(pooled)
    }

    /// The fold thread.
    pub(super) fn fold_until_closed(&self, pause: Duration) {
        while self.shared.wait_for_work(pause) {
            let outcome = self.fold_all();
            if let Err(error) = &outcome {
                tracing::error!(%error, "fold failed, trying again");
            }
            self.shared.folded(outcome);
        }
    }

    /// Folds everything that is on disk.
    pub(super) fn fold_all(&self) -> Result<(), StoreError> {
        let mut folding = self.folding.lock();
        let ops = self.shared.unfolded.lock().ops.clone();
        self.fold_ops(&mut folding, &ops)
    }

    /// Folds the first records of the queue and removes the segments that are no longer needed.
    pub(super) fn fold_ops(
        &self,
        folding: &mut Folding,
        ops: &[(u64, Op)],
    ) -> Result<(), StoreError> {
        if !ops.is_empty() {
            self.fold(folding, ops)?;
            self.shared.forget_folded(ops);
        }
        self.files
            .reached(Point::FoldCommitted)
            .map_err(StoreError::io("fold", "the journal"))?;
        self.remove_segments()
    }

    /// Removes the segments all of whose records are in the tables; the newest always stays.
    fn remove_segments(&self) -> Result<(), StoreError> {
        let applied = self.memory.read().folded.record;
        let mut segments = self.shared.segments.lock();
        while let [oldest, next, ..] = segments.as_slice() {
            if next.first > applied + 1 {
                break;
            }
            self.files
                .remove(&oldest.path)
                .map_err(StoreError::io("remove", &oldest.path))?;
            segments.remove(0);
        }
        Ok(())
    }

    /// The nodes that `block` changes, on top of the head; checks its state root.
    pub(super) fn recompute(&self, block: &SealedBlock) -> Result<StateTrieChanges, StoreError> {
        let header = &block.header.header;
        follow(
            &self.sequenced()?,
            &block.diff,
            header.number,
            header.state_root,
        )
    }
}

/// The nodes that `diff` changes on top of the snapshot's head, giving block `number` with the root
/// `expected`.
pub(super) fn follow(
    snapshot: &Snapshot,
    diff: &StateDiff,
    number: u64,
    expected: B256,
) -> Result<StateTrieChanges, StoreError> {
    let head = snapshot.head.number;
    let mut trie = StateTrie::new(state_root(snapshot, head)?);
    let before = snapshot.state_at(head)?;
    trie.apply(diff, &mut before.nodes_in_order()?)?;
    let got = trie.root();
    if got != expected {
        return Err(StoreError::RootMismatch {
            number,
            expected,
            got,
        });
    }
    Ok(trie.take_changes())
}

pub(super) fn state_root(snapshot: &Snapshot, number: u64) -> Result<B256, StoreError> {
    let header = snapshot
        .header(number)?
        .ok_or(StoreError::UnknownBlock { number })?;
    Ok(header.header.state_root)
}

fn find_layers(layers: &[Arc<Layer>], plan: &Plan) -> Result<Vec<Arc<Layer>>, StoreError> {
    let find = |block: &Arc<SealedBlock>| {
        let layer = layer_at(layers, block.header.header.number)
            .filter(|l| l.block.header.hash == block.header.hash);
        layer
            .cloned()
            .ok_or(StoreError::Internal("durable block is not in memory"))
    };
    plan.blocks.iter().map(find).collect()
}
