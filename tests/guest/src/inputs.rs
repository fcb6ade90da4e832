//! Payload bytes, blobs and precompile inputs at their edges, from fixed seeds.

use alloy_primitives::{B256, Bytes, keccak256};
use trestle_challenger::host::{commitment_of, versioned_hash};

/// `length` bytes that do not compress, from a seed.
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(length + 32);
    let mut word = keccak256(seed.to_be_bytes());
    while out.len() < length {
        out.extend_from_slice(word.as_slice());
        word = keccak256(word);
    }
    out.truncate(length);
    out
}

/// The versioned hash of a valid blob.
pub fn blob_hash(blob: &[u8]) -> B256 {
    versioned_hash(&commitment_of(blob).expect("a blob"))
}

/// The blobs of a payload.
pub fn blobs_of(payload: &[u8]) -> Vec<Bytes> {
    let blobs = trestle_protocol::blobs::write_payload(payload);
    blobs
        .iter()
        .map(|elements| {
            let mut bytes = elements.concat();
            bytes.resize(131_072, 0);
            bytes.into()
        })
        .collect()
}

/// A frame of zeros of the given length, compressed.
pub fn zeros(length: usize) -> Vec<u8> {
    crate::world::compress_bytes(&vec![0; length])
}

fn hex(text: &str) -> Vec<u8> {
    alloy_primitives::hex::decode(text).unwrap()
}

/// A field element of BLS12-381 as precompiles take it: 64 bytes, the first 16 zero.
fn fp(text: &str) -> Vec<u8> {
    [vec![0; 16], hex(text)].concat()
}

fn bls_g1() -> Vec<u8> {
    [
        fp("17f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"),
        fp("08b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1"),
    ]
    .concat()
}

fn bls_g2() -> Vec<u8> {
    [
        fp("024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8"),
        fp("13e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e"),
        fp("0ce5d527727d6e118cc9cdc6da2e351aadfd9baa8cbdd3a76d429a695160d12c923ac9cc3baca289e193548608b82801"),
        fp("0606c4a02ea734cc32acd2b02bc28b99cb3e287e85a763af267492ab572e99ab3f370d275cec1da1aaa9075ff05f79be"),
    ]
    .concat()
}

const BN_G2: &str = "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2\
    1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed\
    090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b\
    12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa";
/// The negative of 2, modulo the prime of BN254.
const BN_MINUS_2: &str = "30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd45";
/// A signature of RIP-7212: hash, r, s, x, y.
const P256: &str = "4cee90eb86eaa050036147a12d49004b6b9c72bd725d39d4785011fe190f0b4d\
    a73bd4903f0ce3b639bbbf6e8e80d16931ff4bcf5993d58468e8fb19086e8cac\
    36dbcd03009df8c59286b162af3bd7fcc0450c9aa81be5d10d312af6c66b1d60\
    4aebd3099c618202fcfe16ae7770b0c49ab5eadf74b754204a3bb6060e44eff3\
    7618b065f9832de4ca6ca971a7a1adc826d0f7c00181a5fb2ddf79ae00b4e10e";
/// The state before the first block of BLAKE2b-512, of EIP-152's vectors.
const BLAKE2_STATE: &str = "48c9bdf267e6096a3ba7ca8485ae67bb2bf894fe72f36e3cf1361d5f3af54fa5\
    d182e6ad7f520e511f6c3e2b8c68059b6bbd41fbabd9831f79217e1319cde05b";

/// Vector 5 of EIP-152, with another number of rounds.
fn blake2f(rounds: u32) -> Vec<u8> {
    let mut message = b"abc".to_vec();
    message.resize(128, 0);
    let offsets = [&[3u8][..], &[0; 15], &[1]].concat();
    [
        &rounds.to_be_bytes()[..],
        &hex(BLAKE2_STATE),
        &message,
        &offsets,
    ]
    .concat()
}

fn word(n: u64) -> Vec<u8> {
    alloy_primitives::U256::from(n).to_be_bytes::<32>().to_vec()
}

fn bn_point() -> Vec<u8> {
    [word(1), word(2)].concat()
}

fn bn_pairing() -> Vec<u8> {
    [bn_point(), hex(BN_G2), word(1), hex(BN_MINUS_2), hex(BN_G2)].concat()
}

fn recovery() -> Vec<u8> {
    let hash = keccak256("a message");
    let signature = crate::Account::new(0).sign_hash(hash);
    let v = word(27 + u64::from(signature.v()));
    let (r, s) = (
        signature.r().to_be_bytes::<32>(),
        signature.s().to_be_bytes::<32>(),
    );
    [hash.to_vec(), v, r.to_vec(), s.to_vec()].concat()
}

fn modexp(length: usize) -> Vec<u8> {
    let size = word(length as u64);
    let (mut base, exponent, mut modulus) = (noise(1, length), noise(2, length), noise(3, length));
    base[0] |= 0x80;
    modulus[length - 1] |= 1;
    [size.clone(), size.clone(), size, base, exponent, modulus].concat()
}

