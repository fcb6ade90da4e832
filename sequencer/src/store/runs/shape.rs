//! Which runs there are, and which of them are merged next.

/// Levels of runs. The last has room for 10^11 entries.
pub(super) const LEVELS: usize = 8;
/// Runs that are merged into one.
pub(super) const MERGED: u8 = 8;
/// Tables of a level: those that are merged, those that come meanwhile, and one that is being made.
pub(super) const SLOTS: u8 = 12;
/// Entries from which on a run is not added to. Few in tests, so that they get to several levels.
pub(super) const FULL: u32 = if cfg!(test) { 4 } else { 16_384 };

/// The runs of one level, in a ring of slots.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tier {
    /// Slot of the oldest.
    pub(super) first: u8,
    /// How many there are.
    pub(super) runs: u8,
}

impl Tier {
    /// Slot of a run, by age: 0 is the oldest.
    pub(super) const fn slot(self, run: u8) -> u8 {
        (self.first + run) % SLOTS
    }
}

/// Which runs there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) levels: [Tier; LEVELS],
    /// Entries that were added to the newest run of level 0.
    pub(super) newest: u32,
}

impl Shape {
    /// Slot of the run that takes new entries, and whether it is a new one. Without a free slot the last one grows on.
    pub(super) fn newest(&mut self) -> (u8, bool) {
        let [tier, ..] = &mut self.levels;
        let is_new = tier.runs == 0 || (self.newest >= FULL && tier.runs < SLOTS);
        if is_new {
            tier.runs += 1;
            self.newest = 0;
        }
        (tier.slot(tier.runs - 1), is_new)
    }

    /// Slots of the runs of a level that are to be merged now, oldest first.
    pub(super) fn mergeable(&self, level: usize) -> Option<Vec<u8>> {
        let tier = self.levels.get(level)?;
        let still_grows = level == 0 && self.newest < FULL;
        let whole = tier.runs.saturating_sub(still_grows.into());
        (whole >= MERGED).then(|| (0..MERGED).map(|run| tier.slot(run)).collect())
    }

    /// Slot of the next run of a level, if there is room.
    pub(super) fn next_slot(&self, level: usize) -> Option<u8> {
        let tier = self.levels.get(level)?;
        (tier.runs < SLOTS).then(|| tier.slot(tier.runs))
    }

    /// Takes note that the oldest runs of a level have become the newest of the next.
    pub(super) fn merged(&mut self, level: usize) {
        if let Some([tier, next]) = self.levels.get_mut(level..level + 2) {
            tier.first = tier.slot(MERGED);
            tier.runs -= MERGED;
            next.runs += 1;
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let tiers = self.levels.iter().flat_map(|tier| [tier.first, tier.runs]);
        tiers.chain(self.newest.to_be_bytes()).collect()
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (tiers, newest) = bytes.split_last_chunk()?;
        let mut shape = Self {
            newest: u32::from_be_bytes(*newest),
            ..Self::default()
        };
        let (pairs, []) = tiers.as_chunks() else {
            return None;
        };
        if pairs.len() != LEVELS {
            return None;
        }
        for (tier, [first, runs]) in shape.levels.iter_mut().zip(pairs) {
            (tier.first, tier.runs) = (*first, *runs);
        }
        let fits = |tier: &Tier| tier.first < SLOTS && tier.runs <= SLOTS;
        shape.levels.iter().all(fits).then_some(shape)
    }
}
