//! Contracts of others that wallets and tools expect at their canonical addresses.
//!
//! The genesis of L2 has all of them; a local L1 gets those that clients call there. Where each code comes
//! from and how it was checked: `preinstalls/README.md`.

use alloy::primitives::{Address, B256, Bytes, address, b256, keccak256};
use alloy::sol_types::SolValue;

/// A contract at a canonical address, as its deployment left it.
#[derive(Debug, Clone, Copy)]
pub struct Preinstall {
    /// Name, as in `preinstalls/README.md`.
    pub name: &'static str,
    /// Canonical address.
    pub address: Address,
    /// Keccak-256 of the code on Ethereum's mainnet.
    pub mainnet_code_hash: B256,
    /// Nonce: 1, and one more for each contract it created.
    pub nonce: u64,
    /// Storage slots that are not zero.
    pub storage: &'static [(u64, u64)],
    /// Runtime code on Ethereum's mainnet.
    code: &'static [u8],
}

impl Preinstall {
    /// Runtime code on the chain with id `chain_id`.
    ///
    /// Equal everywhere but for Permit2, whose code holds the chain id and the EIP-712 domain separator.
    pub fn code(&self, chain_id: u64) -> Bytes {
        if self.address == PERMIT2.address {
            permit2_code(self.code, chain_id).into()
        } else {
            Bytes::from_static(self.code)
        }
    }
}

/// Declares a preinstall whose code is in `preinstalls/<file>.bin`.
macro_rules! preinstall {
    ($file:literal, $address:literal, $hash:literal) => {
        preinstall!($file, $address, $hash, 1, &[])
    };
    ($file:literal, $address:literal, $hash:literal, $nonce:literal, $storage:expr) => {
        Preinstall {
            name: $file,
            address: address!($address),
            mainnet_code_hash: b256!($hash),
            nonce: $nonce,
            storage: $storage,
            code: include_bytes!(concat!("../preinstalls/", $file, ".bin")),
        }
    };
}

/// Many calls in one; viem uses it on L1 and L2.
pub const MULTICALL3: Preinstall = preinstall!(
    "Multicall3",
    "cA11bde05977b3631167028862bE2a173976CA11",
    "d5c15df687b16f2ff992fc8d767b4216323184a2bbc6ee2f9c398c318e770891"
);
/// Token approvals by signature.
pub const PERMIT2: Preinstall = preinstall!(
    "Permit2",
    "000000000022D473030F116dDEE9F6B43aC78BA3",
    "c67d1657868aa5146eaf24fb879fb1fdec3d2d493b3683a61c9c2f4fb2851131"
);
/// CREATE2 at the same address on every chain; foundry and `trestle deploy` use it.
pub const DETERMINISTIC_DEPLOYER: Preinstall = preinstall!(
    "DeterministicDeployer",
    "4e59b44847b379578588920cA78FbF26c0B4956C",
    "2fa86add0aed31f33a762c9d88e807c475bd51d0f52bd0955754b2608f7e4989"
);
/// The same deployer, as Safe's contracts use it.
pub const SAFE_SINGLETON_FACTORY: Preinstall = preinstall!(
    "DeterministicDeployer",
    "914d7Fec6aaC8cd542e72Bca78B30650d45643d7",
    "2fa86add0aed31f33a762c9d88e807c475bd51d0f52bd0955754b2608f7e4989"
);
/// CREATE2 with helpers.
pub const CREATE2_DEPLOYER: Preinstall = preinstall!(
    "Create2Deployer",
    "13b0D85CcB8bf860b6b79AF3029fCA081AE9beF2",
    "b0550b5b431e30d38000efb7107aaa0ade03d48a7198a140edda9d27134468b2"
);
/// CREATE, CREATE2 and CREATE3 with guarded salts.
pub const CREATEX: Preinstall = preinstall!(
    "CreateX",
    "ba5Ed099633D3B313e4D5F7bdc1305d3c28ba5Ed",
    "bd8a7ea8cfca7b4e5f5041d7d4b17bc317c5ce42cfbc42066a00cf26b43eb53f"
);
/// ERC-4337 entry point, version 0.6.
pub const ENTRY_POINT_V06: Preinstall = preinstall!(
    "EntryPointV06",
    "5FF137D4b0FDCD49DcA30c7CF57E578a026d2789",
    "c93c806e738300b5357ecdc2e971d6438d34d8e4e17b99b758b1f9cac91c8e70",
    2,
    &[(2, 1)]
);
/// Creates accounts for [`ENTRY_POINT_V06`].
pub const SENDER_CREATOR_V06: Preinstall = preinstall!(
    "SenderCreatorV06",
    "7fc98430eAEdbb6070B35B39D798725049088348",
    "ae818091eaaf1b6175ee41472359a689f3823d0908a41e2e5c4ad508f2fc04a3"
);
/// ERC-4337 entry point, version 0.7.
pub const ENTRY_POINT_V07: Preinstall = preinstall!(
    "EntryPointV07",
    "0000000071727De22E5E9d8BAf0edAc6f37da032",
    "8db5ff695839d655407cc8490bb7a5d82337a86a6b39c3f0258aa6c3b582fc58",
    2,
    &[(2, 1)]
);
/// Creates accounts for [`ENTRY_POINT_V07`].
pub const SENDER_CREATOR_V07: Preinstall = preinstall!(
    "SenderCreatorV07",
    "EFC2c1444eBCC4Db75e7613d20C6a62fF67A167C",
    "283c9d14378f5f4c4e24045b87d621d48443fa5b4af7dd7180a599b3756a7689"
);

