//! Forgetting in steps: a part of the account trie at a time, so that no block waits until all of it was gone through.

use super::{
    StateTrie, Trie,
    node::{EMPTY, Id, Node, child},
};

/// Parts that one step goes through at most.
const STEP: usize = 8;

/// Which part of the account trie comes next: what lies under one pair of first nibbles.
#[derive(Debug, Clone, Copy, Default)]
pub struct Turn(u8);

impl StateTrie {
    /// Bounds the memory to about `max_nodes` nodes in the long run, and to twice as many at any time: forgets what was
    /// not walked through since the last time round.
    ///
    /// Call it after each block, when the source holds all changes that were taken; see [`Self::prune`].
    pub fn prune_in_turn(&mut self, max_nodes: usize, turn: &mut Turn) {
        for _ in 0..STEP {
            if self.node_count() <= max_nodes {
                return;
            }
            self.accounts.forget_untouched_in(*turn);
            turn.0 = turn.0.wrapping_add(1);
            if turn.0 == 0 {
                self.prune_storages(max_nodes / 2);
            }
        }
        if self.node_count() > max_nodes.saturating_mul(2) {
            self.prune(max_nodes);
        }
    }

    /// Makes room for the accounts' nodes that [`Self::prune_in_turn`] leaves at any time, twice `max_nodes`: 112 bytes each
    /// of address space, which a system gives memory as nodes come, unless it counts what is only promised too.
    pub fn reserve(&mut self, max_nodes: usize) {
        self.accounts.arena.reserve(max_nodes.saturating_mul(2));
    }
}

impl Trie {
    /// Forgets what was not walked into of one part, and unmarks the rest of it.
    fn forget_untouched_in(&mut self, turn: Turn) {
        if !self.may_forget() {
            return;
        }
        let upper = self.branch_child(self.root, turn.0 >> 4);
        let part = upper.and_then(|upper| self.branch_child(upper, turn.0 & 15));
        if let Some(part) = part {
            self.forget_untouched(part);
        }
    }

    fn branch_child(&self, id: Id, index: u8) -> Option<Id> {
        match &self.arena.get(id).node {
            Node::Branch(children) => Some(child(children, index)).filter(|id| *id != EMPTY),
            _ => None,
        }
    }
}
