//! Which game to prove against: the newest one whose root is true by one's own word.

use std::future::Future;

use alloy::primitives::{Address, B256, Bytes, U256};
use trestle_protocol::OutputPreimage;

use super::{Settlement, TransferError};

/// Games asked for at a time.
const PAGE: u64 = 32;
/// `status` of a game whose root fell.
const CHALLENGER_WINS: u8 = 1;

/// Where output roots come from that one believes: a node of one's own, or a derivation from L1.
pub trait OutputSource: Sync {
    /// What the output root after L2 block `block` commits to; `None` where the source has no such block.
    ///
    /// # Errors
    /// [`TransferError`] when the source does not answer.
    fn output(
        &self,
        block: u64,
    ) -> impl Future<Output = Result<Option<OutputPreimage>, TransferError>> + Send;

    /// Trie nodes from the message passer's storage root after `block` to the withdrawal of this hash.
    ///
    /// # Errors
    /// [`TransferError::NotInBlock`], and when the source does not answer.
    fn message_proof(
        &self,
        block: u64,
        withdrawal: B256,
    ) -> impl Future<Output = Result<Vec<Bytes>, TransferError>> + Send;
}

/// A dispute game, as the factory lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Game {
    /// Index in the factory's list.
    pub index: u64,
    /// Where it is.
    pub address: Address,
    /// When it began, in seconds since 1970.
    pub created_at: u64,
    /// Output root that it settles.
    pub root: B256,
    /// L2 block that the root belongs to.
    pub block: u64,
}

impl Settlement {
    /// The newest game, begun at `since` or later, whose root is that of `source` for a block from `block` on,
    /// and has not fallen; with what its root commits to.
    ///
    /// Others than the newest game are looked at too: anyone may put false ones on top. Rule 42.
    ///
    /// # Errors
    /// [`TransferError`] when L1 or the source does not answer.
    pub async fn find_game(
        &self,
        source: &impl OutputSource,
        block: u64,
        since: u64,
    ) -> Result<Option<(Game, OutputPreimage)>, TransferError> {
        let count = self.factory().gameCount().call().await?;
        let mut end = count.saturating_to::<u64>();
        while end > 0 {
            let page = self.games_below(end).await?;
            let Some(oldest) = page.last() else { break };
            for game in page.iter().filter(|game| game.block >= block) {
                if let Some(output) = self.verified(source, game).await? {
                    return Ok(Some((*game, output)));
                }
            }
            if oldest.created_at < since {
                break;
            }
            end = oldest.index;
        }
        Ok(None)
    }

    /// Games of the accepted type with an index below `end`, newest first.
    async fn games_below(&self, end: u64) -> Result<Vec<Game>, TransferError> {
        let game_type = self.registry().respectedGameType().call().await?;
        let newest = U256::from(end.saturating_sub(1));
        let factory = self.factory();
        let page = factory.findLatestGames(game_type, newest, U256::from(PAGE));
        let games = page.call().await?.into_iter().map(|found| Game {
            index: found.index.saturating_to(),
            address: Address::from_word(found.metadata),
            created_at: found.timestamp,
            root: found.rootClaim,
            // The first word of a game's extra data is its L2 block.
            block: found
                .extraData
                .first_chunk::<32>()
                .map_or(0, |word| U256::from_be_bytes(*word).saturating_to()),
        });
        Ok(games.collect())
    }

    /// What the game's root commits to, if it is true and the Portal takes proofs against it.
    async fn verified(
        &self,
        source: &impl OutputSource,
        game: &Game,
    ) -> Result<Option<OutputPreimage>, TransferError> {
        let Some(output) = source.output(game.block).await? else {
            return Ok(None);
        };
        if output.root() != game.root {
            return Ok(None);
        }
        let fell = self.game(game.address).status().call().await? == CHALLENGER_WINS;
        let is_proper = self.registry().isGameProper(game.address).call().await?;
        Ok((is_proper && !fell).then_some(output))
    }
}
