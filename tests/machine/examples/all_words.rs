//! Decodes all 2^32 words twice, by the machine's decoder and by the table, and compares.
//!
//! `cargo run --release -p trestle-machine-tests --example all_words`: minutes; part of
//! `make soak-machine`.

use trestle_machine_tests::Table;
use trestle_vm::{Op, decode};

fn main() {
    let table = Table::default();
    let (mut legal, mut different) = (0_u64, 0_u64);
    for word in 0..=u32::MAX {
        let instruction = decode(word);
        legal += u64::from(instruction.op != Op::Illegal);
        if instruction != table.decode(word) {
            different += 1;
            println!(
                "{word:#010x}: {instruction:?}, table {:?}",
                table.decode(word)
            );
        }
        if word & 0x0fff_ffff == 0x0fff_ffff {
            println!(
                "{:>2}/16: {legal} legal words, {different} differences",
                (word >> 28) + 1
            );
        }
    }
    if different != 0 {
        std::process::exit(1);
    }
}
