//! Whole disputes on anvil with the real step verifier: the choice of moves, the contracts and the interpreter
//! agree from the bare root to the step.
//!
//! Both players choose their moves by the same function: the honest one with the machine's trace, the liar with
//! a trace that departs from it at one step. The program counts in a loop that stores, and halts with its output.

mod net;
mod program;

use std::{cell::RefCell, sync::Arc, time::Duration};

use alloy_primitives::{B256, U256, keccak256};
use trestle_challenger::{ClaimStatus, MACHINE_STEPS};
use trestle_vm::{Checkpoints, Machine, NoPreimages, boot_hash, input_hash};

use self::{
    net::Net,
    program::{Lie, Run, image},
};
use crate::{
    bindings as abi,
    toy::batch_acc,
    world::{CLOCKS, PASSER, header_rlp},
};

/// Time for all disputes together.
const LIMIT: Duration = Duration::from_secs(240);

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
    let disputes = async {
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
    };
    runtime
        .block_on(async { tokio::time::timeout(LIMIT, disputes).await })
        .expect("the disputes end in time");
}
