//! Random programs and states, biased to where executors go wrong.
//!
//! Addresses crowd at leaf, page and address-space edges; operands at the edges of 32 and 64 bits;
//! one word in sixteen is no valid instruction, or a system call.
#![expect(
    clippy::cast_possible_truncation,
    reason = "random bits are cut to size on purpose"
)]

use crate::{encode::encode, lockstep::MakeEngine, random::Random, table::ROWS};
use alloy_primitives::B256;
use std::sync::Arc;
use trestle_vm::{
    CALL_ECRECOVER, CALL_HALT, CALL_KECCAK, CALL_READ_PAGE, CALL_READ_WORD, ElfError, Image,
    Instruction, Machine, NoPreimages, Op, Preimages, Registers, RunError, Snapshot, words_of,
};

/// Registers that random instructions seldom overwrite: they hold addresses.
const ADDRESS_REGISTERS: [u8; 8] = [8, 9, 24, 25, 26, 27, 28, 29];
const BASES: [u64; 4] = [0x1_0000, 0x7fff_f000, 0xffff_0000, 0x1_0000_0000 - 512];

/// A random program with its machine and the preimages that it may read.
#[derive(Debug)]
pub struct Case {
    /// The machine, after its boot step.
    pub machine: Machine,
    /// What it may read.
    pub preimages: Preimages,
    start: Snapshot,
    keys: Vec<B256>,
    code_len: u64,
}

/// The case of a seed.
///
/// # Errors
/// None for any seed; the types say otherwise because images can be refused.
pub fn case(seed: u64, engine: MakeEngine) -> Result<Case, ElfError> {
    let random = &mut Random::new(seed);
    let count = random.pick(&[7_u64, 32, 64, 250]);
    let base = random.pick(&BASES);
    let words: Vec<u32> = (0..count).map(|_| word(random, count)).collect();
    let code: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let patches: Vec<(u64, Vec<u8>)> = (0..12)
        .map(|_| {
            (
                patch_address(random),
                (0..64).map(|_| random.next() as u8).collect(),
            )
        })
        .collect();
    let memory: Vec<(u64, &[u8])> = patches
        .iter()
        .map(|(at, bytes)| (*at, bytes.as_slice()))
        .collect();
    let image = Image::new(base, code, &memory, (base, 0x1_0000))?;
    let engine = engine(&image);
    let mut machine = Machine::with_engine(Arc::new(image), B256::from([seed as u8; 32]), engine);
    let booted: Result<_, RunError> = machine.run_until(1, &NoPreimages);
    debug_assert!(booted.is_ok(), "booting reads nothing");
    let mut preimages = Preimages::default();
    let lengths = [0, 1, 31, 32, 33, 4095, 4096, 4097, 5000];
    let keys = lengths
        .iter()
        .map(|len| preimages.insert((0..*len).map(|_| random.next() as u8).collect::<Vec<u8>>()))
        .collect();
    let start = machine.snapshot();
    Ok(Case {
        machine,
        preimages,
        start,
        keys,
        code_len: count * 4,
    })
}

impl Case {
    /// Puts the machine back to its start with fresh random registers and program counter.
    pub fn reset(&mut self, random: &mut Random) {
        self.machine.restore(&self.start);
        let mut x = [0; 32];
        for register in &mut x {
            *register = operand(random);
        }
        for register in ADDRESS_REGISTERS {
            if let Some(slot) = x.get_mut(usize::from(register)) {
                *slot = address(random);
            }
        }
        self.call_arguments(&mut x, random);
        let offset = random.below(self.code_len) & !3;
        let hart = self.machine.hart_mut();
        hart.pc = hart.pc.wrapping_add(offset);
        if random.one_in(64) {
            hart.pc = operand(random);
        }
        hart.x = Registers::new(&x);
    }

