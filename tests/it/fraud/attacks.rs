//! True claims under attack by every adversary of the simulator, on a real L1 and with the real guest.

use alloy::{
    consensus::Header,
    primitives::{Address, U256, keccak256},
    providers::Provider,
    signers::local::PrivateKeySigner,
    sol_types::{SolEvent, SolValue},
};
use trestle_challenger::{Clocks, service::root_over};
use trestle_contracts::{
    bindings::{
        DisputeGame, DisputeGameFactory, dispute_game::DisputeGame::Moved,
        dispute_game_factory::DisputeGameFactory::Proposal,
    },
    root_claim,
};
use trestle_sdk::deploy::GAME_TYPE;

use super::{adversary::Adversary, arena::Arena, trace::RealTrace};
use crate::{
    liar::{KINDS, Kind},
    random::Random,
    support::{chain::wallet, eventually},
};

/// Seconds of each side's clock; the extension is half of it.
const CLOCK: u32 = 60;
/// Seconds that the challenger may take for an answer on a loaded machine.
const RESPONSE: u64 = 20;
/// Longest time for all games of one test, in seconds.
const SECONDS: u64 = 300;
/// Those that have nothing to say to a true root alone, and those that may come too late on a loaded machine:
/// somebody else opens the dispute.
const ANSWERERS: [Kind; 6] = [
    Kind::WrongInterior,
    Kind::SameEnd,
    Kind::Copycat,
    Kind::SelfAnswerer,
    Kind::LastSecond,
    Kind::Staller,
];
/// Who attacks together.
const EIGHT: [Kind; 8] = [
    Kind::WrongRoot,
    Kind::LaterGarbage,
    Kind::WrongInterior,
    Kind::LastSecond,
    Kind::Spammer,
    Kind::Copycat,
    Kind::SelfSaboteur,
    Kind::Panicker,
];

/// A true root over the first `batch` batches, proposed by an account of its own.
async fn propose(arena: &Arena, trace: &RealTrace, batch: u64) -> Address {
    let header = trace.0.header(batch).unwrap();
    propose_over(arena, trace, batch, header).await
}

/// The root over `header`, true or not, for the first `batch` batches, proposed by an account of its own.
pub(super) async fn propose_over(
    arena: &Arena,
    trace: &RealTrace,
    batch: u64,
    header: Header,
) -> Address {
    let key = keccak256(format!("proposer of {batch}"));
    let account = PrivateKeySigner::from_bytes(&key).unwrap().address();
    arena.fund(account).await;
    let l1 = wallet(&arena.chain.l1.url(), &key.to_string());
    let contracts = &arena.chain.deployed.rollup.contracts;
    let factory = DisputeGameFactory::new(contracts.dispute_game_factory, &l1);
    let record = trace.0.record(batch).unwrap();
    let proposal = Proposal {
        outputRoot: root_over(&header),
        batchAcc: record.position.batch_acc,
        anchorRoot: trace.0.record(0).unwrap().output_root,
        batch,
        anchorBatch: 0,
        l2BlockNumber: header.number,
    };
    let receipt = factory
        .create(
            GAME_TYPE,
            proposal.clone(),
            header.withdrawals_root.unwrap(),
            alloy::rlp::encode(&header).into(),
        )
        .value(bond(arena, &proposal).await)
        .send()
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    assert!(receipt.status());
    let there = factory
        .gameOf(GAME_TYPE, proposal.clone())
        .call()
        .await
        .unwrap();
    assert!(there.exists);
    let game = DisputeGame::new(there.game, &arena.l1);
    let begun = game.rootHeader().call().await.unwrap();
    assert_eq!(begun.abi_encode(), root_claim(&proposal).abi_encode());
    there.game
}

/// Bond of a proposal, in wei.
async fn bond(arena: &Arena, proposal: &Proposal) -> U256 {
    let contracts = &arena.chain.deployed.rollup.contracts;
    let factory = DisputeGameFactory::new(contracts.dispute_game_factory, &arena.l1);
    let game = factory.gameImpls(GAME_TYPE).call().await.unwrap();
    let header = root_claim(proposal);
    let game = DisputeGame::new(game, &arena.l1);
    game.bondOf(header).call().await.unwrap()
}

