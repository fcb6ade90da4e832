//! Whole disputes on anvil with the real step verifier: the choice of moves, the contracts and the interpreter
//! agree from the bare root to the step.
//!
//! Both players choose their moves by the same function: the honest one with the machine's trace, the liar with
//! a trace that departs from it at one step. The program counts in a loop that stores, and halts with its output.

use std::{cell::RefCell, sync::Arc};

use alloy_primitives::{Address, B256, Bytes, Log, LogData, U256, keccak256};
use alloy_sol_types::{SolCall, SolEvent, SolValue};
use serde_json::{Value, json};
use trestle_challenger::{
    ClaimStatus, GameParams, GameView, Header, MACHINE_STEPS, Move, Purse, Truth, choose_moves,
};
use trestle_test_support::Anvil;
use trestle_vm::{
    Checkpoints, Image, Machine, NoPreimages, RunError, State, boot_hash, input_hash,
};

use crate::{
    artifacts::{committed_code, creation_code},
    bindings as abi, events,
    toy::batch_acc,
    world::{CLOCKS, GAME_TYPE, PASSER, bond_min, ether, header_rlp},
};

const CODE_BASE: u64 = 0x1_0000;

const fn addi(rd: u32, rs1: u32, imm: i32) -> u32 {
    ((imm as u32) << 20) | (rs1 << 15) | (rd << 7) | 0x13
}

/// `ld rd, imm(x7)`.
const fn ld(rd: u32, imm: u32) -> u32 {
    (imm << 20) | (7 << 15) | (3 << 12) | (rd << 7) | 0x03
}

/// Stores `x6 = 3, 6, …` five hundred times, then halts with the 32 bytes at 0x2000 as its output.
const PROGRAM: [u32; 13] = [
    0x0000_23b7,     // lui x7, 2
    addi(5, 0, 500), //
    addi(6, 6, 3),   // loop:
    0x0463_b023,     // sd x6, 64(x7)
    addi(5, 5, -1),  //
    0xfe02_9ae3,     // bne x5, x0, loop
    ld(11, 0),       //
    ld(12, 8),       //
    ld(13, 16),      //
    ld(14, 24),      //
    addi(10, 0, 0),  //
    addi(17, 0, 93), //
    0x0000_0073,     // ecall: halt
];

fn image(output: B256) -> Image {
    let code = PROGRAM.iter().flat_map(|word| word.to_le_bytes()).collect();
    Image::new(
        CODE_BASE,
        code,
        &[(0x2000, output.as_slice())],
        (CODE_BASE, 0x8000),
    )
    .unwrap()
}

/// The interpreter's trace of batch 1.
struct Run {
    machine: RefCell<Checkpoints>,
    anchor: B256,
    output: B256,
}

impl Run {
    fn state(&self) -> State {
        self.machine
            .borrow_mut()
            .machine_at(MACHINE_STEPS, &NoPreimages)
            .unwrap()
            .state()
            .unwrap()
    }

    fn hash(&self, step: u64) -> B256 {
        self.machine
            .borrow_mut()
            .state_hash_at(step, &NoPreimages)
            .unwrap()
    }
}

impl Truth for Run {
    type Error = RunError;

    fn output(&self, batch: u64) -> Result<Option<B256>, RunError> {
        Ok(Some(if batch == 0 { self.anchor } else { self.output }))
    }

    fn states(&self, _batch: u64, steps: &[u64]) -> Result<Vec<B256>, RunError> {
        let mut machine = self.machine.borrow_mut();
        steps
            .iter()
            .map(|step| machine.state_hash_at(*step, &NoPreimages))
            .collect()
    }

    fn end_state(&self, _batch: u64) -> Result<Bytes, RunError> {
        Ok(self.state().encode().to_vec().into())
    }

    fn witness(&self, _batch: u64, step: u64) -> Result<Bytes, RunError> {
        let mut machine = self.machine.borrow_mut();
        let witness = machine
            .machine_at(step, &NoPreimages)?
            .witness(&NoPreimages)?;
        Ok(witness.encode().into())
    }
}

/// The same trace with every state from one step on replaced, ending in another output.
struct Lie<'a> {
    run: &'a Run,
    from: u64,
    output: B256,
}

