//! Loading of static ELF files: only what the machine needs of the format.
//!
//! Called by [`Image::from_elf`]. All input is untrusted. Spec: `SPEC.md`, "Machine", section
//! "Image".

use crate::{
    image::{Image, MAX_CODE_LEN},
    tree::LEAF_LEN,
};
use alloc::{vec, vec::Vec};

const RISCV: u16 = 243;
const EXECUTABLE: u16 = 2;
const PT_LOAD: u32 = 1;
const PT_INTERP: u32 = 3;
const PF_X: u32 = 1;
const FLAG_COMPRESSED: u32 = 1;
/// Stack below the image, at least this many bytes.
const MIN_STACK: u64 = 4096;

/// Why a file is no image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ElfError {
    /// A header or segment lies beyond the end of the file.
    #[error("file is truncated")]
    Truncated,
    /// Not a 64-bit little-endian RISC-V executable.
    #[error("not a static 64-bit little-endian RISC-V executable")]
    WrongKind,
    /// The file declares compressed instructions, which the machine does not have.
    #[error("file uses compressed instructions; build for rv64im")]
    Compressed,
    /// A segment leaves the 4 GiB address space.
    #[error("segment at {address:#x} of {len} bytes leaves the address space")]
    Segment {
        /// First address.
        address: u64,
        /// Length in bytes.
        len: u64,
    },
    /// The code is empty, misaligned or longer than 16 MiB.
    #[error("code at {base:#x} of {len} bytes is empty, misaligned or longer than 16 MiB")]
    CodeRange {
        /// First address.
        base: u64,
        /// Length in bytes.
        len: u64,
    },
    /// The image starts so low that no stack fits below it.
    #[error("image starts at {lowest:#x}: no room for a stack below it")]
    NoStack {
        /// Lowest address of the image.
        lowest: u64,
    },
}

/// One loadable segment.
struct Segment<'a> {
    address: u64,
    bytes: &'a [u8],
    is_code: bool,
}

/// Reads the file: code from its executable segments, memory from all of them, the stack below.
pub(crate) fn load(file: &[u8]) -> Result<Image, ElfError> {
    check_kind(file)?;
    let entry = u64::from_le_bytes(take(file, 24)?);
    let segments = segments(file)?;
    let code_segments = || segments.iter().filter(|segment| segment.is_code);
    let first = code_segments().map(|segment| segment.address).min();
    let end = code_segments()
        .map(|s| s.address.saturating_add(s.bytes.len() as u64))
        .max();
    let (Some(first), Some(end)) = (first, end) else {
        return Err(ElfError::CodeRange { base: 0, len: 0 });
    };
    let base = first & !(LEAF_LEN as u64).wrapping_sub(1);
    let len = end.wrapping_sub(base).next_multiple_of(4);
    let range = ElfError::CodeRange { base, len };
    if len > MAX_CODE_LEN {
        return Err(range);
    }
    let mut code = vec![0; usize::try_from(len).map_err(|_| range)?];
    for segment in code_segments() {
        let at = usize::try_from(segment.address.wrapping_sub(base)).map_err(|_| range)?;
        for (slot, byte) in code.iter_mut().skip(at).zip(segment.bytes) {
            *slot = *byte;
        }
    }
    let lowest = segments
        .iter()
        .map(|segment| segment.address)
        .min()
        .unwrap_or_default();
    if lowest < MIN_STACK {
        return Err(ElfError::NoStack { lowest });
    }
    let memory: Vec<(u64, &[u8])> = segments.iter().map(|s| (s.address, s.bytes)).collect();
    Image::new(base, code, &memory, (entry, lowest & !15))
}

fn check_kind(file: &[u8]) -> Result<(), ElfError> {
    if take::<7>(file, 0)? != *b"\x7fELF\x02\x01\x01" {
        return Err(ElfError::WrongKind);
    }
    let kind = u16::from_le_bytes(take(file, 16)?);
    let machine = u16::from_le_bytes(take(file, 18)?);
    if kind != EXECUTABLE || machine != RISCV {
        return Err(ElfError::WrongKind);
    }
    if u32::from_le_bytes(take(file, 48)?) & FLAG_COMPRESSED != 0 {
        return Err(ElfError::Compressed);
    }
    Ok(())
}

fn segments(file: &[u8]) -> Result<Vec<Segment<'_>>, ElfError> {
    let table = offset(u64::from_le_bytes(take(file, 32)?))?;
    let size = usize::from(u16::from_le_bytes(take(file, 54)?));
    let count = usize::from(u16::from_le_bytes(take(file, 56)?));
    let mut segments = Vec::new();
    for i in 0..count {
        let at = table
            .checked_add(size.wrapping_mul(i))
            .ok_or(ElfError::Truncated)?;
        let header: [u8; 56] = take(file, at)?;
        match u32::from_le_bytes(take(&header, 0)?) {
            PT_INTERP => return Err(ElfError::WrongKind),
            PT_LOAD => segments.extend(segment(file, &header)?),
            _ => {}
        }
    }
    Ok(segments)
}

/// Reads one `PT_LOAD` header. The part beyond the file's bytes is zero, as memory is anyway.
fn segment<'a>(file: &'a [u8], header: &[u8; 56]) -> Result<Option<Segment<'a>>, ElfError> {
    let flags = u32::from_le_bytes(take(header, 4)?);
    let at = offset(u64::from_le_bytes(take(header, 8)?))?;
    let address = u64::from_le_bytes(take(header, 16)?);
    let file_len = offset(u64::from_le_bytes(take(header, 32)?))?;
    let len = u64::from_le_bytes(take(header, 40)?);
    if len == 0 {
        return Ok(None);
    }
    if address.checked_add(len).is_none_or(|end| end > 1 << 32) || file_len as u64 > len {
        return Err(ElfError::Segment { address, len });
    }
    let end = at.checked_add(file_len).ok_or(ElfError::Truncated)?;
    let bytes = file.get(at..end).ok_or(ElfError::Truncated)?;
    Ok(Some(Segment {
        address,
        bytes,
        is_code: flags & PF_X != 0,
    }))
}

fn take<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], ElfError> {
    let chunk = bytes.get(at..).and_then(|rest| rest.first_chunk::<N>());
    chunk.copied().ok_or(ElfError::Truncated)
}

fn offset(value: u64) -> Result<usize, ElfError> {
    usize::try_from(value).map_err(|_| ElfError::Truncated)
}
