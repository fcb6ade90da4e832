//! The folder that a dev chain lives in, and what is where in it.
//!
//! One process at a time: the folder is locked. `--fresh` deletes only what a dev chain made, and only
//! in a folder that carries its mark.

use std::{
    fs::{self, File, TryLockError},
    io::ErrorKind,
    path::{Path, PathBuf},
};

use eyre::{WrapErr, bail};

/// Marks a folder as a dev chain's; also the file that is locked.
const MARK: &str = "trestle-dev.lock";

/// Everything else that a dev chain makes, so that nothing else is ever deleted.
const CONTENT: [&str; 20] = [
    "l1-state.json",
    "l1-states",
    "l1.log",
    "deployments.json",
    "rollup.json",
    "genesis.json",
    "manifest.json",
    "batcher.key",
    "sequencer",
    "sequencer.log",
    "replica",
    "replica.log",
    "proposer.key",
    "challenger",
    "challenger.key",
    "challenger.log",
    "liar",
    "liar.key",
    "liar.log",
    "funded",
];

/// A locked folder.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// Holds the lock until the process ends.
    _lock: File,
}

impl Folder {
    /// Opens, or makes, the folder at `path`; empties it of an older chain if `fresh`.
    ///
    /// # Errors
    /// When another process uses it, or it holds something that is not a dev chain.
    pub(super) fn open(path: &Path, fresh: bool) -> eyre::Result<Self> {
        let shown = path.display();
        fs::create_dir_all(path).wrap_err_with(|| format!("cannot make the folder {shown}"))?;
        if !path.join(MARK).exists() && fs::read_dir(path)?.next().is_some() {
            bail!("{shown} is not empty and not a dev chain's: name another folder with --datadir");
        }
        let lock =
            File::create(path.join(MARK)).wrap_err_with(|| format!("cannot write in {shown}"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!(
                    "another process runs the chain in {shown}: stop it, or name another folder with --datadir"
                )
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).wrap_err("cannot lock the folder");
            }
        }
        let path = path.canonicalize()?;
        let folder = Self { path, _lock: lock };
        if fresh {
            folder.clear()?;
        }
        Ok(folder)
    }

    fn clear(&self) -> eyre::Result<()> {
        CONTENT.iter().try_for_each(|name| self.delete(name))
    }

    /// Deletes `name` in it, if it is there.
    ///
    /// # Errors
    /// When it cannot be deleted.
    pub(super) fn delete(&self, name: &str) -> eyre::Result<()> {
        let path = self.file(name);
        let removed = if path.is_dir() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        match removed {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).wrap_err_with(|| format!("cannot delete {}", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// The folder, absolute.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Path of `name` in it, which is one that `--fresh` deletes.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        debug_assert!(
            CONTENT.contains(&name),
            "{name} would outlive its chain: add it to CONTENT"
        );
        self.path.join(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_of_something_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.txt"), "years of work").unwrap();
        let error = Folder::open(folder.path(), true).unwrap_err();
        assert!(error.to_string().contains("not empty"), "{error}");
        assert!(folder.path().join("thesis.txt").exists());
    }

    #[test]
    fn fresh_deletes_the_chain_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        drop(Folder::open(folder.path(), false).unwrap());
        fs::write(folder.path().join("rollup.json"), "{}").unwrap();
        fs::create_dir(folder.path().join("sequencer")).unwrap();
        fs::write(folder.path().join("notes.txt"), "mine").unwrap();
        drop(Folder::open(folder.path(), true).unwrap());
        assert!(!folder.path().join("rollup.json").exists());
        assert!(!folder.path().join("sequencer").exists());
        assert!(folder.path().join("notes.txt").exists());
    }

    #[test]
    fn second_user_of_a_folder_is_told_so() {
        let folder = tempfile::tempdir().unwrap();
        let _first = Folder::open(folder.path(), false).unwrap();
        let error = Folder::open(folder.path(), false).unwrap_err();
        assert!(error.to_string().contains("another process"), "{error}");
    }
}
