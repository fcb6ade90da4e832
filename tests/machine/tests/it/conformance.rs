//! Every RV64IM instruction on edge operands, judged by `qemu-riscv64`.
//!
//! Each program stores its results in memory, writes them to standard output by Linux's `write`
//! and exits. The machine has no `write`: it traps there, with the same bytes in memory.
#![expect(
    clippy::cast_possible_truncation,
    reason = "addresses and random bits are cut to size"
)]

use std::{
    fs::Permissions,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};
use trestle_machine_tests::{ELF_CODE, ELF_DATA, Format, ROWS, Random, elf, word as i};
use trestle_vm::{ExitCode, Image, Machine, NoPreimages, Op, Trap};

/// Where results go, from `ELF_DATA` on.
const RESULTS: u64 = 0x20_0000;
/// Length of the data segment, in bytes.
const DATA_LEN: usize = 0x60_0000;

/// Operands at the edges.
const EDGES: [u64; 26] = [
    0,
    1,
    2,
    3,
    7,
    31,
    32,
    33,
    63,
    64,
    0x7f,
    0x80,
    0x7fff_ffff,
    0x8000_0000,
    0x8000_0001,
    0xffff_ffff,
    0x1_0000_0000,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    0x8000_0000_0000_0001,
    0xffff_ffff_8000_0000,
    0xffff_ffff_7fff_ffff,
    0xffff_ffff_ffff_fffe,
    0xffff_ffff_ffff_ffff,
    0x0123_4567_89ab_cdef,
    0xfedc_ba98_7654_3210,
];

/// Code that is being written, with a table of 64-bit constants at `ELF_DATA`.
///
/// `x2` points to the next constant, `x3` to the next result, `x4` to the results.
struct Program {
    code: Vec<u32>,
    constants: Vec<u64>,
    results: u64,
}

impl Program {
    fn new() -> Self {
        let code = vec![
            i(Op::Lui, 2, 0, 0, ELF_DATA as i32),
            i(Op::Lui, 3, 0, 0, (ELF_DATA + RESULTS) as i32),
            i(Op::Lui, 4, 0, 0, (ELF_DATA + RESULTS) as i32),
        ];
        Self {
            code,
            constants: Vec::new(),
            results: 0,
        }
    }

    /// Loads a constant.
    fn set(&mut self, register: u8, value: u64) {
        self.constants.push(value);
        self.code.push(i(Op::Ld, register, 2, 0, 0));
        self.code.push(i(Op::Addi, 2, 2, 0, 8));
    }

    /// Stores a register as the next result.
    fn result(&mut self, register: u8) {
        self.code.push(i(Op::Sd, 0, 3, register, 0));
        self.code.push(i(Op::Addi, 3, 3, 0, 8));
        self.results += 8;
    }

    fn push(&mut self, word: u32) {
        self.code.push(word);
    }

    /// `write(1, results, length)`, then `exit(0)`.
    fn finish(mut self) -> (Vec<u8>, usize) {
        let length = self.results;
        self.push(i(Op::Addi, 10, 0, 0, 1));
        self.push(i(Op::Addi, 11, 4, 0, 0));
        self.set(12, length);
        self.push(i(Op::Addi, 17, 0, 0, 64));
        self.push(0x73);
        self.push(i(Op::Addi, 10, 0, 0, 0));
        self.push(i(Op::Addi, 17, 0, 0, 93));
        self.push(0x73);
        let mut data: Vec<u8> = self
            .constants
            .iter()
            .flat_map(|c| c.to_le_bytes())
            .collect();
        assert!(data.len() < RESULTS as usize && RESULTS + length < DATA_LEN as u64);
        data.resize(DATA_LEN, 0x5a);
        (
            elf(&self.code, &data),
            usize::try_from(length).expect("short"),
        )
    }
}

