//! Forgetting: nodes that the source holds too are dropped from memory when there are too many.

use super::{
    Trie,
    arena::Arena,
    node::{EMPTY, Id, Node, Reference, Slot, set_child},
};
use alloc::vec::Vec;

impl Trie {
    /// Bounds the memory to about `max_nodes` nodes, by forgetting clean ones: first those not
    /// walked through since the last pruning, then the deepest.
    ///
    /// Call it when the source holds all changes that were taken. Does nothing while there are
    /// changes that were not, so the bound holds only for a trie in step with its source.
    pub fn prune(&mut self, max_nodes: usize) {
        if !self.may_forget() {
            return;
        }
        if self.arena.len() > max_nodes {
            self.forget_untouched(self.root);
        }
        if self.arena.len() > max_nodes {
            let depth = self.depth_within(max_nodes);
            self.forget_below(self.root, depth);
        }
    }

    /// Forgets every node that came from the source and is as it came, and gives the memory back. For
    /// untracked tries, whose source never learns what changed. Does nothing before the root is computed.
    pub(super) fn forget_unchanged(&mut self) {
        if self.is_clean() {
            let mut kept = Arena::new();
            self.root = self.keep(self.root, &mut kept);
            self.arena = kept;
            self.trail.clear();
        }
    }

    /// Whether the source holds all changes, so that nodes can be had again.
    pub(super) fn may_forget(&self) -> bool {
        !self.is_ahead && self.is_clean()
    }

    /// Whether the source holds all of it.
    pub(super) fn is_unchanged(&self) -> bool {
        self.root == EMPTY || self.arena.get(self.root).stored
    }

    /// Moves what must be kept of the subtree `id` to another arena; its place there.
    fn keep(&mut self, id: Id, to: &mut Arena) -> Id {
        let Some(slot) = self.arena.get_mut(id) else {
            return EMPTY;
        };
        let mut slot = core::mem::replace(slot, Slot::EMPTY);
        if let (true, Reference::Hash(hash)) = (slot.stored, slot.reference) {
            return to.add(Slot::unresolved(hash));
        }
        match &mut slot.node {
            Node::Branch(children) => {
                for (index, child) in (0_u8..).zip(*children) {
                    set_child(children, index, self.keep(child, to));
                }
            }
            Node::Extension { child, .. } => *child = self.keep(*child, to),
            Node::Empty | Node::Unresolved | Node::Leaf { .. } => {}
        }
        to.add(slot)
    }

    /// Whether the root is up to date.
    pub(super) fn is_clean(&self) -> bool {
        self.root == EMPTY || matches!(self.arena.get(self.root).reference, Reference::Hash(_))
    }

    /// Whether it was not used since [`Self::rest`] and holds nothing that the source may lack.
    pub(super) fn is_idle(&self) -> bool {
        let has_changes = self
            .changes
            .as_ref()
            .is_some_and(|changes| !changes.is_empty());
        !self.is_ahead && !has_changes && self.is_clean() && !self.arena.get(self.root).touched
    }

    /// Forgets that it was used.
    pub(super) fn rest(&mut self) {
        if let Some(slot) = self.arena.get_mut(self.root) {
            slot.touched = false;
        }
    }

    /// Forgets every subtree of `id` that was not walked into, and unmarks the rest. Level by level: which nodes come next
    /// is known before this one has come from memory.
    pub(super) fn forget_untouched(&mut self, id: Id) {
        let mut level = alloc::vec![id];
        while !level.is_empty() {
            let mut below = Vec::new();
            for id in level {
                let Some(slot) = self.arena.get_mut(id) else {
                    continue;
                };
                if !core::mem::take(&mut slot.touched) {
                    self.forget(id);
                }
                below.extend(self.children(id));
            }
            level = below;
        }
    }

    /// Forgets every node more than `levels` steps below `id`.
    fn forget_below(&mut self, id: Id, levels: usize) {
        match levels.checked_sub(1) {
            None => self.forget(id),
            Some(levels) => {
                for child in self.children(id) {
                    self.forget_below(child, levels);
                }
            }
        }
    }

    /// The greatest number of levels that together have at most `max_nodes` nodes.
    fn depth_within(&self, max_nodes: usize) -> usize {
        let mut level: Vec<Id> = alloc::vec![self.root];
        let (mut total, mut depth) = (1_usize, 0_usize);
        while !level.is_empty() {
            level = level.iter().flat_map(|id| self.children(*id)).collect();
            total = total.saturating_add(level.len());
            if total > max_nodes {
                break;
            }
            depth = depth.saturating_add(1);
        }
        depth
    }

    /// Makes a resolved node that has a hash unresolved. Inline nodes stay with their parent.
    fn forget(&mut self, id: Id) {
        if !matches!(self.arena.get(id).reference, Reference::Hash(_)) {
            return;
        }
        self.arena.release_below(id);
        if let Some(slot) = self.arena.get_mut(id) {
            slot.node = Node::Unresolved;
        }
    }

    fn children(&self, id: Id) -> impl Iterator<Item = Id> + use<> {
        let children = match &self.arena.get(id).node {
            Node::Branch(children) => *children,
            Node::Extension { child, .. } => {
                let mut only = [EMPTY; 16];
                super::node::set_child(&mut only, 0, *child);
                only
            }
            _ => [EMPTY; 16],
        };
        children.into_iter().filter(|child| *child != EMPTY)
    }
}
