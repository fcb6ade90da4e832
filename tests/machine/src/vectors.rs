//! The step vectors of `tests/vectors/vm/steps.json`: every instruction at its edges, every trap,
//! every call.
//!
//! Written by the example `write_vectors`, read by Rust and by forge. A second implementation of
//! the machine passes when it takes every one of these steps to the same state hash.

use crate::{
    blob,
    encode::{Format, word as i},
    scene::{CODE, Scene, Vector, vector},
    table::ROWS,
};
use alloy_primitives::{B256, b256, hex, keccak256};
use std::sync::Arc;
use trestle_vm::{
    CALL_ECRECOVER, CALL_HALT, CALL_KECCAK, CALL_READ_PAGE, CALL_READ_WORD, Image, KEY_BLOB,
    KEY_KECCAK, Machine, NoPreimages, Op,
};

const MIN: u64 = 1 << 63;
const NEG: u64 = u64::MAX;
const TOP: u64 = 1 << 32;
/// Data that scenes read, well away from the code.
const DATA: u64 = 0x4000_0000;

/// Operand pairs at the edges of the number ranges.
const PAIRS: [(u64, u64); 10] = [
    (0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210),
    (MIN, NEG),
    (0x0fed_cba9_8765_4321, 0),
    (0x0000_0000_8000_0000, 0x0000_0001_ffff_ffff),
    (0xdead_beef_7fff_ffff, 0x0000_0000_0000_0021),
    (7, 0xffff_ffff_ffff_fffd),
    (0xffff_ffff_8000_0000, 0xffff_ffff_ffff_ffff),
    (0x8000_0000_0000_0001, 63),
    (1, 0x0000_0001_0000_0000),
    (0x8765_4321_1234_5678, 0x8765_4321_1234_5678),
];
const IMMEDIATES: [i32; 5] = [0, 1, -1, 2047, -2048];
const SHIFTS: [i32; 4] = [0, 1, 31, 63];

/// All vectors, in the order of the file.
#[must_use]
pub fn vectors() -> Vec<Vector> {
    let mut out = Vec::new();
    for row in &ROWS {
        match row.format {
            Format::R => registers(&mut out, row.op),
            Format::I if row.op.width() != 0 => loads(&mut out, row.op),
            Format::I if row.op == Op::Jalr => {}
            Format::I => immediates(&mut out, row.op, &IMMEDIATES),
            Format::Shift6 => immediates(&mut out, row.op, &SHIFTS),
            Format::Shift5 => immediates(&mut out, row.op, &[0, 1, 15, 31]),
            Format::S => stores(&mut out, row.op),
            Format::B => branches(&mut out, row.op),
            Format::U | Format::J | Format::Bare => {}
        }
    }
    uppers(&mut out);
    jumps(&mut out);
    others(&mut out);
    illegal(&mut out);
    fetches(&mut out);
    halts(&mut out);
    reads(&mut out);
    natives(&mut out);
    out
}

fn name(op: Op) -> String {
    format!("{op:?}").to_lowercase()
}

fn registers(out: &mut Vec<Vector>, op: Op) {
    for (k, (a, b)) in PAIRS.into_iter().enumerate() {
        let scene = Scene::of(i(op, 31, 1, 30, 0)).with(1, a).with(30, b);
        out.push(scene.vector(format!("{}_{k}", name(op))));
    }
}

fn immediates(out: &mut Vec<Vector>, op: Op, list: &[i32]) {
    for (k, imm) in list.iter().enumerate() {
        let (a, _) = PAIRS.get(k % PAIRS.len()).copied().unwrap_or_default();
        let scene = Scene::of(i(op, 15, 16, 0, *imm)).with(16, a);
        out.push(scene.vector(format!("{}_{k}", name(op))));
    }
}

