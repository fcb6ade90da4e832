//! The attackers: ways to lie in a claim, and when to move.
//!
//! They lie about any trace: the simulator's toy, and the real machine in the end-to-end tests.

use alloy_primitives::{B256, Bytes, keccak256};
use trestle_challenger::{
    ClaimView, GameView, Header, Level, MACHINE_STEPS, Move, PointTree, boundary, segments,
};

use crate::random::Random;

/// What attackers lie about.
pub(crate) trait Trace {
    /// Output root after a batch.
    fn output_root(&self, batch: u64) -> B256;

    /// Hashes of the states of a batch's run at these steps, where it starts from the output `before`.
    fn states_from(&self, batch: u64, before: B256, steps: &[u64]) -> Vec<B256>;

    /// Layout of the state in which a lying run ends.
    fn lying_end(&self, batch: u64, before: B256, end: End, salt: u64) -> Bytes;
}

/// What a counter's points say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Points {
    /// The truth before a position of the trace, a lie from it on.
    LieFrom(u64),
    /// Nothing but noise.
    Garbage,
    /// The true end behind a false interior.
    RightEnd,
    /// The parent's own end behind a false interior.
    SameEnd,
    /// The parent's own end behind a true interior.
    SameEndTrueInterior,
    /// The truth.
    True,
    /// True before a position, failed batches from it on.
    FailFrom(u64),
    /// A failed batch at a position, and outputs after it again.
    Revived(u64),
}

/// In what a lying machine run ends. An attacker leaves the parent's output open; [`craft`] fills it in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Success with another output.
    Output,
    /// Success with the very output that the parent claims.
    SameOutput(B256),
    /// An exit code that is not 0.
    Exit,
    /// A machine that still runs.
    Running,
    /// The true end.
    True,
}

/// A counter to be made: where, and with which lies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lie {
    pub(crate) segment: u64,
    pub(crate) points: Points,
    pub(crate) end: End,
    pub(crate) salt: u64,
}

/// Batch that a machine claim runs, and the output that it starts from; found at its entry.
pub(crate) fn run_of(view: &GameView, claim: &ClaimView) -> Option<(u64, B256)> {
    let mut at = claim;
    loop {
        let parent = view.claims.get(&at.header.parent)?;
        if parent.header.level != Level::Machine {
            let segment = parent.segment(u64::from(at.header.segment))?;
            return Some((
                parent.boundary(u64::from(at.header.segment) + 1),
                segment.start,
            ));
        }
        at = parent;
    }
}

/// Makes the counter. `None` where the segment does not exist.
pub(crate) fn craft(
    view: &GameView,
    trace: &impl Trace,
    claim: &ClaimView,
    lie: Lie,
) -> Option<Move> {
    if claim.header.is_leaf() {
        return None;
    }
    let segment = claim.segment(lie.segment)?;
    let (mut lo, mut hi) = (claim.boundary(lie.segment), claim.boundary(lie.segment + 1));
    let mut level = if claim.header.level == Level::Machine {
        Level::Machine
    } else {
        Level::Batch
    };
    let mut start = segment.start;
    let mut run = run_of(view, claim);
    let mut machine_end = Bytes::new();
    if level == Level::Batch && hi - lo == 1 {
        level = Level::Machine;
        start = trace.states_from(hi, segment.start, &[0])[0];
        machine_end = match lie.end {
            End::SameOutput(_) => {
                trace.lying_end(hi, segment.start, End::SameOutput(segment.end), lie.salt)
            }
            end => trace.lying_end(hi, segment.start, end, lie.salt),
        };
        run = Some((hi, segment.start));
        (lo, hi) = (0, MACHINE_STEPS);
    }
    let count = segments(hi - lo);
    let positions: Vec<u64> = (1..=count).map(|j| boundary(lo, hi, j)).collect();
    let truth = match level {
        Level::Machine => {
            let (batch, before) = run?;
            trace.states_from(batch, before, &positions)
        }
        _ => positions
            .iter()
            .map(|batch| trace.output_root(*batch))
            .collect(),
    };
    let mut points: Vec<B256> = truth
        .iter()
        .zip(&positions)
        .map(|(true_point, at)| point(*true_point, *at, lie))
        .collect();
    let last = points.last_mut()?;
    match lie.points {
        _ if !machine_end.is_empty() => *last = keccak256(&machine_end),
        Points::SameEnd | Points::SameEndTrueInterior => *last = segment.end,
        Points::RightEnd => *last = *truth.last()?,
        _ => {}
    }
    let header = Header {
        parent: claim.header.id(view.game),
        level,
        segment: segment.index,
        lo,
        hi,
        start,
        points: PointTree::new(&points).root(),
    };
    let bond = view.bond(&header);
    Some(Move::Counter {
        parent: claim.header,
        segment,
        child: header,
        points,
        machine_end,
        bond,
    })
}

