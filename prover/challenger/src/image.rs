//! The program that is proven, as committed: its ELF file and its image root.
//!
//! `make image` writes both from `prover/guest`; `make test-image` builds them a second time and compares.

use alloy_primitives::{B256, hex};
use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};
use trestle_vm::{ElfError, Image};

/// The ELF file.
pub const ELF: &[u8] = include_bytes!("../../guest/image/trestle-guest.elf");
/// What is said about it: `root`, `size` in bytes, `toolchain`.
pub const IMAGE_JSON: &str = include_str!("../../guest/image/image.json");
/// Its image root, which games name.
pub const IMAGE_ROOT: B256 = root(IMAGE_JSON);

/// The root in the first value of the JSON; zero if it is not there, which a test would see.
const fn root(json: &str) -> B256 {
    const AT: usize = "{\n  \"root\": \"".len();
    if json.len() < AT + 66 {
        return B256::ZERO;
    }
    let (digits, _) = json.as_bytes().split_at(AT).1.split_at(66);
    match hex::const_decode_to_array::<32>(digits) {
        Ok(root) => B256::new(root),
        Err(_) => B256::ZERO,
    }
}

/// The program, loaded once.
///
/// # Errors
/// [`ElfError`] when the committed file is no image.
pub fn image() -> Result<Arc<Image>, ElfError> {
    static IMAGE: LazyLock<Result<Arc<Image>, ElfError>> =
        LazyLock::new(|| Image::from_elf(ELF).map(Arc::new));
    IMAGE.clone()
}

/// Programs by their image roots, the built-in one among them: during a change of the image a chain has two.
#[derive(Debug, Clone)]
pub struct Programs(BTreeMap<B256, Arc<Image>>);

impl Default for Programs {
    /// The built-in program alone.
    fn default() -> Self {
        let built_in = image().ok();
        Self(
            built_in
                .into_iter()
                .map(|image| (IMAGE_ROOT, image))
                .collect(),
        )
    }
}

impl Programs {
    /// Adds a program; gives its image root.
    pub fn add(&mut self, image: Arc<Image>) -> B256 {
        let root = image.root();
        self.0.insert(root, image);
        root
    }

    /// The program with this image root.
    #[must_use]
    pub fn get(&self, root: &B256) -> Option<&Arc<Image>> {
        self.0.get(root)
    }

    /// The image roots.
    pub fn roots(&self) -> impl Iterator<Item = B256> + '_ {
        self.0.keys().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn committed_root_is_the_root_of_the_committed_file() {
        let image = image().unwrap();
        assert_eq!(image.root(), IMAGE_ROOT);
        assert!(IMAGE_JSON.contains(&format!("\"size\": {},", ELF.len())));
    }

    #[test]
    fn json_without_a_root_gives_zero() {
        assert_eq!(root("{}"), B256::ZERO);
        assert_eq!(root(&IMAGE_JSON.replace("0x", "zz")), B256::ZERO);
    }
}
