//! A settlement on the in-process L1: the contracts, the games, and what their events show.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::{SolCall, SolEvent, SolValue};
use trestle_challenger::{
    ClaimId, ClaimView, Clocks, GameParams, GameView, Header, Move, Moved, Purse,
};

use crate::{
    artifacts::creation_code,
    bindings as abi,
    chain::{Chain, Receipt, address_of},
    events,
    toy::{Program, Toy, batch_acc},
};

pub(crate) const GAME_TYPE: u32 = 0x5452_5354;
pub(crate) const CLOCKS: Clocks = Clocks {
    max_clock: 302_400,
    extension: 14_400,
};
pub(crate) const AIR_GAP: u64 = 302_400;
pub(crate) const START: u64 = 1_800_000_000;

/// Least bond, in wei: 0.04 ether, rounded up to a multiple of 4^9.
pub(crate) fn bond_min() -> U256 {
    U256::from(40_000_000_002_097_152_u64)
}

/// What every player begins with: 10,000 ether.
pub(crate) fn stake() -> U256 {
    ether(10_000)
}

pub(crate) fn ether(amount: u64) -> U256 {
    U256::from(amount) * U256::from(10_u64.pow(18))
}

/// The settlement, its games, and the toy chain that it settles.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) chain: Chain,
    pub(crate) toy: Toy,
    pub(crate) owner: Address,
    pub(crate) verifier: Address,
    pub(crate) factory: Address,
    pub(crate) registry: Address,
    pub(crate) games: Vec<GameView>,
    pub(crate) batches: u64,
    /// Counters that found themselves made already.
    pub(crate) repeated: u64,
    /// Most gas of any transaction.
    pub(crate) most_gas: u64,
}

/// A proposal with what proves it.
#[derive(Debug, Clone)]
pub(crate) struct Proposed {
    pub(crate) proposal: abi::Proposal,
    pub(crate) header: Bytes,
}

pub(crate) const PASSER: B256 = B256::repeat_byte(0x77);

impl World {
    pub(crate) fn new(weakening: Option<&str>, batches: u64) -> Self {
        let owner = address_of("owner", 0);
        let mut chain = Chain::new(START);
        let deploy = |chain: &mut Chain, name: &str, args: Vec<u8>| {
            let code = creation_code(name, weakening);
            chain.deploy(owner, [code.to_vec(), args].concat().into())
        };
        let inbox = deploy(&mut chain, "ToyInbox", Vec::new());
        let verifier = deploy(&mut chain, "ToyVerifier", Vec::new());
        let factory = deploy(&mut chain, "DisputeGameFactory", owner.abi_encode());
        let genesis = keccak256("genesis output");
        let registry_args = (owner, factory, U256::from(AIR_GAP), 0_u64, genesis);
        let registry = deploy(
            &mut chain,
            "AnchorRegistry",
            registry_args.abi_encode_params(),
        );
        let toy = Toy::new(genesis, keccak256("config"), keccak256("image"));
        let config = abi::GameConfig {
            gameType: GAME_TYPE,
            factory,
            registry,
            inbox,
            verifier,
            configHash: toy.config_hash,
            imageRoot: toy.image,
            previousImageRoot: B256::ZERO,
            imageFromBatch: 0,
            maxClock: u32::try_from(CLOCKS.max_clock).unwrap(),
            extension: u32::try_from(CLOCKS.extension).unwrap(),
            stepCap: 1 << 39,
            inclusionTime: 3_600,
            bondMin: bond_min(),
            stepRefund: bond_min() / U256::from(8),
        };
        let implementation = deploy(&mut chain, "DisputeGame", config.abi_encode());
        let mut world = Self {
            chain,
            toy,
            owner,
            verifier,
            factory,
            registry,
            games: Vec::new(),
            batches,
            repeated: 0,
            most_gas: 0,
        };
        world.must(
            owner,
            factory,
            &abi::setImplementationCall {
                gameType: GAME_TYPE,
                implementation,
            },
        );
        world.must(
            owner,
            registry,
            &abi::acceptGameTypeCall {
                gameType: GAME_TYPE,
            },
        );
        world.must(owner, inbox, &abi::setCountCall { count: batches });
        world
    }

