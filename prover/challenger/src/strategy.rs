//! The choice of moves: a pure function of the game, the truth and the purse.
//!
//! Every claim that is visited has a true start. One that must fall is answered by the true dissection of its
//! first false segment, or by a step; one that equals the truth is defended against every counter, whoever
//! made it. Claims with a false start are left alone: nothing hangs on them. Spec: `SPEC.md`, chapter
//! "Claims and disputes", section "Strategy of the truth".

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256};

use crate::{
    claim::{ClaimId, ClaimStatus, Header, Level, Segment},
    dissection::{MACHINE_STEPS, PointTree, boundary, segments},
    truth::Truth,
    view::{ClaimView, GameView},
};

/// What there is to spend, and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purse {
    /// Account that makes the moves.
    pub account: Address,
    /// Ether that may be locked in bonds, in wei.
    pub balance: U256,
    /// Credit of the account in this game, in wei; it pays for moves before the balance does.
    pub credit: U256,
    /// Whether to answer claims that the outcome does not need but whose bonds can be won.
    pub takes_profit: bool,
}

/// A transaction to the game.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Move {
    /// Reject a segment of a claim.
    Counter {
        /// Content of the claim that is answered.
        parent: Header,
        /// Its first false segment.
        segment: Segment,
        /// Content of the new claim.
        child: Header,
        /// True points of the segment.
        points: Vec<B256>,
        /// Layout of the last machine state where the machine level begins, else empty.
        machine_end: Bytes,
        /// Bond, in wei.
        bond: U256,
    },
    /// Refute a claim by one machine step.
    Step {
        /// Content of the claim.
        claim: Header,
        /// Its first false segment.
        segment: Segment,
        /// Witness of the true step.
        witness: Bytes,
    },
    /// Decide a claim.
    Decide {
        /// Content of the claim.
        claim: Header,
    },
    /// Pay out a fallen claim to this account.
    Settle {
        /// Content of the fallen claim.
        claim: Header,
        /// Content of its best counter, made by this account.
        best: Header,
    },
}

/// Moves in the order in which they should be sent, and what was left out for want of money.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Refutations first, the most urgent ahead; then decisions, deepest first; then payouts.
    pub moves: Vec<Move>,
    /// Bonds of needed moves that the purse could not pay, in wei.
    pub unaffordable: U256,
}

/// Why no choice could be made.
#[derive(Debug, thiserror::Error)]
pub enum ChoiceError<E: core::error::Error> {
    /// The truth could not be had.
    #[error("the truth is not available")]
    Truth(#[source] E),
    /// The view has no root claim.
    #[error("the view holds no root claim")]
    NoRoot,
    /// The view contradicts itself or the truth's shape.
    #[error("broken invariant: {0}")]
    Internal(&'static str),
}

/// Moves that the account should make now.
///
/// The same inputs give the same plan. Moves that are on chain already are not repeated; a move that lands twice
/// is refunded by the contract.
///
/// # Errors
/// [`ChoiceError::Truth`] when the oracle fails, [`ChoiceError::NoRoot`] for a view without a root claim,
/// [`ChoiceError::Internal`] for a view whose claims lack points or whose oracle answers with another number of
/// values than it was asked for.
pub fn choose_moves<T: Truth>(
    view: &GameView,
    truth: &T,
    purse: &Purse,
) -> Result<Plan, ChoiceError<T::Error>> {
    let (id, root) = view.root().ok_or(ChoiceError::NoRoot)?;
    let mut walk = Walk::new(view, truth, *purse);
    let is_true = walk.output(root.header.hi)? == root.header.points;
    walk.tasks.push(Task {
        claim: id,
        batch: 0,
        is_needed: true,
        must_stand: is_true,
    });
    while let Some(task) = walk.tasks.pop() {
        walk.visit(task)?;
    }
    let mut plan = afford(walk.wanted, purse);
    plan.moves.extend(decisions(view));
    plan.moves.extend(payouts(view, purse.account));
    Ok(plan)
}

/// A refutation with what its order depends on.
struct Wanted {
    is_needed: bool,
    deadline: u64,
    action: Move,
    bond: U256,
}

/// A claim with a true start that is to be defended or refuted.
#[derive(Clone, Copy)]
struct Task {
    claim: ClaimId,
    /// Batch that a machine claim runs; unread above the machine level.
    batch: u64,
    /// False for claims that only money is to be won from.
    is_needed: bool,
    /// True for the truth itself, false for a claim with a false point.
    must_stand: bool,
}

struct Walk<'a, T: Truth> {
    view: &'a GameView,
    truth: &'a T,
    purse: Purse,
    children: BTreeMap<ClaimId, Vec<ClaimId>>,
    tasks: Vec<Task>,
    wanted: Vec<Wanted>,
}

impl<'a, T: Truth> Walk<'a, T> {
    fn new(view: &'a GameView, truth: &'a T, purse: Purse) -> Self {
        let mut children: BTreeMap<ClaimId, Vec<ClaimId>> = BTreeMap::new();
        for (id, claim) in &view.claims {
            if claim.header.level != Level::Root {
                children.entry(claim.header.parent).or_default().push(*id);
            }
        }
        Self {
            view,
            truth,
            purse,
            children,
            tasks: Vec::new(),
            wanted: Vec::new(),
        }
    }