    /// Often makes `a0..a7` the arguments of a call, valid or just not.
    fn call_arguments(&self, x: &mut [u64; 32], random: &mut Random) {
        let calls = [
            CALL_HALT,
            CALL_READ_WORD,
            CALL_READ_PAGE,
            CALL_KECCAK,
            CALL_ECRECOVER,
            2004,
        ];
        let call = random.pick(&calls);
        let unit = match call {
            CALL_READ_WORD => 32,
            CALL_ECRECOVER => 128,
            _ => 4096,
        };
        let key = usize::try_from(random.below(self.keys.len() as u64)).unwrap_or_default();
        let key = self.keys.get(key).copied().unwrap_or_default();
        x[10] = address(random) & !(unit - 1);
        x[11] = random.pick(&[0, 1, 31, 32, 4095, 4096, 4097, 131_072, u64::MAX]);
        x[12..16].copy_from_slice(&words_of(&key));
        x[16] = 1;
        x[17] = call;
        if random.one_in(8) {
            let spoilt = usize::try_from(random.below(8)).unwrap_or_default();
            // A spoilt key has no preimage; spoil anything else.
            if let Some(slot) = x.get_mut(10 + spoilt).filter(|_| !(2..6).contains(&spoilt)) {
                *slot = operand(random);
            }
            // Blobs have their own tests: here only requests that no blob can answer.
            if x[16] == 2 && x[11] < 131_072 {
                x[16] = 3;
            }
        }
    }
}

/// A value at the edges of the number ranges.
fn operand(random: &mut Random) -> u64 {
    let edges = [
        0,
        1,
        2,
        31,
        32,
        63,
        64,
        0x7f,
        0x80,
        0x7fff,
        0x8000,
        0x7fff_ffff,
        0x8000_0000,
        0xffff_ffff,
        0x1_0000_0000,
        0x7fff_ffff_ffff_ffff,
        0x8000_0000_0000_0000,
        0xffff_ffff_8000_0000,
        u64::MAX,
        u64::MAX - 1,
    ];
    match random.below(4) {
        0 => random.next(),
        1 => random.next() >> random.below(64),
        2 => (random.next() >> random.below(64)).wrapping_neg(),
        _ => random.pick(&edges),
    }
}

/// An address just before a leaf, page or space edge, a few bytes either way.
fn address(random: &mut Random) -> u64 {
    let edge = match random.below(5) {
        0 => 0x1_0000_0000,
        1 => 0,
        2 => random.below(1 << 20) << 12,
        3 => 0x4000_0000 + (random.below(4) << 12),
        _ => random.below(1 << 25) << 7,
    };
    edge.wrapping_add(random.below(24)).wrapping_sub(12)
}

fn patch_address(random: &mut Random) -> u64 {
    (address(random) & 0xffff_ffff).min(0x1_0000_0000 - 64)
}

/// One instruction word of a program of `count` words.
fn word(random: &mut Random, count: u64) -> u32 {
    match random.below(32) {
        0 => return random.next() as u32,
        1 => return 0x0000_0073,
        2 => {
            // A valid word with one bit flipped.
            let flip = 1 << random.below(32);
            return valid(random, count) ^ flip;
        }
        _ => {}
    }
    valid(random, count)
}

fn valid(random: &mut Random, count: u64) -> u32 {
    let row = loop {
        let row = random.pick(&ROWS);
        // Ends of the run are rationed.
        let ends = matches!(row.op, Op::Ecall | Op::Ebreak | Op::Jalr);
        if !ends || random.one_in(6) {
            break row;
        }
    };
    let is_memory = row.op.width() != 0;
    let mut rd = random.below(32) as u8;
    let is_kept = ADDRESS_REGISTERS.contains(&rd) || (10..18).contains(&rd);
    if is_kept && !random.one_in(16) {
        rd = 5;
    }
    let rs1 = if is_memory {
        random.pick(&ADDRESS_REGISTERS)
    } else {
        random.below(32) as u8
    };
    let imm = match row.op {
        Op::Lui | Op::Auipc => (random.next() as u32 & 0xffff_f000).cast_signed(),
        // Mostly within the program; sometimes off by two bytes.
        Op::Jal | Op::Beq | Op::Bne | Op::Blt | Op::Bge | Op::Bltu | Op::Bgeu => {
            let distance = random.below(count) as i32 * 4 - count as i32 * 2;
            if random.one_in(24) {
                distance + 2
            } else {
                distance & !3
            }
        }
        _ if is_memory => random.below(24) as i32 - 12,
        _ => random.next() as u16 as i16 as i32,
    };
    encode(Instruction {
        op: row.op,
        rd,
        rs1,
        rs2: random.below(32) as u8,
        imm,
    })
}