/// An opening of a blob, as precompile 0x0a takes it.
fn opening() -> Vec<u8> {
    let mut blob = noise(4, 131_072);
    for element in blob.chunks_exact_mut(32) {
        element[0] = 0;
    }
    let blob = c_kzg::Blob::from_bytes(&blob).unwrap();
    let settings = c_kzg::ethereum_kzg_settings(0);
    let commitment = settings.blob_to_kzg_commitment(&blob).unwrap();
    let at = c_kzg::Bytes32::from(<[u8; 32]>::try_from(word(5)).unwrap());
    let (proof, value) = settings.compute_kzg_proof(&blob, &at).unwrap();
    let commitment = commitment.to_bytes();
    [
        versioned_hash(&commitment).to_vec(),
        word(5),
        value.to_vec(),
        commitment.to_vec(),
        proof.to_bytes().to_vec(),
    ]
    .concat()
}

/// One valid input for each precompile of the fork, by its address; of some more than one.
pub fn valid_precompile_inputs() -> Vec<(u64, Vec<u8>)> {
    let (g1, g2) = (bls_g1(), bls_g2());
    let scalar = noise(5, 32);
    vec![
        (0x01, recovery()),
        (0x02, noise(6, 200)),
        (0x03, noise(7, 200)),
        (0x04, noise(8, 200)),
        (0x05, modexp(32)),
        (0x05, modexp(256)),
        (0x06, [bn_point(), bn_point()].concat()),
        (0x07, [bn_point(), scalar.clone()].concat()),
        (0x08, bn_pairing()),
        (0x09, blake2f(12)),
        (0x0a, opening()),
        (0x0b, [&g1[..], &g1].concat()),
        (0x0c, [&g1[..], &scalar].concat()),
        (0x0c, [&g1[..], &scalar, &g1, &word(3)].concat()),
        (0x0d, [&g2[..], &g2].concat()),
        (0x0e, [&g2[..], &scalar].concat()),
        (0x0f, [&g1[..], &g2].concat()),
        (0x10, fp(&"12".repeat(48).replace("1212", "0a12"))),
        (0x11, [fp(&"01".repeat(48)), fp(&"02".repeat(48))].concat()),
        (0x100, hex(P256)),
    ]
}

/// Inputs of precompiles that cost more than their share: longest work at the lowest price.
pub fn dear_precompile_inputs() -> Vec<(u64, &'static str, Vec<u8>)> {
    let (g1, g2) = (bls_g1(), bls_g2());
    let ones = vec![0xff; 32];
    let lengths = |base: usize, exponent: usize, modulus: usize| {
        [
            word(base as u64),
            word(exponent as u64),
            word(modulus as u64),
        ]
        .concat()
    };
    let odd = |length: usize| {
        let mut bytes = vec![0xff; length];
        bytes[length - 1] = 0xfd;
        bytes
    };
    let even = |length: usize| {
        let mut bytes = vec![0xff; length];
        bytes[length - 1] = 0xfe;
        bytes
    };
    let power = |base: usize, exponent: usize, modulus: Vec<u8>| {
        [
            lengths(base, exponent, modulus.len()),
            odd(base),
            vec![0xff; exponent],
            modulus,
        ]
        .concat()
    };
    let repeated = |unit: &[u8], count: usize| unit.repeat(count);
    let bn = [bn_point(), hex(BN_G2)].concat();
    vec![
        (0x02, "one block", vec![0; 0]),
        (0x02, "long", vec![1; 20_000]),
        (0x03, "long", vec![1; 20_000]),
        (0x04, "long", vec![1; 20_000]),
        (0x05, "8 bytes", power(8, 8, odd(8))),
        (0x05, "32 bytes, 1 of exponent", power(32, 1, odd(32))),
        (0x05, "32 bytes, even", power(32, 32, even(32))),
        (0x05, "64 bytes", power(64, 64, odd(64))),
        (0x05, "200 bytes, 8 of exponent", power(200, 8, odd(200))),
        (0x05, "256 bytes, even", power(256, 32, even(256))),
        (0x05, "512 bytes", power(512, 32, odd(512))),
        (0x05, "1,024 bytes", power(1_024, 2, odd(1_024))),
        (
            0x05,
            "base of 1,024 bytes, modulus of 1",
            power(1_024, 1, odd(1)),
        ),
        (
            0x05,
            "modulus of 1,024 bytes, base of 1",
            power(1, 1, odd(1_024)),
        ),
        (0x06, "same point", [bn_point(), bn_point()].concat()),
        (0x06, "no input", Vec::new()),
        (0x06, "point and zero", bn_point()),
        (0x06, "off the curve", vec![1; 128]),
        (0x07, "ones", [bn_point(), ones.clone()].concat()),
        (0x08, "no pair", Vec::new()),
        (0x08, "ten pairs", repeated(&bn, 10)),
        (0x09, "100,000 rounds", blake2f(100_000)),
        (0x0b, "zero", vec![0; 256]),
        (0x0c, "ones", [&g1[..], &ones].concat()),
        (0x0c, "16 of them", repeated(&[&g1[..], &ones].concat(), 16)),
        (
            0x0c,
            "128 of them",
            repeated(&[&g1[..], &ones].concat(), 128),
        ),
        (0x0e, "ones", [&g2[..], &ones].concat()),
        (0x0e, "16 of them", repeated(&[&g2[..], &ones].concat(), 16)),
        (
            0x0e,
            "128 of them",
            repeated(&[&g2[..], &ones].concat(), 128),
        ),
        (0x0f, "ten pairs", repeated(&[&g1[..], &g2].concat(), 10)),
        (
            0x100,
            "wrong signature",
            [noise(1, 96), hex(P256)[96..].to_vec()].concat(),
        ),
    ]
}
