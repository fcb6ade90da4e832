//! What the account has spent on L1 in the last day, and the cap on it.
//!
//! What waits for a block counts with the most that any of its attempts may cost; what is in one with what it
//! cost. What is final is kept in the journal by the hour, in the write that forgets the transactions themselves,
//! so that no restart forgets it. An hour counts until it is a day old as a whole: a little longer than a day, so
//! never more than the cap is spent in any 24 hours.

use super::{
    fees::Fees,
    request::{SenderError, TxRequest},
    slot::{Phase, Slot},
    task::L1Sender,
};
use alloy::primitives::{Bytes, U256};
use alloy_rlp::{Decodable, RlpDecodable, RlpEncodable};
use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

/// Whole hours that count beside the present one.
const HOURS: u64 = 24;
/// Blob gas of a blob (EIP-4844).
const GAS_PER_BLOB: u64 = 131_072;
/// Wei in a gwei.
const GWEI: u128 = 1_000_000_000;

/// What final transactions cost, in wei, by hours since the Unix epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Spent {
    hours: BTreeMap<u64, U256>,
}

#[derive(RlpEncodable, RlpDecodable)]
struct HourRecord {
    hour: u64,
    wei: U256,
}

impl Spent {
    /// Reads what [`Self::encode`] wrote; `None` if it is something else.
    pub(super) fn decode(mut bytes: &[u8]) -> Option<Self> {
        let records: Vec<HourRecord> = Decodable::decode(&mut bytes).ok()?;
        let hours = records
            .into_iter()
            .map(|HourRecord { hour, wei }| (hour, wei));
        Some(Self {
            hours: hours.collect(),
        })
    }

    pub(super) fn encode(&self) -> Bytes {
        let records: Vec<_> = self
            .hours
            .iter()
            .map(|(&hour, &wei)| HourRecord { hour, wei })
            .collect();
        alloy_rlp::encode(records).into()
    }

    /// Adds what became final in `hour`, and forgets what no longer counts.
    pub(super) fn add(&mut self, hour: u64, wei: U256) {
        let sum = self.hours.entry(hour).or_default();
        *sum = sum.saturating_add(wei);
        self.hours = self.hours.split_off(&hour.saturating_sub(HOURS));
    }

    /// What counts in `hour`, in wei. Hours to come count too: a clock may have been set back.
    pub(super) fn within_a_day(&self, hour: u64) -> U256 {
        let counted = self.hours.range(hour.saturating_sub(HOURS)..);
        counted.fold(U256::ZERO, |sum, (_, wei)| sum.saturating_add(*wei))
    }
}

/// Most that a transaction may cost in fees, in wei.
pub(super) fn most(request: &TxRequest, gas_limit: u64, fees: &Fees) -> U256 {
    let blobs = request
        .blobs
        .as_ref()
        .map_or(0, |blobs| blobs.hashes().len());
    let blob_gas = U256::from(blobs).saturating_mul(U256::from(GAS_PER_BLOB));
    let blob_fees = blob_gas.saturating_mul(U256::from(fees.max_blob_fee.unwrap_or_default()));
    U256::from(gas_limit)
        .saturating_mul(U256::from(fees.max_fee))
        .saturating_add(blob_fees)
}

impl Slot {
    /// What the nonce costs, in wei: the most that any attempt may until one is in a block.
    pub(super) fn cost(&self) -> U256 {
        if let Phase::Included { cost, .. } = &self.phase {
            return *cost;
        }
        let attempts = self.all();
        let most = attempts.map(|attempt| most(&attempt.request, attempt.gas_limit, &attempt.fees));
        most.max().unwrap_or_default()
    }
}

impl L1Sender {
    /// What counts as spent in the last day, in wei, what waits included.
    fn spending(&self) -> U256 {
        let open = self.slots.values().map(Slot::cost);
        open.fold(self.spent.within_a_day(hour()), U256::saturating_add)
    }

    /// Refuses an attempt at `nonce` that may cost `most` wei if the day's cap does not allow for it.
    pub(super) fn check_spending(&mut self, nonce: u64, most: U256) -> Result<(), SenderError> {
        let Some(cap) = self.config.max_per_day else {
            return Ok(());
        };
        // Only one attempt at a nonce lands: the dearest counts.
        let own = self.slots.get(&nonce).map_or(U256::ZERO, Slot::cost);
        let want = most.saturating_sub(own);
        let spent = self.spending();
        let is_over = spent.saturating_add(want) > cap;
        self.refused = is_over.then_some(want);
        self.report_spending();
        match is_over {
            true => Err(SenderError::SpendCapReached { cap, spent, want }),
            false => Ok(()),
        }
    }

    /// Shows what is spent, if it is capped.
    pub(super) fn report_spending(&self) {
        let Some(cap) = self.config.max_per_day else {
            return;
        };
        let spent = self.spending();
        let refused = self.refused;
        let is_capped = refused.is_some_and(|want| spent.saturating_add(want) > cap);
        metrics::gauge!("trestle_l1_spent_gwei").set(gwei(spent));
        metrics::gauge!("trestle_l1_spend_cap_gwei").set(gwei(cap));
        metrics::gauge!("trestle_l1_spend_capped").set(u32::from(is_capped));
    }
}

/// Hours since the Unix epoch, by this machine's clock.
pub(super) fn hour() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs() / 3_600)
}

/// Gwei as a gauge shows them.
pub(super) fn gwei(wei: U256) -> f64 {
    let gwei = wei / U256::from(GWEI);
    crate::metrics::number(u64::try_from(gwei).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hour_counts_for_a_day_and_then_no_longer() {
        let mut spent = Spent::default();
        spent.add(1_000, U256::from(7));
        spent.add(1_000, U256::from(1));
        assert_eq!(spent.within_a_day(1_000), U256::from(8));
        assert_eq!(spent.within_a_day(1_024), U256::from(8));
        assert_eq!(spent.within_a_day(1_025), U256::ZERO);
        assert_eq!(spent.within_a_day(3), U256::from(8), "a clock set back");
        spent.add(1_025, U256::from(2));
        assert_eq!(spent.hours.len(), 1, "what no longer counts is forgotten");
    }

    proptest! {
        /// Whatever is spent when, no 24 hours hold more than what counted at their last moment.
        #[test]
        fn no_day_holds_more_than_what_counts(costs in prop::collection::vec((0u64..100, 0u64..1_000), 1..60)) {
            let mut costs = costs;
            costs.sort_unstable();
            let mut spent = Spent::default();
            for (at, (hour, wei)) in costs.iter().enumerate() {
                spent.add(*hour, U256::from(*wei));
                let day: u64 = costs[..=at].iter().filter(|(then, _)| then + 24 >= *hour).map(|(_, wei)| wei).sum();
                prop_assert_eq!(spent.within_a_day(*hour), U256::from(day));
                prop_assert_eq!(Spent::decode(&spent.encode()), Some(spent.clone()));
            }
        }
    }
}
