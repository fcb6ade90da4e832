//! What attackers do in a round, and L1 reorgs.

use trestle_challenger::{ClaimView, Move};

use super::{Attacker, Simulation};
use crate::{
    liar::{Kind, craft, run_of},
    world::World,
};

impl Simulation {
    pub(super) fn attack(&mut self) -> Result<(), String> {
        let mut order: Vec<usize> = (0..self.attackers.len()).collect();
        self.random.shuffle(&mut order);
        for i in order {
            let attacker = self.attackers[i].clone();
            if attacker.tries == 0 || (!attacker.kind.waits() && !self.random.one_in(3)) {
                continue;
            }
            let game = usize::try_from(self.random.next() % self.world.games.len() as u64).unwrap();
            let Some(target) = self.target(&attacker, game) else {
                continue;
            };
            let moves = if attacker.kind == Kind::Spammer {
                self.random.between(1, 5)
            } else {
                1
            };
            for _ in 0..moves {
                if self.attackers[i].tries > 0 {
                    self.attackers[i].tries -= 1;
                    self.attack_claim(&attacker, game, &target)?;
                }
            }
        }
        Ok(())
    }

    /// A claim that this attacker wants to answer now.
    pub(super) fn target(&mut self, attacker: &Attacker, game: usize) -> Option<ClaimView> {
        let view = &self.world.games[game];
        let open: Vec<ClaimView> = view
            .claims
            .values()
            .filter(|c| view.is_answerable(c))
            .filter(|c| !attacker.kind.waits() || view.deadline(c) == view.now + 1)
            .filter(|c| {
                attacker
                    .kind
                    .targets(c.claimant == attacker.account, &mut self.random)
            })
            .cloned()
            .collect();
        if open.is_empty() {
            return None;
        }
        // Half of the time the newest one, so that some paths reach their leaf.
        let newest = open
            .iter()
            .max_by_key(|c| (c.made_at, c.header.level, u64::MAX - c.header.length()));
        if self.random.one_in(2) {
            newest.cloned()
        } else {
            Some(self.random.pick(&open).clone())
        }
    }

    pub(super) fn attack_claim(
        &mut self,
        attacker: &Attacker,
        game: usize,
        claim: &ClaimView,
    ) -> Result<(), String> {
        if claim.header.is_leaf() {
            self.attack_leaf(attacker, game, claim);
            return Ok(());
        }
        let lie = attacker.kind.lie(claim, &mut self.random);
        if let Some(step) = craft(&self.world.games[game], &self.world.toy, claim, lie) {
            self.play(game, attacker.account, &step);
        }
        Ok(())
    }

    /// Steps a claim at a random segment: no true claim may fall by it.
    pub(super) fn attack_leaf(&mut self, attacker: &Attacker, game: usize, claim: &ClaimView) {
        let index = self.random.between(0, claim.segment_count() - 1);
        let view = &self.world.games[game];
        let Some((batch, before)) = run_of(view, claim) else {
            return;
        };
        let witness = self.world.toy.state(batch, before, claim.boundary(index));
        let segment = claim.segment(index).unwrap();
        self.play(
            game,
            attacker.account,
            &Move::Step {
                claim: claim.header,
                segment,
                witness,
            },
        );
    }

    /// An L1 reorg: the blocks since the snapshot are gone, some of their transactions come back in another
    /// order, and the honest side looks again.
    pub(super) fn reorganise(&mut self, fork: World) {
        let now = self.world.chain.time;
        let mut back = std::mem::take(&mut self.sent);
        self.random.shuffle(&mut back);
        let keep =
            back.len() - usize::try_from(self.random.next() % (back.len() as u64 + 1)).unwrap();
        let most_gas = self.world.most_gas;
        self.world = fork;
        self.world.most_gas = most_gas;
        self.world.advance_to(now.min(self.world.chain.time + 24));
        for (from, to, value, data) in back.into_iter().take(keep) {
            self.world.send(from, to, value, data);
        }
        let time = self.world.chain.time;
        self.news
            .iter_mut()
            .for_each(|news| *news = Some(time.saturating_sub(self.response) + 12));
        self.report.reorgs += 1;
    }
}