/// Addresses and what they show: within a leaf, over two leaves, over two pages, at the top.
fn places(width: u64) -> Vec<(&'static str, u64)> {
    let mut places = vec![
        ("aligned", DATA + 64),
        ("last_of_leaf", DATA + 128 - width),
        ("top", TOP - width),
        ("beyond_top", TOP - width + 1),
        ("wrapped", NEG),
    ];
    if width > 1 {
        places.push(("misaligned", DATA + 3));
        places.push(("straddle", DATA + 129 - width));
        places.push(("straddle_odd_leaf", DATA + 256 - 1));
        places.push(("straddle_pages", DATA + 4095));
        places.push(("straddle_half", 2 * DATA - width / 2));
    }
    places
}

fn noise(len: u64) -> Vec<u8> {
    (0..len)
        .map(|k| keccak256(k.to_be_bytes()).0[0] | 0x80)
        .collect()
}

fn loads(out: &mut Vec<Vector>, op: Op) {
    for (what, at) in places(op.width()) {
        let scene = Scene::of(i(op, 5, 6, 0, -9))
            .with(6, at.wrapping_add(9))
            .memory(DATA, &noise(300))
            .memory(DATA + 4080, &noise(40))
            .memory(2 * DATA - 16, &noise(32))
            .memory(TOP - 16, &noise(16));
        out.push(scene.vector(format!("{}_{what}", name(op))));
    }
    let positive = Scene::of(i(op, 5, 6, 0, 0))
        .with(6, DATA)
        .memory(DATA, &[0x7f; 8]);
    out.push(positive.vector(format!("{}_positive", name(op))));
    let sink = Scene::of(i(op, 0, 6, 0, 0))
        .with(6, DATA)
        .memory(DATA, &[0xff; 8]);
    out.push(sink.vector(format!("{}_to_x0", name(op))));
}

fn stores(out: &mut Vec<Vector>, op: Op) {
    for (what, at) in places(op.width()) {
        let scene = Scene::of(i(op, 0, 6, 7, 2047))
            .with(6, at.wrapping_sub(2047))
            .with(7, 0x8182_8384_8586_8788)
            .memory(DATA, &noise(300))
            .memory(TOP - 16, &noise(16));
        out.push(scene.vector(format!("{}_{what}", name(op))));
    }
    let scene = Scene::of(i(op, 0, 6, 7, -42))
        .with(6, DATA + 50)
        .with(7, NEG);
    out.push(scene.vector(format!("{}_below_the_base", name(op))));
}

fn branches(out: &mut Vec<Vector>, op: Op) {
    let pairs = [
        ("equal", 5, 5),
        ("less", NEG, 1),
        ("greater", 1, NEG),
        ("near", 4, 5),
    ];
    for (what, a, b) in pairs {
        let scene = Scene {
            code: vec![0x13, i(op, 0, 10, 11, -4)],
            at: 4,
            ..Scene::default()
        };
        out.push(
            scene
                .with(10, a)
                .with(11, b)
                .vector(format!("{}_{what}", name(op))),
        );
    }
    for (what, distance) in [
        ("far", 4094 & !3),
        ("far_back", -4096),
        ("misaligned", 0x5a6),
    ] {
        // One of the two orders is taken.
        for (order, a, b) in [("", 5, 5), ("_unequal", 4, 5), ("_reverse", 5, 4)] {
            let scene = Scene::of(i(op, 0, 10, 11, distance))
                .with(10, a)
                .with(11, b);
            out.push(scene.vector(format!("{}_{what}{order}", name(op))));
        }
    }
}

fn uppers(out: &mut Vec<Vector>) {
    let list = [
        (0x7fff_f000, "positive"),
        (i32::MIN, "negative"),
        (0x1000, "small"),
    ];
    for (imm, what) in list {
        out.push(Scene::of(i(Op::Lui, 7, 0, 0, imm)).vector(format!("lui_{what}")));
        out.push(Scene::of(i(Op::Auipc, 7, 0, 0, imm)).vector(format!("auipc_{what}")));
    }
    out.push(Scene::of(i(Op::Lui, 0, 0, 0, 0x1000)).vector("lui_to_x0"));
}

