//! Where the programs are that Trestle starts or recommends: anvil and cast.
//!
//! Looked for on PATH, then in `contracts/node_modules/.bin` of the working directory or any folder
//! above it, so that a checkout needs no installation beyond `make setup`.

use std::{
    env,
    path::{Path, PathBuf},
};

/// Folder of npm's executables, relative to the root of a checkout.
const NODE_BIN: &str = "contracts/node_modules/.bin";

/// Path of the program `name`, if it is to be had.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    on_path(name).or_else(|| in_checkout(name))
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| is_executable(file))
}

fn in_checkout(name: &str) -> Option<PathBuf> {
    let here = env::current_dir().ok()?;
    here.ancestors()
        .map(|root| root.join(NODE_BIN).join(name))
        .find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn program_on_the_path_is_found() {
        assert!(find("sh").is_some_and(|path| path.is_absolute()));
    }

    #[test]
    fn unknown_program_is_not_found() {
        assert_eq!(find("no-such-program-anywhere"), None);
    }

    #[test]
    fn folder_is_no_program() {
        assert!(!is_executable(Path::new("/")));
    }
}
