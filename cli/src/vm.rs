//! `trestle vm`: runs any static RV64IM program in the machine that judges disputes.
//!
//! For authors of guests and second implementations: exit code and step count, the state hash at
//! any step, the witness of any step as JSON. Exit codes of `run` follow `SPEC.md`, "Machine",
//! section M.10.

use std::{path::PathBuf, sync::Arc};

use alloy_primitives::{B256, hex, keccak256};
use clap::Subcommand;
use eyre::{WrapErr as _, ensure};
use serde_json::{Value, json};
use trestle_vm::{
    Checkpoints, ExitCode, Image, LeafProof, Machine, PageProof, Preimages, StepAccess,
    StepWitness, decode,
};

/// Run a RISC-V program in the machine that judges disputes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run to the end; prints exit code, steps, output and state hash.
    ///
    /// Exits with the low 8 bits of the program's own exit code, with 128 + n on trap n, and with
    /// 125 when the program could not be run.
    Run(Program),
    /// Print the state hash at some steps, one `step hash` per line.
    Trace(Trace),
    /// Print the witness of one step as JSON, with the state hashes before and after it.
    Step(Step),
}

/// A program and what it runs on.
#[derive(Debug, clap::Args)]
struct Program {
    /// Static ELF file for rv64im.
    elf: PathBuf,
    /// Input hash, handed to the program in a0..a3.
    #[arg(long, default_value_t = B256::ZERO)]
    input: B256,
    /// Directory of files that the program can read by their keccak256 hash.
    #[arg(long)]
    preimages: Option<PathBuf>,
    /// Stop after this many steps.
    #[arg(long, default_value_t = 1 << 42)]
    max_steps: u64,
}

#[derive(Debug, clap::Args)]
struct Trace {
    #[command(flatten)]
    program: Program,
    /// Print every n-th step, and the last.
    #[arg(long, default_value_t = 1 << 20, value_parser = clap::value_parser!(u64).range(1..))]
    every: u64,
    /// Print these steps instead.
    #[arg(long, value_delimiter = ',', conflicts_with = "every")]
    at: Vec<u64>,
}

#[derive(Debug, clap::Args)]
struct Step {
    #[command(flatten)]
    program: Program,
    /// Steps taken before the one to prove.
    #[arg(long)]
    at: u64,
}

/// Runs the subcommand; the result is the exit code of the process.
pub(crate) fn run(args: Args) -> eyre::Result<u8> {
    match args.command {
        Command::Run(program) => match run_program(&program) {
            Ok(code) => Ok(code),
            Err(error) => {
                eprintln!("error: {error:#}");
                Ok(125)
            }
        },
        Command::Trace(trace) => print_trace(&trace).map(|()| 0),
        Command::Step(step) => print_step(&step).map(|()| 0),
    }
}

fn load(program: &Program) -> eyre::Result<(Machine, Preimages)> {
    let file = std::fs::read(&program.elf)
        .wrap_err_with(|| format!("cannot read {}", program.elf.display()))?;
    let image = Image::from_elf(&file)
        .wrap_err_with(|| format!("cannot load {}", program.elf.display()))?;
    let mut preimages = Preimages::default();
    if let Some(directory) = &program.preimages {
        for entry in std::fs::read_dir(directory)? {
            preimages.insert(std::fs::read(entry?.path())?);
        }
    }
    Ok((Machine::new(Arc::new(image), program.input), preimages))
}

fn run_program(program: &Program) -> eyre::Result<u8> {
    let (mut machine, preimages) = load(program)?;
    println!("image root  {}", machine.image().root());
    machine.run_until(program.max_steps, &preimages)?;
    println!("steps       {}", machine.step());
    println!("state hash  {}", machine.state_hash());
    let Some(exit_code) = machine.exit_code() else {
        println!("running     at {:#x}", machine.hart().pc);
        eyre::bail!(
            "the program has not halted after {} steps",
            program.max_steps
        );
    };
    println!("output      {}", machine.output());
    Ok(match exit_code.trap() {
        Some(trap) => {
            println!(
                "trap        {} {trap:?} at {:#x}",
                trap as u8,
                machine.hart().pc
            );
            128 | trap as u8
        }
        None => {
            println!("exit code   {}", exit_code.0);
            low_byte(exit_code)
        }
    })
}

fn low_byte(exit_code: ExitCode) -> u8 {
    let [low, ..] = exit_code.0.to_le_bytes();
    low
}

