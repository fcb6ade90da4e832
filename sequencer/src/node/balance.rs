//! The batcher's balance on L1, for the monitor: an account that runs dry stops the chain's settlement.

use crate::{
    l1::{ContractReader, L1Client},
    metrics::number,
};
use alloy_primitives::{Address, U256};
use std::time::Duration;

/// Wei of a gwei.
const GWEI: U256 = U256::from_limbs([1_000_000_000, 0, 0, 0]);
/// Shortest pause between two questions.
const PAUSE_MIN: Duration = Duration::from_secs(1);

/// Asks L1 for the balance of `account` once for every L1 block, without end. A failed question is asked again.
pub(super) async fn watch(client: L1Client, account: Address, l1_block_time: Duration) {
    let l1 = ContractReader::new(client);
    loop {
        if let Ok(balance) = l1.balance(account).await {
            let gwei = (balance / GWEI).saturating_to();
            metrics::gauge!("trestle_batcher_balance_gwei").set(number(gwei));
        }
        tokio::time::sleep(l1_block_time.max(PAUSE_MIN)).await;
    }
}
