//! Keccak and ecrecover by the machine's native calls, in the places where libraries ask for them.
//!
//! Without the feature `native-calls` both stay in software: the libraries' own code.

/// Makes the EVM and the protocol recover signers through the machine.
#[cfg(not(feature = "native-calls"))]
pub(crate) const fn install() {}

#[cfg(feature = "native-calls")]
pub(crate) use native::install;

#[cfg(feature = "native-calls")]
mod native {
    use crate::machine::calls::{Leaf, PAGE, ecrecover, keccak, with_page};
    use revm::precompile::{Crypto, PrecompileHalt, install_crypto};
    use sha3::{Digest, Keccak256};

    /// Makes the EVM and the protocol recover signers through the machine.
    pub(crate) fn install() {
        install_crypto(MachineCrypto);
    }

    /// Everything in software, except recovery of signers.
    #[derive(Debug)]
    struct MachineCrypto;

    impl Crypto for MachineCrypto {
        fn secp256k1_ecrecover(
            &self,
            sig: &[u8; 64],
            recid: u8,
            msg: &[u8; 32],
        ) -> Result<[u8; 32], PrecompileHalt> {
            let mut leaf = Leaf([0; 128]);
            let (hash, rest) = leaf.0.split_at_mut(32);
            let (v, rs) = rest.split_at_mut(32);
            hash.copy_from_slice(msg);
            rs.copy_from_slice(sig);
            if let Some(last) = v.last_mut() {
                *last = recid.saturating_add(27);
            }
            ecrecover(&leaf)
                .map(|address| address.0)
                .ok_or(PrecompileHalt::Secp256k1RecoverFailed)
        }
    }

    /// The symbol through which `alloy_primitives::keccak256` asks its platform.
    #[unsafe(no_mangle)]
    #[expect(
        unsafe_code,
        reason = "SAFETY: alloy-primitives declares this symbol and keeps its contract: `len` \
                  readable bytes at `bytes`, 32 writable bytes at `output`, which do not overlap"
    )]
    unsafe extern "C" fn native_keccak256(bytes: *const u8, len: usize, output: *mut u8) {
        // SAFETY: see above; the slice lives only for this call.
        let bytes = unsafe { core::slice::from_raw_parts(bytes, len) };
        let hash = hash(bytes);
        // SAFETY: see above.
        unsafe { output.copy_from_nonoverlapping(hash.0.as_ptr(), 32) }
    }

    /// By the native call up to a page, in software beyond.
    fn hash(bytes: &[u8]) -> alloy_primitives::B256 {
        if bytes.len() > PAGE {
            return <[u8; 32]>::from(Keccak256::digest(bytes)).into();
        }
        with_page(|page| {
            if let Some(front) = page.0.get_mut(..bytes.len()) {
                front.copy_from_slice(bytes);
            }
            keccak(page, bytes.len())
        })
    }
}
