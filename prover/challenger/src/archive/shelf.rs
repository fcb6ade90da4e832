//! The archive's folder: a file for each blob, a note of where each was, and how far the log was followed.
//!
//! ```text
//! 0x…            131,072 bytes, named by versioned hash: what `--blob-archive` reads
//! places/0x…     JSON: batch, number and time of the L1 block that carried it
//! blocks/N       JSON: versioned hashes of the batches in L1 block N, in order
//! times/T        the same by the block's timestamp
//! archive.json   how far the log was followed, and which blobs are missing
//! ```
//! Every file is written beside its place, synced, and renamed: it is there whole or not at all.

use super::ArchiveError;
use alloy_primitives::{B256, Bytes};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};
use trestle_sequencer::l1::{BLOB_BYTES, BlobPlace, is_blob};

/// A blob that the archive should have and has not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Missing {
    /// Its versioned hash.
    pub versioned_hash: B256,
    /// Number of the batch that it is part of.
    pub batch: u64,
    /// Number of the L1 block that carried it.
    pub l1_block: u64,
    /// Timestamp of that block, in seconds since 1970.
    pub time: u64,
    /// Why it could not be had the last time; empty before the first try.
    #[serde(default)]
    pub reason: String,
}

impl Missing {
    pub(super) const fn place(&self) -> BlobPlace {
        BlobPlace {
            number: self.l1_block,
            time: self.time,
        }
    }
}

/// A folder of blobs.
#[derive(Debug)]
pub struct Shelf {
    folder: PathBuf,
    missing: Mutex<BTreeMap<B256, Missing>>,
    /// Tells files apart that are being written.
    writes: AtomicU64,
    /// Held as long as the folder is in use.
    _lock: File,
}