fn jumps(out: &mut Vec<Vector>) {
    let distances = [
        (8, "forward"),
        (-4, "back"),
        (0xf_fffc, "far"),
        (-0x10_0000, "far_back"),
        (0x5_5aa8, "mixed_bits"),
        (0xa_a554, "other_bits"),
        (2, "misaligned"),
    ];
    for (distance, what) in distances {
        let word = i(Op::Jal, 1, 0, 0, distance);
        out.push(Scene::of(word).vector(format!("jal_{what}")));
    }
    out.push(Scene::of(i(Op::Jal, 0, 0, 0, 8)).vector("jal_to_x0"));
    let targets = [
        (CODE, 0, "here"),
        (CODE + 9, -8, "odd"),
        (CODE, 2, "misaligned"),
        (CODE + 2, 1, "misaligned_odd"),
        (NEG, 5, "wrapped"),
        (NEG, -3, "outside"),
    ];
    for (from, imm, what) in targets {
        let scene = Scene::of(i(Op::Jalr, 1, 2, 0, imm)).with(2, from);
        out.push(scene.vector(format!("jalr_{what}")));
    }
    let same = Scene::of(i(Op::Jalr, 5, 5, 0, 0)).with(5, CODE + 64);
    out.push(same.vector("jalr_link_is_base"));
}

fn others(out: &mut Vec<Vector>) {
    out.push(Scene::of(0x0ff0_000f).vector("fence"));
    out.push(
        Scene::of(0xffff_8f8f)
            .with(31, 9)
            .vector("fence_reserved_fields"),
    );
    out.push(Scene::of(0x0010_0073).vector("ebreak"));
    let call = Scene::call(64, &[1, DATA, 8]);
    out.push(call.vector("ecall_unknown"));
    out.push(Scene::call(CALL_ECRECOVER + 1, &[]).vector("ecall_unknown_2004"));
    out.push(Scene::call(CALL_HALT + TOP, &[]).vector("ecall_number_is_64_bits"));
    out.push(Scene::of(i(Op::Addi, 0, 0, 0, 5)).vector("addi_to_x0"));
    // The last instruction of a leaf, and one in the second leaf.
    let code = (0..40).map(|k| i(Op::Addi, 1, 1, 0, k)).collect::<Vec<_>>();
    for at in [31, 32, 39] {
        let scene = Scene {
            code: code.clone(),
            at: at * 4,
            ..Scene::default()
        };
        out.push(scene.vector(format!("code_word_{at}")));
    }
}

/// One bit away from a valid encoding.
fn illegal(out: &mut Vec<Vector>) {
    let list = [
        (0x0000_0000, "zero"),
        (0xffff_ffff, "ones"),
        (0x0000_0001, "compressed"),
        (0x0200_1013, "slli_amount_64"),
        (0x0400_1013, "slli_bit_26"),
        (0x4000_1013, "slli_arithmetic"),
        (0x8000_5013, "srli_bit_31"),
        (0x4400_5013, "srai_bit_26"),
        (0x0200_101b, "slliw_amount_32"),
        (0x4000_101b, "slliw_arithmetic"),
        (0x0200_501b, "srliw_amount_32"),
        (0x4200_501b, "sraiw_amount_32"),
        (0x0000_201b, "op_imm_32_funct3_2"),
        (0x0000_703b, "op_32_funct3_7"),
        (0x0000_203b, "op_32_funct3_2"),
        (0x0200_103b, "mul_32_funct3_1"),
        (0x4000_1033, "sub_funct3_1"),
        (0x4200_0033, "mul_with_bit_30"),
        (0x0400_0033, "op_funct7_2"),
        (0x4000_103b, "subw_funct3_1"),
        (0x8000_0033, "op_bit_31"),
        (0x0000_7003, "load_funct3_7"),
        (0x0000_4023, "store_funct3_4"),
        (0x0000_2063, "branch_funct3_2"),
        (0x0000_3063, "branch_funct3_3"),
        (0x0000_1067, "jalr_funct3_1"),
        (0x0000_100f, "fence_i"),
        (0x0020_0073, "uret"),
        (0x0000_00f3, "ecall_rd"),
        (0x3020_0073, "mret"),
        (0xc000_2573, "csr_cycle"),
        (0x1000_202f, "load_reserved"),
        (0x0000_0053, "float"),
    ];
    for (word, what) in list {
        out.push(Scene::of(word).with(0, 0).vector(format!("illegal_{what}")));
    }
}

