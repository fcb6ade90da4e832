//! Saved machines, sharing the pages they have in common.

use crate::{engine::Hart, machine::Status, memory::Page};
use alloc::{collections::BTreeMap, sync::Arc};

/// Pages by number; absent ones are zero.
pub(crate) type Pages = BTreeMap<u32, Arc<Page>>;

/// A machine as it stood at one step.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub(crate) status: Status,
    pub(crate) hart: Hart,
    pub(crate) pages: Pages,
}

impl Snapshot {
    /// Steps taken when it was saved.
    #[must_use]
    pub const fn step(&self) -> u64 {
        self.status.step
    }

    /// Number of pages that are or once were not zero.
    #[must_use]
    pub fn pages(&self) -> usize {
        self.pages.len()
    }
}
