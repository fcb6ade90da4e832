//! A chain's contracts on L1, as far as transfers go through them.

use alloy::{
    primitives::{Address, B256, Bytes, U256, keccak256},
    providers::{DynProvider, Provider},
    rpc::types::{TransactionReceipt, TransactionRequest},
};
use trestle_contracts::{
    bindings::{
        AnchorRegistry, DisputeGame, DisputeGameFactory, Inbox, L1CrossDomainMessenger, Portal,
        anchor_registry, dispute_game, dispute_game_factory, inbox, portal,
        portal::IPortal::OutputRootProof,
    },
    predeploys::L2_CROSS_DOMAIN_MESSENGER,
};
use trestle_protocol::OutputPreimage;

use super::{Game, Layer, TransferError, Wallet, Withdrawal, node::kept_message};
use crate::deploy::Contracts;

/// Where a withdrawal stands, by one submitter's proof. Times in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Not proven by this submitter.
    Unproven,
    /// Proven; time has to pass, or a dispute has to end.
    Waiting {
        /// When it can be finalised; the earliest such time while the root is disputed.
        ready_at: u64,
    },
    /// It can be finalised.
    Ready,
    /// It was paid.
    Finalized,
    /// The root that it was proven against fell.
    Reprove,
    /// It would be ready, but for the guardian's pause.
    Paused {
        /// When that ends.
        until: u64,
    },
    /// Two contradictory roots stand; the timelock has to act.
    Stopped,
}

/// The contracts behind an L1 endpoint.
#[derive(Debug, Clone)]
pub struct Settlement {
    contracts: Contracts,
    provider: DynProvider,
}

impl Settlement {
    /// The chain at `contracts`.
    #[must_use]
    pub const fn new(provider: DynProvider, contracts: Contracts) -> Self {
        Self {
            contracts,
            provider,
        }
    }

    /// Where the contracts are.
    #[must_use]
    pub const fn contracts(&self) -> &Contracts {
        &self.contracts
    }

    /// The endpoint.
    #[must_use]
    pub const fn provider(&self) -> &DynProvider {
        &self.provider
    }

    pub(super) fn portal(&self) -> portal::Portal::PortalInstance<&DynProvider> {
        Portal::new(self.contracts.portal, &self.provider)
    }

    pub(super) fn inbox(&self) -> inbox::Inbox::InboxInstance<&DynProvider> {
        Inbox::new(self.contracts.inbox, &self.provider)
    }

    pub(super) fn factory(
        &self,
    ) -> dispute_game_factory::DisputeGameFactory::DisputeGameFactoryInstance<&DynProvider> {
        DisputeGameFactory::new(self.contracts.dispute_game_factory, &self.provider)
    }

    pub(super) fn registry(
        &self,
    ) -> anchor_registry::AnchorRegistry::AnchorRegistryInstance<&DynProvider> {
        AnchorRegistry::new(self.contracts.anchor_registry, &self.provider)
    }

    pub(super) fn game(
        &self,
        at: Address,
    ) -> dispute_game::DisputeGame::DisputeGameInstance<&DynProvider> {
        DisputeGame::new(at, &self.provider)
    }

    /// Time of L1's newest block, in seconds since 1970.
    ///
    /// # Errors
    /// [`TransferError::Rpc`].
    pub async fn time(&self) -> Result<u64, TransferError> {
        let block = self.provider.get_block_by_number(Default::default()).await;
        let block = block.map_err(TransferError::rpc(Layer::L1))?;
        Ok(block.map_or(0, |block| block.header.timestamp))
    }

    /// Where the withdrawal of this hash stands by the proof of `submitter`.
    ///
    /// # Errors
    /// [`TransferError::Contract`].
    pub async fn status(&self, hash: B256, submitter: Address) -> Result<Status, TransferError> {
        let answer = self
            .portal()
            .withdrawalStatus(hash, submitter)
            .call()
            .await?;
        let at = answer.readyAt.saturating_to::<u64>();
        Ok(match answer.status {
            0 => Status::Unproven,
            1 => Status::Waiting { ready_at: at },
            2 => Status::Ready,
            3 => Status::Finalized,
            4 => Status::Reprove,
            5 => Status::Paused { until: at },
            _ => Status::Stopped,
        })
    }

