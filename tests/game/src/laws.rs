//! Forge's invariant campaign over the dissection game, against contracts that lack a rule: its laws must notice.
//!
//! The campaign takes the game's creation code from `GAME_CODE`. What it cannot notice, because its actors do not
//! play it or because it harms nobody's money or truth, is left to the attacks of `weakened`.

use std::{path::Path, process::Command};

use crate::artifacts::creation_code;

/// Weakenings that the laws notice.
const NOTICED: &[&str] = &[
    "bond-unpaid",
    "late-moves",
    "credit-not-cleared",
    "settled-twice",
    "repeat-keeps-value",
    "same-end",
    "same-output-at-entry",
    "nothing-burned",
    "early-decision",
    "undecided-ignored",
    "step-needs-no-contradiction",
];

/// How many of them a test run plays; `GAME_LAWS` sets another number.
const BY_DEFAULT: usize = 2;

/// What forge reports when a law breaks; `None` when all laws hold.
fn broken_law(code: &str) -> Option<String> {
    let contracts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts");
    let failures = std::env::temp_dir().join(format!("trestle-laws-{}", std::process::id()));
    let done = Command::new(contracts.join("node_modules/.bin/forge"))
        .args(["test", "--fail-fast", "--fuzz-seed", "7", "--match-path"])
        .arg("test/dispute/game/GameInvariant.t.sol")
        .current_dir(&contracts)
        .env("GAME_CODE", code)
        .env("FOUNDRY_INVARIANT_SHRINK_RUN_LIMIT", "0")
        .env("FOUNDRY_INVARIANT_TIMEOUT", "120")
        .env("FOUNDRY_INVARIANT_FAILURE_PERSIST_DIR", &failures)
        .output()
        .unwrap();
    let _ = std::fs::remove_dir_all(&failures);
    let text = String::from_utf8_lossy(&done.stdout);
    assert!(
        text.contains("invariant_laws()"),
        "forge did not run: {text}{}",
        String::from_utf8_lossy(&done.stderr)
    );
    text.lines()
        .find(|line| line.contains("FAIL: AssertionFailed"))
        .map(str::to_owned)
}

#[test]
fn laws_notice_what_a_missing_rule_lets_happen() {
    let count = std::env::var("GAME_LAWS").map_or(BY_DEFAULT, |text| text.parse().unwrap());
    for name in NOTICED.iter().take(count) {
        let code = format!("{:#x}", creation_code("DisputeGame", Some(name)));
        let broken = broken_law(&code);
        println!("{name}: {}", broken.as_deref().unwrap_or("not noticed"));
        assert!(broken.is_some(), "no law notices {name}");
    }
}
