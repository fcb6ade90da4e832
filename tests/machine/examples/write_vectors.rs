//! Writes the shared step vectors: `cargo run -p trestle-machine-tests --example write_vectors`.

use std::path::Path;
use trestle_machine_tests::{refusals_json, steps_json};

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors/vm");
    std::fs::write(folder.join("steps.json"), steps_json())?;
    std::fs::write(folder.join("refusals.json"), refusals_json())
}