impl Shelf {
    /// Opens a folder, or makes it; what a crash left half-written is thrown away.
    ///
    /// # Errors
    /// [`ArchiveError::Disk`], [`ArchiveError::InUse`].
    pub fn open(folder: &Path) -> Result<Self, ArchiveError> {
        for part in ["places", "blocks", "times", "new"] {
            let path = folder.join(part);
            fs::create_dir_all(&path).map_err(|source| disk(&path, source))?;
        }
        let path = folder.join("lock");
        let lock = File::create(&path).map_err(|source| disk(&path, source))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ArchiveError::InUse(folder.into())),
            Err(TryLockError::Error(source)) => return Err(disk(&path, source)),
        }
        let new = folder.join("new");
        let left = fs::read_dir(&new).map_err(|source| disk(&new, source))?;
        for file in left.flatten() {
            fs::remove_file(file.path()).map_err(|source| disk(&file.path(), source))?;
        }
        Ok(Self {
            folder: folder.into(),
            missing: Mutex::default(),
            writes: AtomicU64::new(0),
            _lock: lock,
        })
    }

    /// Whether there is a file for this blob; what is in it is checked when it is read.
    #[must_use]
    pub fn has(&self, hash: B256) -> bool {
        let is_whole = |file: fs::Metadata| file.len() == BLOB_BYTES as u64;
        fs::metadata(self.folder.join(hash.to_string())).is_ok_and(is_whole)
    }

    /// The blob with this versioned hash, checked; `None` when there is none. Takes some 50 ms.
    ///
    /// # Errors
    /// [`ArchiveError::Damaged`]: the file held something else; it is put aside, and the blob is missing from now on.
    /// [`ArchiveError::Disk`].
    pub fn get(&self, hash: B256) -> Result<Option<Bytes>, ArchiveError> {
        let path = self.folder.join(hash.to_string());
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(|source| disk(&path, source))?,
        };
        if is_blob(&bytes, hash) {
            return Ok(Some(bytes.into()));
        }
        tracing::error!(%hash, path = %path.display(), "the file of a blob is damaged, fetching it again");
        metrics::counter!("trestle_archive_damaged_total").increment(1);
        let aside = path.with_extension("damaged");
        fs::rename(&path, &aside).map_err(|source| disk(&path, source))?;
        if let Some(place) = self.read::<Missing>(&format!("places/{hash}"))? {
            self.want(place);
        }
        Err(ArchiveError::Damaged(hash))
    }

    /// Keeps a blob, which must have been held against its hash.
    ///
    /// # Errors
    /// [`ArchiveError::Disk`].
    pub fn put(&self, hash: B256, blob: &[u8]) -> Result<(), ArchiveError> {
        self.write(&hash.to_string(), blob)?;
        self.missing.lock().remove(&hash);
        Ok(())
    }

    /// Blobs that should be here and are not.
    #[must_use]
    pub fn missing(&self) -> Vec<Missing> {
        self.missing.lock().values().cloned().collect()
    }

    /// Notes a blob down as missing.
    pub(super) fn want(&self, missing: Missing) {
        self.missing.lock().insert(missing.versioned_hash, missing);
    }

    /// Why a missing blob could not be had; whether that is news.
    pub(super) fn excuse(&self, hash: B256, reason: String) -> bool {
        let mut missing = self.missing.lock();
        let Some(missing) = missing.get_mut(&hash) else {
            return false;
        };
        let is_news = missing.reason != reason;
        missing.reason = reason;
        is_news
    }

    /// Forgets blobs of batches above `batch`, which L1 took back.
    pub(super) fn forget_above(&self, batch: u64) {
        self.missing
            .lock()
            .retain(|_, missing| missing.batch <= batch);
    }

    /// Notes down where the blobs of a batch are, and wants those that are not here.
    pub(super) fn note(
        &self,
        batch: u64,
        place: BlobPlace,
        hashes: &[B256],
    ) -> Result<(), ArchiveError> {
        for hash in hashes {
            let note = Missing {
                versioned_hash: *hash,
                batch,
                l1_block: place.number,
                time: place.time,
                reason: String::new(),
            };
            self.write_json(&format!("places/{hash}"), &note)?;
            if !self.has(*hash) {
                self.want(note);
            }
        }
        let mut all = self.hashes_of(place.number)?;
        let new: Vec<_> = hashes.iter().filter(|hash| !all.contains(hash)).collect();
        all.extend(new);
        self.write_json(&format!("blocks/{}", place.number), &all)?;
        self.write_json(&format!("times/{}", place.time), &all)
    }

    /// Forgets which blobs an L1 block carried, when it is none any more.
    pub(super) fn forget_block(&self, place: BlobPlace) -> Result<(), ArchiveError> {
        for name in [
            format!("blocks/{}", place.number),
            format!("times/{}", place.time),
        ] {
            let path = self.folder.join(name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(disk(&path, error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Versioned hashes of the batches in an L1 block, by its number.
    pub(super) fn hashes_of(&self, number: u64) -> Result<Vec<B256>, ArchiveError> {
        Ok(self.read(&format!("blocks/{number}"))?.unwrap_or_default())
    }

    /// Versioned hashes of the batches in an L1 block, by its timestamp.
    pub(super) fn hashes_at(&self, time: u64) -> Result<Vec<B256>, ArchiveError> {
        Ok(self.read(&format!("times/{time}"))?.unwrap_or_default())
    }

    /// A JSON file; `None` when it is not there.
    pub(super) fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, ArchiveError> {
        let path = self.folder.join(name);
        let text = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(|source| disk(&path, source))?,
        };
        serde_json::from_slice(&text)
            .map(Some)
            .map_err(|_| ArchiveError::State(path))
    }

    pub(super) fn write_json<T: Serialize>(&self, name: &str, of: &T) -> Result<(), ArchiveError> {
        let path = self.folder.join(name);
        let text = serde_json::to_vec(of).map_err(|error| disk(&path, error.into()))?;
        self.write(name, &text)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), ArchiveError> {
        let path = self.folder.join(name);
        let number = self.writes.fetch_add(1, Ordering::Relaxed);
        let new = self.folder.join("new").join(number.to_string());
        let written = || -> io::Result<()> {
            let mut file = File::create(&new)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&new, &path)?;
            match path.parent() {
                Some(folder) => File::open(folder)?.sync_all(),
                None => Ok(()),
            }
        };
        written().map_err(|source| disk(&path, source))
    }
}

pub(super) fn disk(path: &Path, source: io::Error) -> ArchiveError {
    ArchiveError::Disk {
        path: path.into(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trestle_test_support::TestBlob;

    const PLACE: BlobPlace = BlobPlace {
        number: 9,
        time: 1_000,
    };

    #[test]
    fn blob_is_kept_whole_and_a_damaged_file_is_wanted_again() {
        let folder = tempfile::tempdir().unwrap();
        let blob = TestBlob::of(3).unwrap();
        let shelf = Shelf::open(folder.path()).unwrap();
        shelf.note(4, PLACE, &[blob.hash]).unwrap();
        assert_eq!(shelf.missing().len(), 1);
        assert!(shelf.get(blob.hash).unwrap().is_none());
        shelf.put(blob.hash, &blob.bytes).unwrap();
        assert!(shelf.missing().is_empty());
        assert_eq!(shelf.get(blob.hash).unwrap().unwrap(), blob.bytes);
        assert_eq!(shelf.hashes_of(9).unwrap(), [blob.hash]);
        assert_eq!(shelf.hashes_at(1_000).unwrap(), [blob.hash]);

        let file = folder.path().join(blob.hash.to_string());
        let mut damaged = blob.bytes.clone();
        damaged[31] ^= 1;
        fs::write(&file, damaged).unwrap();
        assert!(matches!(
            shelf.get(blob.hash),
            Err(ArchiveError::Damaged(hash)) if hash == blob.hash
        ));
        let missing = shelf.missing();
        assert_eq!((missing[0].batch, missing[0].place()), (4, PLACE));
        assert!(shelf.get(blob.hash).unwrap().is_none(), "put aside");
        shelf.forget_above(3);
        assert!(shelf.missing().is_empty());
        shelf.forget_block(PLACE).unwrap();
        assert!(shelf.hashes_of(9).unwrap().is_empty());
    }

    #[test]
    fn folder_has_one_user_and_loses_what_is_half_written() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(folder.path()).unwrap();
        assert!(matches!(
            Shelf::open(folder.path()),
            Err(ArchiveError::InUse(_))
        ));
        drop(shelf);
        let half = folder.path().join("new/7");
        fs::write(&half, [1]).unwrap();
        Shelf::open(folder.path()).unwrap();
        assert!(!half.exists());
    }
}
