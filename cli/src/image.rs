//! `trestle image`: which program this build proves with.

use serde_json::Value;
use trestle_challenger::image::{ELF, IMAGE_JSON, IMAGE_ROOT, image};

/// Print the image root, size and toolchain of the program that is proven.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Write the program's ELF file here as well.
    #[arg(long, value_name = "FILE")]
    elf: Option<std::path::PathBuf>,
}

/// Prints it; the root is computed from the program, not read.
///
/// # Errors
/// When the built-in program is damaged, or the file cannot be written.
pub(crate) fn run(args: &Args) -> eyre::Result<()> {
    let root = image()?.root();
    eyre::ensure!(
        root == IMAGE_ROOT,
        "the built-in program has the root {root}, it should be {IMAGE_ROOT}"
    );
    let about: Value = serde_json::from_str(IMAGE_JSON)?;
    let toolchain = about.get("toolchain").and_then(Value::as_str);
    println!("image root  {root}");
    println!("size        {} bytes", ELF.len());
    println!("toolchain   {}", toolchain.unwrap_or("unknown"));
    if let Some(path) = &args.elf {
        std::fs::write(path, ELF)?;
    }
    Ok(())
}
