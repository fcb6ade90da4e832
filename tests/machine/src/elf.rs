//! ELF files made by hand: code words and data, for the machine and for `qemu-riscv64` alike.

/// Address of the code in files made here.
pub const ELF_CODE: u64 = 0x10_0000;
/// Address of the data.
pub const ELF_DATA: u64 = 0x100_0000;

const HEADERS: u64 = 64 + 2 * 56;
const FLAG_X: u32 = 5;
const FLAG_W: u32 = 6;

/// A static RV64 executable that starts at its first code word.
#[must_use]
pub fn elf(code: &[u32], data: &[u8]) -> Vec<u8> {
    let text: Vec<u8> = code.iter().flat_map(|word| word.to_le_bytes()).collect();
    let mut out = Vec::new();
    out.extend_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    for half in [2_u16, 243] {
        out.extend_from_slice(&half.to_le_bytes());
    }
    out.extend_from_slice(&1_u32.to_le_bytes());
    for word in [ELF_CODE, 64, 0] {
        out.extend_from_slice(&word.to_le_bytes());
    }
    out.extend_from_slice(&0_u32.to_le_bytes());
    for half in [64_u16, 56, 2, 64, 0, 0] {
        out.extend_from_slice(&half.to_le_bytes());
    }
    let at = HEADERS.next_multiple_of(4096);
    let data_at = (at + text.len() as u64).next_multiple_of(4096);
    for (flags, offset, address, len) in [
        (FLAG_X, at, ELF_CODE, text.len() as u64),
        (FLAG_W, data_at, ELF_DATA, data.len() as u64),
    ] {
        out.extend_from_slice(&1_u32.to_le_bytes());
        out.extend_from_slice(&flags.to_le_bytes());
        for word in [offset, address, address, len, len, 4096] {
            out.extend_from_slice(&word.to_le_bytes());
        }
    }
    for (offset, bytes) in [(at, text.as_slice()), (data_at, data)] {
        out.resize(usize::try_from(offset).unwrap_or_default(), 0);
        out.extend_from_slice(bytes);
    }
    out
}
