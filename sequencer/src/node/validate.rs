//! Refuses, before anything is started, settings that L1 would refuse or that cannot work.
//!
//! The limits are not copied: they come from the chain's configuration, which is bound into every proof, and from the
//! contracts on L1. Each refusal names the setting, the limit and where the limit comes from.

use super::{NodeConfig, Role, SequencerConfig};
use crate::{
    batcher::{BatchKind, TIME_MARGIN},
    l1::{ContractReader, L1Client, ReadError, RpcError},
};
use alloy_primitives::{Address, U256, utils::format_ether};
use std::time::Duration;
use trestle_contracts::bindings::inbox::Inbox::{batcherCall, forcedInclusionDelayCall};
use trestle_protocol::ChainConfig;

/// Most batches that one claim covers (`SPEC.md`, D.1).
const BATCHES_OF_A_CLAIM: u32 = 1 << 21;
/// Longest time between two L1 blocks that makes sense: an L1 that pauses longer is one that stands still.
const LONGEST_L1_BLOCK: Duration = Duration::from_secs(600);

/// Why settings are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// No L1 is followed at this pace.
    #[error("l1-block-time is {got:?}, must be above 0 and at most {most:?}")]
    L1BlockTime {
        /// Value given.
        got: Duration,
        /// Highest value.
        most: Duration,
    },
    /// Blocks would be too old for L1 when their batch comes.
    #[error(
        "batch-delay is {got:?}, must be at most {most:?}: the Inbox gives older blocks another time, which changes their hashes"
    )]
    BatchDelay {
        /// Value given.
        got: Duration,
        /// Highest value: the Inbox's window without the batcher's margin.
        most: Duration,
    },
    /// Anyone could force deposits in before their batch comes.
    #[error(
        "{setting} makes deposits wait {got:?}, the Inbox lets anyone force them in after {forced:?}: every such batch would take blocks back"
    )]
    Overdue {
        /// Name of the setting.
        setting: &'static str,
        /// Time that a queue entry may wait.
        got: Duration,
        /// The chain's forced-inclusion delay.
        forced: Duration,
    },
    /// A block could be sealed that no batch holds.
    #[error("blocks of up to {got} bytes do not fit into a payload of {most} bytes")]
    BlockBytes {
        /// Bytes of user transactions in a block.
        got: usize,
        /// Bytes of a payload.
        most: usize,
    },
    /// A legal transaction would fit into no block.
    #[error("blocks of up to {got} bytes have no room for a transaction of {least} bytes")]
    TransactionBytes {
        /// Bytes of user transactions in a block.
        got: usize,
        /// Bytes of the longest legal transaction.
        least: usize,
    },
    /// A claim would cover more batches than a game can tell apart.
    #[error(
        "proposal-interval is {got:?}, must be at most {most:?}: a claim on L1 covers at most 2^21 batches, and one may come with every L1 block"
    )]
    ProposalInterval {
        /// Value given.
        got: Duration,
        /// Highest value.
        most: Duration,
    },
    /// Two senders would use the same nonces.
    #[error("batcher and proposer are the same account {account}: each needs its own")]
    SharedAccount {
        /// The account.
        account: Address,
    },
    /// The Inbox would refuse every batch.
    #[error(
        "the batcher's key is of account {account}, the Inbox takes batches from {batcher} only: use that key, or name the account by `trestle operator set-batcher`"
    )]
    NotBatcher {
        /// Account of the key.
        account: Address,
        /// The batcher, as L1 has it.
        batcher: Address,
    },
    /// Not even one batch could be posted in a day.
    #[error(
        "max-l1-spend is {} ETH a day, the smallest batch may cost {} ETH at L1's price now",
        format_ether(*got),
        format_ether(*least)
    )]
    SpendCap {
        /// Value given, in wei.
        got: U256,
        /// Least that a batch sets aside, in wei.
        least: U256,
    },
    /// L1's price is not to be had.
    #[error("l1 does not tell its price: {0}")]
    Prices(#[source] RpcError),
    /// Transactions would be handed round in a circle.
    #[error("the sequencer's endpoint {url} is this node's own RPC")]
    OwnSequencer {
        /// The endpoint.
        url: String,
    },
    /// The limits on L1 cannot be read.
    #[error("the chain's contracts on L1 cannot be read: {0}")]
    L1(#[from] ReadError),
}

/// Accounts of the keys that a node was given.
#[derive(Debug, Clone, Copy, Default)]
pub struct Accounts {
    /// Of the batcher's key.
    pub batcher: Option<Address>,
    /// Of the proposer's key.
    pub proposer: Option<Address>,
}

impl NodeConfig {
    /// Checks what can be checked without L1.
    ///
    /// # Errors
    /// The first [`SettingsError`] found.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let block_time = self.l1_block_time;
        if block_time.is_zero() || block_time > LONGEST_L1_BLOCK {
            return Err(SettingsError::L1BlockTime {
                got: block_time,
                most: LONGEST_L1_BLOCK,
            });
        }
        match &self.role {
            Role::Sequencer(sequencer) => sequencer.validate(&self.chain)?,
            Role::Replica { .. } => self.refuse_circle()?,
        }
        let most = block_time * BATCHES_OF_A_CLAIM;
        match self.proposer.as_ref().map(|proposer| proposer.interval) {
            Some(got) if got > most => Err(SettingsError::ProposalInterval { got, most }),
            _ => Ok(()),
        }
    }

    fn refuse_circle(&self) -> Result<(), SettingsError> {
        let Role::Replica {
            sequencer: Some(url),
            ..
        } = &self.role
        else {
            return Ok(());
        };
        let is_here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        let (own, theirs) = (self.rpc.listen.port(), url.port_or_known_default());
        if is_here && own != 0 && theirs == Some(own) {
            return Err(SettingsError::OwnSequencer {
                url: url.to_string(),
            });
        }
        Ok(())
    }

    /// Checks what depends on the contracts.
    ///
    /// # Errors
    /// The first [`SettingsError`] found; [`SettingsError::L1`] when they cannot be read.
    pub async fn validate_on_l1(
        &self,
        client: &L1Client,
        accounts: Accounts,
    ) -> Result<(), SettingsError> {
        let (batcher, proposer) = (accounts.batcher, accounts.proposer);
        if let Some(account) = batcher.filter(|_| batcher == proposer) {
            return Err(SettingsError::SharedAccount { account });
        }
        let (Role::Sequencer(sequencer), Some(account)) = (&self.role, batcher) else {
            return Ok(());
        };
        let (l1, inbox) = (ContractReader::new(client.clone()), self.chain.inbox);
        let batcher = l1.read(inbox, &batcherCall {}).await?;
        if batcher != account {
            return Err(SettingsError::NotBatcher { account, batcher });
        }
        if let Some(got) = sequencer.max_l1_spend {
            let market = client.fee_market().await.map_err(SettingsError::Prices)?;
            let least = BatchKind::least_cost(&market);
            if got < least {
                return Err(SettingsError::SpendCap { got, least });
            }
        }
        let forced = l1.read(inbox, &forcedInclusionDelayCall {}).await?;
        sequencer.validate_delays(self.l1_block_time, Duration::from_secs(forced))
    }
}

