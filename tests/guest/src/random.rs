//! Random batches, from a seed: whatever they are, derivation, the native program and the machine must agree.

use crate::{Account, CHAIN_ID, World, attributes, call, code, compress, create, deposit, inputs};
use alloy_consensus::{TxEip1559, TxEip7702};
use alloy_primitives::{Address, Bytes, U256};
use rand::{Rng, SeedableRng, rngs::StdRng};
use revm::bytecode::opcode as op;
use trestle_challenger::host::Payload;
use trestle_protocol::{
    EntryBody, OperatorParams,
    payload::{Payload as Blocks, PayloadBlock, PayloadTx},
};

/// Accounts that send.
const SENDERS: u64 = 8;

/// Batches on a chain of their own.
#[derive(Debug)]
pub struct Batches {
    random: StdRng,
    world: World,
    nonces: [u64; SENDERS as usize],
    precompiles: Vec<(u64, Vec<u8>)>,
}

impl Batches {
    pub fn new(seed: u64) -> Self {
        let dear = inputs::dear_precompile_inputs().into_iter();
        let dear = dear.map(|(number, _, input)| (number, input));
        let valid = inputs::valid_precompile_inputs().into_iter();
        Self {
            random: StdRng::seed_from_u64(seed),
            world: World::new(0..SENDERS),
            nonces: [0; SENDERS as usize],
            precompiles: valid
                .chain(dear)
                .filter(|(_, input)| input.len() < 3_000)
                .collect(),
        }
    }

    /// Makes the next batch and proves it; the machine's steps, and the number of the last block.
    pub fn prove(&mut self, what: &str) -> (u64, u64) {
        for _ in 0..self.random.random_range(0..4) {
            let entry = self.entry();
            self.world.enqueue(entry);
        }
        let content = self.content();
        let (record, run) = self.world.prove(what, content);
        self.learn_nonces();
        (run.steps, record.block_number)
    }

    /// What was skipped did not use its nonce.
    fn learn_nonces(&mut self) {
        let follower = &self.world.follower;
        let view = follower.view(follower.newest().batch()).unwrap();
        for (seed, nonce) in (0..).zip(&mut self.nonces) {
            let account = view.account(Account::new(seed).address).unwrap();
            *nonce = account.map_or(0, |account| account.nonce);
        }
    }

    fn content(&mut self) -> Payload {
        let blocks = (0..self.random.random_range(0..4))
            .map(|_| self.block())
            .collect();
        let mut bytes = compress(&Blocks { blocks });
        if self.random.random_ratio(1, 10) {
            let at = self.random.random_range(0..bytes.len());
            bytes[at] ^= 1 << self.random.random_range(0..8);
        }
        match self.random.random_range(0..12) {
            0 => Payload::Forced,
            1 => Payload::Blobs(inputs::blobs_of(&bytes)),
            2 => Payload::Calldata(
                bytes[..self.random.random_range(0..bytes.len())]
                    .to_vec()
                    .into(),
            ),
            _ => Payload::Calldata(bytes.into()),
        }
    }

    fn block(&mut self) -> PayloadBlock {
        let drift = self.random.random_range(-100_000..1_000);
        let count = self.random.random_range(0..7);
        PayloadBlock {
            timestamp: self.world.time().saturating_add_signed(drift),
            deposit_count: self.random.random_range(0..5),
            transactions: (0..count).map(|_| self.transaction()).collect(),
        }
    }

    fn entry(&mut self) -> EntryBody {
        match self.random.random_range(0..6) {
            0 => attributes(self.random.random_range(0..1_000_000)),
            1 => EntryBody::Operator(OperatorParams {
                user_gas_limit: self.random.random_range(10_000_000..48_000_000),
                data_scalar: self.random.random_range(0..2_000_000),
                data_kinds: self.random.random_range(0..4),
                min_floor: self.random.random_range(1..2_000),
                batcher: Address::repeat_byte(3),
            }),
            2 => deposit(self.address(), None, 1_000_000, self.program().into()),
            _ => {
                let gas = self.random.random_range(21_000..3_000_000);
                let (from, to) = (self.address(), self.address());
                let (_, data) = self.action();
                deposit(from, Some(to), gas, data)
            }
        }
    }