/// Runs the program in both and compares the results.
fn compare(name: &str, program: Program) {
    let (file, length) = program.finish();
    let mut machine = Machine::new(
        Arc::new(Image::from_elf(&file).expect("loads")),
        [0; 32].into(),
    );
    machine.run(&NoPreimages).expect("runs");
    assert_eq!(
        machine.exit_code(),
        Some(ExitCode::from_trap(Trap::UnknownCall)),
        "{name}"
    );
    let ours = machine
        .memory()
        .read(ELF_DATA + RESULTS, length)
        .expect("in memory");
    let theirs = qemu(name, &file);
    assert_eq!(theirs.len(), length, "{name}: qemu wrote too little");
    for (k, (a, b)) in ours.chunks(8).zip(theirs.chunks(8)).enumerate() {
        assert_eq!(a, b, "{name}, result {k}: here, and in qemu");
    }
}

fn qemu(name: &str, file: &[u8]) -> Vec<u8> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("trestle-{}-{number}-{name}.elf", std::process::id());
    let path: PathBuf = std::env::temp_dir().join(name);
    std::fs::write(&path, file).expect("the program is written");
    // qemu refuses, without a word, what is not executable.
    std::fs::set_permissions(&path, Permissions::from_mode(0o700)).expect("it is ours");
    let output = Command::new("qemu-riscv64").arg(&path).output();
    std::fs::remove_file(&path).expect("the program is removed");
    let output = output.expect("qemu-user is installed: tools/apt-packages.txt");
    assert!(output.status.success(), "{path:?}: {output:?}");
    output.stdout
}

#[test]
fn register_instructions_agree_with_qemu_on_all_pairs_of_edges() {
    for row in ROWS.iter().filter(|row| row.format == Format::R) {
        let mut program = Program::new();
        for a in EDGES {
            for b in EDGES {
                program.set(5, a);
                program.set(6, b);
                program.push(i(row.op, 7, 5, 6, 0));
                program.result(7);
            }
            // The destination is a source, and both sources are one.
            program.push(i(row.op, 5, 5, 5, 0));
            program.result(5);
        }
        compare(&format!("{:?}", row.op), program);
    }
}

#[test]
fn immediate_instructions_agree_with_qemu() {
    let twelve = [
        0, 1, 2, 31, 32, 63, 127, 1365, 2047, -1, -2, -1366, -2047, -2048,
    ];
    let amounts = [0, 1, 5, 30, 31, 32, 33, 62, 63];
    for row in &ROWS {
        let list: &[i32] = match row.format {
            Format::I if row.op.width() == 0 && row.op != Op::Jalr => &twelve,
            Format::Shift6 => &amounts,
            Format::Shift5 => &amounts[..5],
            _ => continue,
        };
        let mut program = Program::new();
        for a in EDGES {
            for imm in list {
                program.set(5, a);
                program.push(i(row.op, 7, 5, 0, *imm));
                program.result(7);
            }
        }
        compare(&format!("{:?}", row.op), program);
    }
}

#[test]
fn upper_immediates_and_fences_agree_with_qemu() {
    let mut program = Program::new();
    for imm in [
        0,
        0x1000,
        0x7fff_f000,
        i32::MIN,
        -0x1000,
        0x1234_5000,
        0x5555_5000,
    ] {
        for op in [Op::Lui, Op::Auipc] {
            program.push(i(op, 7, 0, 0, imm));
            program.result(7);
            program.push(i(op, 0, 0, 0, imm));
            program.result(0);
        }
    }
    program.set(31, 99);
    program.push(0x0ff0_000f);
    program.push(0x0330_000f);
    program.push(0xffff_8f8f);
    program.result(31);
    compare("upper", program);
}

#[test]
fn branches_agree_with_qemu_on_all_pairs_of_edges() {
    for row in ROWS.iter().filter(|row| row.format == Format::B) {
        let mut program = Program::new();
        for a in EDGES {
            for b in EDGES {
                program.set(5, a);
                program.set(6, b);
                program.push(i(Op::Addi, 7, 0, 0, 1));
                program.push(i(row.op, 0, 5, 6, 8));
                program.push(i(Op::Addi, 7, 0, 0, 2));
                program.result(7);
            }
        }
        // Backwards: x8 counts how often the branch is taken, three times at most.
        program.set(5, 1);
        program.set(6, 4);
        program.set(8, 0);
        program.push(i(Op::Addi, 8, 8, 0, 1));
        program.push(i(Op::Addi, 5, 5, 0, 1));
        program.push(i(Op::Slti, 9, 8, 0, 3));
        program.push(i(Op::Beq, 0, 9, 0, 8));
        program.push(i(row.op, 0, 5, 6, -16));
        program.result(5);
        program.result(8);
        compare(&format!("{:?}", row.op), program);
    }
}

