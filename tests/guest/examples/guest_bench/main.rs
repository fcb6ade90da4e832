//! What a batch costs the machine: instructions by size and by kind of transaction, the worst gas there is, and memory.
//!
//! `cargo run -p trestle-guest-tests --example guest_bench -- [transfers|kinds|worst|memory|all] [SOFTWARE_ELF]`
//!
//! Instructions are exact and do not depend on the computer; times do. The worst gas is found by a search over
//! programs that loop over one opcode until their gas is used up, and over single calls of precompiles. `GAS`
//! is what a program may spend, `ONLY` a part of its name, `ELF` another program than the committed one.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a tool for developers"
)]

mod kinds;
mod memory;
mod transfers;
mod worst;

use alloy_primitives::B256;
use std::{path::Path, sync::Arc};
use trestle_challenger::{host::Recorded, image::image};
use trestle_guest_tests::{Run, run_until_halt};
use trestle_vm::Image;

/// Programs for the machine with their names: the committed one, and one that uses no native calls.
pub(crate) type Images = Vec<(&'static str, Arc<Image>)>;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let what = arguments.first().map_or("all", String::as_str);
    let proven = std::env::var("ELF").map_or_else(|_| image().unwrap(), load);
    let mut images = vec![("native calls", proven.clone())];
    images.extend(arguments.get(1).map(|path| ("software", load(path))));
    if matches!(what, "all" | "transfers") {
        transfers::run(&images);
    }
    if matches!(what, "all" | "kinds") {
        kinds::run(&images);
    }
    if matches!(what, "all" | "worst") {
        worst::run(&proven);
    }
    if matches!(what, "all" | "memory") {
        memory::run(&proven);
    }
}

fn load(path: impl AsRef<Path>) -> Arc<Image> {
    Arc::new(Image::from_elf(&std::fs::read(path).unwrap()).unwrap())
}

pub(crate) fn in_machine(image: &Arc<Image>, inputs: &Recorded, output: B256) -> Run {
    let run = run_until_halt(image, inputs.input().hash(), inputs).unwrap();
    assert_eq!(run.output, output, "{run:?}");
    run
}

pub(crate) fn number(variable: &str, default: u64) -> u64 {
    let value = std::env::var(variable).ok();
    value.and_then(|text| text.parse().ok()).unwrap_or(default)
}
