//! The settlement on anvil, and players that send what they choose.

use alloy_primitives::{Address, B256, Bytes, Log, LogData, U256};
use alloy_sol_types::{SolCall, SolEvent, SolValue};
use serde_json::{Value, json};
use trestle_challenger::{GameParams, GameView, Header, Move, Purse, Truth, choose_moves};
use trestle_test_support::Anvil;

use super::{CONFIG, output_of};
use crate::{
    artifacts::{committed_code, creation_code},
    bindings as abi, events,
    toy::batch_acc,
    world::{CLOCKS, GAME_TYPE, PASSER, bond_min, ether, header_rlp},
};

/// A settlement on anvil.
pub(super) struct Net {
    pub(super) anvil: Anvil,
    pub(super) honest: Address,
    pub(super) liar: Address,
    pub(super) factory: Address,
    pub(super) verifier: Address,
    pub(super) time: u64,
    pub(super) view: Option<GameView>,
    /// State after the step that the contract executed.
    pub(super) stepped_to: Option<B256>,
    /// What a refused transaction answered.
    pub(super) refused: u32,
}

impl Net {
    pub(super) async fn start(image_root: B256, anchor: B256) -> Self {
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

    pub(super) async fn deploy(&mut self, from: Address, code: Bytes, args: Vec<u8>) -> Address {
        let data = Bytes::from([code.to_vec(), args].concat());
        let receipt = self
            .transact(json!({ "from": from, "data": data, "gas": "0xf00000" }))
            .await
            .unwrap();
        assert_eq!(receipt["status"], "0x1", "deployment");
        serde_json::from_value(receipt["contractAddress"].clone()).unwrap()
    }

    pub(super) async fn must(
        &mut self,
        from: Address,
        to: Address,
        value: U256,
        data: Vec<u8>,
    ) -> Value {
        let receipt = self.send(from, to, value, data).await.expect("refused");
        assert_eq!(receipt["status"], "0x1");
        receipt
    }

    /// `None` when the transaction reverts.
    pub(super) async fn send(
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

    pub(super) async fn transact(&mut self, tx: Value) -> Option<Value> {
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
    pub(super) async fn receipt(&self, hash: B256) -> Value {
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

    pub(super) fn take_in(&mut self, log: &Value) {
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

    pub(super) async fn read<C: SolCall>(&self, to: Address, call: &C) -> C::Return {
        let tx = json!({ "to": to, "data": Bytes::from(call.abi_encode()) });
        let output: Bytes = self.anvil.rpc("eth_call", (tx, "latest")).await.unwrap();
        C::abi_decode_returns(&output).unwrap()
    }

    pub(super) async fn advance(&mut self, seconds: u64) {
        let _: Value = self
            .anvil
            .rpc("evm_increaseTime", (seconds,))
            .await
            .unwrap();
        self.anvil.mine(1).await.unwrap();
        self.time += seconds + 1;
    }

    pub(super) async fn create(&mut self, from: Address, state_root: B256, anchor: B256) {
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
    pub(super) async fn play<T: Truth>(&mut self, who: Address, truth: &T) -> usize {
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