    /// Sends a call that must succeed.
    pub(crate) fn must<C: SolCall>(&mut self, from: Address, to: Address, call: &C) -> Receipt {
        let receipt = self.call(from, to, U256::ZERO, call);
        assert!(
            receipt.is_success,
            "{} reverted: {:?}",
            C::SIGNATURE,
            receipt.output
        );
        receipt
    }

    /// Sends a call and takes in its events.
    pub(crate) fn call<C: SolCall>(
        &mut self,
        from: Address,
        to: Address,
        value: U256,
        call: &C,
    ) -> Receipt {
        self.send(from, to, value, call.abi_encode().into())
    }

    pub(crate) fn send(&mut self, from: Address, to: Address, value: U256, data: Bytes) -> Receipt {
        let receipt = self.chain.send(from, to, value, data);
        self.most_gas = self.most_gas.max(receipt.gas);
        for log in &receipt.logs {
            self.take_in(log);
        }
        receipt
    }

    pub(crate) fn advance_to(&mut self, time: u64) {
        self.chain.advance_to(time);
        for game in &mut self.games {
            game.now = self.chain.time;
        }
    }

    fn take_in(&mut self, log: &alloy_primitives::Log) {
        let time = self.chain.time;
        let Some(game) = self.games.iter_mut().find(|game| game.game == log.address) else {
            return;
        };
        events::take_in(game, log, time);
        if log.topics().first() == Some(&abi::MoveRepeated::SIGNATURE_HASH) {
            self.repeated += 1;
        }
    }

    /// Gives a batch a program of its own, on chain and in the toy.
    pub(crate) fn set_program(&mut self, batch: u64, program: Program) {
        let call = abi::setProgramCall {
            batchAcc: batch_acc(batch),
            program: abi::Program {
                haltAt: program.halt_at,
                exitCode: program.exit_code,
                output: program.output,
            },
        };
        self.must(self.owner, self.verifier, &call);
        self.toy.set_program(batch, program);
    }

    /// A proposal with a valid preimage; the state root decides which root it is.
    pub(crate) fn proposed(&self, batch: u64, state_root: B256) -> Proposed {
        let header = header_rlp(state_root, batch);
        let preimage = [B256::ZERO, state_root, PASSER, keccak256(&header)];
        let proposal = abi::Proposal {
            outputRoot: keccak256(preimage.concat()),
            batchAcc: batch_acc(batch),
            anchorRoot: self.toy.anchor_root,
            batch,
            anchorBatch: self.toy.anchor_batch,
            l2BlockNumber: batch | 1 << 63,
        };
        Proposed { proposal, header }
    }

    /// The true proposal of a batch, whose root the batch's program is made to output.
    pub(crate) fn true_proposal(&mut self, batch: u64) -> Proposed {
        let truth = self.proposed(batch, keccak256("true state"));
        let program = self.toy.program(batch);
        if program.succeeds() {
            self.set_program(
                batch,
                Program {
                    output: truth.proposal.outputRoot,
                    ..program
                },
            );
        }
        truth
    }

    /// Creates a game and follows it from now on.
    pub(crate) fn create(&mut self, from: Address, proposed: &Proposed, bond: U256) -> Receipt {
        let call = abi::createCall {
            gameType: GAME_TYPE,
            proposal: proposed.proposal.clone(),
            messagePasserRoot: PASSER,
            headerRlp: proposed.header.clone(),
        };
        let receipt = self.call(from, self.factory, bond, &call);
        if receipt.is_success {
            let game = abi::createCall::abi_decode_returns(&receipt.output).unwrap();
            let root = Header::from(&self.chain.read(game, &abi::rootHeaderCall {}));
            let params = GameParams {
                clocks: CLOCKS,
                bond_min: bond_min(),
            };
            self.games
                .push(GameView::new(game, params, root, from, self.chain.time));
        }
        receipt
    }

    pub(crate) fn root_bond(&self, batch: u64) -> U256 {
        let length = batch.saturating_sub(self.toy.anchor_batch).max(1);
        trestle_challenger::bond_at(bond_min(), trestle_challenger::Level::Root, length)
    }

    pub(crate) fn credit(&mut self, game: usize, account: Address) -> U256 {
        let game = self.games[game].game;
        self.chain.read(game, &abi::creditCall { account })
    }

