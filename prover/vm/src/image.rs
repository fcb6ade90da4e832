//! A guest image: code, initial memory, entry and stack pointer, and the root that names it.
//!
//! Built from an ELF file, or by hand in tests. Spec: `SPEC.md`, "Machine", section "Image".

use crate::{
    elf::{self, ElfError},
    memory::{PAGE_LEN, Page},
    tree::{LEAF_LEN, LeafTree, PageTree, leaf_hash, page_hash},
};
use alloc::{boxed::Box, collections::BTreeMap, sync::Arc, vec::Vec};
use alloy_primitives::{B256, keccak256};

/// Depth of the code tree: 2^17 leaves of 128 bytes are 16 MiB.
pub const CODE_DEPTH: usize = 17;
/// Longest code, in bytes.
pub const MAX_CODE_LEN: u64 = 1 << 24;
/// Length of an image header, in bytes.
pub const IMAGE_LEN: usize = 96;

/// What the image root commits to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageHeader {
    /// Root of the code tree.
    pub code_root: B256,
    /// Root of the initial memory.
    pub memory_root: B256,
    /// Address of the first code byte, a multiple of 128.
    pub code_base: u64,
    /// Length of the code in bytes, a multiple of 4, at most 2^24.
    pub code_len: u64,
    /// Address of the first instruction.
    pub entry: u64,
    /// Initial value of `sp`.
    pub sp: u64,
}

impl ImageHeader {
    /// The layout whose keccak256 is the image root.
    #[must_use]
    pub fn encode(&self) -> [u8; IMAGE_LEN] {
        let mut out = [0; IMAGE_LEN];
        let numbers = [self.code_base, self.code_len, self.entry, self.sp].map(u64::to_be_bytes);
        let parts = [self.code_root.as_slice(), self.memory_root.as_slice()];
        let bytes = parts
            .into_iter()
            .chain(numbers.iter().map(<[u8; 8]>::as_slice))
            .flatten();
        for (slot, byte) in out.iter_mut().zip(bytes) {
            *slot = *byte;
        }
        out
    }

    /// The image root.
    #[must_use]
    pub fn root(&self) -> B256 {
        keccak256(self.encode())
    }

    /// True when base and length obey their alignment and bound.
    #[must_use]
    pub const fn is_canonical(&self) -> bool {
        self.code_base.is_multiple_of(LEAF_LEN as u64)
            && self.code_len.is_multiple_of(4)
            && self.code_len <= MAX_CODE_LEN
    }
}

/// A loaded guest.
#[derive(Debug, Clone)]
pub struct Image {
    header: ImageHeader,
    code: Vec<u8>,
    code_tree: LeafTree,
    pages: BTreeMap<u32, Arc<Page>>,
}

impl Image {
    /// Loads a static RV64IM ELF file.
    ///
    /// # Errors
    /// [`ElfError`] names what the file lacks or has too much of.
    pub fn from_elf(file: &[u8]) -> Result<Self, ElfError> {
        elf::load(file)
    }

    /// Builds an image. `code` starts at `code_base` (a multiple of 128) and is not thereby part of
    /// the memory; `memory` lists `(address, bytes)`.
    ///
    /// # Errors
    /// [`ElfError::CodeRange`] when the code is misaligned or too long, [`ElfError::Segment`] when
    /// memory leaves the address space.
    pub fn new(
        code_base: u64,
        code: Vec<u8>,
        memory: &[(u64, &[u8])],
        (entry, sp): (u64, u64),
    ) -> Result<Self, ElfError> {
        let pages = pages_of(memory)?;
        let leaves = code
            .chunks(LEAF_LEN)
            .map(|chunk| leaf_hash(&leaf_of(chunk)))
            .collect();
        let code_tree = LeafTree::new(leaves, CODE_DEPTH);
        let mut tree = PageTree::new();
        let hashes: Vec<_> = pages
            .iter()
            .map(|(number, page)| (*number as usize, page_hash(page)))
            .collect();
        tree.update(&hashes);
        let header = ImageHeader {
            code_root: code_tree.root(),
            memory_root: tree.root(),
            code_base,
            code_len: code.len() as u64,
            entry,
            sp,
        };
        if !header.is_canonical() {
            return Err(ElfError::CodeRange {
                base: code_base,
                len: code.len() as u64,
            });
        }
        Ok(Self {
            header,
            code,
            code_tree,
            pages,
        })
    }

    /// What the root commits to.
    #[must_use]
    pub const fn header(&self) -> &ImageHeader {
        &self.header
    }

    /// The image root.
    #[must_use]
    pub fn root(&self) -> B256 {
        self.header.root()
    }

    /// The code as little-endian words.
    pub fn words(&self) -> impl Iterator<Item = u32> + '_ {
        let (words, _) = self.code.as_chunks::<4>();
        words.iter().map(|word| u32::from_le_bytes(*word))
    }

    /// The instruction word at `pc`, or `None` outside the code or off a multiple of 4.
    #[must_use]
    pub fn word(&self, pc: u64) -> Option<u32> {
        let offset = usize::try_from(pc.wrapping_sub(self.header.code_base)).ok()?;
        if pc & 3 != 0 {
            return None;
        }
        self.code
            .get(offset..)?
            .first_chunk::<4>()
            .map(|word| u32::from_le_bytes(*word))
    }

    /// The code leaf that holds `pc`, which must lie in the code, and its 17 siblings.
    #[must_use]
    pub(crate) fn code_path(&self, pc: u64) -> ([u8; LEAF_LEN], Vec<B256>) {
        let offset = usize::try_from(pc.wrapping_sub(self.header.code_base)).unwrap_or_default();
        let index = offset >> 7;
        let leaf = self
            .code
            .chunks(LEAF_LEN)
            .nth(index)
            .map_or([0; LEAF_LEN], leaf_of);
        (leaf, self.code_tree.path(index))
    }

    /// Pages of the initial memory that are not all zero.
    #[must_use]
    pub(crate) const fn pages(&self) -> &BTreeMap<u32, Arc<Page>> {
        &self.pages
    }
}

fn leaf_of(chunk: &[u8]) -> [u8; LEAF_LEN] {
    let mut leaf = [0; LEAF_LEN];
    for (slot, byte) in leaf.iter_mut().zip(chunk) {
        *slot = *byte;
    }
    leaf
}

/// Splits segments into pages; later segments overwrite earlier ones.
fn pages_of(memory: &[(u64, &[u8])]) -> Result<BTreeMap<u32, Arc<Page>>, ElfError> {
    let mut pages: BTreeMap<u32, Box<Page>> = BTreeMap::new();
    for (address, bytes) in memory {
        let outside = ElfError::Segment {
            address: *address,
            len: bytes.len() as u64,
        };
        let mut at = u32::try_from(*address).map_err(|_| outside)?;
        let mut rest: &[u8] = bytes;
        while !rest.is_empty() {
            let offset = (at as usize) & PAGE_LEN.wrapping_sub(1);
            let (now, later) = rest.split_at(rest.len().min(PAGE_LEN.wrapping_sub(offset)));
            let page = pages
                .entry(at >> 12)
                .or_insert_with(|| Box::new([0; PAGE_LEN]));
            for (slot, byte) in page.iter_mut().skip(offset).zip(now) {
                *slot = *byte;
            }
            rest = later;
            if !rest.is_empty() {
                let next = (at >> 12).checked_add(1).filter(|page| *page < 1 << 20);
                at = next.ok_or(outside)? << 12;
            }
        }
    }
    Ok(pages
        .into_iter()
        .map(|(number, page)| (number, Arc::from(page)))
        .collect())
}
