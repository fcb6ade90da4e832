//! The nodes of one trie in one growing array, named by index; freed places are used again.

use super::node::{EMPTY, Id, Node, Reference, Slot};
use alloc::{vec, vec::Vec};

/// Places that one operation may take at most: a resolved node brings at most 16 inline nodes with
/// it (more do not fit below 32 bytes each), and an insertion makes three.
const HEADROOM: usize = 64;

/// Nodes from which on an arena grows by less than its size.
const LARGE: usize = 1 << 16;

static NOTHING: Slot = Slot::EMPTY;

/// All nodes of one trie.
#[derive(Debug)]
pub(super) struct Arena {
    slots: Vec<Slot>,
    free: Vec<Id>,
}

impl Arena {
    /// An arena without nodes.
    pub(super) fn new() -> Self {
        Self {
            slots: vec![Slot::EMPTY],
            free: Vec::new(),
        }
    }

    /// Whether the next operation may run out of indices.
    pub(super) fn is_full(&self) -> bool {
        self.slots.len() > (u32::MAX as usize).saturating_sub(HEADROOM)
    }

    /// Number of nodes in use, unresolved ones included.
    pub(super) fn len(&self) -> usize {
        self.slots
            .len()
            .saturating_sub(self.free.len())
            .saturating_sub(1)
    }

    /// Node `id`; the empty node for an index that is not in use.
    pub(super) fn get(&self, id: Id) -> &Slot {
        self.slots.get(id as usize).unwrap_or(&NOTHING)
    }

    /// Node `id` for a change; `None` for the empty node.
    pub(super) fn get_mut(&mut self, id: Id) -> Option<&mut Slot> {
        if id == EMPTY {
            None
        } else {
            self.slots.get_mut(id as usize)
        }
    }

    /// Takes a node in. The caller has asked [`Self::is_full`] before.
    pub(super) fn add(&mut self, slot: Slot) -> Id {
        if let Some(id) = self.free.pop()
            && let Some(place) = self.slots.get_mut(id as usize)
        {
            *place = slot;
            return id;
        }
        let id = u32::try_from(self.slots.len()).unwrap_or(EMPTY);
        if self.slots.len() == self.slots.capacity() {
            self.grow();
        }
        self.slots.push(slot);
        id
    }

    /// Makes room: twice as much while it is little, then a quarter more. The prover counts every byte.
    fn grow(&mut self) {
        let more = match self.slots.len() {
            few @ ..LARGE => few.max(HEADROOM),
            many => many >> 2,
        };
        self.slots.reserve_exact(more);
    }

    /// Gives a node's place back.
    pub(super) fn release(&mut self, id: Id) {
        if let Some(slot) = self.get_mut(id) {
            *slot = Slot::EMPTY;
            self.free.push(id);
        }
    }

    /// Marks a node as changed.
    pub(super) fn soil(&mut self, id: Id) {
        if let Some(slot) = self.get_mut(id) {
            slot.reference = Reference::Dirty;
        }
    }

    /// Gives back everything below `id`, but not `id` itself.
    pub(super) fn release_below(&mut self, id: Id) {
        let children = match &self.get(id).node {
            Node::Branch(children) => *children,
            Node::Extension { child, .. } => {
                let mut only = [EMPTY; 16];
                super::node::set_child(&mut only, 0, *child);
                only
            }
            _ => return,
        };
        for child in children.into_iter().filter(|child| *child != EMPTY) {
            self.release_below(child);
            self.release(child);
        }
    }

    /// Makes room for `nodes` in all, so that none of them is moved as the others come; does without where there is none.
    pub(super) fn reserve(&mut self, nodes: usize) {
        let more = nodes.saturating_sub(self.slots.len());
        self.slots.try_reserve_exact(more).unwrap_or_default();
    }
}
