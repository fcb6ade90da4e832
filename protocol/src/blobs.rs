//! Payloads in blobs: 31 bytes in each field element, the length first.
//!
//! Spec: `SPEC.md`, section 4.2.

use alloc::vec::Vec;
use alloy_primitives::{B256, Bytes};

/// Field elements of a blob.
pub const ELEMENTS_PER_BLOB: u32 = 4_096;
/// Bytes that one element carries; its first byte is zero.
const ELEMENT_BYTES: usize = 31;
/// Bytes of the length that begins the first blob.
const LENGTH_BYTES: usize = 4;

/// Reads a payload; `element` gives field element `index` of a blob.
///
/// `None` where the blobs hold none: an element that was read has a first byte that is not zero, or
/// the length exceeds what the blobs can carry. Elements beyond the length are not read.
///
/// # Errors
/// Those of `element`.
pub fn read_payload<E>(
    hashes: &[B256],
    mut element: impl FnMut(B256, u32) -> Result<B256, E>,
) -> Result<Option<Bytes>, E> {
    let mut data = Vec::new();
    let mut wanted = LENGTH_BYTES;
    for hash in hashes {
        for index in 0..ELEMENTS_PER_BLOB {
            if data.len() >= wanted {
                break;
            }
            let Some((0, bytes)) = element(*hash, index)?
                .split_first()
                .map(|(f, b)| (*f, b.to_vec()))
            else {
                return Ok(None);
            };
            let is_first = data.is_empty();
            data.extend_from_slice(&bytes);
            if is_first {
                wanted = wanted.saturating_add(declared_length(&data));
            }
        }
    }
    Ok(data.get(LENGTH_BYTES..wanted).map(Bytes::copy_from_slice))
}

fn declared_length(data: &[u8]) -> usize {
    let length = data
        .first_chunk::<LENGTH_BYTES>()
        .map_or(0, |bytes| u32::from_be_bytes(*bytes));
    usize::try_from(length).unwrap_or(usize::MAX)
}

/// Lays a payload out as field elements, blob after blob; the last blob is filled with zeros.
#[must_use]
pub fn write_payload(payload: &[u8]) -> Vec<Vec<B256>> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    let mut data = length.to_be_bytes().to_vec();
    data.extend_from_slice(payload);
    let per_blob = usize::try_from(ELEMENTS_PER_BLOB).unwrap_or(usize::MAX);
    let elements: Vec<B256> = data.chunks(ELEMENT_BYTES).map(element_of).collect();
    let mut blobs: Vec<Vec<B256>> = elements.chunks(per_blob).map(<[B256]>::to_vec).collect();
    if let Some(last) = blobs.last_mut() {
        last.resize(per_blob, B256::ZERO);
    }
    blobs
}

fn element_of(chunk: &[u8]) -> B256 {
    let padded = [0u8].iter().chain(chunk).copied();
    let mut word = B256::ZERO;
    word.0
        .iter_mut()
        .zip(padded)
        .for_each(|(to, from)| *to = from);
    word
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::convert::Infallible;

    fn read(blobs: &[Vec<B256>]) -> Option<Bytes> {
        let hashes: Vec<B256> = (0..blobs.len())
            .map(|i| B256::with_last_byte(u8::try_from(i).unwrap()))
            .collect();
        let element = |hash: B256, index: u32| {
            Ok::<_, Infallible>(blobs[usize::from(hash[31])][index as usize])
        };
        read_payload(&hashes, element).unwrap()
    }

    #[test]
    fn payload_written_and_read_is_the_same() {
        for len in [0, 1, 26, 27, 28, 31, 126_972, 126_973, 300_000] {
            let payload: Vec<u8> = (0u8..=255).cycle().take(len).map(|i| i | 1).collect();
            let blobs = write_payload(&payload);
            assert!(blobs.iter().all(|blob| blob.len() == 4_096));
            assert_eq!(read(&blobs), Some(Bytes::from(payload)));
        }
    }

    #[test]
    fn rule_37_element_with_top_bits_set_makes_the_payload_empty() {
        let mut blobs = write_payload(&[1; 100]);
        blobs[0][2].0[0] = 1;
        assert_eq!(read(&blobs), None);
    }

    #[test]
    fn length_beyond_the_blobs_makes_the_payload_empty() {
        let mut blobs = write_payload(&[1; 100]);
        blobs[0][0].0[1] = 1;
        assert_eq!(read(&blobs), None);
        assert_eq!(read(&[]), None);
    }
}