#[test]
fn jumps_agree_with_qemu() {
    let mut program = Program::new();
    // Forward over a trap, the link register stored.
    program.push(i(Op::Jal, 1, 0, 0, 8));
    program.push(0);
    program.result(1);
    // Back and forth.
    program.push(i(Op::Jal, 0, 0, 0, 12));
    program.push(i(Op::Addi, 9, 0, 0, 77));
    program.push(i(Op::Jal, 5, 0, 0, 8));
    program.push(i(Op::Jal, 6, 0, 0, -8));
    for register in [5, 6, 9] {
        program.result(register);
    }
    // By register: odd targets, immediates, link in the base register, x0 as link.
    for (imm, odd, link) in [(0, 0, 1), (8, 1, 1), (-16, 0, 8), (2047, 1, 8), (12, 0, 0)] {
        program.push(i(Op::Auipc, 8, 0, 0, 0));
        // Target: 4 words after the AUIPC.
        program.push(i(Op::Addi, 8, 8, 0, 20 + odd));
        program.push(i(Op::Addi, 8, 8, 0, -imm));
        program.push(i(Op::Jalr, link, 8, 0, imm));
        program.push(0);
        program.result(8);
        program.result(1);
    }
    compare("jumps", program);
    let start = ELF_CODE;
    assert_eq!(start & 127, 0, "programs begin at a leaf");
}

#[test]
fn loads_and_stores_agree_with_qemu_at_every_offset_of_leaf_and_page_edges() {
    let area = ELF_DATA + 0x10_0000;
    for load in ROWS
        .iter()
        .filter(|row| row.op.width() != 0 && !row.op.is_store())
    {
        let mut program = Program::new();
        for edge in [0, 128, 4096] {
            for byte in 0..4 {
                program.set(5, area + edge - 16 + byte * 8);
                program.set(6, 0x8081_7f02_f304_85ff ^ (byte * 0x0101_0101_0101_0101));
                program.push(i(Op::Sd, 0, 5, 6, 0));
            }
            for offset in -16..12_i32 {
                program.set(5, area + edge);
                program.push(i(load.op, 7, 5, 0, offset));
                program.result(7);
            }
        }
        compare(&format!("{:?}", load.op), program);
    }
    for store in ROWS.iter().filter(|row| row.op.is_store()) {
        let mut program = Program::new();
        for edge in [128, 4096] {
            for offset in -12..8_i32 {
                program.set(5, area + edge);
                program.set(6, 0x8182_8384_8586_8788 ^ offset as u64);
                program.push(i(store.op, 0, 5, 6, offset));
                for word in -2..2 {
                    program.push(i(Op::Ld, 7, 5, 0, word * 8));
                    program.result(7);
                }
            }
        }
        compare(&format!("{:?}", store.op), program);
    }
}

/// Random straight lines over all registers, the whole register file compared at the end.
#[test]
fn random_arithmetic_agrees_with_qemu() {
    for seed in 0..24 {
        let random = &mut Random::new(seed);
        let mut program = Program::new();
        for register in 5..32 {
            program.set(register, random.next() >> random.below(64));
        }
        for _ in 0..4000 {
            let row = random.pick(&ROWS);
            if !matches!(
                row.format,
                Format::R | Format::I | Format::Shift6 | Format::Shift5
            ) || row.op.width() != 0
                || row.op == Op::Jalr
            {
                continue;
            }
            let mut any = || 5 + random.below(27) as u8;
            let (rd, rs1, rs2) = (any(), any(), any());
            program.push(i(row.op, rd, rs1, rs2, random.next() as u16 as i16 as i32));
        }
        for register in 0..32 {
            // The pointers differ in nothing.
            program.result(register);
        }
        compare(&format!("random{seed}"), program);
    }
}
