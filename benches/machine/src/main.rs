//! What the machine costs: instructions per second, dirty pages, snapshots, witnesses.
//!
//! `make bench-machine`. Every figure is the best of several runs, since other load on the host can
//! only slow a run down; instructions are counted against processor time. The clock of the processor
//! is printed beside them.

use alloy_primitives::B256;
use eyre::OptionExt as _;
use std::{hint::black_box, path::Path, sync::Arc, time::Instant};
use trestle_vm::{Image, Machine, NoPreimages, verify_step};

const RUNS: u32 = 15;

fn main() -> eyre::Result<()> {
    println!("processor       {}", processor());
    for program in ["keccak_loop", "evm_loop"] {
        speed(program)?;
    }
    pages()?;
    snapshots()?;
    steps()
}

/// Model and clock as the kernel has them.
fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let of = |key: &str| {
        let line = info.lines().find(|line| line.starts_with(key));
        line.and_then(|line| line.split(": ").nth(1))
            .unwrap_or("?")
            .to_string()
    };
    format!("{}, {} MHz", of("model name"), of("cpu MHz"))
}

fn load(program: &str) -> eyre::Result<Arc<Image>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../prover/vm/examples/programs")
        .join(format!("{program}.elf"));
    Ok(Arc::new(Image::from_elf(&std::fs::read(folder)?)?))
}

/// Best time of one call, in seconds, over several runs; `prepare` is not counted. Calls of more
/// than 20 ms are counted in processor time, which the kernel knows to a few milliseconds.
fn best<T>(mut prepare: impl FnMut() -> T, mut run: impl FnMut(&mut T)) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..RUNS {
        let mut subject = prepare();
        let start = Instant::now();
        let from = processor_time(start);
        run(&mut subject);
        let wall = start.elapsed().as_secs_f64();
        let busy = processor_time(start) - from;
        best = best.min(if wall > 0.02 { busy } else { wall });
    }
    best
}

/// Seconds that this thread has been on a processor; wall time where the kernel does not tell.
fn processor_time(start: Instant) -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text
        .split(' ')
        .next()
        .and_then(|first| first.parse::<u64>().ok());
    nanoseconds.map_or_else(|| start.elapsed().as_secs_f64(), |time| time as f64 / 1e9)
}

fn speed(program: &str) -> eyre::Result<()> {
    let image = load(program)?;
    let (mut best, mut steps) = (f64::INFINITY, 0);
    for _ in 0..5 {
        let mut machine = Machine::new(image.clone(), B256::ZERO);
        let start = Instant::now();
        let from = processor_time(start);
        let _stop = machine.run(&NoPreimages)?;
        best = best.min(processor_time(start) - from);
        steps = machine.step();
    }
    let speed = steps as f64 / best / 1e6;
    println!("{program:<15} {speed:.0} M instructions/s of processor time, {steps} instructions");
    Ok(())
}

/// A machine whose memory has `count` dirty pages, all of them touched before, all else clean.
fn dirty(image: &Arc<Image>, count: u64) -> Machine {
    let mut machine = Machine::new(image.clone(), B256::ZERO);
    for round in 0..2 {
        let memory = machine.memory_mut();
        let _root = memory.root();
        for page in 0..count {
            let _stored = memory.store(0x100_0000 + page * 4096 + 8, (page ^ round).to_le_bytes());
        }
    }
    machine
}

fn pages() -> eyre::Result<()> {
    let image = load("keccak_loop")?;
    for count in [1, 1000] {
        let seconds = best(
            || dirty(&image, count),
            |machine| {
                black_box(machine.memory_mut().root());
            },
        );
        println!(
            "dirty pages     {:.1} us each, of {count}",
            seconds / count as f64 * 1e6
        );
    }
    Ok(())
}

fn snapshots() -> eyre::Result<()> {
    let image = load("keccak_loop")?;
    for count in [100, 4000] {
        let seconds = best(
            || dirty(&image, count),
            |machine| {
                black_box(machine.snapshot());
            },
        );
        println!(
            "snapshot        {:.2} ms with {count} dirty pages",
            seconds * 1e3
        );
        let seconds = best(
            || {
                let mut machine = dirty(&image, count);
                let clean = Machine::new(image.clone(), B256::ZERO).snapshot();
                let _saved = machine.snapshot();
                (machine, clean)
            },
            |(machine, clean)| machine.restore(clean),
        );
        println!("restore         {:.2} ms over {count} pages", seconds * 1e3);
    }
    Ok(())
}

/// The step of `program` at or after `from` whose witness has `length` bytes.
fn at(program: &str, from: u64, length: usize) -> eyre::Result<Machine> {
    let mut machine = Machine::new(load(program)?, B256::ZERO);
    for step in from..from + 100_000 {
        let _stop = machine.run_until(step, &NoPreimages)?;
        let _hash = machine.state_hash();
        if machine.witness(&NoPreimages)?.encode().len() == length {
            return Ok(machine);
        }
    }
    None.ok_or_eyre("the program has no such step")
}

fn steps() -> eyre::Result<()> {
    let kinds = [("arithmetic", 1088), ("load or store", 2016)];
    for (what, length) in kinds {
        let mut machine = at("evm_loop", 1000, length)?;
        let hash = machine.state_hash();
        let witness = machine.witness(&NoPreimages)?.encode();
        let made = best(
            || (),
            |()| {
                black_box(
                    machine
                        .witness(&NoPreimages)
                        .map(|witness| witness.encode()),
                )
                .ok();
            },
        );
        let verified = best(
            || (),
            |()| {
                black_box(verify_step(&hash, &witness, &|_| false)).ok();
            },
        );
        println!(
            "witness         {:.0} us to make, {:.0} us to verify, {length} bytes ({what})",
            made * 1e6,
            verified * 1e6,
        );
    }
    Ok(())
}
