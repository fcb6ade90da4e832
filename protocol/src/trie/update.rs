//! Insertion and removal. All that can fail happens before the first change, so a failed call
//! leaves the trie as it was and may be repeated.

use super::{
    NodeSource, Trie, TrieError,
    nibble::{common, nibble, path, set_nibble},
    node::{EMPTY, Id, Node, Slot, set_child},
    walk::{End, Found},
};
use alloc::vec::Vec;
use alloy_primitives::B256;

impl Trie {
    /// Sets the value at `key`. An empty value removes it, as Ethereum's tries hold none.
    ///
    /// # Errors
    /// [`TrieError::Source`] and [`TrieError::Malformed`] when a node on the way cannot be had.
    pub fn insert<S: NodeSource + ?Sized>(
        &mut self,
        key: B256,
        value: Vec<u8>,
        src: &mut S,
    ) -> Result<(), TrieError<S::Error>> {
        if value.is_empty() {
            return self.remove(key, src).map(drop);
        }
        if self.arena.is_full() {
            return Err(TrieError::Full);
        }
        let end = self.descend(&key, src)?;
        if end.found == Found::Leaf {
            if self.replace(end.id, value) {
                self.soil_trail();
            }
            return Ok(());
        }
        let leaf = self.arena.add(Slot::fresh(Node::Leaf {
            key,
            value: value.into_boxed_slice(),
        }));
        let top = if end.found == Found::Vacant {
            leaf
        } else {
            self.split(&end, &key, leaf)
        };
        self.relink(&key, top);
        self.soil_trail();
        Ok(())
    }

    /// Removes `key`; whether it was there.
    ///
    /// A branch left with one child collapses into it, for which that child is resolved.
    ///
    /// # Errors
    /// [`TrieError::Source`] and [`TrieError::Malformed`] when a node on the way, or that child,
    /// cannot be had.
    pub fn remove<S: NodeSource + ?Sized>(
        &mut self,
        key: B256,
        src: &mut S,
    ) -> Result<bool, TrieError<S::Error>> {
        if self.arena.is_full() {
            return Err(TrieError::Full);
        }
        let end = self.descend(&key, src)?;
        if end.found != Found::Leaf {
            return Ok(false);
        }
        let sibling = self.only_sibling(&key, end.id);
        if let Some((sibling, sibling_key, depth)) = sibling {
            self.resolve(sibling, &sibling_key, depth, src)?;
        }
        self.discard(end.id, &key, end.depth);
        let top = sibling.map_or(EMPTY, |sibling| self.collapse(&key, sibling));
        self.relink(&key, top);
        self.soil_trail();
        Ok(true)
    }

    /// Gives leaf `id` another value; whether it was another.
    fn replace(&mut self, id: Id, new: Vec<u8>) -> bool {
        let Some(slot) = self.arena.get_mut(id) else {
            return false;
        };
        let Node::Leaf { value, .. } = &mut slot.node else {
            return false;
        };
        if **value == *new {
            return false;
        }
        *value = new.into_boxed_slice();
        self.arena.soil(id);
        true
    }

    /// Puts a branch where the path of the node at `end` and that of `key` part; its new top.
    fn split(&mut self, end: &End, key: &B256, leaf: Id) -> Id {
        let (other, stretch) = match &self.arena.get(end.id).node {
            Node::Leaf { key, .. } => (*key, None),
            Node::Extension { key, end, child } => (*key, Some((usize::from(*end), *child))),
            _ => return leaf,
        };
        let fork = common(&other, key);
        let below = match stretch {
            Some((stop, child)) if stop == fork.saturating_add(1) => {
                self.discard(end.id, key, end.depth);
                child
            }
            _ => {
                self.displace(end.id, key, end.depth);
                end.id
            }
        };
        let mut children = [EMPTY; 16];
        set_child(&mut children, nibble(&other, fork), below);
        set_child(&mut children, nibble(key, fork), leaf);
        let branch = self.arena.add(Slot::fresh(Node::Branch(children)));
        if fork > end.depth {
            self.extend(key, fork, branch)
        } else {
            branch
        }
    }

    /// An extension along `key` down to depth `end`, above `child`.
    fn extend(&mut self, key: &B256, end: usize, child: Id) -> Id {
        let end = u8::try_from(end).unwrap_or_default();
        self.arena.add(Slot::fresh(Node::Extension {
            key: *key,
            end,
            child,
        }))
    }

    /// The one other child of the branch above leaf `id`, if there is exactly one: its index, its
    /// path as the front of a key, and its depth.
    fn only_sibling(&self, key: &B256, id: Id) -> Option<(Id, B256, usize)> {
        let (parent, depth) = self.trail.last().copied()?;
        let Node::Branch(children) = &self.arena.get(parent).node else {
            return None;
        };
        let mut others = (0_u8..)
            .zip(children.iter().copied())
            .filter(|(_, child)| *child != EMPTY && *child != id);
        let (index, sibling) = others.next()?;
        if others.next().is_some() {
            return None;
        }
        let mut sibling_key = *key;
        set_nibble(&mut sibling_key, depth, index);
        Some((sibling, sibling_key, depth.saturating_add(1)))
    }

    /// Takes the branch at the end of the trail away, and an extension above it; what takes their
    /// place: the sibling itself, or an extension above it if it is a branch.
    fn collapse(&mut self, key: &B256, (sibling, sibling_key, depth): (Id, B256, usize)) -> Id {
        if let Some((branch, at)) = self.trail.pop() {
            self.discard(branch, key, at);
        }
        let top = if matches!(self.arena.get(sibling).node, Node::Branch(_)) {
            self.extend(&sibling_key, depth, sibling)
        } else {
            self.displace(sibling, &sibling_key, depth);
            sibling
        };
        if let Some((above, at)) = self.trail.last().copied()
            && matches!(self.arena.get(above).node, Node::Extension { .. })
        {
            self.trail.pop();
            self.discard(above, key, at);
        }
        top
    }

    /// Notes that node `id` leaves its place, the first `depth` nibbles of `key`.
    fn displace(&mut self, id: Id, key: &B256, depth: usize) {
        self.arena.soil(id);
        let Some(slot) = self.arena.get_mut(id) else {
            return;
        };
        if core::mem::take(&mut slot.stored)
            && let Some(changes) = &mut self.changes
        {
            changes.nodes.insert(path(key, depth), None);
        }
    }

    /// Frees node `id`, which lies at the first `depth` nibbles of `key`.
    fn discard(&mut self, id: Id, key: &B256, depth: usize) {
        self.displace(id, key, depth);
        self.arena.release(id);
    }

    /// Marks everything that the last walk passed as changed.
    fn soil_trail(&mut self) {
        for (id, _) in &self.trail {
            self.arena.soil(*id);
        }
    }
}