fn point(truth: B256, position: u64, lie: Lie) -> B256 {
    let lied = keccak256(
        [
            truth.as_slice(),
            &lie.salt.to_be_bytes(),
            &position.to_be_bytes(),
        ]
        .concat(),
    );
    match lie.points {
        Points::LieFrom(from) if position >= from => lied,
        Points::Garbage | Points::RightEnd | Points::SameEnd => lied,
        Points::FailFrom(from) if position >= from => B256::ZERO,
        Points::Revived(from) if position == from => B256::ZERO,
        Points::Revived(from) if position > from => lied,
        _ => truth,
    }
}

/// What an attacker is bent on. A run gives each attacker one; they combine freely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Answers every true claim by a lie from one position on.
    WrongRoot,
    /// Answers segments right of the first false one by noise.
    LaterGarbage,
    /// Answers false claims by the right end behind a wrong interior.
    WrongInterior,
    /// Tries counters that end in what they reject.
    SameEnd,
    /// Moves in the last second of every deadline.
    LastSecond,
    /// Makes many counters to one claim.
    Spammer,
    /// Sends the honest side's transactions first.
    Copycat,
    /// Answers its own claims.
    SelfAnswerer,
    /// Proposes the truth and attacks it.
    SelfSaboteur,
    /// Lets every clock run down before it moves.
    Staller,
    /// Claims that batches fail.
    Panicker,
    /// Claims that machines run on.
    NonHalting,
    /// Any of it at any time.
    Chaotic,
}

/// All kinds.
pub(crate) const KINDS: [Kind; 13] = [
    Kind::WrongRoot,
    Kind::LaterGarbage,
    Kind::WrongInterior,
    Kind::SameEnd,
    Kind::LastSecond,
    Kind::Spammer,
    Kind::Copycat,
    Kind::SelfAnswerer,
    Kind::SelfSaboteur,
    Kind::Staller,
    Kind::Panicker,
    Kind::NonHalting,
    Kind::Chaotic,
];

impl Kind {
    /// True when it moves only in the last second before a deadline.
    pub(crate) fn waits(self) -> bool {
        matches!(self, Self::LastSecond | Self::Staller)
    }

    /// A lie about this claim in this attacker's manner.
    pub(crate) fn lie(self, claim: &ClaimView, random: &mut Random) -> Lie {
        let count = claim.segment_count();
        let mut segment = random.between(0, count - 1);
        let (lo, hi) = (claim.boundary(segment), claim.boundary(segment + 1));
        let span = if hi - lo == 1 { MACHINE_STEPS } else { hi - lo };
        let base = if hi - lo == 1 { 0 } else { lo };
        let from = base + random.between(1, span);
        let any_points = [
            Points::LieFrom(from),
            Points::Garbage,
            Points::RightEnd,
            Points::SameEnd,
            Points::SameEndTrueInterior,
            Points::FailFrom(from),
            Points::Revived(from),
            Points::True,
        ];
        let any_end = [
            End::Output,
            End::SameOutput(B256::ZERO),
            End::Exit,
            End::Running,
            End::True,
        ];
        let (points, end) = match self {
            Self::LaterGarbage => {
                segment = random.between(count / 2, count - 1);
                (Points::Garbage, End::Output)
            }
            Self::WrongInterior => (Points::RightEnd, End::True),
            Self::SameEnd => (
                *random.pick(&[Points::SameEnd, Points::SameEndTrueInterior]),
                End::SameOutput(B256::ZERO),
            ),
            Self::Panicker => (Points::FailFrom(from), End::Exit),
            Self::NonHalting => (Points::LieFrom(from), End::Running),
            Self::Chaotic | Self::Spammer | Self::SelfAnswerer => {
                (*random.pick(&any_points), *random.pick(&any_end))
            }
            _ => (Points::LieFrom(from), End::Output),
        };
        Lie {
            segment,
            points,
            end,
            salt: random.next(),
        }
    }

    /// True when the attacker answers this claim: its own, or everybody else's.
    pub(crate) fn targets(self, is_own: bool, random: &mut Random) -> bool {
        match self {
            Self::SelfAnswerer => is_own || random.one_in(4),
            Self::SelfSaboteur | Self::Chaotic => true,
            _ => !is_own,
        }
    }
}