impl Truth for Lie<'_> {
    type Error = RunError;

    fn output(&self, batch: u64) -> Result<Option<B256>, RunError> {
        Ok(Some(if batch == 0 {
            self.run.anchor
        } else {
            self.output
        }))
    }

    fn states(&self, batch: u64, steps: &[u64]) -> Result<Vec<B256>, RunError> {
        let truth = self.run.states(batch, steps)?;
        let end = keccak256(self.end_state(batch)?);
        let lied = truth
            .into_iter()
            .zip(steps)
            .map(|(hash, step)| match *step {
                MACHINE_STEPS => end,
                step if step >= self.from => keccak256([hash.as_slice(), b"lie"].concat()),
                _ => hash,
            });
        Ok(lied.collect())
    }

    fn end_state(&self, _batch: u64) -> Result<Bytes, RunError> {
        let end = State {
            output_hash: self.output,
            ..self.run.state()
        };
        Ok(end.encode().to_vec().into())
    }

    fn witness(&self, batch: u64, step: u64) -> Result<Bytes, RunError> {
        self.run.witness(batch, step)
    }
}

/// A settlement on anvil.
struct Net {
    anvil: Anvil,
    honest: Address,
    liar: Address,
    factory: Address,
    verifier: Address,
    time: u64,
    view: Option<GameView>,
    /// State after the step that the contract executed.
    stepped_to: Option<B256>,
    /// What a refused transaction answered.
    refused: u32,
}

impl Net {
    async fn start(image_root: B256, anchor: B256) -> Self {
        let anvil = Anvil::start().unwrap();
        let accounts: Vec<Address> = anvil.rpc("eth_accounts", ()).await.unwrap();
        let mut net = Self {
            anvil,
            honest: accounts[1],
            liar: accounts[2],
            factory: Address::ZERO,
            verifier: Address::ZERO,
            time: 0,
            view: None,
            stepped_to: None,
            refused: 0,
        };
        let owner = accounts[0];
        let inbox = net
            .deploy(owner, creation_code("ToyInbox", None), Vec::new())
            .await;
        net.verifier = net
            .deploy(owner, committed_code("RiscvStepVerifier"), Vec::new())
            .await;
        let factory = creation_code("DisputeGameFactory", None);
        net.factory = net.deploy(owner, factory, owner.abi_encode()).await;
        let args = (owner, net.factory, U256::from(60), 0_u64, anchor).abi_encode_params();
        let registry = net
            .deploy(owner, creation_code("AnchorRegistry", None), args)
            .await;
        let config = abi::GameConfig {
            gameType: GAME_TYPE,
            factory: net.factory,
            registry,
            inbox,
            verifier: net.verifier,
            configHash: CONFIG,
            imageRoot: image_root,
            previousImageRoot: B256::ZERO,
            imageFromBatch: 0,
            maxClock: u32::try_from(CLOCKS.max_clock).unwrap(),
            extension: u32::try_from(CLOCKS.extension).unwrap(),
            stepCap: 1 << 39,
            inclusionTime: 3_600,
            bondMin: bond_min(),
            stepRefund: bond_min() / U256::from(8),
        };
        let game = net
            .deploy(
                owner,
                creation_code("DisputeGame", None),
                config.abi_encode(),
            )
            .await;
        let set = abi::setImplementationCall {
            gameType: GAME_TYPE,
            implementation: game,
        };
        net.must(owner, net.factory, U256::ZERO, set.abi_encode())
            .await;
        net.must(
            owner,
            registry,
            U256::ZERO,
            abi::acceptGameTypeCall {
                gameType: GAME_TYPE,
            }
            .abi_encode(),
        )
        .await;
        net.must(
            owner,
            inbox,
            U256::ZERO,
            abi::setCountCall { count: 1 }.abi_encode(),
        )
        .await;
        net
    }

    async fn deploy(&mut self, from: Address, code: Bytes, args: Vec<u8>) -> Address {
        let data = Bytes::from([code.to_vec(), args].concat());
        let receipt = self
            .transact(json!({ "from": from, "data": data, "gas": "0xf00000" }))
            .await
            .unwrap();
        assert_eq!(receipt["status"], "0x1", "deployment");
        serde_json::from_value(receipt["contractAddress"].clone()).unwrap()
    }

