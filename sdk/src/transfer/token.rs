//! ERC-20 tokens of either layer, by the bridge contracts.

use alloy::{
    primitives::{Address, Bytes, U256},
    providers::Provider,
    rpc::types::TransactionRequest,
    sol_types::SolCall,
};
use trestle_contracts::{
    bindings::{
        l1_cross_domain_messenger::L1CrossDomainMessenger::relayMessageCall,
        l1_standard_bridge::L1StandardBridge::{
            bridgeERC20ToCall, finalizeBridgeERC20Call, finalizeBridgeETHCall,
            finalizeBridgeRepresentationCall,
        },
        sample_token::SampleToken::{allowanceCall, approveCall},
    },
    predeploys::{L2_CROSS_DOMAIN_MESSENGER, L2_STANDARD_BRIDGE},
};
use trestle_protocol::ChainConfig;

use super::{Deposited, Initiation, Settlement, TransferError, Wallet, Withdrawal};

/// Gas of the arrival beyond the bridge's own.
const ARRIVAL_GAS: u32 = 200_000;
/// L2 gas of a call to a token or to the bridge that comes by way of L1.
const CALL_GAS: u64 = 1_500_000;

/// Tokens for an account on the other layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenRequest {
    /// The token on the layer that it leaves.
    pub token: Address,
    /// Recipient on the other layer.
    pub to: Address,
    /// How many, in the token's smallest unit.
    pub amount: U256,
}

impl TokenRequest {
    /// The calls on L2 that withdraw: the allowance, which a token of L2 asks for, and the withdrawal.
    #[must_use]
    pub fn initiations(&self) -> [Initiation; 2] {
        let call = |to: Address, data: Bytes| Initiation {
            to,
            value: U256::ZERO,
            gas_limit: CALL_GAS,
            data,
        };
        [
            call(self.token, self.approve(L2_STANDARD_BRIDGE)),
            call(L2_STANDARD_BRIDGE, self.bridge()),
        ]
    }

    fn approve(&self, spender: Address) -> Bytes {
        let value = self.amount;
        approveCall { spender, value }.abi_encode().into()
    }

    /// The transactions by which the account of `wallet` lets the bridge of the wallet's layer take the tokens: none
    /// where it may already, two where a smaller allowance is left, for some tokens change none but from zero.
    ///
    /// # Errors
    /// [`TransferError::Rpc`], [`TransferError::NotAToken`].
    async fn allowances(
        &self,
        wallet: &Wallet,
        bridge: Address,
    ) -> Result<Vec<TransactionRequest>, TransferError> {
        let question = allowanceCall {
            owner: wallet.account(),
            spender: bridge,
        };
        let answer = wallet
            .provider()
            .call(call(self.token, question.abi_encode().into()))
            .await;
        let answer = answer.map_err(TransferError::rpc(wallet.layer()))?;
        let none = Self {
            amount: U256::ZERO,
            ..*self
        };
        let given = allowanceCall::abi_decode_returns(&answer);
        let given = given.map_err(|_| TransferError::NotAToken {
            token: self.token,
            layer: wallet.layer(),
        })?;
        let approvals = match given {
            given if given >= self.amount => Vec::new(),
            U256::ZERO => vec![self],
            _ => vec![&none, self],
        };
        let requests = approvals.into_iter();
        Ok(requests
            .map(|request| call(self.token, request.approve(bridge)))
            .collect())
    }

    /// Both bridges have the same entry points. Zero stands for the token's right counterpart.
    fn bridge(&self) -> Bytes {
        let call = bridgeERC20ToCall {
            localToken: self.token,
            remoteToken: Address::ZERO,
            to: self.to,
            amount: self.amount,
            minGasLimit: ARRIVAL_GAS,
            extraData: Bytes::new(),
        };
        call.abi_encode().into()
    }
}

/// A transaction to `to`.
fn call(to: Address, data: Bytes) -> TransactionRequest {
    TransactionRequest::default().to(to).input(data.into())
}

