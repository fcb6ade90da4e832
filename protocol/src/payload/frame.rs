//! The zstd frame around the columns: read under rules that leave no choice to the decoder.
//!
//! The shape of the frame, header and chain of blocks, is checked here before anything is decoded;
//! the blocks themselves are decoded by `zstd`.
//! Source: RFC 8878; `SPEC.md`, section 4.

use super::{PAYLOAD_VERSION, PayloadError, PayloadLimits, zstd::BlockDecoder};
use alloy_primitives::Bytes;

/// Largest window that a frame may ask for, in bytes.
pub const MAX_WINDOW: u64 = 1 << 22;

/// Smallest window of the format, in bytes.
const MIN_WINDOW: u64 = 1 << 10;
/// Largest block before and after decoding, in bytes; less if the window is smaller.
const MAX_BLOCK: u64 = 1 << 17;
/// Bytes of a block's header.
const HEADER_BYTES: usize = 3;
/// Magic number of a frame.
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Why a frame is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// It does not begin with the magic number of a frame.
    #[error("not a zstd frame")]
    Magic,
    /// The header is cut off.
    #[error("frame header is truncated")]
    Header,
    /// A dictionary, a checksum or a reserved bit.
    #[error("frame descriptor {descriptor:#04x} asks for what is not allowed")]
    Descriptor {
        /// The descriptor byte.
        descriptor: u8,
    },
    /// The window is too large or too small.
    #[error("frame window of {window} bytes")]
    Window {
        /// Size of the window in bytes.
        window: u64,
    },
    /// A block is cut off, of the reserved type, or too large.
    #[error("malformed block chain")]
    Block,
    /// Bytes after the last block.
    #[error("{count} bytes after the frame")]
    Trailing {
        /// How many.
        count: usize,
    },
    /// A block does not decode.
    #[error("corrupt block")]
    Corrupt,
    /// More output than allowed.
    #[error("more than {limit} bytes of output")]
    TooLarge {
        /// How many bytes there may be.
        limit: usize,
    },
    /// Another length than the header declares.
    #[error("{got} bytes of output, {expected} declared")]
    ContentSize {
        /// Length declared in the header, in bytes.
        expected: u64,
        /// Length of the output, in bytes.
        got: u64,
    },
}

/// What the header of a frame says.
#[derive(Debug, Clone, Copy)]
struct Header {
    content_size: Option<u64>,
    window: u64,
}

/// The columns inside a payload: checks the version byte and decodes the frame.
///
/// Memory is at most about four times `max_decompressed`, whatever the input.
///
/// # Errors
/// [`PayloadError::Version`] and [`PayloadError::Frame`].
pub fn decompress(bytes: &[u8], limits: &PayloadLimits) -> Result<Bytes, PayloadError> {
    let frame = match bytes.split_first() {
        Some((&PAYLOAD_VERSION, frame)) => frame,
        other => {
            return Err(PayloadError::Version {
                got: other.map(|(version, _)| *version),
            });
        }
    };
    Ok(decode_frame(frame, limits.max_decompressed)?)
}

fn decode_frame(frame: &[u8], limit: usize) -> Result<Bytes, FrameError> {
    let mut rest = frame;
    let header = read_header(&mut rest)?;
    if header.content_size.is_some_and(|size| size > limit as u64) {
        return Err(FrameError::TooLarge { limit });
    }
    let max_block = header.window.min(MAX_BLOCK);
    check_blocks(rest, max_block)?;
    let output = decode_blocks(rest, max_block, limit)?;
    let got = output.len() as u64;
    match header.content_size {
        Some(expected) if expected != got => Err(FrameError::ContentSize { expected, got }),
        _ => Ok(output),
    }
}

