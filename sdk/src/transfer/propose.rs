//! Proposals of output roots, for who has to bring their own.

use alloy::{
    primitives::{Address, B256, Bytes, U256},
    rpc::types::TransactionRequest,
};
use trestle_contracts::{
    bindings::{DisputeGame, dispute_game_factory::DisputeGameFactory::Proposal},
    root_claim,
};
use trestle_protocol::OutputPreimage;

use super::{Settlement, TransferError, Wallet};

/// A batch with all that a proposal of its output root needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposable {
    /// Index of the batch.
    pub batch: u64,
    /// The Inbox's accumulator after it.
    pub batch_acc: B256,
    /// What its output root commits to.
    pub output: OutputPreimage,
    /// RLP of its last block's header.
    pub header_rlp: Bytes,
    /// Number of that block.
    pub block: u64,
}

/// A proposal as the factory takes it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Bond that it locks, in wei; it comes back when the root stands.
    pub bond: U256,
    /// Where its game is, or will be.
    pub game: Address,
    /// Whether somebody made the same proposal already.
    pub is_made: bool,
    request: TransactionRequest,
}

impl Settlement {
    /// What it takes to propose the output root of a batch; `None` when the anchor is at the batch or beyond.
    ///
    /// # Errors
    /// [`TransferError::Contract`].
    pub async fn offer(&self, batch: &Proposable) -> Result<Option<Offer>, TransferError> {
        let anchor = self.registry().anchor().call().await?;
        if anchor.batch >= batch.batch {
            return Ok(None);
        }
        let game_type = self.registry().respectedGameType().call().await?;
        let proposal = Proposal {
            outputRoot: batch.output.root(),
            batchAcc: batch.batch_acc,
            anchorRoot: anchor.root,
            batch: batch.batch,
            anchorBatch: anchor.batch,
            l2BlockNumber: batch.block,
        };
        let factory = self.factory();
        let at = factory.gameOf(game_type, proposal.clone()).call().await?;
        let implementation = factory.gameImpls(game_type).call().await?;
        let bond = self.bond(implementation, &proposal).await?;
        let call = factory
            .create(
                game_type,
                proposal,
                batch.output.message_passer_root,
                batch.header_rlp.clone(),
            )
            .value(bond);
        Ok(Some(Offer {
            bond,
            game: at.game,
            is_made: at.exists,
            request: call.into_transaction_request(),
        }))
    }

    async fn bond(
        &self,
        implementation: Address,
        proposal: &Proposal,
    ) -> Result<U256, TransferError> {
        let header = root_claim(proposal);
        let game = DisputeGame::new(implementation, self.provider());
        Ok(game.bondOf(header).call().await?)
    }

    /// Makes the proposal; gives its L1 transaction.
    ///
    /// # Errors
    /// As [`Wallet::send`], with the game's reason.
    pub async fn propose(&self, wallet: &Wallet, offer: &Offer) -> Result<B256, TransferError> {
        let receipt = wallet.send("the proposal", offer.request.clone()).await?;
        Ok(receipt.transaction_hash)
    }

    /// Takes the account's bonds out of a game once its root stands; `None` when there is nothing to take yet.
    ///
    /// # Errors
    /// As [`Wallet::send`].
    pub async fn collect(
        &self,
        wallet: &Wallet,
        game: Address,
    ) -> Result<Option<(B256, U256)>, TransferError> {
        let contract = self.game(game);
        if contract.resolve().call().await.is_ok() {
            let request = contract.resolve().into_transaction_request();
            match wallet.send("the end of the game", request).await {
                // Somebody else was first.
                Ok(_) | Err(TransferError::Refused { .. } | TransferError::Reverted { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let amount = contract.credit(wallet.account()).call().await?;
        if amount.is_zero() {
            return Ok(None);
        }
        let request = contract
            .claimCredit(wallet.account())
            .into_transaction_request();
        let receipt = wallet.send("the bond", request).await?;
        Ok(Some((receipt.transaction_hash, amount)))
    }
}