impl Settlement {
    /// The L1 transactions by which the account of `wallet` sends tokens to L2: allowances as far as they are missing,
    /// then the deposit.
    ///
    /// # Errors
    /// [`TransferError::Rpc`], [`TransferError::NotAToken`].
    pub async fn token_deposit(
        &self,
        wallet: &Wallet,
        request: &TokenRequest,
    ) -> Result<Vec<TransactionRequest>, TransferError> {
        let bridge = self.contracts().l1_standard_bridge;
        let mut all = request.allowances(wallet, bridge).await?;
        all.push(call(bridge, request.bridge()));
        Ok(all)
    }

    /// Sends tokens of L1 to L2, from the account of `wallet`.
    ///
    /// # Errors
    /// As [`Self::token_deposit`] and [`Wallet::send`]; [`TransferError::NoEvent`].
    pub async fn deposit_token(
        &self,
        wallet: &Wallet,
        chain: &ChainConfig,
        request: &TokenRequest,
    ) -> Result<Deposited, TransferError> {
        let mut calls = self.token_deposit(wallet, request).await?;
        let deposit = calls.pop().unwrap_or_default();
        for approval in calls {
            wallet.send("the allowance", approval).await?;
        }
        let receipt = wallet.send("the deposit", deposit).await?;
        let found = self.deposits_in(&receipt, chain).into_iter().next();
        found.ok_or(TransferError::NoEvent {
            tx: receipt.transaction_hash,
            event: "EntryEnqueued",
        })
    }
}

impl Wallet {
    /// The L2 transactions by which the account sends tokens to L1: allowances as far as they are missing, then the
    /// withdrawal.
    ///
    /// # Errors
    /// [`TransferError::Rpc`], [`TransferError::NotAToken`].
    pub async fn token_withdrawal(
        &self,
        request: &TokenRequest,
    ) -> Result<Vec<TransactionRequest>, TransferError> {
        let mut all = request.allowances(self, L2_STANDARD_BRIDGE).await?;
        all.push(call(L2_STANDARD_BRIDGE, request.bridge()));
        Ok(all)
    }
}

impl Withdrawal {
    /// Whether an account sent it, by itself, through the messenger or through the bridge.
    #[must_use]
    pub fn is_of(&self, account: Address) -> bool {
        if self.sender == account {
            return true;
        }
        if self.sender != L2_CROSS_DOMAIN_MESSENGER {
            return false;
        }
        let Ok(message) = relayMessageCall::abi_decode(&self.data) else {
            return false;
        };
        let bridged = message.sender == L2_STANDARD_BRIDGE;
        message.sender == account || (bridged && bridged_from(&message.message) == Some(account))
    }
}

impl Withdrawal {
    /// Token of L1, recipient and number of units that the bridge of L1 is asked to pay out; `None` for anything else
    /// than tokens.
    #[must_use]
    pub fn tokens(&self) -> Option<(Address, Address, U256)> {
        let message = relayMessageCall::abi_decode(&self.data).ok()?;
        if self.sender != L2_CROSS_DOMAIN_MESSENGER || message.sender != L2_STANDARD_BRIDGE {
            return None;
        }
        let call = &message.message;
        let locked = finalizeBridgeERC20Call::abi_decode(call);
        let locked = locked.map(|call| (call.localToken, call.to, call.amount));
        let made = finalizeBridgeRepresentationCall::abi_decode(call);
        let made = made.map(|call| (call.localToken, call.to, call.amount));
        locked.or(made).ok()
    }
}

/// Who sent what the bridge of L1 is asked to pay out.
fn bridged_from(call: &Bytes) -> Option<Address> {
    let tokens = finalizeBridgeERC20Call::abi_decode(call).map(|call| call.from);
    tokens
        .or_else(|_| finalizeBridgeRepresentationCall::abi_decode(call).map(|call| call.from))
        .or_else(|_| finalizeBridgeETHCall::abi_decode(call).map(|call| call.from))
        .ok()
}
