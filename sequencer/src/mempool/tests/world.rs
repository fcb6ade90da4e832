//! A chain in miniature around the real pool: accounts, delegations and blocks, as the builder makes
//! them, so that attacks can be played and counted in blocks.

use std::collections::{BTreeSet, HashMap};

use alloy_consensus::Transaction;

use super::*;

/// Blocks within which an honest transaction must be included.
pub(super) const BLOCKS: usize = 3;
/// Gas of a block: ten transfers.
pub(super) const BLOCK_GAS: u64 = 210_000;
/// Bytes of user transactions in a block.
const BLOCK_BYTES: usize = 97_000;
/// Where a call takes all ETH out of every delegated account.
pub(super) const DRAIN: Address = address!("00000000000000000000000000000000000000dd");
/// Transactions that the pool holds.
pub(super) const ROOM: usize = 64;
/// Accounts of a flood: more than there is room for.
pub(super) const FLOOD: u32 = 128;

pub(super) struct World {
    pub(super) bed: Bed,
    pub(super) base_fee: u128,
    delegated: BTreeSet<Address>,
    honest: u8,
    /// Every transaction that was included.
    pub(super) included: BTreeSet<B256>,
    /// Wei that attackers paid.
    pub(super) spent: U256,
    /// Gas of what paid at least `watched_tip` since that was set.
    pub(super) watched_gas: u64,
    watched_tip: u128,
}

/// An attacker's account: the `n`th.
pub(super) fn evil(n: u32) -> Address {
    let mut bytes = [0xee; 20];
    bytes[16..].copy_from_slice(&n.to_be_bytes());
    Address::from(bytes)
}