    async fn must(&mut self, from: Address, to: Address, value: U256, data: Vec<u8>) -> Value {
        let receipt = self.send(from, to, value, data).await.expect("refused");
        assert_eq!(receipt["status"], "0x1");
        receipt
    }

    /// `None` when the transaction reverts.
    async fn send(
        &mut self,
        from: Address,
        to: Address,
        value: U256,
        data: Vec<u8>,
    ) -> Option<Value> {
        let data = Bytes::from(data);
        let tx = json!({ "from": from, "to": to, "value": value, "data": data, "gas": "0xf00000" });
        let receipt = self.transact(tx).await?;
        (receipt["status"] == "0x1").then_some(receipt)
    }

    async fn transact(&mut self, tx: Value) -> Option<Value> {
        let hash: B256 = self.anvil.rpc("eth_sendTransaction", (tx,)).await.ok()?;
        let receipt = self.receipt(hash).await;
        let number = receipt["blockNumber"].clone();
        let block: Value = self
            .anvil
            .rpc("eth_getBlockByNumber", (number, false))
            .await
            .unwrap();
        let time: U256 = serde_json::from_value(block["timestamp"].clone()).unwrap();
        self.time = time.to::<u64>();
        for log in receipt["logs"].as_array().unwrap() {
            self.take_in(log);
        }
        Some(receipt)
    }

