//! Every error that the dispute contracts declare is reached by a forge test.

use std::{collections::BTreeSet, fs, path::Path};

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn every_declared_error_is_named_in_a_forge_test() {
    let contracts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts");
    let mut declared = BTreeSet::new();
    for file in ["IDisputeGame", "IDisputeGameFactory", "IAnchorRegistry"] {
        let text = read(&contracts.join(format!("src/dispute/game/{file}.sol")));
        for line in text.lines() {
            if let Some(rest) = line.trim().strip_prefix("error ") {
                declared.insert(format!(
                    "{file}.{}.selector",
                    rest.split('(').next().unwrap()
                ));
            }
        }
    }
    assert!(declared.len() > 40, "{} errors found", declared.len());
    let tests: String = fs::read_dir(contracts.join("test/dispute/game"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with("Refusals.t.sol"))
        .map(|path| read(&path))
        .collect();
    // `Refusals.sol` sends every refused call by an account and by a contract wallet; no error may be reached past it.
    assert!(
        !tests.contains("expectRevert("),
        "an error is reached by one sender only"
    );
    let missing: Vec<_> = declared
        .iter()
        .filter(|name| !tests.contains(name.as_str()))
        .collect();
    assert!(missing.is_empty(), "never reached: {missing:#?}");
}
