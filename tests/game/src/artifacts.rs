//! Bytecode of the contracts, as `compile.mjs` leaves it.

use std::{path::Path, process::Command, sync::OnceLock};

use alloy_primitives::{Bytes, hex};
use serde_json::Value;

static CONTRACTS: OnceLock<Value> = OnceLock::new();

/// Runs the compiler when the sources have changed, and loads its output, once per process.
fn contracts() -> &'static Value {
    CONTRACTS.get_or_init(|| {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let done = Command::new("node")
            .arg(here.join("compile.mjs"))
            .status()
            .unwrap();
        assert!(done.success(), "compile.mjs failed");
        let text = std::fs::read_to_string(here.join("out/contracts.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    })
}

/// Creation code of a contract; the weakened one where the named weakening changes it.
pub(crate) fn creation_code(name: &str, weakening: Option<&str>) -> Bytes {
    let all = contracts();
    let weak = weakening.and_then(|w| all["weak"][w].get(name));
    let code = weak
        .unwrap_or(&all["base"][name])
        .as_str()
        .unwrap_or_else(|| panic!("no {name}"));
    hex::decode(code).unwrap().into()
}

/// Names of all weakenings.
pub(crate) fn weakenings() -> Vec<String> {
    contracts()["weak"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect()
}

/// Creation code of a contract whose artifact is committed.
pub(crate) fn committed_code(name: &str) -> Bytes {
    let path = format!("../../contracts/artifacts/{name}.json");
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let artifact: Value = serde_json::from_str(&text).unwrap();
    let code = &artifact["bytecode"];
    let code = code.as_str().or_else(|| code["object"].as_str()).unwrap();
    hex::decode(code).unwrap().into()
}