fn fetches(out: &mut Vec<Vector>) {
    let list = [
        (4, "behind_the_code"),
        (NEG - 3, "before_the_code"),
        (NEG - 0xffff, "at_0"),
        (2, "misaligned"),
        (1 << 40, "far"),
    ];
    for (at, what) in list {
        let scene = Scene {
            at,
            ..Scene::of(0x13)
        };
        out.push(scene.vector(format!("fetch_{what}")));
    }
}

fn halts(out: &mut Vec<Vector>) {
    let words = [0x1111, 0x2222, NEG, MIN];
    for (code, what) in [
        (0, "success"),
        (1, "failure"),
        (TOP, "code_is_32_bits"),
        (NEG, "ones"),
    ] {
        let [a, b, c, d] = words;
        out.push(Scene::call(CALL_HALT, &[code, a, b, c, d]).vector(format!("halt_{what}")));
    }
    let scene = Scene::call(CALL_HALT, &[0, 1, 2, 3, 4]);
    let mut machine = scene.machine();
    let _halting = vector("", &mut machine, &NoPreimages);
    out.push(vector("halted_stays", &mut machine, &NoPreimages));
    let mut trapped = Scene::of(0).machine();
    let _trapping = vector("", &mut trapped, &NoPreimages);
    out.push(vector("trapped_stays", &mut trapped, &NoPreimages));
    out.push(boot());
}

/// The boot step of an image with data, whose root and input are not trivial.
pub(crate) fn boot() -> Vector {
    let image = Image::new(
        0x8000_0000,
        vec![0x13, 0, 0, 0, 0x73, 0, 0, 0],
        &[(0x8000_0000, &[1, 2, 3]), (0, &[9; 4096])],
        (0x8000_0004, 0x7fff_fff0),
    );
    #[expect(clippy::expect_used, reason = "written by hand")]
    let image = image.expect("the image is valid");
    let input = b256!("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    vector(
        "boot",
        &mut Machine::new(Arc::new(image), input),
        &NoPreimages,
    )
}

fn reads(out: &mut Vec<Vector>) {
    let preimage: Vec<u8> = (0..5000_u32).map(|k| (k % 251) as u8).collect();
    let list = [
        (CALL_READ_WORD, DATA + 32, 0, "word"),
        (CALL_READ_WORD, DATA + 96, 17, "word_any_offset"),
        (CALL_READ_WORD, DATA, 4990, "word_last"),
        (CALL_READ_WORD, DATA, 5000, "word_at_end"),
        (CALL_READ_WORD, DATA, NEG, "word_beyond_end"),
        (CALL_READ_WORD, DATA + 8, 0, "word_misaligned"),
        (CALL_READ_WORD, TOP, 0, "word_outside"),
        (CALL_READ_PAGE, DATA, 0, "page"),
        (CALL_READ_PAGE, DATA + 4096, 4096, "page_last"),
        (CALL_READ_PAGE, TOP - 4096, 1, "page_top"),
        (CALL_READ_PAGE, DATA, 5000, "page_at_end"),
        (CALL_READ_PAGE, DATA + 128, 0, "page_misaligned"),
        (CALL_READ_PAGE, TOP, 0, "page_outside"),
    ];
    for (call, to, offset, what) in list {
        let mut scene = Scene::call(call, &[to, offset]).with(16, KEY_KECCAK);
        scene = scene
            .memory(DATA, &noise(200))
            .memory(DATA + 4096, &noise(4096));
        let key = scene.preimages.insert(preimage.clone());
        out.push(scene.key(&key).vector(format!("read_{what}")));
    }
    let mut empty = Scene::call(CALL_READ_WORD, &[DATA, 0]).with(16, KEY_KECCAK);
    let key = empty.preimages.insert(Vec::new());
    out.push(empty.key(&key).vector("read_empty"));
    let none = Scene::call(CALL_READ_WORD, &[DATA, 0])
        .with(16, 3)
        .key(&key);
    out.push(none.vector("read_unknown_key_type"));
    let zero = Scene::call(CALL_READ_WORD, &[DATA, 0]).key(&key);
    out.push(zero.vector("read_key_type_0"));
    blob_reads(out);
}

