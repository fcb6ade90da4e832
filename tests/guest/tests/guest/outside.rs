//! Vectors that have nothing to do with revm: Project Wycheproof's signatures over both curves of the EVM, of which the
//! official tests of P256VERIFY are made too. Each says whether its signature is valid; so must the precompile, natively
//! and in the machine.

use alloy_primitives::{Address, B256, U256, keccak256, uint};
use revm::precompile::{crypto, secp256k1::ec_recover_run, secp256r1::p256_verify_osaka};
use trestle_guest_tests::{
    Account, World,
    code::{PROBER, probe},
    typed,
};
use wycheproof::{
    TestResult,
    ecdsa::{TestName, TestSet},
};

/// What is left between the order of secp256k1 and the prime of its field.
const PRIME_MINUS_ORDER: U256 = uint!(0x14551231950b75fc4402da1722fc9baee_U256);

/// Hash of the message, signature, public key, and whether they belong together.
struct Vector {
    hash: [u8; 32],
    signature: Vec<u8>,
    key: Vec<u8>,
    is_valid: bool,
}

/// Vectors whose signature is `r` and `s` of 32 bytes each, as the EVM takes it.
fn vectors(name: TestName) -> Vec<Vector> {
    let set = TestSet::load(name).unwrap();
    let groups = set.test_groups.into_iter();
    let tests = groups.flat_map(|group| {
        let key = group.key.key[1..].to_vec();
        group.tests.into_iter().map(move |test| Vector {
            hash: crypto().sha256(&test.msg),
            signature: test.sig.to_vec(),
            key: key.clone(),
            is_valid: test.result == TestResult::Valid,
        })
    });
    tests
        .filter(|vector| vector.signature.len() == 64 && vector.key.len() == 64)
        .collect()
}

/// Runs every input in the machine.
fn prove(what: &str, number: u64, inputs: &[Vec<u8>]) {
    let mut world = World::new(0..1);
    let (account, mut nonce) = (Account::new(0), 0);
    let to = Address::from_word(B256::from(U256::from(number)));
    for some in inputs.chunks(60) {
        let txs = some.iter().map(|input| {
            let tx = account.call(nonce, PROBER, 300_000, probe(to, input));
            nonce += 1;
            tx
        });
        let payload = world.payload(vec![typed(txs.collect())]);
        let before = world.follower.newest().block_number;
        let (record, _) = world.prove(what, payload);
        assert_eq!(record.block_number, before + 1, "{what}");
    }
}

#[test]
fn signatures_over_p256_of_wycheproof_are_judged_right_in_the_machine() {
    let vectors = vectors(TestName::EcdsaSecp256r1Sha256P1363);
    let mut inputs = Vec::new();
    for vector in &vectors {
        let input = [&vector.hash[..], &vector.signature, &vector.key].concat();
        let output = p256_verify_osaka(&input, 6_900).unwrap();
        let expected: &[u8] = if vector.is_valid {
            &U256::from(1).to_be_bytes::<32>()
        } else {
            &[]
        };
        assert_eq!(&output.bytes[..], expected, "{input:02x?}");
        inputs.push(input);
    }
    assert_eq!(inputs.len(), 241);
    prove("P-256", 0x100, &inputs);
}

#[test]
fn signatures_over_secp256k1_of_wycheproof_recover_their_signer_in_the_machine() {
    let vectors = vectors(TestName::EcdsaSecp256k1Sha256P1363);
    let (mut inputs, mut nameless) = (Vec::new(), 0);
    for vector in &vectors {
        let signer = Address::from_slice(&keccak256(&vector.key)[12..]);
        let mut is_found = false;
        for v in [27u64, 28] {
            let v = U256::from(v).to_be_bytes::<32>();
            let input = [&vector.hash[..], &v, &vector.signature].concat();
            let output = ec_recover_run(&input, 3_000).unwrap();
            is_found |= output.bytes[..] == signer.into_word()[..];
            inputs.push(input);
        }
        // The EVM has no name for a point whose x-coordinate is `r` plus the order.
        let r = U256::from_be_slice(&vector.signature[..32]);
        let is_nameless = vector.is_valid && !is_found && r < PRIME_MINUS_ORDER;
        nameless += u32::from(is_nameless);
        assert_eq!(
            is_found,
            vector.is_valid && !is_nameless,
            "{:02x?}",
            vector.signature
        );
    }
    assert_eq!((inputs.len(), nameless), (468, 2));
    prove("secp256k1", 0x01, &inputs);
}
