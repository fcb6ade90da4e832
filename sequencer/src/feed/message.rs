//! One message of the feed: `signature (65 bytes: r ‖ s ‖ v) ‖ version (1 byte) ‖ RLP of the block`.
//!
//! The signature is over `keccak256(domain ‖ chain id ‖ keccak256(payload))`, where payload is all
//! that follows the signature. It is checked before anything of the payload is looked at.

use crate::l1::{L1Signer, SignerError};
use alloy_primitives::{Address, B256, Bytes, Signature, U256, keccak256};
use alloy_rlp::{Decodable, RlpDecodable, RlpEncodable};

/// Longest message that is taken, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 1 << 20;
/// Its hash is the domain of the signatures: what the key signs for the feed means nothing elsewhere.
const DOMAIN: &[u8] = b"trestle block feed";
/// Version byte of the payload.
const VERSION: u8 = 1;
/// Length of a signature, in bytes.
const SIGNATURE: usize = 65;

/// A block as the feed carries it: what is needed to execute it, and what must come out.
#[derive(Debug, Clone, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct FeedBlock {
    /// Its number.
    pub number: u64,
    /// Hash of the block before.
    pub parent_hash: B256,
    /// Hash that executing it must give.
    pub hash: B256,
    /// Timestamp, in seconds.
    pub timestamp: u64,
    /// First queue entry that it consumes.
    pub deposit_from: u64,
    /// First queue entry after those that it consumes.
    pub deposit_to: u64,
    /// Its user transactions, EIP-2718 encoded.
    pub transactions: Vec<Bytes>,
}

/// Why a message is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// It is too short for a signature and a version, or too long.
    #[error("feed message of {0} bytes")]
    Length(usize),
    /// It was not signed by whom the chain trusts with its unsafe head.
    #[error("feed message is not signed by {expected}")]
    Signer {
        /// Who must sign.
        expected: Address,
    },
    /// It is signed, and of another version of the feed.
    #[error("feed message of version {0}")]
    Version(u8),
    /// It is signed, and yet no block.
    #[error("feed message does not decode")]
    Malformed,
}

/// What signs messages.
#[derive(Debug, Clone)]
pub struct FeedKey {
    signer: L1Signer,
    chain_id: u64,
}

impl FeedKey {
    /// A key for the feed of the chain with this id.
    #[must_use]
    pub const fn new(signer: L1Signer, chain_id: u64) -> Self {
        Self { signer, chain_id }
    }
}

/// What a signature is over.
fn digest(chain_id: u64, payload: &[u8]) -> B256 {
    let mut preimage = [0u8; 96];
    let (domain, rest) = preimage.split_at_mut(32);
    let (id, hash) = rest.split_at_mut(32);
    domain.copy_from_slice(keccak256(DOMAIN).as_slice());
    id.copy_from_slice(&U256::from(chain_id).to_be_bytes::<32>());
    hash.copy_from_slice(keccak256(payload).as_slice());
    keccak256(preimage)
}

/// Encodes and signs a block.
///
/// # Errors
/// [`SignerError::Refused`] when the key cannot sign.
pub fn seal(key: &FeedKey, block: &FeedBlock) -> Result<Bytes, SignerError> {
    let mut payload = vec![VERSION];
    alloy_rlp::Encodable::encode(block, &mut payload);
    let signature = key.signer.sign_hash(&digest(key.chain_id, &payload))?;
    let mut message = signature.as_bytes().to_vec();
    message.append(&mut payload);
    Ok(message.into())
}