fn blob_reads(out: &mut Vec<Vector>) {
    for index in blob::INDICES {
        let mut scene = Scene::call(CALL_READ_WORD, &[DATA + 64, u64::from(index) * 32]);
        scene = scene
            .with(16, KEY_BLOB)
            .memory(DATA, &noise(128))
            .key(&blob::VERSIONED_HASH);
        let (value, proof) = blob::element(index);
        scene
            .preimages
            .insert_element((blob::VERSIONED_HASH, index), value, Some(proof));
        out.push(scene.vector(format!("read_blob_{index}")));
    }
    let list = [
        (CALL_READ_WORD, DATA, 131_072, "end"),
        (CALL_READ_WORD, DATA, 131_073, "end_misaligned"),
        (CALL_READ_WORD, DATA, 33, "misaligned"),
        (CALL_READ_PAGE, DATA, 131_072, "page"),
    ];
    for (call, to, offset, what) in list {
        let scene = Scene::call(call, &[to, offset]).with(16, KEY_BLOB);
        out.push(
            scene
                .key(&blob::VERSIONED_HASH)
                .vector(format!("read_blob_{what}")),
        );
    }
}

/// A signature of the message hash `keccak256("trestle")` by the private key 1, low `s`.
fn signature() -> [B256; 4] {
    crate::signing::sign(&keccak256("trestle"))
}

fn natives(out: &mut Vec<Vector>) {
    for (len, what) in [
        (0, "empty"),
        (1, "one"),
        (136, "block"),
        (4096, "full"),
        (4097, "long"),
    ] {
        let scene = Scene::call(CALL_KECCAK, &[DATA, len]).memory(DATA, &noise(4096));
        out.push(scene.vector(format!("keccak_{what}")));
    }
    out.push(Scene::call(CALL_KECCAK, &[DATA + 128, 1]).vector("keccak_misaligned"));
    out.push(Scene::call(CALL_KECCAK, &[TOP, 1]).vector("keccak_outside"));
    let [hash, v, r, s] = signature();
    let n = B256::from(hex!(
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
    ));
    let word = |k: u64| B256::from(alloy_primitives::U256::from(k));
    let list = [
        ("valid", [hash, v, r, s]),
        (
            "high_s",
            [
                hash,
                word(55 - u64::from(v.0[31])),
                r,
                crate::signing::negate(&s),
            ],
        ),
        ("v_26", [hash, word(26), r, s]),
        ("v_29", [hash, word(29), r, s]),
        ("v_0", [hash, word(0), r, s]),
        (
            "v_high_byte",
            [
                hash,
                v | B256::with_last_byte(0) | B256::repeat_byte(0) ^ top(),
                r,
                s,
            ],
        ),
        ("r_0", [hash, v, B256::ZERO, s]),
        ("s_0", [hash, v, r, B256::ZERO]),
        ("r_n", [hash, v, n, s]),
        ("s_n", [hash, v, r, n]),
        ("hash_n", [n, v, r, s]),
        ("hash_0", [B256::ZERO, v, r, s]),
        ("no_point", [hash, v, word(5), s]),
    ];
    for (what, words) in list {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.0).collect();
        let scene = Scene::call(CALL_ECRECOVER, &[DATA + 128]).memory(DATA + 128, &bytes);
        out.push(scene.vector(format!("ecrecover_{what}")));
    }
    out.push(Scene::call(CALL_ECRECOVER, &[DATA + 32]).vector("ecrecover_misaligned"));
    out.push(Scene::call(CALL_ECRECOVER, &[TOP]).vector("ecrecover_outside"));
}

fn top() -> B256 {
    let mut word = B256::ZERO;
    word.0[0] = 1;
    word
}
