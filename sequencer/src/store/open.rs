//! Opening a data directory: who may, whose it is, and what a crash left behind.

use super::{
    BlockRef, Files, Identity, StoreError,
    block::reference,
    core::{Core, Folding},
    fold::write_layers,
    journal::{Op, Recovered, recover},
    layers::{Layer, Memory},
    progress::Shared,
    recent::Maps,
    tables::{Db, Folded},
};
use alloy_primitives::{B256, Bytes, map::B256Map};
use parking_lot::{Mutex, RwLock};
use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};
use trestle_protocol::{
    SealedBlock,
    trie::{EMPTY_ROOT_HASH, NodesByHash, StateTrie},
};

/// A data directory that this process has locked.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) journal: PathBuf,
    db: PathBuf,
    /// Locked as long as it is open.
    _lock: File,
}

impl Directory {
    /// Where the database is.
    pub(super) fn db(&self) -> &Path {
        &self.db
    }

    /// Creates what is missing, closes the directory to others and locks it.
    pub(super) fn lock(root: &Path) -> Result<Self, StoreError> {
        let (journal, db) = (root.join("journal"), root.join("db"));
        for dir in [root, &journal, &db] {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(dir)
                .map_err(StoreError::io("create", dir))?;
        }
        fs::set_permissions(root, fs::Permissions::from_mode(0o700))
            .map_err(StoreError::io("set the permissions of", root))?;
        let path = root.join("lock");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let lock = options.open(&path).map_err(StoreError::io("open", &path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                journal,
                db,
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path: root.into() }),
            Err(TryLockError::Error(source)) => Err(StoreError::Io {
                verb: "lock",
                path,
                source,
            }),
        }
    }
}

/// What opening needs to know.
#[derive(Debug)]
pub(super) struct Opening<'a> {
    pub(super) directory: &'a Directory,
    pub(super) files: Arc<dyn Files>,
    pub(super) identity: Identity,
    pub(super) genesis: &'a SealedBlock,
    /// Bytes of what is not folded at which no block comes.
    pub(super) unfolded_bound: usize,
}

impl Opening<'_> {
    /// Brings memory and tables to the state that the journal describes.
    ///
    /// Returns also the numbers of the next record and the next segment.
    pub(super) fn recover(self) -> Result<(Core, u64, u64), StoreError> {
        let path = &self.directory.db;
        let db = Db::open(path).map_err(|error| StoreError::Open {
            path: path.clone(),
            cause: Box::new(error),
        })?;
        let known = db.tables.check(&db.read()?, &self.identity)?;
        if !known {
            self.sync_names()?;
            self.write_genesis(&db)?;
        }
        let (folded, pool) = load(&db)?;
        let files = self.files.as_ref();
        let found = recover(
            files,
            &self.directory.journal,
            &self.identity,
            folded.record,
        )?;
        let Recovered {
            ops,
            next_record,
            next_segment,
            segments,
        } = found;
        let shared = Arc::new(Shared::new(
            next_record.saturating_sub(1),
            folded.head,
            segments,
            self.unfolded_bound,
        ));
        let core = Core {
            db,
            files: self.files,
            folding: Mutex::new(Folding {
                pooled: pool.keys().copied().collect(),
                room: Maps::default(),
            }),
            memory: RwLock::new(Memory::new(folded, pool)),
            shared,
        };
        for (record, op) in ops {
            core.replay(record, op)?;
        }
        core.shared.set_head(core.memory.read().head);
        Ok((core, next_record, next_segment))
    }

    /// Makes the names in a new data directory durable, before anything in it is: a file's own sync need not do so.
    fn sync_names(&self) -> Result<(), StoreError> {
        let db = &self.directory.db;
        for dir in db.ancestors().take(2) {
            self.files
                .sync_dir(dir)
                .map_err(StoreError::io("sync", dir))?;
        }
        Ok(())
    }

    fn write_genesis(&self, db: &Db) -> Result<(), StoreError> {
        let genesis = self.genesis;
        let mut trie = StateTrie::new(EMPTY_ROOT_HASH);
        trie.apply(&genesis.diff, &mut NodesByHash::default())
            .map_err(|_| StoreError::Internal("an empty trie needed a node"))?;
        let (got, nodes) = (trie.root(), trie.take_changes());
        let expected = genesis.header.header.state_root;
        if got != expected {
            return Err(StoreError::RootMismatch {
                number: 0,
                expected,
                got,
            });
        }
        let layer = Arc::new(Layer::new(Arc::new(genesis.clone()), nodes));
        let tx = db.write()?;
        db.tables.set_identity(&tx, &self.identity)?;
        write_layers(&tx, &db.tables, &[layer])?;
        db.tables.set_folded(
            &tx,
            &Folded {
                head: reference(genesis),
                record: 0,
            },
        )?;
        Ok(tx.commit()?)
    }
}

impl Core {
    /// Takes one record from the journal into memory. An unwind that reaches below memory is
    /// carried out in the tables at once, as it was when it was recorded.
    fn replay(&self, record: u64, op: Op) -> Result<(), StoreError> {
        self.shared.count(&op);
        self.shared.unfolded.lock().ops.push((record, op.clone()));
        match &op {
            Op::Block(block) => {
                self.memory.read().check_next(block)?;
                let layer = Arc::new(Layer::new(Arc::clone(block), self.recompute(block)?));
                self.memory.write().push(layer);
                Ok(())
            }
            Op::Unwind(to) => self.unwind_memory(*to),
            _ => {
                self.memory.write().apply_small(record, &op);
                Ok(())
            }
        }
    }

    /// Takes an unwind that is on disk, and the last record in the queue, into memory; and into the
    /// tables if they hold a block above `to`.
    pub(super) fn unwind_memory(&self, to: BlockRef) -> Result<(), StoreError> {
        let mut folding = self.folding.lock();
        {
            let mut memory = self.memory.write();
            let folded = memory.folded.head;
            if to.number >= folded.number {
                memory.drop_above(to.number, folded);
                return Ok(());
            }
        }
        let ops = self.shared.unfolded.lock().ops.clone();
        self.fold_ops(&mut folding, &ops)
    }
}

fn load(db: &Db) -> Result<(Folded, B256Map<Bytes>), StoreError> {
    let tx = db.read()?;
    let mut pool = B256Map::default();
    let mut cursor = tx.cursor(db.tables.pool)?;
    let mut next = cursor.first::<[u8; 32], Vec<u8>>()?;
    while let Some((hash, raw)) = next {
        pool.insert(B256::from(hash), Bytes::from(raw));
        next = cursor.next::<[u8; 32], Vec<u8>>()?;
    }
    drop(cursor);
    Ok((db.tables.folded(&tx)?, pool))
}
