//! The programs that `trestle dev` starts or recommends.

use std::process::Command;

use super::report::Report;
use crate::tools;

/// Programs, whether `dev` needs them, and what they are for.
const PROGRAMS: [(&str, bool, &str); 3] = [
    ("anvil", true, "the local L1 of `trestle dev`"),
    ("cast", false, "sends transactions from a shell"),
    ("setpriv", false, "ends anvil when `trestle dev` is killed"),
];

/// Reports on each of them.
pub(super) fn check(report: &mut Report) {
    for (name, needed, purpose) in PROGRAMS {
        match tools::find(name).map(|path| version(&path)) {
            Some(found) => report.ok(name, format!("{found} ({purpose})")),
            None if needed => report.fail(
                name,
                format!("missing ({purpose})"),
                "run `make setup`, or install Foundry",
            ),
            None => report.warn(
                name,
                format!("missing ({purpose})"),
                "run `make setup`, or install it if you want that",
            ),
        }
    }
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