/// Takes the header off the front of a frame.
fn read_header(rest: &mut &[u8]) -> Result<Header, FrameError> {
    if take(rest, 4).ok_or(FrameError::Magic)? != MAGIC {
        return Err(FrameError::Magic);
    }
    let descriptor = byte(rest).ok_or(FrameError::Header)?;
    // Bits 0 and 1: dictionary id; 2: checksum; 3: reserved; 4: unused and ignored.
    if descriptor & 0x0f != 0 {
        return Err(FrameError::Descriptor { descriptor });
    }
    let is_single_segment = descriptor & 0x20 != 0;
    let window = match is_single_segment {
        true => None,
        false => Some(window_size(byte(rest).ok_or(FrameError::Header)?)),
    };
    let size_bytes = match (descriptor >> 6, is_single_segment) {
        (0, false) => 0,
        (0, true) => 1,
        (1, _) => 2,
        (2, _) => 4,
        _ => 8,
    };
    let size = take(rest, size_bytes).ok_or(FrameError::Header)?;
    let size = size
        .iter()
        .rev()
        .fold(0_u64, |size, byte| (size << 8) | u64::from(*byte));
    let content_size = match size_bytes {
        0 => None,
        2 => Some(size.saturating_add(256)),
        _ => Some(size),
    };
    let window = window.or(content_size).unwrap_or_default();
    if window > MAX_WINDOW || (!is_single_segment && window < MIN_WINDOW) {
        return Err(FrameError::Window { window });
    }
    Ok(Header {
        content_size,
        window,
    })
}

/// Size that a window descriptor means, in bytes.
const fn window_size(descriptor: u8) -> u64 {
    let base = 1_u64 << (10_u8.saturating_add(descriptor >> 3));
    base.saturating_add((base / 8).saturating_mul((descriptor & 7) as u64))
}

/// How a block says what it regenerates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Raw,
    Repeated,
    Compressed,
}

/// A block as it lies in the frame.
#[derive(Debug, Clone, Copy)]
struct Block<'a> {
    kind: Kind,
    /// Size in its header, in bytes: stored or, of a repeated byte, regenerated.
    size: usize,
    bytes: &'a [u8],
    is_last: bool,
}

/// Takes the next block off the front of a chain.
fn next_block<'a>(rest: &mut &'a [u8], max_block: u64) -> Result<Block<'a>, FrameError> {
    let header = take(rest, HEADER_BYTES).ok_or(FrameError::Block)?;
    let header = header
        .iter()
        .rev()
        .fold(0_u32, |word, byte| (word << 8) | u32::from(*byte));
    let size = header >> 3;
    let kind = match (header >> 1) & 3 {
        0 => Kind::Raw,
        1 => Kind::Repeated,
        2 => Kind::Compressed,
        _ => return Err(FrameError::Block),
    };
    if u64::from(size) > max_block {
        return Err(FrameError::Block);
    }
    let size = size as usize;
    let stored = if kind == Kind::Repeated { 1 } else { size };
    Ok(Block {
        kind,
        size,
        bytes: take(rest, stored).ok_or(FrameError::Block)?,
        is_last: header & 1 == 1,
    })
}

/// Walks the chain of blocks to its end, which must be that of the bytes.
fn check_blocks(mut rest: &[u8], max_block: u64) -> Result<(), FrameError> {
    while !next_block(&mut rest, max_block)?.is_last {}
    match rest.len() {
        0 => Ok(()),
        count => Err(FrameError::Trailing { count }),
    }
}

/// Decodes block by block, so that no block gets far beyond its limit or that of the output.
fn decode_blocks(mut rest: &[u8], max_block: u64, limit: usize) -> Result<Bytes, FrameError> {
    let max = usize::try_from(max_block).map_err(|_| FrameError::Block)?;
    let mut decoder = BlockDecoder::default();
    loop {
        let block = next_block(&mut rest, max_block)?;
        match (block.kind, block.bytes.first()) {
            (Kind::Raw, _) => decoder.raw(block.bytes),
            (Kind::Repeated, Some(byte)) => decoder.repeated(*byte, block.size),
            _ => decoder
                .compressed(block.bytes, max)
                .ok_or(FrameError::Corrupt)?,
        }
        if decoder.output().len() > limit {
            return Err(FrameError::TooLarge { limit });
        }
        if block.is_last {
            return Ok(decoder.into_output().into());
        }
    }
}

fn byte(rest: &mut &[u8]) -> Option<u8> {
    take(rest, 1)?.first().copied()
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(len)?;
    *rest = after;
    Some(taken)
}