    fn visit(&mut self, task: Task) -> Result<(), ChoiceError<T::Error>> {
        let view = self.view;
        let claim = view
            .claims
            .get(&task.claim)
            .ok_or(ChoiceError::Internal("claim not in view"))?;
        if !task.must_stand {
            return self.refute(task, claim);
        }
        let is_needed = task.is_needed || claim.claimant == self.purse.account;
        for child in self.children_of(task.claim) {
            let below = self.task_on(task, claim, child)?;
            self.tasks.push(Task {
                is_needed,
                must_stand: false,
                ..below
            });
        }
        Ok(())
    }

    fn refute(&mut self, task: Task, claim: &ClaimView) -> Result<(), ChoiceError<T::Error>> {
        let Some(index) = self.first_false(task, claim)? else {
            // Only a freeloader that repeats the truth: there is nothing in it to refute.
            return Ok(());
        };
        let segment = claim
            .segment(index)
            .ok_or(ChoiceError::Internal("claim without points"))?;
        if claim.header.is_leaf() {
            return self.want_step(task, claim, segment, index);
        }
        let answer = self.dissect(task, claim, index, &segment)?;
        let answer_id = answer.header.id(self.view.game);
        if self.view.claims.contains_key(&answer_id) {
            let below = self.task_on(task, claim, answer_id)?;
            self.tasks.push(Task {
                must_stand: true,
                ..below
            });
        } else {
            self.want_counter(task, claim, segment, answer);
        }
        if self.purse.takes_profit {
            for child in self.children_of(task.claim) {
                let rival = self.view.claims.get(&child);
                let is_left = rival.is_some_and(|c| u64::from(c.header.segment) <= index);
                if child != answer_id && is_left {
                    let below = self.task_on(task, claim, child)?;
                    self.tasks.push(Task {
                        is_needed: false,
                        must_stand: false,
                        ..below
                    });
                }
            }
        }
        Ok(())
    }

    /// The parent's task carried over to a child, with the batch that the child runs.
    fn task_on(
        &self,
        parent: Task,
        parent_claim: &ClaimView,
        child: ClaimId,
    ) -> Result<Task, ChoiceError<T::Error>> {
        let claim = self
            .view
            .claims
            .get(&child)
            .ok_or(ChoiceError::Internal("child not in view"))?;
        let enters =
            claim.header.level == Level::Machine && parent_claim.header.level != Level::Machine;
        let batch = if enters {
            parent_claim.boundary(u64::from(claim.header.segment).saturating_add(1))
        } else {
            parent.batch
        };
        Ok(Task {
            claim: child,
            batch,
            ..parent
        })
    }

    fn children_of(&self, claim: ClaimId) -> Vec<ClaimId> {
        self.children.get(&claim).cloned().unwrap_or_default()
    }

