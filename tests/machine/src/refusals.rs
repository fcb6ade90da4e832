//! Witnesses that must be refused, each for its own reason: `tests/vectors/vm/refusals.json`.

use crate::{
    blob,
    encode::encode,
    scene::{Scene, Vector},
};
use alloy_primitives::B256;
use trestle_vm::{
    CALL_ECRECOVER, CALL_KECCAK, CALL_READ_PAGE, CALL_READ_WORD, Instruction, KEY_BLOB, KEY_KECCAK,
    Op, State,
};

const DATA: u64 = 0x4000_0000;
/// Offsets of the parts of a witness, in bytes.
const CODE_LEAF: usize = 416;
const CODE_PATH: usize = CODE_LEAF + 128;
const ACCESS: usize = CODE_PATH + 17 * 32;

/// A witness that proves nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong with it.
    pub name: String,
    /// State hash before.
    pub pre: B256,
    /// Encoded witness.
    pub witness: Vec<u8>,
    /// Signature of the Solidity error.
    pub error: &'static str,
}

const LENGTH: &str = "WitnessLength(uint256,uint256)";
const STATE: &str = "WrongState(bytes32,bytes32)";
const CANONICAL: &str = "NotCanonical()";
const CODE: &str = "CodePath(bytes32,bytes32)";
const MEMORY: &str = "MemoryPath(bytes32,bytes32)";
const PREIMAGE: &str = "WrongPreimage(bytes32,bytes32)";
const OPENING: &str = "WrongOpening(bytes32,uint256)";

/// All refusals, in the order of the file.
#[must_use]
pub fn refusals() -> Vec<Refusal> {
    let mut out = Vec::new();
    let word = |op, imm| {
        encode(Instruction {
            op,
            rd: 5,
            rs1: 6,
            rs2: 7,
            imm,
        })
    };
    let load = Scene::of(word(Op::Ld, 0))
        .with(6, DATA + 8)
        .memory(DATA, &[7; 300]);
    let load = load.vector("load");
    let store = Scene::of(word(Op::Sd, 0))
        .with(6, DATA + 124)
        .with(7, 1)
        .memory(DATA, &[7; 300]);
    let store = store.vector("straddle");
    for vector in [&load, &store] {
        lengths(&mut out, vector);
        fields(&mut out, vector);
    }
    // The second leaf of a straddle against the memory before the first changed.
    let mut stale = store.clone();
    let reading = Scene::of(word(Op::Ld, 0))
        .with(6, DATA + 124)
        .memory(DATA, &[7; 300]);
    let reading = reading.vector("");
    let second = ACCESS + 928;
    copy(
        &mut stale.witness,
        second,
        reading.witness.get(second..).unwrap_or_default(),
    );
    push(&mut out, &stale, "second_leaf_is_stale", MEMORY);
    states(&mut out, &load);
    boots(&mut out);
    preimages(&mut out);
    calls(&mut out);
    out
}

fn push(out: &mut Vec<Refusal>, vector: &Vector, what: &str, error: &'static str) {
    let name = format!("{}_{what}", vector.name);
    out.push(Refusal {
        name,
        pre: vector.pre,
        witness: vector.witness.clone(),
        error,
    });
}

fn copy(witness: &mut [u8], at: usize, bytes: &[u8]) {
    for (slot, byte) in witness.iter_mut().skip(at).zip(bytes) {
        *slot = *byte;
    }
}

fn flipped(vector: &Vector, at: usize) -> Vector {
    let mut flipped = vector.clone();
    if let Some(byte) = flipped.witness.get_mut(at) {
        *byte ^= 1;
    }
    flipped
}

fn lengths(out: &mut Vec<Refusal>, vector: &Vector) {
    let len = vector.witness.len();
    for (cut, what) in [
        (0, "empty"),
        (415, "short_state"),
        (CODE_LEAF, "no_code"),
        (CODE_PATH + 40, "short_code_path"),
        (ACCESS, "no_leaf"),
        (ACCESS + 127, "short_leaf"),
        (len - 32, "short_path"),
        (len - 1, "one_byte_short"),
    ] {
        let mut cut_vector = vector.clone();
        cut_vector.witness.truncate(cut);
        push(out, &cut_vector, what, LENGTH);
    }
    let mut long = vector.clone();
    long.witness.push(0);
    push(out, &long, "one_byte_long", LENGTH);
}

