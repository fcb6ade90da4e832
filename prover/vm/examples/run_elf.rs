//! Runs an ELF file to its end and prints exit code, steps, state hash and speed.
//!
//! `cargo run --release -p trestle-vm --example run_elf -- program.elf`

use alloy_primitives::B256;
use std::{sync::Arc, time::Instant};
use trestle_vm::{Image, Machine, NoPreimages};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: run_elf FILE")?;
    let image = Arc::new(Image::from_elf(&std::fs::read(path)?)?);
    println!("image root  {}", image.root());
    let mut machine = Machine::new(image, B256::ZERO);
    let start = Instant::now();
    machine.run(&NoPreimages)?;
    let seconds = start.elapsed().as_secs_f64();
    let steps = machine.step();
    println!(
        "exit code   {:#x}",
        machine.exit_code().unwrap_or_default().0
    );
    println!("steps       {steps}");
    println!("state hash  {}", machine.state_hash());
    println!("speed       {:.0} M steps/s", steps as f64 / seconds / 1e6);
    Ok(())
}
