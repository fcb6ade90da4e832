//! `trestle doctor`: says what of the surroundings is in place, one line each.
//!
//! Reads only. Fails if something is missing that `trestle dev` cannot do without.

use std::process::Command;

use eyre::bail;

use crate::tools;

/// Check that the programs `trestle dev` starts are installed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Programs, whether `dev` needs them, and what they are for.
const PROGRAMS: [(&str, bool, &str); 3] = [
    ("anvil", true, "the local L1 of `trestle dev`"),
    ("cast", false, "sends transactions from a shell"),
    ("setpriv", false, "ends anvil when `trestle dev` is killed"),
];

/// Prints the table.
///
/// # Errors
/// When a needed program is missing.
pub(crate) async fn run(_args: Args) -> eyre::Result<()> {
    let mut missing = Vec::new();
    for (name, needed, purpose) in PROGRAMS {
        let found = tools::find(name).map(|path| version(&path));
        let state = found.as_deref().unwrap_or("missing");
        println!("{name:<8} {state} ({purpose})");
        if needed && found.is_none() {
            missing.push(name);
        }
    }
    if !missing.is_empty() {
        bail!(
            "{} not found: run `make setup`, or install Foundry",
            missing.join(", ")
        );
    }
    Ok(())
}

/// First line of `program --version`, or the bare path if it does not say.
fn version(program: &std::path::Path) -> String {
    Command::new(program)
        .arg("--version")
        .output()
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .and_then(|text| text.lines().next().map(str::to_owned))
        .unwrap_or_else(|| program.display().to_string())
}