    /// Anvil answers with the hash before it has mined.
    async fn receipt(&self, hash: B256) -> Value {
        for _ in 0..2_000 {
            let receipt: Value = self
                .anvil
                .rpc("eth_getTransactionReceipt", (hash,))
                .await
                .unwrap();
            if !receipt.is_null() {
                return receipt;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        panic!("transaction {hash} is not mined")
    }

    fn take_in(&mut self, log: &Value) {
        let Some(view) = &mut self.view else { return };
        let address: Address = serde_json::from_value(log["address"].clone()).unwrap();
        if address != view.game {
            return;
        }
        let topics: Vec<B256> = serde_json::from_value(log["topics"].clone()).unwrap();
        let data: Bytes = serde_json::from_value(log["data"].clone()).unwrap();
        let log = Log {
            address,
            data: LogData::new_unchecked(topics.clone(), data),
        };
        events::take_in(view, &log, self.time);
        if topics[0] == abi::Stepped::SIGNATURE_HASH {
            self.stepped_to = Some(abi::Stepped::decode_log(&log).unwrap().post);
        }
    }

    async fn read<C: SolCall>(&self, to: Address, call: &C) -> C::Return {
        let tx = json!({ "to": to, "data": Bytes::from(call.abi_encode()) });
        let output: Bytes = self.anvil.rpc("eth_call", (tx, "latest")).await.unwrap();
        C::abi_decode_returns(&output).unwrap()
    }

    async fn advance(&mut self, seconds: u64) {
        let _: Value = self
            .anvil
            .rpc("evm_increaseTime", (seconds,))
            .await
            .unwrap();
        self.anvil.mine(1).await.unwrap();
        self.time += seconds + 1;
    }

    async fn create(&mut self, from: Address, state_root: B256, anchor: B256) {
        let header = header_rlp(state_root, 1);
        let proposal = abi::Proposal {
            outputRoot: output_of(state_root),
            batchAcc: batch_acc(1),
            anchorRoot: anchor,
            batch: 1,
            anchorBatch: 0,
            l2BlockNumber: 1 | 1 << 63,
        };
        let call = abi::createCall {
            gameType: GAME_TYPE,
            proposal,
            messagePasserRoot: PASSER,
            headerRlp: header,
        };
        let bond = trestle_challenger::bond_at(bond_min(), trestle_challenger::Level::Root, 1);
        let factory = self.factory;
        let receipt = self.must(from, factory, bond, call.abi_encode()).await;
        let topic: B256 = serde_json::from_value(receipt["logs"][0]["topics"][1].clone()).unwrap();
        let game = Address::from_word(topic);
        let root = Header::from(&self.read(game, &abi::rootHeaderCall {}).await);
        let params = GameParams {
            clocks: CLOCKS,
            bond_min: bond_min(),
        };
        self.view = Some(GameView::new(game, params, root, from, self.time));
    }

    /// A player does all that it wants to; gives the number of moves that succeeded.
    async fn play<T: Truth>(&mut self, who: Address, truth: &T) -> usize {
        let mut view = self.view.clone().unwrap();
        view.now = self.time + 1;
        let credit = self
            .read(view.game, &abi::creditCall { account: who })
            .await;
        let purse = Purse {
            account: who,
            balance: ether(100),
            credit,
            takes_profit: false,
        };
        let mut done = 0;
        for step in choose_moves(&view, truth, &purse).unwrap().moves {
            let (data, value) = crate::world::World::encode(&step, U256::ZERO);
            if self
                .send(who, view.game, value, data.to_vec())
                .await
                .is_some()
            {
                done += 1;
            } else {
                assert!(
                    matches!(step, Move::Step { .. }),
                    "only a liar's step is refused: {step:?}"
                );
                self.refused += 1;
            }
        }
        done
    }
}

const CONFIG: B256 = B256::repeat_byte(0xc0);

fn output_of(state_root: B256) -> B256 {
    let hash = keccak256(header_rlp(state_root, 1));
    keccak256([B256::ZERO, state_root, PASSER, hash].concat())
}

/// One dispute over batch 1: the liar's trace departs at step `from`; the root is the machine's output or not.
async fn dispute(net: &mut Net, run: &Run, from: u64, root_is_true: bool) {
    let (good, bad) = (keccak256("good state"), keccak256("bad state"));
    let (honest, liar) = (net.honest, net.liar);
    let lie = Lie {
        run,
        from,
        output: output_of(bad),
    };
    let (proposer, state) = if root_is_true {
        (honest, good)
    } else {
        (liar, bad)
    };
    net.create(proposer, state, run.anchor).await;
    while net.play(liar, &lie).await + net.play(honest, run).await > 0 {}
    let depth = net.view.as_ref().unwrap().claims.len();
    assert_eq!(
        depth, 7,
        "root and six counters, all of them chosen by the same function"
    );
    if root_is_true {
        assert_eq!(
            net.refused, 1,
            "the liar's step at the honest leaf is refused"
        );
    } else {
        assert_eq!(
            net.stepped_to,
            Some(run.hash(from)),
            "L1 and interpreter take the same step"
        );
    }
    for _ in 0..12 {
        net.advance(CLOCKS.max_clock / 4).await;
        net.play(honest, run).await;
    }
    let view = net.view.clone().unwrap();
    let (_, root) = view.root().unwrap();
    let expected = if root_is_true {
        ClaimStatus::Stands
    } else {
        ClaimStatus::Falls
    };
    assert_eq!(root.status, expected, "the truth wins");
    let status = net.read(view.game, &abi::statusCall {}).await;
    assert_eq!(status, if root_is_true { 2 } else { 1 });
}

#[test]
fn choice_contract_and_interpreter_agree_from_bare_root_to_step_on_anvil() {
    let anchor = keccak256("anchor");
    let output = output_of(keccak256("good state"));
    let image = Arc::new(image(output));
    let input = input_hash(&CONFIG, &anchor, &batch_acc(0), &batch_acc(1));
    let machine = Machine::new(image.clone(), input);
    let checkpoints = Checkpoints::record(machine, 256, MACHINE_STEPS, &NoPreimages).unwrap();
    let run = Run {
        machine: RefCell::new(checkpoints),
        anchor,
        output,
    };
    let end = run.state();
    assert!(
        end.halted && end.exit_code.0 == 0 && end.output_hash == output,
        "{end:?}"
    );
    assert_eq!(run.hash(0), boot_hash(&image.root(), &input));

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut net = Net::start(image.root(), anchor).await;
        // The boot step, arithmetic, a store, a branch, a load, and the halt.
        for from in [1, 1_200, 1_201, 1_203, end.step - 3, end.step] {
            for root_is_true in [false, true] {
                let snapshot: U256 = net.anvil.rpc("evm_snapshot", ()).await.unwrap();
                (net.view, net.stepped_to, net.refused) = (None, None, 0);
                dispute(&mut net, &run, from, root_is_true).await;
                let _: bool = net.anvil.rpc("evm_revert", (snapshot,)).await.unwrap();
            }
        }
    });
}
