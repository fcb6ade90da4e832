//! A stage for scripted attacks: one honest player, one attacker, a stranger.

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::{SolCall, SolError};
use trestle_challenger::{
    ClaimId, ClaimStatus, ClaimView, Header, Level, MACHINE_STEPS, Move, PointTree, Segment,
    boundary, choose_moves,
};

use crate::{
    bindings as abi,
    chain::{Receipt, address_of},
    liar::{End, Lie, Points, Trace as _, craft},
    world::{Proposed, World, stake},
};

#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) honest: Address,
    pub(crate) liar: Address,
    pub(crate) stranger: Address,
}

/// A lie at a segment that ends in another output.
pub(crate) fn lie(segment: u64, points: Points) -> Lie {
    Lie {
        segment,
        points,
        end: End::Output,
        salt: 1,
    }
}

impl Scene {
    pub(crate) fn new(weakening: Option<&str>, batches: u64) -> Self {
        let mut world = World::new(weakening, batches);
        let [honest, liar, stranger] = ["honest", "liar", "stranger"].map(|who| address_of(who, 0));
        for who in [honest, liar, stranger] {
            world.chain.fund(who, stake());
        }
        Self {
            world,
            honest,
            liar,
            stranger,
        }
    }

    /// A game over a true root, by the honest side, or a false one, by the liar.
    pub(crate) fn open(&mut self, batch: u64, is_true: bool) -> usize {
        let truth = self.world.true_proposal(batch);
        let proposed = if is_true {
            truth
        } else {
            self.world.proposed(batch, keccak256("false state"))
        };
        let who = if is_true { self.honest } else { self.liar };
        assert!(self.propose(who, &proposed).is_success);
        self.world.games.len() - 1
    }

    pub(crate) fn propose(&mut self, who: Address, proposed: &Proposed) -> Receipt {
        let bond = self.world.root_bond(proposed.proposal.batch);
        let receipt = self.world.create(who, proposed, bond);
        // Where the bonds themselves are weakened, the contract says what it wants.
        match abi::BondMismatch::abi_decode(&receipt.output) {
            Ok(mismatch) if !receipt.is_success => {
                self.world.create(who, proposed, mismatch.expected)
            }
            _ => receipt,
        }
    }

    pub(crate) fn wait(&mut self, seconds: u64) {
        self.world.advance_to(self.world.chain.time + seconds);
    }

    pub(crate) fn root(&self, game: usize) -> ClaimId {
        self.world.games[game].root().unwrap().0
    }

    pub(crate) fn claim(&self, game: usize, id: ClaimId) -> ClaimView {
        self.world.claim(game, id).clone()
    }

    /// What the honest side would do now.
    pub(crate) fn honest_plan(&mut self, game: usize) -> Vec<Move> {
        let purse = self.world.purse(game, self.honest, false);
        choose_moves(&self.world.games[game], &self.world.toy, &purse)
            .unwrap()
            .moves
    }

    /// The honest side does all that it wants to; true when nothing of it reverted.
    pub(crate) fn honest_moves(&mut self, game: usize) -> bool {
        let plan = self.honest_plan(game);
        let honest = self.honest;
        plan.iter()
            .all(|step| self.play(game, honest, step).is_success)
    }

    pub(crate) fn play(&mut self, game: usize, who: Address, step: &Move) -> Receipt {
        self.world.play(game, who, step)
    }

    pub(crate) fn craft(&self, game: usize, claim: ClaimId, lie: Lie) -> Move {
        craft(
            &self.world.games[game],
            &self.world.toy,
            self.world.claim(game, claim),
            lie,
        )
        .unwrap()
    }

    /// The run of the batch after the claim's last one, against the empty leaf that follows its points.
    pub(crate) fn craft_beyond(&self, game: usize, claim: ClaimId) -> Move {
        let view = self.world.claim(game, claim);
        let (toy, tree) = (&self.world.toy, PointTree::new(&view.points));
        let index = view.segment_count();
        let last = usize::try_from(index).unwrap();
        let start = view.end_of(index - 1).unwrap();
        let segment = Segment {
            index: u8::try_from(index).unwrap(),
            start,
            end: B256::ZERO,
            start_proof: tree.proof(last - 1),
            end_proof: tree.proof(last),
        };
        let batch = view.header.hi + 1;
        let steps: Vec<u64> = (1..=128).map(|j| boundary(0, MACHINE_STEPS, j)).collect();
        let points = toy.states_from(batch, start, &steps);
        let header = Header {
            parent: claim,
            level: Level::Machine,
            segment: segment.index,
            lo: 0,
            hi: MACHINE_STEPS,
            start: toy.states_from(batch, start, &[0])[0],
            points: PointTree::new(&points).root(),
        };
        let bond = self.world.games[game].bond(&header);
        let machine_end = toy.state(batch, start, MACHINE_STEPS);
        Move::Counter {
            parent: view.header,
            segment,
            child: header,
            points,
            machine_end,
            bond,
        }
    }

