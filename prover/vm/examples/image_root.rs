//! Prints the image root of an ELF file.
//!
//! `cargo run -p trestle-vm --example image_root -- program.elf`

use trestle_vm::Image;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: image_root FILE")?;
    println!("{}", Image::from_elf(&std::fs::read(path)?)?.root());
    Ok(())
}