/// One flipped bit in each field.
fn fields(out: &mut Vec<Refusal>, vector: &Vector) {
    let state = [
        (0, "memory_root"),
        (32, "code_root"),
        (64, "output"),
        (103, "pc"),
        (111, "step"),
        (119, "exit_code"),
        (127, "halted"),
        (135, "code_base"),
        (143, "code_length"),
        (150, "reserved"),
        (167, "x0"),
        (215, "x6"),
    ];
    for (at, what) in state {
        push(out, &flipped(vector, at), &format!("wrong_{what}"), STATE);
    }
    push(out, &flipped(vector, CODE_LEAF), "wrong_code_leaf", CODE);
    for height in 0..17 {
        let what = format!("wrong_code_sibling_{height}");
        push(out, &flipped(vector, CODE_PATH + height * 32), &what, CODE);
    }
    push(out, &flipped(vector, ACCESS + 127), "wrong_leaf", MEMORY);
    for height in 0..25 {
        let what = format!("wrong_sibling_{height}");
        push(
            out,
            &flipped(vector, ACCESS + 128 + height * 32),
            &what,
            MEMORY,
        );
    }
    if vector.witness.len() > ACCESS + 928 {
        push(
            out,
            &flipped(vector, ACCESS + 928),
            "wrong_second_leaf",
            MEMORY,
        );
        push(
            out,
            &flipped(vector, ACCESS + 928 + 128),
            "wrong_second_sibling",
            MEMORY,
        );
    }
}

/// States that hash to `pre` but are no states.
fn states(out: &mut Vec<Refusal>, vector: &Vector) {
    let changes: [(usize, &str); 6] = [
        (144, "reserved_set"),
        (159, "last_reserved_set"),
        (160, "x0_set"),
        (64, "running_with_output"),
        (119, "running_with_exit_code"),
        (126, "halted_is_256"),
    ];
    for (at, what) in changes {
        let mut vector = flipped(vector, at);
        vector.pre = alloy_primitives::keccak256(vector.witness.get(..416).unwrap_or_default());
        push(out, &vector, what, CANONICAL);
    }
    let mut two = vector.clone();
    copy(&mut two.witness, 127, &[2]);
    two.pre = alloy_primitives::keccak256(two.witness.get(..416).unwrap_or_default());
    push(out, &two, "halted_is_2", CANONICAL);
    // A halted machine takes no code.
    let mut halted = vector.clone();
    copy(&mut halted.witness, 127, &[1]);
    halted.pre = alloy_primitives::keccak256(halted.witness.get(..416).unwrap_or_default());
    push(out, &halted, "halted_with_code", LENGTH);
    if let Ok(mut state) = State::decode(vector.witness.get(..416).unwrap_or_default()) {
        // The code leaf of another place, properly proven for its own.
        state.pc += 128;
        state.code_len += 256;
        let mut moved = vector.clone();
        copy(&mut moved.witness, 0, &state.encode());
        moved.pre = state.hash();
        push(out, &moved, "code_leaf_of_another_place", CODE);
        state.pc = 0;
        copy(&mut moved.witness, 0, &state.encode());
        moved.pre = state.hash();
        push(out, &moved, "code_for_a_pc_outside", LENGTH);
    }
}

fn boots(out: &mut Vec<Refusal>) {
    let boot = crate::vectors::vectors()
        .into_iter()
        .find(|vector| vector.name == "boot");
    let Some(boot) = boot else { return };
    for (at, what) in [
        (0, "code_root"),
        (32, "memory_root"),
        (71, "base"),
        (87, "entry"),
        (96, "input"),
    ] {
        push(out, &flipped(&boot, at), &format!("wrong_{what}"), STATE);
    }
    let mut long = boot.clone();
    long.witness.push(0);
    push(out, &long, "one_byte_long", LENGTH);
    let bounds: [(usize, &[u8], &str); 3] = [
        (71, &[64], "base_misaligned"),
        (79, &[10], "length_misaligned"),
        (72, &[0, 0, 0, 0, 1, 0, 0, 4], "length_over_the_bound"),
    ];
    for (at, bytes, what) in bounds {
        let mut wrong = boot.clone();
        copy(&mut wrong.witness, at, bytes);
        let (header, input) = wrong.witness.split_at(96);
        let root = alloy_primitives::keccak256(header);
        wrong.pre = trestle_vm::boot_hash(&root, &B256::from_slice(input));
        push(out, &wrong, what, "BadImage()");
    }
}

