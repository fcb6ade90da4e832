//! The accounts of a dev chain: those of anvil's well-known mnemonic, which everybody has the keys of.
//!
//! The first ten are the developer's; the next ones play the roles, so that no developer's
//! transaction ever disturbs a nonce of theirs.

use alloy::{
    primitives::{Address, B256, b256},
    signers::local::PrivateKeySigner,
};

/// The mnemonic, as wallets import it.
pub(super) const MNEMONIC: &str = "test test test test test test test test test test test junk";

/// Accounts that anvil has to fund: the developer's and the roles'.
pub(super) const COUNT: usize = KEYS.len() + ROLES.len();

/// Keys of the accounts 0 to 9 of the mnemonic, at `m/44'/60'/0'/0/i`.
const KEYS: [B256; 10] = [
    b256!("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"),
    b256!("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"),
    b256!("5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a"),
    b256!("7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6"),
    b256!("47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a"),
    b256!("8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba"),
    b256!("92db14e403b83dfe3df233f83dfa3a0d7096f21ca9b0d6d6b8d88b2b4ec1564e"),
    b256!("4bbbf85ce3377467afe5d46f804f221813b2bb87f24d81f60f1fcdbf7cbf4356"),
    b256!("dbda1821b80551c9d65939329250298aa3472ba22feea921c0cf5d620ea67b97"),
    b256!("2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6"),
];

/// Keys of the accounts 10 to 14.
const ROLES: [B256; 5] = [
    b256!("f214f2b2cd398c806f84e317254e0f0b801d0643303237d97a22a48e01628897"),
    b256!("701b615bbdfb9de65240bc28bd21bbc0d996645a3dd57e7b12bc2bdf6f192c82"),
    b256!("a267530f49f8280200edf313ee7af6b827f2a8bce2897751d06a843f644967b1"),
    b256!("47c99abed3324a2707c28affff1267e45918ec8c3f20b8aa892e8b065d2942dd"),
    b256!("c526ee95bf44d8fc405a158bb884d9d1238d99f0612e9f33d006bb0789009aaa"),
];

/// Who does what on a dev chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Deploys, rotates parameters and governs.
    Operator = 0,
    /// Appends batches.
    Batcher = 1,
    /// Proposes output roots.
    Proposer = 2,
    /// Defeats false claims.
    Challenger = 3,
    /// Makes one.
    Liar = 4,
}

/// An account with its key.
#[derive(Clone, Debug)]
pub(super) struct Account {
    /// Its address, the same on both layers.
    pub(super) address: Address,
    /// Its private key.
    pub(super) key: B256,
}

impl Account {
    fn new(key: B256) -> eyre::Result<Self> {
        let address = PrivateKeySigner::from_bytes(&key)?.address();
        Ok(Self { address, key })
    }

    /// Its signer.
    ///
    /// # Errors
    /// Never, for keys of this file.
    pub(super) fn signer(&self) -> eyre::Result<PrivateKeySigner> {
        Ok(PrivateKeySigner::from_bytes(&self.key)?)
    }
}

/// The developer's ten accounts.
///
/// # Errors
/// Never, for keys of this file.
pub(super) fn developer() -> eyre::Result<Vec<Account>> {
    KEYS.into_iter().map(Account::new).collect()
}

/// The account that plays `role`.
///
/// # Errors
/// Never, for keys of this file.
pub(super) fn of(role: Role) -> eyre::Result<Account> {
    let key = ROLES
        .get(role as usize)
        .ok_or_else(|| eyre::eyre!("no key for {role:?}"))?;
    Account::new(*key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::address;

    #[test]
    fn keys_are_those_of_the_mnemonic() {
        let developer = developer().unwrap();
        assert_eq!(
            developer[0].address,
            address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266")
        );
        assert_eq!(
            developer[9].address,
            address!("a0Ee7A142d267C1f36714E4a8F75612F20a79720")
        );
        let proposer = of(Role::Proposer).unwrap();
        assert_eq!(
            proposer.address,
            address!("FABB0ac9d68B0B445fB7357272Ff202C5651694a")
        );
        let batcher = of(Role::Batcher).unwrap();
        assert_eq!(
            batcher.address,
            address!("71bE63f3384f5fb98995898A86B02Fb2426c5788")
        );
    }
}