    /// The liar answers a claim; `None` when the contract refuses.
    pub(crate) fn lie(&mut self, game: usize, claim: ClaimId, lie: Lie) -> Option<ClaimId> {
        let step = self.craft(game, claim, lie);
        let receipt = self.play(game, self.liar, &step);
        receipt
            .is_success
            .then(|| abi::counterCall::abi_decode_returns(&receipt.output).unwrap())
    }

    /// The newest claim of a player in a game.
    pub(crate) fn newest(&self, game: usize, who: Address) -> Option<ClaimId> {
        let claims = self.world.games[game]
            .claims
            .iter()
            .filter(|(_, c)| c.claimant == who);
        claims
            .max_by_key(|(_, c)| (c.made_at, depth_of(&self.world, game, c)))
            .map(|(id, _)| *id)
    }

    /// Liar and honest side answer each other until one of them has made a leaf. Gives the leaf.
    pub(crate) fn play_to_leaf(&mut self, game: usize) -> ClaimId {
        let mut last = self.root(game);
        loop {
            self.wait(60);
            let claim = self.claim(game, last);
            if claim.header.is_leaf() {
                return last;
            }
            last = if claim.claimant == self.honest {
                self.lie(game, last, lie(0, Points::LieFrom(2))).unwrap()
            } else {
                assert!(self.honest_moves(game));
                self.newest(game, self.honest).unwrap()
            };
        }
    }

    /// Time passes and everybody decides what can be decided, until the root is decided. True when it stands.
    pub(crate) fn finish(&mut self, game: usize) -> bool {
        let root = self.root(game);
        for _ in 0..60 {
            while self.decide_due(game) {}
            let view = &self.world.games[game];
            match view.claims[&root].status {
                ClaimStatus::Stands => return true,
                ClaimStatus::Falls => return false,
                ClaimStatus::Open => {}
            }
            let now = view.now;
            let open = view
                .claims
                .values()
                .filter(|c| c.status == ClaimStatus::Open);
            let next = open
                .map(|c| view.deadline(c))
                .filter(|t| *t > now)
                .min()
                .unwrap_or(now + 60);
            self.world.advance_to(next);
            self.honest_moves(game);
        }
        panic!("the game does not end")
    }

    fn decide_due(&mut self, game: usize) -> bool {
        let view = &self.world.games[game];
        let due: Vec<Header> = view
            .claims
            .values()
            .filter(|c| view.is_decidable(c))
            .map(|c| c.header)
            .collect();
        let stranger = self.stranger;
        let mut any = false;
        for claim in due {
            any |= self
                .play(game, stranger, &Move::Decide { claim })
                .is_success;
        }
        any
    }

    pub(crate) fn decide(&mut self, game: usize, claim: ClaimId) -> bool {
        let claim = self.claim(game, claim).header;
        self.play(game, self.stranger, &Move::Decide { claim })
            .is_success
    }

    pub(crate) fn settle(&mut self, game: usize, claim: ClaimId, best: ClaimId) -> bool {
        let (claim, best) = (
            self.claim(game, claim).header,
            self.claim(game, best).header,
        );
        self.play(game, self.stranger, &Move::Settle { claim, best })
            .is_success
    }

    /// Steps a claim at a segment, with its ends replaced where given.
    pub(crate) fn step(
        &mut self,
        game: usize,
        claim: ClaimId,
        index: u64,
        (start, end): (Option<u64>, Option<B256>),
    ) -> bool {
        let view = self.claim(game, claim);
        let mut segment = view.segment(index).unwrap();
        let (batch, before) = crate::liar::run_of(&self.world.games[game], &view).unwrap();
        let from = start.unwrap_or_else(|| view.boundary(index));
        let witness = self.world.toy.state(batch, before, from);
        if start.is_some() {
            segment.start = keccak256(&witness);
        }
        segment.end = end.unwrap_or(segment.end);
        let step = Move::Step {
            claim: view.header,
            segment,
            witness,
        };
        self.play(game, self.liar, &step).is_success
    }

    pub(crate) fn deadline_of(&mut self, game: usize, claim: ClaimId) -> u64 {
        let header = self.claim(game, claim).header;
        let to = self.world.games[game].game;
        let deadline = self.world.chain.read(
            to,
            &abi::deadlineOfCall {
                header: (&header).into(),
            },
        );
        deadline.to::<u64>()
    }

    pub(crate) fn credit(&mut self, game: usize, who: Address) -> U256 {
        self.world.credit(game, who)
    }
}

fn depth_of(world: &World, game: usize, claim: &ClaimView) -> usize {
    let claims = &world.games[game].claims;
    core::iter::successors(claims.get(&claim.header.parent), |c| {
        claims.get(&c.header.parent)
    })
    .count()
}