impl SequencerConfig {
    fn validate(&self, chain: &ChainConfig) -> Result<(), SettingsError> {
        let most = Duration::from_secs(chain.max_time_lag.saturating_sub(TIME_MARGIN));
        if self.close.max_delay > most {
            let got = self.close.max_delay;
            return Err(SettingsError::BatchDelay { got, most });
        }
        let bytes = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
        let got = self.builder.max_block_bytes;
        let (most, least) = (bytes(chain.max_payload_bytes), bytes(chain.max_tx_bytes));
        if got > most {
            return Err(SettingsError::BlockBytes { got, most });
        }
        if got < least {
            return Err(SettingsError::TransactionBytes { got, least });
        }
        Ok(())
    }

    /// A queue entry waits for its depth, then for its batch; on an idle chain for the next batch at all.
    fn validate_delays(
        &self,
        l1_block_time: Duration,
        forced: Duration,
    ) -> Result<(), SettingsError> {
        let blocks = u32::try_from(self.builder.deposit_depth).unwrap_or(u32::MAX);
        let depth = l1_block_time.saturating_mul(blocks);
        let idle = self.close.idle_delay.max(self.close.max_delay);
        let waits = [
            ("deposit-depth", depth),
            ("batch-delay", depth.saturating_add(self.close.max_delay)),
            ("idle-batch-delay", depth.saturating_add(idle)),
        ];
        match waits.into_iter().find(|(_, got)| *got >= forced) {
            Some((setting, got)) => Err(SettingsError::Overdue {
                setting,
                got,
                forced,
            }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{batcher::ClosePolicy, engine::BuilderConfig};
    use alloy_primitives::B256;

    fn chain() -> ChainConfig {
        ChainConfig::new(1, 7_357, Address::ZERO, B256::ZERO)
    }

    fn sequencer() -> SequencerConfig {
        SequencerConfig {
            builder: BuilderConfig::default(),
            close: ClosePolicy {
                max_delay: Duration::from_secs(30),
                idle_delay: Duration::from_secs(3_600),
            },
            kinds: crate::batcher::KindPolicy::Calldata,
            max_backlog: 1 << 20,
            pool: crate::mempool::PoolLimits::default(),
            max_l1_spend: None,
            batcher_key: None,
            feed_key: None,
        }
    }

    #[test]
    fn defaults_are_accepted() {
        sequencer().validate(&chain()).unwrap();
        let (block, forced) = (Duration::from_secs(12), Duration::from_secs(43_200));
        sequencer().validate_delays(block, forced).unwrap();
    }

    #[test]
    fn batch_delay_beyond_the_inboxs_window_is_refused() {
        let mut config = sequencer();
        config.close.max_delay = Duration::from_secs(86_400 - TIME_MARGIN);
        config.validate(&chain()).unwrap();
        config.close.max_delay += Duration::from_secs(1);
        let refused = config.validate(&chain()).unwrap_err();
        assert!(matches!(refused, SettingsError::BatchDelay { .. }));
        assert!(
            refused.to_string().starts_with("batch-delay is 86341s"),
            "{refused}"
        );
    }

    #[test]
    fn block_that_no_payload_holds_is_refused() {
        let mut config = sequencer();
        config.builder.max_block_bytes = 100_001;
        let (got, most) = (100_001, 100_000);
        assert_eq!(
            config.validate(&chain()),
            Err(SettingsError::BlockBytes { got, most })
        );
    }

    #[test]
    fn block_without_room_for_a_legal_transaction_is_refused() {
        let mut config = sequencer();
        config.builder.max_block_bytes = 94_999;
        let (got, least) = (94_999, 95_000);
        assert_eq!(
            config.validate(&chain()),
            Err(SettingsError::TransactionBytes { got, least })
        );
    }

    #[test]
    fn waits_that_let_deposits_be_forced_in_are_refused_by_name() {
        let (block, forced) = (Duration::from_secs(12), Duration::from_secs(600));
        let setting = |config: &SequencerConfig| match config.validate_delays(block, forced) {
            Err(SettingsError::Overdue { setting, .. }) => setting,
            other => panic!("{other:?}"),
        };
        let mut config = sequencer();
        assert_eq!(setting(&config), "idle-batch-delay");
        config.close.idle_delay = Duration::from_secs(500);
        config.validate_delays(block, forced).unwrap();
        config.close.max_delay = Duration::from_secs(530);
        assert_eq!(setting(&config), "batch-delay");
        config.builder.deposit_depth = 50;
        assert_eq!(setting(&config), "deposit-depth");
    }
}