/// Checks who signed a message, and only then decodes it.
///
/// # Errors
/// [`MessageError`].
pub fn open(message: &[u8], chain_id: u64, expected: Address) -> Result<FeedBlock, MessageError> {
    if message.len() > MAX_MESSAGE_BYTES {
        return Err(MessageError::Length(message.len()));
    }
    let Some((signature, payload)) = message.split_first_chunk::<SIGNATURE>() else {
        return Err(MessageError::Length(message.len()));
    };
    let signer = Signature::from_raw_array(signature)
        .ok()
        .and_then(|signature| {
            let digest = digest(chain_id, payload);
            signature.recover_address_from_prehash(&digest).ok()
        });
    if signer != Some(expected) {
        return Err(MessageError::Signer { expected });
    }
    match payload.split_first() {
        Some((&VERSION, mut rlp)) => match FeedBlock::decode(&mut rlp) {
            Ok(block) if rlp.is_empty() => Ok(block),
            _ => Err(MessageError::Malformed),
        },
        Some((version, _)) => Err(MessageError::Version(*version)),
        None => Err(MessageError::Length(message.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::signers::local::PrivateKeySigner;
    use proptest::prelude::*;

    const CHAIN: u64 = 7_117;

    fn signer(seed: u8) -> PrivateKeySigner {
        PrivateKeySigner::from_bytes(&B256::repeat_byte(seed)).unwrap()
    }

    fn key(seed: u8) -> FeedKey {
        FeedKey::new(signer(seed).into(), CHAIN)
    }

    fn block(transactions: Vec<Bytes>) -> FeedBlock {
        FeedBlock {
            number: 5,
            parent_hash: B256::repeat_byte(1),
            hash: B256::repeat_byte(2),
            timestamp: 1_800_000_000,
            deposit_from: 3,
            deposit_to: 4,
            transactions,
        }
    }

    #[test]
    fn message_of_the_signer_opens_and_of_nobody_else() {
        let block = block(vec![Bytes::from_static(&[2, 0xc0])]);
        let message = seal(&key(1), &block).unwrap();
        let expected = signer(1).address();
        assert_eq!(open(&message, CHAIN, expected), Ok(block));
        let refused = Err(MessageError::Signer { expected });
        assert_eq!(open(&message, CHAIN + 1, expected), refused);
        let forged = seal(&key(2), &self::block(vec![])).unwrap();
        assert_eq!(open(&forged, CHAIN, expected), refused);
    }

    /// The digest is what the specification says, computed here by hand.
    #[test]
    fn signature_is_over_domain_chain_and_payload() {
        let message = seal(&key(1), &block(vec![])).unwrap();
        let (signature, payload) = message.split_at(65);
        let mut preimage = keccak256("trestle block feed").to_vec();
        preimage.extend(B256::from(U256::from(CHAIN)));
        preimage.extend(keccak256(payload));
        let signature = Signature::from_raw(signature).unwrap();
        let recovered = signature.recover_address_from_prehash(&keccak256(preimage));
        assert_eq!(recovered.unwrap(), signer(1).address());
    }

    #[test]
    fn signed_garbage_is_told_apart() {
        let expected = signer(1).address();
        let signed = |payload: &[u8]| {
            let hash = digest(CHAIN, payload);
            let signature = L1Signer::from(signer(1)).sign_hash(&hash).unwrap();
            [&signature.as_bytes()[..], payload].concat()
        };
        let open = |payload: &[u8]| open(&signed(payload), CHAIN, expected);
        assert_eq!(open(&[]), Err(MessageError::Length(65)));
        assert_eq!(open(&[9]), Err(MessageError::Version(9)));
        assert_eq!(open(&[VERSION, 0xc0]), Err(MessageError::Malformed));
        let mut long = vec![VERSION];
        alloy_rlp::Encodable::encode(&block(vec![]), &mut long);
        long.push(0);
        assert_eq!(open(&long), Err(MessageError::Malformed));
    }

    proptest! {
        #[test]
        fn round_trip_gives_the_block_back(
            number: u64, timestamp: u64,
            txs in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..8),
        ) {
            let block = FeedBlock {
                number,
                timestamp,
                ..block(txs.into_iter().map(Bytes::from).collect())
            };
            let message = seal(&key(1), &block).unwrap();
            prop_assert_eq!(open(&message, CHAIN, signer(1).address()), Ok(block));
        }

        #[test]
        fn changed_message_never_opens_as_another_block(at: prop::sample::Index, to: u8) {
            let block = block(vec![Bytes::from_static(&[1; 40])]);
            let mut message = seal(&key(1), &block).unwrap().to_vec();
            let at = at.index(message.len());
            message[at] = to;
            if let Ok(opened) = open(&message, CHAIN, signer(1).address()) {
                prop_assert_eq!(opened, block);
            }
        }

        #[test]
        fn any_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(open(&bytes, CHAIN, signer(1).address()).is_err());
        }
    }
}