    pub(crate) fn purse(&mut self, game: usize, account: Address, takes_profit: bool) -> Purse {
        let balance = self.chain.balance(account);
        Purse {
            account,
            balance,
            credit: self.credit(game, account),
            takes_profit,
        }
    }

    /// Calldata and value of a move. Credit pays first.
    pub(crate) fn encode(step: &Move, credit: U256) -> (Bytes, U256) {
        match step {
            Move::Counter {
                parent,
                segment,
                points,
                machine_end,
                bond,
                ..
            } => {
                let call = abi::counterCall {
                    parent: parent.into(),
                    segment: segment.into(),
                    points: points.clone(),
                    machineEnd: machine_end.clone(),
                };
                (call.abi_encode().into(), bond.saturating_sub(credit))
            }
            Move::Step {
                claim,
                segment,
                witness,
            } => {
                let call = abi::stepCall {
                    header: claim.into(),
                    segment: segment.into(),
                    witness: witness.clone(),
                };
                (call.abi_encode().into(), U256::ZERO)
            }
            Move::Decide { claim } => (
                abi::decideCall {
                    header: claim.into(),
                }
                .abi_encode()
                .into(),
                U256::ZERO,
            ),
            Move::Settle { claim, best } => {
                let call = abi::settleCall {
                    header: claim.into(),
                    best: best.into(),
                };
                (call.abi_encode().into(), U256::ZERO)
            }
        }
    }

    pub(crate) fn play(&mut self, game: usize, from: Address, step: &Move) -> Receipt {
        let credit = match step {
            Move::Counter { .. } => self.credit(game, from),
            _ => U256::ZERO,
        };
        let (data, value) = Self::encode(step, credit);
        let to = self.games[game].game;
        self.send(from, to, value, data)
    }

    /// Puts a counter into the view, as its event would.
    pub(crate) fn record(&mut self, game: usize, claimant: Address, step: &Move) {
        let Move::Counter { child, points, .. } = step else {
            panic!("only counters make claims")
        };
        let moved = Moved {
            header: *child,
            points: points.clone(),
            claimant,
            time: self.chain.time,
        };
        self.games[game].record_move(moved).unwrap();
    }

    /// Sends a move without taking in its events.
    pub(crate) fn send_unseen(&mut self, game: usize, from: Address, step: &Move) -> Receipt {
        let (data, value) = Self::encode(step, U256::ZERO);
        let to = self.games[game].game;
        self.chain.send(from, to, value, data)
    }

    pub(crate) fn claim(&self, game: usize, id: ClaimId) -> &ClaimView {
        &self.games[game].claims[&id]
    }

    /// Status of a game: 0 in progress, 1 challenger wins, 2 defender wins.
    pub(crate) fn status(&mut self, game: usize) -> u8 {
        let game = self.games[game].game;
        self.chain.read(game, &abi::statusCall {})
    }
}

/// RLP of a header with this state root; the number has its top bit set, so that it takes 8 bytes.
pub(crate) fn header_rlp(state_root: B256, batch: u64) -> Bytes {
    let hash = |out: &mut Vec<u8>, value: B256| {
        out.push(0xa0);
        out.extend_from_slice(value.as_slice());
    };
    let mut f = Vec::new();
    hash(&mut f, B256::repeat_byte(1));
    hash(&mut f, B256::repeat_byte(2));
    f.push(0x94);
    f.extend_from_slice(&[3; 20]);
    hash(&mut f, state_root);
    hash(&mut f, B256::repeat_byte(4));
    hash(&mut f, B256::repeat_byte(5));
    f.extend_from_slice(&[0xb9, 0x01, 0x00]);
    f.extend_from_slice(&[0; 256]);
    f.extend_from_slice(&[0x80, 0x88]);
    f.extend_from_slice(&(batch | 1 << 63).to_be_bytes());
    f.extend_from_slice(&[
        0x84, 2, 0xda, 0xda, 0, 0x80, 0x84, 0x65, 0x53, 0xf1, 0, 0x80,
    ]);
    hash(&mut f, B256::ZERO);
    f.extend_from_slice(&[0x88, 0, 0, 0, 0, 0, 0, 0, 0, 0x84, 0x3b, 0x9a, 0xca, 0]);
    let length = u16::try_from(f.len()).unwrap().to_be_bytes();
    [&[0xf9][..], &length, &f].concat().into()
}