    /// The game that `submitter` proved the withdrawal against.
    ///
    /// # Errors
    /// [`TransferError::Contract`].
    pub async fn proven_game(
        &self,
        hash: B256,
        submitter: Address,
    ) -> Result<Address, TransferError> {
        let portal = self.portal();
        let proof = portal.provenWithdrawals(hash, submitter).call().await?;
        Ok(proof.disputeGameProxy)
    }

    /// Proves a withdrawal against a game whose root is that of `output`.
    ///
    /// # Errors
    /// As [`Wallet::send`], with the Portal's reason.
    pub async fn prove(
        &self,
        wallet: &Wallet,
        withdrawal: &Withdrawal,
        against: (&Game, &OutputPreimage),
        proof: Vec<Bytes>,
    ) -> Result<TransactionReceipt, TransferError> {
        let (game, output) = against;
        let output = OutputRootProof {
            version: B256::ZERO,
            stateRoot: output.state_root,
            messagePasserStorageRoot: output.message_passer_root,
            latestBlockhash: output.block_hash,
        };
        let index = U256::from(game.index);
        let portal = self.portal();
        let call =
            portal.proveWithdrawalTransaction(withdrawal.transaction(), index, output, proof);
        let request = call.into_transaction_request();
        wallet.send("the proof", request).await
    }

    /// Pays a withdrawal by this account's proof.
    ///
    /// # Errors
    /// As [`Wallet::send`], with the Portal's reason.
    pub async fn finalize(
        &self,
        wallet: &Wallet,
        withdrawal: &Withdrawal,
    ) -> Result<TransactionReceipt, TransferError> {
        let portal = self.portal();
        let call = portal.finalizeWithdrawalTransaction(withdrawal.transaction());
        let request = call.into_transaction_request();
        wallet.send("the payment", request).await
    }

    /// Whether L1's messenger keeps the message of a withdrawal that was paid out to it, because the message failed.
    ///
    /// # Errors
    /// [`TransferError::Contract`].
    pub async fn keeps(&self, withdrawal: &Withdrawal) -> Result<bool, TransferError> {
        if withdrawal.sender != L2_CROSS_DOMAIN_MESSENGER {
            return Ok(false);
        }
        let at = self.contracts.l1_cross_domain_messenger;
        let messenger = L1CrossDomainMessenger::new(at, &self.provider);
        // A message is known by the hash of the call that delivers it, and that is the withdrawal's data.
        let hash = keccak256(&withdrawal.data);
        Ok(messenger.failedMessages(hash).call().await?
            && !messenger.successfulMessages(hash).call().await?)
    }

    /// Relays a message that is kept again; gives the hash of the message if it failed again.
    ///
    /// # Errors
    /// As [`Wallet::send`], with the messenger's reason.
    pub async fn relay(
        &self,
        wallet: &Wallet,
        withdrawal: &Withdrawal,
    ) -> Result<(B256, Option<B256>), TransferError> {
        /// L1 gas of a byte of calldata, and of the transaction beside what the message was promised.
        const GAS: (u64, u64) = (16, 50_000);
        let messenger = self.contracts.l1_cross_domain_messenger;
        let bytes = u64::try_from(withdrawal.data.len()).unwrap_or(u64::MAX);
        // A relay with too little gas for its message succeeds as well: it keeps the message.
        let promised = withdrawal.gas_limit.saturating_to::<u64>();
        let gas = promised
            .saturating_add(bytes.saturating_mul(GAS.0))
            .saturating_add(GAS.1);
        let request = TransactionRequest::default()
            .to(messenger)
            .input(withdrawal.data.clone().into());
        let receipt = wallet.send_with("the message", request, gas).await?;
        let kept = kept_message(receipt.logs(), messenger);
        Ok((receipt.transaction_hash, kept))
    }
}