/// A transfer at these prices, in wei per gas.
pub(super) fn priced(nonce: u64, fee: u128, tip: u128) -> TxEip1559 {
    TxEip1559 {
        max_fee_per_gas: fee,
        max_priority_fee_per_gas: tip,
        ..transfer(nonce)
    }
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(PoolLimits {
            total_count: ROOM,
            ..PoolLimits::default()
        })
    }

    pub(super) fn with(limits: PoolLimits) -> Self {
        let world = Self {
            bed: bed_with(limits),
            base_fee: GWEI,
            delegated: BTreeSet::new(),
            honest: 0,
            included: BTreeSet::new(),
            spent: U256::ZERO,
            watched_gas: 0,
            watched_tip: 0,
        };
        world.bed.pool.set_fees(world.fees());
        world
    }

    fn fees(&self) -> FeeView {
        FeeView {
            block_gas: BLOCK_GAS,
            ..fees(self.base_fee)
        }
    }

    pub(super) fn set_base_fee(&mut self, base_fee: u128) {
        self.base_fee = base_fee;
        self.bed.pool.set_fees(self.fees());
    }

    /// Gives `who` a balance, in wei, as a deposit would.
    pub(super) fn fund(&mut self, who: Address, balance: U256) {
        let nonce = self.account(who).info.nonce;
        self.write(who, nonce, balance);
        self.tell(&[], &[who]);
    }

    pub(super) fn account(&self, who: Address) -> SenderAccount {
        self.bed.accounts.accounts(&[who]).unwrap().remove(0)
    }

    fn write(&self, who: Address, nonce: u64, balance: U256) {
        let code: Bytes = match self.delegated.contains(&who) {
            true => [&[0xef, 1, 0][..], &[7; 20]].concat().into(),
            false => Bytes::new(),
        };
        let info = AccountInfo {
            nonce,
            balance,
            ..AccountInfo::default()
        };
        let account = SenderAccount { info, code };
        self.bed.accounts.0.lock().insert(who, account);
    }

    /// Submits `tx` of `sender`.
    pub(super) fn send(&self, sender: Address, tx: TxEip1559) -> Result<B256, PoolError> {
        self.bed
            .pool
            .insert(unsigned(sender, tx))
            .map(|tx| tx.hash())
    }

    /// Submits a transaction that delegates `authorities`.
    pub(super) fn delegate(
        &self,
        sender: Address,
        nonce: u64,
        authorities: &[Address],
    ) -> Result<B256, PoolError> {
        let signature = Signature::test_signature();
        let authorization = alloy_eips::eip7702::Authorization {
            chain_id: U256::from(CHAIN),
            address: DRAIN,
            nonce: 0,
        };
        let tx = TxEip7702 {
            chain_id: CHAIN,
            nonce,
            gas_limit: 100_000,
            max_fee_per_gas: 2 * GWEI,
            authorization_list: vec![authorization.into_signed(signature)],
            to: DRAIN,
            ..TxEip7702::default()
        };
        let hash = alloy_primitives::keccak256(format!("{sender}{tx:?}{authorities:?}"));
        let tx = OpTxEnvelope::Eip7702(Signed::new_unchecked(tx, signature, hash));
        let pooled = PooledTransaction {
            encoded: tx.encoded_2718().into(),
            sender,
            cost: trestle_protocol::max_cost(&tx),
            authorities: authorities.to_vec(),
            tx,
        };
        self.bed.pool.insert(pooled).map(|tx| tx.hash())
    }

    /// Counts from now on the gas of what pays a tip of at least this, in wei per gas.
    pub(super) const fn watch_tips_from(&mut self, tip: u128) {
        (self.watched_tip, self.watched_gas) = (tip, 0);
    }

    /// A new honest user sends a transfer at the prices that the node suggests.
    pub(super) fn honest(&mut self) -> Result<B256, PoolError> {
        self.honest += 1;
        let who = Address::repeat_byte(self.honest);
        self.write(who, 0, ETHER);
        let tip = self.bed.pool.fair_tip();
        self.send(who, priced(0, self.base_fee * 6 / 5 + tip, tip))
    }

    /// Asserts that an honest transaction sent now is in one of the next three blocks, although `attack`
    /// goes on before each of them.
    pub(super) fn serves_honest(&mut self, mut attack: impl FnMut(&mut Self)) {
        let hash = self.honest().expect("an honest transaction is admitted");
        for _ in 0..BLOCKS {
            attack(self);
            self.seal();
        }
        let stage = self.bed.pool.stage(&hash);
        assert!(self.included.contains(&hash), "{stage:?}");
    }

    /// Makes a block as the builder does, and tells the pool.
    pub(super) fn seal(&mut self) {
        let (mut gas, mut bytes) = (BLOCK_GAS, BLOCK_BYTES);
        let (mut included, mut touched) = (Vec::new(), BTreeSet::new());
        let mut ready = self.bed.pool.take_ready(16).into_iter();
        while let Some(tx) = ready.next() {
            if tx.tx.gas_limit() > gas || tx.encoded.len() > bytes {
                self.bed.pool.hand_back(&tx.hash());
                ready.for_each(|tx| self.bed.pool.hand_back(&tx.hash()));
                break;
            }
            let account = self.account(tx.sender).info;
            if tx.nonce() != account.nonce {
                self.bed.pool.hand_back(&tx.hash());
            } else if tx.cost > account.balance {
                self.bed
                    .pool
                    .reject(&tx.hash(), "insufficient funds".to_owned());
            } else {
                // Whoever asks for gas burns it all.
                gas -= tx.tx.gas_limit();
                bytes -= tx.encoded.len();
                touched.extend(self.execute(&tx));
                included.push(tx.hash());
            }
            if ready.len() == 0 {
                ready = self.bed.pool.take_ready(16).into_iter();
            }
        }
        self.tell(&included, &touched.into_iter().collect::<Vec<_>>());
        self.included.extend(included);
    }

    /// Changes the accounts; gives those that changed.
    fn execute(&mut self, tx: &PooledTransaction) -> Vec<Address> {
        let account = self.account(tx.sender).info;
        let tip = tx.max_tip().min(tx.max_fee() - self.base_fee);
        if tip >= self.watched_tip {
            self.watched_gas += tx.tx.gas_limit();
        }
        let fee = U256::from(self.base_fee + tip) * U256::from(tx.tx.gas_limit());
        if tx.sender.starts_with(&[0xee]) {
            self.spent += fee;
        }
        let left = account.balance - fee - tx.tx.value();
        self.write(tx.sender, account.nonce + 1, left);
        self.delegated.extend(&tx.authorities);
        let mut touched = vec![tx.sender];
        if tx.tx.to() == Some(DRAIN) {
            for victim in self.delegated.clone() {
                let nonce = self.account(victim).info.nonce;
                self.write(victim, nonce, U256::ZERO);
                touched.push(victim);
            }
        }
        touched
    }

    fn tell(&self, included: &[B256], touched: &[Address]) {
        let mut diff = StateDiff::default();
        for who in touched {
            let change = AccountChange {
                info: Some(self.account(*who).info),
                storage: BTreeMap::new(),
            };
            diff.accounts.insert(*who, change);
        }
        self.bed.pool.on_block(&BlockUpdate {
            included,
            diff: &diff,
            fees: self.fees(),
        });
    }

    /// What `n` transfers of the pool's usual attacker cost at the base fee, in wei.
    pub(super) fn price_of(&self, n: u64) -> U256 {
        U256::from(self.base_fee) * U256::from(21_000 * n)
    }

    /// Transactions in the pool by sender.
    pub(super) fn held(&self) -> HashMap<Address, usize> {
        let mut held = HashMap::new();
        for (_, tx) in self.bed.pool.content() {
            *held.entry(tx.sender).or_default() += 1;
        }
        held
    }
}