fn preimages(out: &mut Vec<Refusal>) {
    for (call, what) in [(CALL_READ_WORD, "word"), (CALL_READ_PAGE, "page")] {
        let mut scene = Scene::call(call, &[DATA, 0])
            .with(16, KEY_KECCAK)
            .memory(DATA, &[3; 64]);
        let key = scene.preimages.insert(vec![0xab; 100]);
        let mut vector = scene.key(&key).vector(format!("read_{what}"));
        let target = ACCESS + 8 + 100;
        push(
            out,
            &flipped(&vector, ACCESS + 50),
            "wrong_preimage",
            PREIMAGE,
        );
        push(out, &flipped(&vector, target), "wrong_target", MEMORY);
        push(
            out,
            &flipped(&vector, vector.witness.len() - 1),
            "wrong_target_sibling",
            MEMORY,
        );
        // The length that is declared: shorter, longer, and longer than the witness.
        copy(&mut vector.witness, ACCESS + 7, &[99]);
        push(out, &vector, "declared_short", PREIMAGE);
        copy(&mut vector.witness, ACCESS + 7, &[101]);
        push(out, &vector, "declared_long", PREIMAGE);
        copy(&mut vector.witness, ACCESS, &[0xff]);
        push(out, &vector, "declared_beyond_the_witness", LENGTH);
        vector.witness.truncate(ACCESS + 4);
        push(out, &vector, "length_cut", LENGTH);
    }
    let mut past = Scene::call(CALL_READ_WORD, &[DATA, 100]).with(16, KEY_KECCAK);
    let key = past.preimages.insert(vec![0xab; 100]);
    let mut vector = past.key(&key).vector("read_past_end");
    vector.witness.extend_from_slice(&[0; 928]);
    push(out, &vector, "with_a_target", LENGTH);
}

fn calls(out: &mut Vec<Refusal>) {
    let keccak = Scene::call(CALL_KECCAK, &[DATA, 9])
        .memory(DATA, &[3; 64])
        .vector("keccak");
    push(
        out,
        &flipped(&keccak, ACCESS + 4095),
        "wrong_byte_behind_the_length",
        MEMORY,
    );
    push(
        out,
        &flipped(&keccak, ACCESS + 4096 + 600),
        "wrong_sibling",
        MEMORY,
    );
    let mut short = keccak;
    short.witness.truncate(ACCESS + 4096 + 600);
    push(out, &short, "short_path", LENGTH);
    let recover = Scene::call(CALL_ECRECOVER, &[DATA])
        .memory(DATA, &[3; 64])
        .vector("ecrecover");
    push(out, &flipped(&recover, ACCESS + 1), "wrong_leaf", MEMORY);
    let index = 1;
    let (value, opening) = blob::element(index);
    let mut scene = Scene::call(CALL_READ_WORD, &[DATA, 32]).with(16, KEY_BLOB);
    scene
        .preimages
        .insert_element((blob::VERSIONED_HASH, index), value, Some(opening));
    let read = scene.key(&blob::VERSIONED_HASH).vector("read_blob");
    push(out, &flipped(&read, ACCESS + 31), "wrong_element", OPENING);
    push(
        out,
        &flipped(&read, ACCESS + 40),
        "wrong_commitment",
        OPENING,
    );
    push(out, &flipped(&read, ACCESS + 90), "wrong_proof", OPENING);
    push(out, &flipped(&read, ACCESS + 128), "wrong_target", MEMORY);
    let (_, other) = blob::element(0);
    let mut wrong = read;
    copy(&mut wrong.witness, ACCESS + 80, &other.proof);
    push(out, &wrong, "proof_of_another_index", OPENING);
}