/// All of them.
pub const ALL: [Preinstall; 10] = [
    MULTICALL3,
    PERMIT2,
    DETERMINISTIC_DEPLOYER,
    SAFE_SINGLETON_FACTORY,
    CREATE2_DEPLOYER,
    CREATEX,
    ENTRY_POINT_V06,
    SENDER_CREATOR_V06,
    ENTRY_POINT_V07,
    SENDER_CREATOR_V07,
];

/// Byte at which Permit2's code holds the chain id as a word.
const PERMIT2_CHAIN_ID: usize = 6945;
/// Byte at which Permit2's code holds its domain separator.
const PERMIT2_DOMAIN_SEPARATOR: usize = 6983;

/// EIP-712 domain separator of Permit2 on the chain with id `chain_id`.
pub fn permit2_domain_separator(chain_id: u64) -> B256 {
    let type_hash =
        keccak256("EIP712Domain(string name,uint256 chainId,address verifyingContract)");
    let domain = (type_hash, keccak256("Permit2"), chain_id, PERMIT2.address);
    keccak256(domain.abi_encode())
}

fn permit2_code(mainnet: &[u8], chain_id: u64) -> Vec<u8> {
    let words = [
        (
            PERMIT2_CHAIN_ID,
            B256::left_padding_from(&chain_id.to_be_bytes()),
        ),
        (PERMIT2_DOMAIN_SEPARATOR, permit2_domain_separator(chain_id)),
    ];
    let mut code = mainnet.to_vec();
    for (at, word) in words {
        code.iter_mut()
            .skip(at)
            .zip(word)
            .for_each(|(byte, new)| *byte = new);
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preinstall_has_the_code_hash_of_mainnet() {
        for preinstall in ALL {
            let got = keccak256(preinstall.code(1));
            assert_eq!(got, preinstall.mainnet_code_hash, "{}", preinstall.name);
        }
    }

    #[test]
    fn permit2_of_another_chain_has_its_id_and_domain() {
        let separator = b256!("866a5aba21966af95d6c7ab78eb2b2fc913915c28be3b9aa07cc04ff903e3f28");
        assert_eq!(
            permit2_domain_separator(1),
            separator,
            "mainnet's DOMAIN_SEPARATOR()"
        );
        let (mainnet, other) = (PERMIT2.code(1), PERMIT2.code(4242));
        let changed: Vec<usize> = (0..mainnet.len())
            .filter(|at| mainnet[*at] != other[*at])
            .collect();
        assert_eq!(changed[..2], [PERMIT2_CHAIN_ID + 30, PERMIT2_CHAIN_ID + 31]);
        assert_eq!(
            other[PERMIT2_DOMAIN_SEPARATOR..][..32],
            permit2_domain_separator(4242).0
        );
        assert_eq!(changed.last(), Some(&(PERMIT2_DOMAIN_SEPARATOR + 31)));
    }
}
