//! What must not give an output: the host fails or lies, and the end is a defined one.

use alloy_primitives::{B256, Bytes};
use trestle_challenger::{
    host::{BatchRun, HostError, Payload, Recorded},
    image::image,
};
use trestle_guest::{BatchInput, EXIT_INPUT, EXIT_TRANSITION};
use trestle_guest_tests::{Account, World, code, run, run_until_halt, typed};
use trestle_vm::{PreimageKey, PreimageSource, RunError};

fn recorded() -> (Recorded, B256) {
    let mut world = World::new(0..1);
    let tx = Account::new(0).call(0, code::TOKEN, 100_000, code::transfer(code::MORTAL, 0));
    let payload = world.payload(vec![typed(vec![tx])]);
    let (record, inputs) = world.derive(payload);
    (inputs, record.output_root)
}

#[test]
fn preimage_that_is_missing_stops_the_host_and_names_it() {
    let (inputs, _) = recorded();
    for hash in inputs.preimages().keys() {
        let without = inputs.clone().altered(*inputs.input(), Some(hash));
        if without.preimages().len() == inputs.preimages().len() {
            continue; // The input itself, which was put back.
        }
        let error = BatchRun::record(without, &mut |_| true).unwrap_err();
        let HostError::Machine(RunError::MissingPreimage { key }) = error else {
            panic!("{error}");
        };
        assert_eq!(key, PreimageKey::Keccak(*hash));
    }
}

#[test]
fn input_with_a_wrong_hash_in_it_has_a_defined_exit_and_no_output() {
    let (inputs, output) = recorded();
    let right = *inputs.input();
    let header = *inputs
        .preimages()
        .iter()
        .find(|(_, bytes)| bytes.len() == 170)
        .unwrap()
        .0;
    let wrong = [
        (
            BatchInput {
                config_hash: header,
                ..right
            },
            EXIT_INPUT,
        ),
        (
            BatchInput {
                output_before: right.config_hash,
                ..right
            },
            EXIT_TRANSITION,
        ),
        (
            BatchInput {
                output_before: right.batch_acc_after,
                ..right
            },
            EXIT_TRANSITION,
        ),
        (
            BatchInput {
                batch_acc_before: B256::repeat_byte(1),
                ..right
            },
            EXIT_TRANSITION,
        ),
        (
            BatchInput {
                batch_acc_after: right.config_hash,
                ..right
            },
            EXIT_TRANSITION,
        ),
        (
            BatchInput {
                batch_acc_after: right.output_before,
                ..right
            },
            EXIT_TRANSITION,
        ),
    ];
    for (input, exit_code) in wrong {
        let run = run(&inputs.clone().altered(input, None));
        assert_eq!(
            (run.exit_code.0, run.output),
            (exit_code, B256::ZERO),
            "{input:?}"
        );
    }
    assert_eq!(run(&inputs).output, output);
}

#[test]
fn input_hash_of_something_else_has_a_defined_exit_or_stops_the_host() {
    let (inputs, _) = recorded();
    for hash in inputs
        .preimages()
        .keys()
        .filter(|hash| **hash != inputs.input().hash())
    {
        match run_until_halt(&image().unwrap(), *hash, &inputs) {
            Ok(run) => {
                assert_eq!(run.exit_code.0, EXIT_INPUT, "{hash}");
                assert_eq!(run.output, B256::ZERO, "{hash}");
            }
            // Four words that happen to name something, and one of them nothing.
            Err(error) => assert!(matches!(error, RunError::MissingPreimage { .. }), "{error}"),
        }
    }
}

/// Gives other bytes for one hash.
struct Liar<'a> {
    inputs: &'a Recorded,
    about: B256,
    lie: Bytes,
}

impl PreimageSource for Liar<'_> {
    fn keccak(&self, hash: &B256) -> Option<Bytes> {
        if *hash == self.about {
            Some(self.lie.clone())
        } else {
            PreimageSource::keccak(self.inputs, hash)
        }
    }
}

#[test]
fn preimage_that_lies_has_a_defined_exit_and_no_output() {
    let (inputs, _) = recorded();
    for (hash, bytes) in inputs.preimages() {
        let mut flipped = bytes.to_vec();
        match flipped.last_mut() {
            Some(last) => *last ^= 1,
            None => flipped.push(1),
        }
        for lie in [flipped.into(), Bytes::new(), Bytes::from_static(&[0; 64])] {
            if lie == *bytes {
                continue;
            }
            let liar = Liar {
                inputs: &inputs,
                about: *hash,
                lie,
            };
            let run = run_until_halt(&image().unwrap(), inputs.input().hash(), &liar).unwrap();
            // Longer ones are contract code, which the judge on L1 hashes and the host never holds under a wrong name.
            let is_read = run.exit_code.0 != 0;
            assert!(is_read || bytes.len() > 4_096, "{hash}: {run:?}");
            assert!(!is_read || run.output.is_zero(), "{hash}: {run:?}");
        }
    }
}

#[test]
fn batch_out_of_place_is_refused_by_the_follower() {
    let mut world = World::new(0..1);
    let mut batch = world.batch(Payload::Forced);
    batch.acc_before = B256::repeat_byte(1);
    let error = world.follower.derive(&batch).unwrap_err();
    assert!(
        matches!(
            error,
            HostError::Log {
                what: "batch",
                index: 1
            }
        ),
        "{error}"
    );
    let mut batch = world.batch(Payload::Calldata(Bytes::from_static(b"payload")));
    batch.payload = Payload::Calldata(Bytes::from_static(b"another"));
    let error = world.follower.derive(&batch).unwrap_err();
    assert!(matches!(error, HostError::Log { .. }), "{error}");
    assert!(matches!(
        world.follower.inputs(1),
        Err(HostError::Unknown {
            asked: 1,
            newest: 0
        })
    ));
    assert!(matches!(
        world.follower.inputs(0),
        Err(HostError::Unknown { .. })
    ));
}