fn print_trace(trace: &Trace) -> eyre::Result<()> {
    let (mut machine, preimages) = load(&trace.program)?;
    if !trace.at.is_empty() {
        let interval = trace.program.max_steps.min(1 << 28);
        let limit = trace.at.iter().copied().max().unwrap_or_default();
        let mut run = Checkpoints::record(machine, interval, limit, &preimages)?;
        for step in &trace.at {
            println!("{step} {}", run.state_hash_at(*step, &preimages)?);
        }
        return Ok(());
    }
    let mut next = 0;
    loop {
        machine.run_until(next, &preimages)?;
        println!("{} {}", machine.step(), machine.state_hash());
        if machine.exit_code().is_some() || next >= trace.program.max_steps {
            return Ok(());
        }
        next = next
            .saturating_add(trace.every)
            .min(trace.program.max_steps);
    }
}

fn print_step(step: &Step) -> eyre::Result<()> {
    let (mut machine, preimages) = load(&step.program)?;
    machine.run_until(step.at, &preimages)?;
    ensure!(
        machine.step() == step.at || machine.exit_code().is_some(),
        "the program stands at step {}",
        machine.step()
    );
    let pre = machine.state_hash();
    let witness = machine.witness(&preimages)?;
    machine.run_until(machine.step().saturating_add(1), &preimages)?;
    let encoded = witness.encode();
    let report = json!({
        "step": step.at,
        "pre": pre,
        "post": machine.state_hash(),
        "kind": witness_json(&witness),
        "witness": hex::encode_prefixed(&encoded),
        "witnessLength": encoded.len(),
    });
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}

fn witness_json(witness: &StepWitness) -> Value {
    match witness {
        StepWitness::Boot { header, input_hash } => json!({
            "boot": {
                "imageRoot": header.root(),
                "codeRoot": header.code_root,
                "memoryRoot": header.memory_root,
                "codeBase": format!("{:#x}", header.code_base),
                "codeLength": header.code_len,
                "entry": format!("{:#x}", header.entry),
                "sp": format!("{:#x}", header.sp),
                "inputHash": input_hash,
            }
        }),
        StepWitness::State(state) => json!({
            "noInstruction": { "pc": format!("{:#x}", state.pc), "halted": state.halted }
        }),
        StepWitness::Instruction {
            state,
            code,
            access,
        } => {
            let offset = usize::try_from(state.pc.wrapping_sub(state.code_base) & 127);
            let bytes = offset
                .ok()
                .and_then(|at| code.leaf.get(at..)?.first_chunk::<4>());
            let word = bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes));
            json!({
                "instruction": {
                    "pc": format!("{:#x}", state.pc),
                    "word": format!("{word:#010x}"),
                    "decoded": format!("{:?}", decode(word)),
                    "registers": state.x.map(|x| format!("{x:#x}")),
                    "memoryRoot": state.memory_root,
                    "code": leaf_json(code),
                    "access": access_json(access),
                }
            })
        }
    }
}

fn access_json(access: &StepAccess) -> Value {
    match access {
        StepAccess::None => Value::Null,
        StepAccess::Leaf(proof) => json!({ "leaves": [leaf_json(proof)] }),
        StepAccess::Straddle(proofs) => {
            json!({ "leaves": proofs.iter().map(leaf_json).collect::<Vec<_>>() })
        }
        StepAccess::Page { page, path } => {
            json!({ "page": hex::encode_prefixed(page.as_slice()), "path": path })
        }
        StepAccess::PreimageWord { preimage, target } => json!({
            "preimage": preimage,
            "key": keccak256(preimage),
            "target": target.as_ref().map(leaf_json),
        }),
        StepAccess::PreimagePage { preimage, target } => json!({
            "preimage": preimage,
            "key": keccak256(preimage),
            "target": target.as_ref().map(|PageProof { root, path }| {
                json!({ "pageRoot": root, "path": path })
            }),
        }),
        StepAccess::BlobElement {
            element,
            opening,
            target,
        } => json!({
            "element": element,
            "commitment": hex::encode_prefixed(opening.commitment),
            "proof": hex::encode_prefixed(opening.proof),
            "target": leaf_json(target),
        }),
    }
}

fn leaf_json(proof: &LeafProof) -> Value {
    json!({ "leaf": hex::encode_prefixed(proof.leaf.as_slice()), "path": proof.path })
}
