//! The 4 GiB of data memory: flat bytes, and which pages changed.
//!
//! The engine reads and writes it, the machine hashes it. Untouched parts cost address space only,
//! so a 64-bit host is required. Spec: `SPEC.md`, "Machine", section "Memory".

use crate::{
    calls::ADDRESS_SPACE,
    tree::{LEAF_LEN, LeafTree, PAGE_DEPTH, PageTree, page_hash, page_leaves},
};
use alloc::{vec, vec::Vec};
use alloy_primitives::B256;

/// Length of a page, in bytes.
pub const PAGE_LEN: usize = 4096;
/// The bytes of one page.
pub type Page = [u8; PAGE_LEN];

const PAGES: usize = 1 << 20;
/// Page changed since the tree was last brought up to date.
const STALE: u8 = 1;
/// Page changed since the last snapshot.
const UNSAVED: u8 = 2;

/// Data memory of a machine.
#[derive(Clone)]
pub struct Memory {
    bytes: Vec<u8>,
    marks: Vec<u8>,
    stale: Vec<u32>,
    unsaved: Vec<u32>,
    tree: PageTree,
}

impl core::fmt::Debug for Memory {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (stale, unsaved) = (self.stale.len(), self.unsaved.len());
        f.debug_struct("Memory")
            .field("stale", &stale)
            .field("unsaved", &unsaved)
            .finish()
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "addresses and the space fit a 64-bit usize"
)]
const SPACE: usize = ADDRESS_SPACE as usize;

#[expect(clippy::cast_possible_truncation, reason = "a 64-bit host is required")]
const fn index(address: u64) -> usize {
    address as usize
}

impl Memory {
    /// All-zero memory.
    #[must_use]
    pub fn new() -> Self {
        Self {
            bytes: vec![0; SPACE],
            marks: vec![0; PAGES],
            stale: Vec::new(),
            unsaved: Vec::new(),
            tree: PageTree::new(),
        }
    }

    /// The `N` bytes at `address`, or `None` if one of them lies outside the address space.
    #[inline]
    #[must_use]
    pub fn load<const N: usize>(&self, address: u64) -> Option<[u8; N]> {
        self.bytes
            .get(index(address)..)?
            .first_chunk::<N>()
            .copied()
    }

    /// Writes `N` bytes, at most a page, at `address`; `None` and no change if one of them lies
    /// outside the address space.
    #[inline]
    pub fn store<const N: usize>(&mut self, address: u64, value: [u8; N]) -> Option<()> {
        *self
            .bytes
            .get_mut(index(address)..)?
            .first_chunk_mut::<N>()? = value;
        self.mark(index(address) >> 12);
        let last = index(address).wrapping_add(N).wrapping_sub(1) >> 12;
        if last != index(address) >> 12 {
            self.mark(last);
        }
        Some(())
    }

    /// Writes any number of bytes; `None` and no change if they leave the address space.
    pub fn write(&mut self, address: u64, value: &[u8]) -> Option<()> {
        if value.is_empty() {
            return Some(());
        }
        let end = index(address).checked_add(value.len())?;
        self.bytes
            .get_mut(index(address)..end)?
            .copy_from_slice(value);
        for page in index(address) >> 12..=end.wrapping_sub(1) >> 12 {
            self.mark(page);
        }
        Some(())
    }

    /// `len` bytes at `address`, or `None` if they leave the address space.
    #[must_use]
    pub fn read(&self, address: u64, len: usize) -> Option<&[u8]> {
        self.bytes
            .get(index(address)..index(address).checked_add(len)?)
    }

    /// The page at index `page`; zeros beyond the space.
    #[must_use]
    pub fn page(&self, page: u32) -> Page {
        self.load(u64::from(page) << 12).unwrap_or([0; PAGE_LEN])
    }

    /// Records that a page changed. Engines that write through [`Memory::raw`] call this.
    #[inline]
    pub fn mark(&mut self, page: usize) {
        if self
            .marks
            .get(page)
            .is_some_and(|mark| *mark != STALE | UNSAVED)
        {
            self.mark_changed(page);
        }
    }

    #[cold]
    fn mark_changed(&mut self, page: usize) {
        let (Some(mark), Ok(number)) = (self.marks.get_mut(page), u32::try_from(page)) else {
            return;
        };
        if *mark & STALE == 0 {
            self.stale.push(number);
        }
        if *mark & UNSAVED == 0 {
            self.unsaved.push(number);
        }
        *mark = STALE | UNSAVED;
    }

    /// The whole space and the marks per page, for engines that compile code. A mark other than 3
    /// must be reported through [`Memory::mark`] before or after the write.
    pub fn raw(&mut self) -> (&mut [u8], &mut [u8]) {
        (&mut self.bytes, &mut self.marks)
    }

    /// Number of pages whose hash is out of date.
    #[must_use]
    pub fn stale_pages(&self) -> usize {
        self.stale.len()
    }

    /// Root of the memory tree; hashes the pages changed since the last call.
    pub fn root(&mut self) -> B256 {
        if !self.stale.is_empty() {
            let mut pages = core::mem::take(&mut self.stale);
            pages.sort_unstable();
            let updates: Vec<(usize, B256)> = pages
                .iter()
                .map(|page| (*page as usize, page_hash(&self.page(*page))))
                .collect();
            for (page, _) in &updates {
                self.clear(*page, STALE);
            }
            self.tree.update(&updates);
        }
        self.tree.root()
    }

    /// The leaf that holds `address` and its 25 siblings, from the leaf up. Call [`Memory::root`]
    /// first: the path is that of the tree as last brought up to date.
    #[must_use]
    pub(crate) fn leaf_path(&self, address: u64) -> ([u8; LEAF_LEN], Vec<B256>) {
        let page = index(address) >> 12;
        let within = (index(address) >> 7) & 31;
        let number = u32::try_from(page).unwrap_or_default();
        let mut path = LeafTree::new(page_leaves(&self.page(number)), PAGE_DEPTH).path(within);
        path.extend(self.tree.path(page));
        let start = address & !127;
        (self.load(start).unwrap_or([0; LEAF_LEN]), path)
    }

    /// Hash of a page and its 20 siblings, from the page up; as [`Memory::leaf_path`].
    #[must_use]
    pub(crate) fn page_path(&self, page: u32) -> (B256, Vec<B256>) {
        (self.tree.page(page as usize), self.tree.path(page as usize))
    }

    /// Pages changed since this was last called, ascending.
    pub(crate) fn take_unsaved(&mut self) -> Vec<u32> {
        let mut pages = core::mem::take(&mut self.unsaved);
        pages.sort_unstable();
        for page in &pages {
            self.clear(*page as usize, UNSAVED);
        }
        pages
    }

    fn clear(&mut self, page: usize, mark: u8) {
        if let Some(slot) = self.marks.get_mut(page) {
            *slot &= !mark;
        }
    }
}