    fn transaction(&mut self) -> PayloadTx {
        let seed = self.random.random_range(0..SENDERS);
        let sender = Account::new(seed);
        let mut nonce = self.nonces[seed as usize];
        if self.random.random_ratio(1, 12) {
            nonce = nonce
                .wrapping_add(self.random.random_range(0..3))
                .wrapping_sub(1);
        } else {
            self.nonces[seed as usize] += 1;
        }
        let gas = *pick(
            &mut self.random,
            &[20_999, 30_000, 200_000, 2_000_000, 16_777_217],
        );
        let tx = match self.random.random_range(0..10) {
            0 => return self.raw(&sender.call(nonce, code::MORTAL, 100_000, Bytes::new())),
            1 => sender.sign(create(nonce, gas.max(1_000_000), self.program())),
            2 => self.delegation(&sender, nonce),
            3 => sender.sign(TxEip1559 {
                value: U256::from(self.random.random::<u64>()),
                ..call(nonce, self.address(), gas, Bytes::new())
            }),
            4 => {
                let program = self.program();
                sender.call(nonce, code::DEPLOYER, 2_000_000, program)
            }
            _ => {
                let (to, data) = self.action();
                sender.call(nonce, to, gas, data)
            }
        };
        PayloadTx::Typed(tx)
    }

    /// A transaction with one byte of it changed, or noise.
    fn raw(&mut self, tx: &op_alloy_consensus::OpTxEnvelope) -> PayloadTx {
        use alloy_eips::eip2718::Encodable2718;
        let mut bytes = tx.encoded_2718();
        let at = self.random.random_range(0..bytes.len());
        bytes[at] = self.random.random();
        PayloadTx::Raw(bytes.into())
    }

    fn delegation(&mut self, sender: &Account, nonce: u64) -> op_alloy_consensus::OpTxEnvelope {
        let list = (0..self.random.random_range(0..4)).map(|_| {
            let seed = self.random.random_range(0..SENDERS);
            let chain = *pick(&mut self.random, &[0, CHAIN_ID, 1]);
            let to = *pick(&mut self.random, &[code::TOKEN, code::DIVER, Address::ZERO]);
            Account::new(seed).authorize(chain, to, self.nonces[seed as usize])
        });
        let list = list.collect();
        sender.sign_7702(TxEip7702 {
            chain_id: CHAIN_ID,
            nonce,
            gas_limit: 300_000,
            max_fee_per_gas: 1_000_000_000,
            max_priority_fee_per_gas: 1,
            to: self.address(),
            value: U256::ZERO,
            access_list: Default::default(),
            authorization_list: list,
            input: Bytes::new(),
        })
    }

    /// A contract and its input.
    fn action(&mut self) -> (Address, Bytes) {
        match self.random.random_range(0..5) {
            0 => (
                code::TOKEN,
                code::transfer(self.address(), self.random.random_range(0..2)),
            ),
            1 => (code::DIVER, Bytes::new()),
            2 => (code::BURNER, Bytes::new()),
            _ => {
                let (number, mut input) = pick(&mut self.random, &self.precompiles).clone();
                if self.random.random_ratio(1, 3) && !input.is_empty() {
                    let at = self.random.random_range(0..input.len());
                    input[at] = self.random.random();
                }
                if self.random.random_ratio(1, 8) {
                    input.truncate(self.random.random_range(0..=input.len()));
                }
                let to = Address::from_word(U256::from(number).into());
                (code::PROBER, code::probe(to, &input))
            }
        }
    }

    fn address(&mut self) -> Address {
        let seed = self.random.random_range(0..SENDERS + 4);
        let known = [code::PROBER, code::TOKEN, code::DIVER, code::MORTAL];
        match self.random.random_range(0..3) {
            0 => *pick(&mut self.random, &known),
            1 => Address::repeat_byte(self.random.random_range(0..32)),
            _ => Account::new(seed).address,
        }
    }

    /// Code that may do anything: pushes of interesting words, then any opcode.
    fn program(&mut self) -> Vec<u8> {
        let mut program = Vec::new();
        for _ in 0..self.random.random_range(0..80) {
            match self.random.random_range(0..4) {
                0 => program.extend([op::PUSH1, self.random.random()]),
                1 => program.extend([op::PUSH2, 0, self.random.random()]),
                2 => {
                    program.push(op::PUSH32);
                    program.extend(self.random.random::<[u8; 32]>());
                }
                _ => program.push(self.random.random()),
            }
        }
        program
    }
}

fn pick<'a, T>(random: &mut StdRng, from: &'a [T]) -> &'a T {
    &from[random.random_range(0..from.len())]
}