    /// First segment whose end is not the truth's.
    fn first_false(
        &self,
        task: Task,
        claim: &ClaimView,
    ) -> Result<Option<u64>, ChoiceError<T::Error>> {
        let count = claim.segment_count();
        let positions: Vec<u64> = (1..=count).map(|index| claim.boundary(index)).collect();
        let truth = self.values(claim.header.level, task.batch, &positions)?;
        for (index, value) in (0..).zip(truth) {
            let end = claim
                .end_of(index)
                .ok_or(ChoiceError::Internal("claim without points"))?;
            if end != value {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    /// True dissection of a segment whose start is true.
    fn dissect(
        &self,
        task: Task,
        parent: &ClaimView,
        index: u64,
        segment: &Segment,
    ) -> Result<Dissected, ChoiceError<T::Error>> {
        let (mut lo, mut hi) = (
            parent.boundary(index),
            parent.boundary(index.saturating_add(1)),
        );
        let (mut level, mut batch, mut start) = (parent.header.level, task.batch, segment.start);
        let mut machine_end = Bytes::new();
        if level != Level::Machine && hi.saturating_sub(lo) == 1 {
            (level, batch) = (Level::Machine, hi);
            (lo, hi) = (0, MACHINE_STEPS);
            start = self
                .values(level, batch, &[0])?
                .first()
                .copied()
                .unwrap_or_default();
            machine_end = self.truth.end_state(batch).map_err(ChoiceError::Truth)?;
        } else if level == Level::Root {
            level = Level::Batch;
        }
        let count = segments(hi.saturating_sub(lo));
        let positions: Vec<u64> = (1..=count).map(|j| boundary(lo, hi, j)).collect();
        let points = self.values(level, batch, &positions)?;
        let header = Header {
            parent: parent.header.id(self.view.game),
            level,
            segment: segment.index,
            lo,
            hi,
            start,
            points: PointTree::new(&points).root(),
        };
        Ok(Dissected {
            header,
            points,
            machine_end,
        })
    }

    /// True values of a trace at these positions.
    fn values(
        &self,
        level: Level,
        batch: u64,
        positions: &[u64],
    ) -> Result<Vec<B256>, ChoiceError<T::Error>> {
        if level != Level::Machine {
            return positions.iter().map(|batch| self.output(*batch)).collect();
        }
        let states = self
            .truth
            .states(batch, positions)
            .map_err(ChoiceError::Truth)?;
        if states.len() != positions.len() {
            return Err(ChoiceError::Internal(
                "oracle answered with another number of states",
            ));
        }
        Ok(states)
    }

    /// Output after a batch, zero where it failed.
    fn output(&self, batch: u64) -> Result<B256, ChoiceError<T::Error>> {
        Ok(self
            .truth
            .output(batch)
            .map_err(ChoiceError::Truth)?
            .unwrap_or_default())
    }

    fn want_counter(&mut self, task: Task, claim: &ClaimView, segment: Segment, answer: Dissected) {
        if !self.view.is_answerable(claim) {
            return;
        }
        let bond = self.view.bond(&answer.header);
        self.wanted.push(Wanted {
            is_needed: task.is_needed,
            deadline: self.view.deadline(claim),
            bond,
            action: Move::Counter {
                parent: claim.header,
                segment,
                child: answer.header,
                points: answer.points,
                machine_end: answer.machine_end,
                bond,
            },
        });
    }

    fn want_step(
        &mut self,
        task: Task,
        claim: &ClaimView,
        segment: Segment,
        index: u64,
    ) -> Result<(), ChoiceError<T::Error>> {
        if !self.view.is_answerable(claim) {
            return Ok(());
        }
        let step = claim.boundary(index);
        let witness = self
            .truth
            .witness(task.batch, step)
            .map_err(ChoiceError::Truth)?;
        self.wanted.push(Wanted {
            is_needed: task.is_needed,
            deadline: self.view.deadline(claim),
            bond: U256::ZERO,
            action: Move::Step {
                claim: claim.header,
                segment,
                witness,
            },
        });
        Ok(())
    }
}

struct Dissected {
    header: Header,
    points: Vec<B256>,
    machine_end: Bytes,
}

/// Orders refutations, needed ones first and by deadline, and takes as many as the purse pays.
fn afford(mut wanted: Vec<Wanted>, purse: &Purse) -> Plan {
    wanted.sort_by_key(|w| (!w.is_needed, w.deadline));
    let mut left = purse.balance.saturating_add(purse.credit);
    let mut plan = Plan::default();
    for w in wanted {
        match left.checked_sub(w.bond) {
            Some(rest) => {
                left = rest;
                plan.moves.push(w.action);
            }
            None if w.is_needed => plan.unaffordable = plan.unaffordable.saturating_add(w.bond),
            None => {}
        }
    }
    plan
}

/// Claims that can be decided now, deepest first, so that a parent may follow its children in one block.
fn decisions(view: &GameView) -> Vec<Move> {
    let mut ready: Vec<&ClaimView> = view
        .claims
        .values()
        .filter(|c| view.is_decidable(c))
        .collect();
    ready.sort_by_key(|c| core::cmp::Reverse(depth(view, c)));
    ready
        .into_iter()
        .map(|c| Move::Decide { claim: c.header })
        .collect()
}

fn depth(view: &GameView, claim: &ClaimView) -> usize {
    core::iter::successors(view.claims.get(&claim.header.parent), |c| {
        view.claims.get(&c.header.parent)
    })
    .count()
}

/// Fallen claims whose bond goes to this account.
fn payouts(view: &GameView, account: Address) -> Vec<Move> {
    let mine = view
        .claims
        .values()
        .filter(|c| c.claimant == account && c.ordinal != 0);
    mine.filter_map(|best| {
        let claim = view.claims.get(&best.header.parent)?;
        let is_due = claim.status == ClaimStatus::Falls
            && !claim.is_settled
            && claim.undecided == 0
            && claim.best_ordinal == best.ordinal;
        is_due.then_some(Move::Settle {
            claim: claim.header,
            best: best.header,
        })
    })
    .collect()
}

#[cfg(test)]
mod tests;
