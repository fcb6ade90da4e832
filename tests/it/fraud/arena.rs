//! A chain on a real L1 with players that are processes of their own.

use std::process::Child;

use alloy::{
    consensus::Transaction,
    primitives::{Address, U256, keccak256},
    providers::{DynProvider, Provider},
    rpc::types::Filter,
    signers::local::PrivateKeySigner,
    sol_types::{SolCall, SolEvent},
};
use serde_json::json;
use trestle_challenger::service::StepKind;
use trestle_contracts::bindings::{
    DisputeGame, DisputeGameFactory,
    dispute_game::DisputeGame::{Stepped, stepCall},
};
use trestle_vm::{BOOT_LEN, STATE_LEN, State};

use crate::{
    agreement::{settle, some_of_everything},
    support::{Chain, ChainOptions, Node, eventually, node::command},
};

/// Longest time for all frauds of one test, in seconds.
const SECONDS: u64 = 420;
/// Registers that hold the type of a preimage's key and name a system call.
const A6: usize = 16;
const A7: usize = 17;
/// Bytes of a leaf of the code tree.
const LEAF: usize = 128;

/// Ends the process, and by its supervision all of its children, however the test ends.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A chain with batches on L1, and players with accounts of their own.
pub(crate) struct Arena {
    pub(crate) chain: Chain,
    pub(crate) l1: DynProvider,
}

impl Arena {
    /// A chain that has seen some of everything.
    pub(crate) async fn new(clock: u32) -> Self {
        Self::with_batches(clock, 1).await
    }

    /// The same, with at least this many batches.
    pub(crate) async fn with_batches(clock: u32, batches: u64) -> Self {
        let options = ChainOptions {
            challenge_clock: clock,
            ..ChainOptions::default()
        };
        Self::with_options(options, batches).await
    }

    /// The same on a chain that behaves as told.
    pub(crate) async fn with_options(options: ChainOptions, batches: u64) -> Self {
        let chain = Chain::new(options).await;
        let sequencer = Node::start(chain.sequencer()).await;
        let mut user = chain.funded_user(0, &sequencer.rpc).await;
        some_of_everything(&chain, &sequencer.rpc, &mut user).await;
        settle(&sequencer, &sequencer).await;
        while chain.inbox().batchCount().call().await.unwrap() < batches {
            user.transfer(Address::repeat_byte(7), 1)
                .included(&sequencer.rpc)
                .await;
            settle(&sequencer, &sequencer).await;
        }
        // Its history ends here: what is proven now is all that the players will dispute.
        assert!(crate::proven::prove_all(&chain).await >= batches);
        Self::of(chain)
    }

    /// A chain that has seen enough.
    pub(crate) fn of(chain: Chain) -> Self {
        let l1 = chain.batcher();
        Self { chain, l1 }
    }

    /// Gives an account 100 ether.
    pub(crate) async fn fund(&self, account: Address) {
        let wei = U256::from(100) * U256::from(10).pow(U256::from(18));
        let funds = json!([account, format!("{wei:#x}")]);
        self.chain.l1_rpc().call("anvil_setBalance", funds).await;
    }

    /// Starts a player with an account of its name, which has 100 ether.
    pub(crate) async fn player(
        &self,
        role: &str,
        name: &str,
        extra: &[&str],
    ) -> (Running, Address) {
        let key = keccak256(name);
        let account = PrivateKeySigner::from_bytes(&key).unwrap().address();
        let file = self.chain.path(&format!("{name}.key"));
        if !file.exists() {
            self.fund(account).await;
            std::fs::write(&file, key.to_string()).unwrap();
        }
        let folder = self.chain.path("").display().to_string();
        let datadir = self.chain.path(name).display().to_string();
        let (url, file) = (self.chain.l1.url(), file.display().to_string());
        let fixed = [
            role,
            "--chain",
            &folder,
            "--datadir",
            &datadir,
            "--l1",
            &url,
            "--l1-block-time",
            "1",
            "--key-file",
            &file,
            "--l1-beacon",
            &url,
        ];
        let args: Vec<String> = fixed
            .iter()
            .chain(extra)
            .map(|arg| (*arg).to_owned())
            .collect();
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.chain.path(&format!("{name}.log")))
            .unwrap();
        let child = command(&args)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        (Running(child), account)
    }

    pub(crate) fn log_of(&self, name: &str) -> String {
        std::fs::read_to_string(self.chain.path(&format!("{name}.log"))).unwrap_or_default()
    }

    /// The game that an account began, once it is there.
    pub(crate) async fn game_of(&self, name: &str, account: Address) -> Address {
        let factory = self.chain.deployed.rollup.contracts.dispute_game_factory;
        let factory = DisputeGameFactory::new(factory, &self.l1);
        eventually(&format!("a game of {name}"), SECONDS, || async {
            let count = factory
                .gameCount()
                .call()
                .await
                .ok()?
                .saturating_to::<u64>();
            for index in 0..count {
                let game = factory
                    .gameAtIndex(U256::from(index))
                    .call()
                    .await
                    .ok()?
                    .proxy;
                let creator = DisputeGame::new(game, &self.l1)
                    .gameCreator()
                    .call()
                    .await
                    .ok()?;
                if creator == account {
                    return Some(game);
                }
            }
            None
        })
        .await
    }

    /// Waits until a game has ended, and so: 1 for a root that fell, 2 for one that stands.
    pub(crate) async fn ended(&self, name: &str, game: Address, expected: u8) {
        let contract = DisputeGame::new(game, &self.l1);
        let status = eventually(
            &format!("the end of the game of {name}"),
            SECONDS,
            || async {
                contract
                    .status()
                    .call()
                    .await
                    .ok()
                    .filter(|status| *status != 0)
            },
        )
        .await;
        assert_eq!(status, expected, "{name}: {}", self.log_of(name));
    }

    /// What the steps did that refuted claims in a game, read out of their witnesses.
    pub(crate) async fn steps_of(&self, game: Address) -> Vec<StepKind> {
        let filter = Filter::new()
            .address(game)
            .event_signature(Stepped::SIGNATURE_HASH)
            .from_block(0);
        let mut kinds = Vec::new();
        for log in self.l1.get_logs(&filter).await.unwrap() {
            let hash = log.transaction_hash.unwrap();
            let tx = self
                .l1
                .get_transaction_by_hash(hash)
                .await
                .unwrap()
                .unwrap();
            kinds.push(kind_of(&stepCall::abi_decode(tx.input()).unwrap().witness));
        }
        kinds
    }
}

/// Kind of the step that a witness proves.
fn kind_of(witness: &[u8]) -> StepKind {
    if witness.len() == BOOT_LEN {
        return StepKind::Boot;
    }
    let state = State::decode(&witness[..STATE_LEN]).unwrap();
    let at = STATE_LEN + usize::try_from(state.pc).unwrap() % LEAF;
    let word = u32::from_le_bytes(witness[at..at + 4].try_into().unwrap());
    StepKind::of(word, [state.x[A6], state.x[A7]])
}