/// Waits for the end of a game over `batches` batches; its root must stand within the bound of the specification.
async fn assert_confirmed(arena: &Arena, game: Address, batches: u64) {
    let contract = DisputeGame::new(game, &arena.l1);
    eventually("the game may be decided", SECONDS, || async {
        // What a proposer does for its own games, for none runs here. Refused until the time is over.
        let root = contract.rootHeader().call().await.ok()?;
        if let Ok(sent) = contract.decide(root).send().await {
            sent.get_receipt().await.ok()?;
        }
        (contract.status().call().await.ok()? != 0).then_some(())
    })
    .await;
    arena.ended(&format!("batch {batches}"), game, 2).await;
    let created = contract.createdAt().call().await.unwrap();
    let resolved = contract.resolvedAt().call().await.unwrap();
    let clocks = Clocks {
        max_clock: u64::from(CLOCK),
        extension: u64::from(CLOCK / 2),
    };
    let bound = clocks.bounds(batches, RESPONSE).prompt_defender;
    let took = resolved.saturating_sub(created);
    println!("game over {batches} batches: confirmed after {took} s, bound {bound} s");
    assert!(took <= bound, "{took} s, the bound is {bound} s");
}

/// How many claims somebody else than the honest side made in a game.
async fn attacks_in(arena: &Arena, game: Address, honest: Address) -> usize {
    let filter = alloy::rpc::types::Filter::new()
        .address(game)
        .event_signature(Moved::SIGNATURE_HASH)
        .from_block(0);
    let logs = arena.l1.get_logs(&filter).await.unwrap();
    logs.iter()
        .filter_map(|log| Moved::decode_log(&log.inner).ok())
        .filter(|moved| moved.claimant != honest)
        .count()
}

/// The challenger's account has at least what it began with, once everything is paid out.
async fn assert_made_whole(arena: &Arena, honest: Address, before: U256) {
    eventually("the bonds are back", 120, || async {
        (arena.l1.get_balance(honest).await.ok()? >= before).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn true_root_attacked_by_eight_at_once_amid_reorgs_is_confirmed_in_time() {
    let arena = Arena::new(CLOCK).await;
    let (_challenger, honest) = arena.player("challenger", "challenger", &[]).await;
    let before = arena.l1.get_balance(honest).await.unwrap();
    let trace = RealTrace::derive(&arena).await;
    let game = propose(&arena, &trace, 1).await;
    let (mut at_work, mut kinds) = (Vec::new(), EIGHT);
    // Who comes first differs from chain to chain.
    Random::new(trace.0.header(1).unwrap().timestamp).shuffle(&mut kinds);
    println!("{kinds:?}");
    for kind in kinds {
        at_work.push(Adversary::start(&arena, &trace, kind, game, honest).await);
    }
    for depth in [1, 2, 3] {
        eventually("another attack", 120, || async {
            (attacks_in(&arena, game, honest).await >= usize::try_from(depth).unwrap() * 2)
                .then_some(())
        })
        .await;
        arena.chain.stop_mining().await;
        arena.chain.reorg(depth, Vec::new()).await;
        arena.chain.begin_mining(1).await;
    }
    assert_confirmed(&arena, game, 1).await;
    let attacks = attacks_in(&arena, game, honest).await;
    println!("{attacks} attacks");
    assert!(attacks >= EIGHT.len(), "{attacks} attacks only");
    assert_made_whole(&arena, honest, before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn true_roots_attacked_by_each_adversary_are_confirmed_in_time() {
    let arena = Arena::with_batches(CLOCK, KINDS.len() as u64).await;
    let (_challenger, honest) = arena.player("challenger", "challenger", &[]).await;
    let before = arena.l1.get_balance(honest).await.unwrap();
    let trace = RealTrace::derive(&arena).await;
    let (mut at_work, mut games) = (Vec::new(), Vec::new());
    for (batch, kind) in (1..).zip(KINDS) {
        let game = propose(&arena, &trace, batch).await;
        at_work.push(Adversary::start(&arena, &trace, kind, game, honest).await);
        if ANSWERERS.contains(&kind) {
            let opener = Adversary::start(&arena, &trace, Kind::WrongRoot, game, honest).await;
            at_work.push(opener);
        }
        games.push((batch, kind, game));
    }
    for (batch, kind, game) in games {
        assert_confirmed(&arena, game, batch).await;
        let attacks = attacks_in(&arena, game, honest).await;
        println!("{kind:?}: {attacks} attacks");
        assert!(attacks > 0, "{kind:?}");
    }
    assert_made_whole(&arena, honest, before).await;
}
