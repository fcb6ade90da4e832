//! Follows every nonce that is not final: inclusion, reorgs, drops, stuck fees, strangers.

use super::{
    broadcast::Attempted,
    request::SenderError,
    slot::{Phase, Slot},
    spend,
    task::L1Sender,
};
use alloy::{eips::BlockNumberOrTag, primitives::U256};
use tokio::time::Instant;

/// Included transactions that are looked up again at every new head.
const RECHECKED: usize = 16;

impl L1Sender {
    /// One look at L1 and all that follows from it. A fault that is not fatal comes back as a value.
    pub(super) async fn track(&mut self) -> Result<Option<SenderError>, SenderError> {
        let (old_head, old_nonce) = (self.head, self.l1_nonce);
        self.look_at_head().await?;
        if self.l1_nonce < old_nonce {
            // A reorg, perhaps of transactions that we never saw in a block.
            self.doubt_waiting();
        }
        let is_new_head = old_head != self.head;
        self.follow_used(is_new_head).await?;
        if is_new_head {
            self.forget_final().await?;
        }
        self.follow_waiting(is_new_head).await
    }

    /// Marks everything that L1 has not used as in need of a judgement.
    pub(super) fn doubt_waiting(&mut self) {
        let l1_nonce = self.l1_nonce;
        for (_, slot) in self.slots.range_mut(l1_nonce..) {
            slot.is_doubtful = true;
            slot.last_broadcast = None;
        }
    }

    /// At start: what is used on L1 without a trace of ours is nobody's fault we could still act on.
    pub(super) async fn settle_recovered(&mut self) -> Result<(), SenderError> {
        let used: Vec<u64> = self
            .slots
            .range(..self.l1_nonce)
            .map(|(nonce, _)| *nonce)
            .collect();
        for nonce in used {
            if !self.find_landing(nonce).await? {
                tracing::warn!(nonce, "journaled nonce was used by another transaction");
                self.slots.remove(&nonce);
            }
        }
        Ok(())
    }

    /// Nonces that L1 has used: find which attempt landed.
    async fn follow_used(&mut self, is_new_head: bool) -> Result<(), SenderError> {
        let used = || self.slots.range(..self.l1_nonce);
        let unresolved = used().filter(|(_, slot)| !slot.is_included());
        let mut nonces: Vec<u64> = unresolved.map(|(nonce, _)| *nonce).collect();
        if is_new_head {
            let included = used().rev().filter(|(_, slot)| slot.is_included());
            nonces.extend(included.map(|(nonce, _)| *nonce).take(RECHECKED));
        }
        for nonce in nonces {
            if self.find_landing(nonce).await? {
                continue;
            }
            let account = self.signer.address();
            let Some(slot) = self.slots.get_mut(&nonce) else {
                continue;
            };
            let since = *slot.missing_since.get_or_insert_with(Instant::now);
            if since.elapsed() < self.config.taken_after {
                continue;
            }
            if nonce >= self.contested_below {
                return Err(SenderError::NonceTaken { account, nonce });
            }
            tracing::warn!(
                nonce,
                "a forgotten transaction of this account landed first"
            );
            self.slots.remove(&nonce);
        }
        Ok(())
    }

    /// Looks for the attempt that landed at `nonce`; whether there is one.
    async fn find_landing(&mut self, nonce: u64) -> Result<bool, SenderError> {
        let Some(slot) = self.slots.get(&nonce) else {
            return Ok(false);
        };
        let hashes: Vec<_> = slot.all().map(|attempt| attempt.hash).collect();
        for hash in hashes {
            let Some(landing) = self.client.landing(hash).await? else {
                continue;
            };
            let Some(slot) = self.slots.get_mut(&nonce) else {
                return Ok(false);
            };
            let (block, is_success) = (landing.block_number, landing.status == 1);
            if !slot.is_included() {
                tracing::info!(key = %slot.key(), nonce, %hash, block, is_success, "l1 transaction included");
                metrics::counter!("trestle_l1_sender_included_total", "success" => is_success.to_string()).increment(1);
            }
            slot.phase = Phase::Included {
                hash,
                block,
                is_success,
                cost: landing.cost(),
            };
            slot.missing_since = None;
            return Ok(true);
        }
        Ok(false)
    }

    /// Drops what is final, but for the last nonce, which marks how far we got.
    async fn forget_final(&mut self) -> Result<(), SenderError> {
        let oldest = self.slots.values().next();
        let Some(Slot {
            phase: Phase::Included { .. },
            ..
        }) = oldest
        else {
            return Ok(());
        };
        let Some(finalized) = self.client.tagged(BlockNumberOrTag::Finalized).await? else {
            return Ok(());
        };
        let is_final = |slot: &Slot| matches!(slot.phase, Phase::Included { block, .. } if block <= finalized.number);
        let finals: Vec<u64> = self
            .slots
            .values()
            .take_while(|slot| is_final(slot))
            .map(|slot| slot.nonce)
            .collect();
        let Some((last, below)) = finals.split_last() else {
            return Ok(());
        };
        if below.is_empty() {
            return Ok(());
        }
        let cost = self.slots.range(..*last).map(|(_, slot)| slot.cost());
        let cost = cost.fold(U256::ZERO, U256::saturating_add);
        let mut spent = self.spent.clone();
        spent.add(spend::hour(), cost);
        self.journal.prune_below(*last, &spent.encode())?;
        self.spent = spent;
        self.slots = self.slots.split_off(last);
        Ok(())
    }

    /// Nonces that L1 has not used: the first in line is checked, sent again and paid better.
    async fn follow_waiting(
        &mut self,
        is_new_head: bool,
    ) -> Result<Option<SenderError>, SenderError> {
        let waiting: Vec<u64> = self
            .slots
            .range(self.l1_nonce..)
            .map(|(nonce, _)| *nonce)
            .collect();
        let l1_nonce = self.l1_nonce;
        let gap = waiting.first().filter(|lowest| **lowest > l1_nonce);
        let mut fault = gap.map(|lowest| SenderError::NonceGap {
            l1_nonce,
            lowest: *lowest,
        });
        for nonce in waiting {
            self.note_reorg(nonce);
            let result = if nonce == self.l1_nonce {
                self.push_first(nonce, is_new_head).await
            } else {
                self.push_later(nonce).await
            };
            match result {
                Err(error) if error.is_fatal() => return Err(error),
                Err(error) => fault = Some(error),
                Ok(()) => {}
            }
        }
        Ok(fault)
    }

    fn note_reorg(&mut self, nonce: u64) {
        let Some(slot) = self.slots.get_mut(&nonce) else {
            return;
        };
        if slot.is_included() {
            tracing::warn!(key = %slot.key(), nonce, "l1 dropped the block of a transaction");
            metrics::counter!("trestle_l1_sender_reorged_total").increment(1);
            slot.phase = Phase::Pending;
            slot.is_doubtful = true;
            slot.last_broadcast = None;
            slot.sent_at_head = self.head.number;
        }
        slot.missing_since = None;
    }

    /// The transaction that L1 takes next.
    async fn push_first(&mut self, nonce: u64, is_new_head: bool) -> Result<(), SenderError> {
        let Some(slot) = self.slots.get(&nonce) else {
            return Ok(());
        };
        let is_fresh = slot.last_broadcast.is_none();
        if (is_new_head || is_fresh) && slot.newest().request.key != super::TxKey::CANCEL {
            self.judge(nonce).await?;
        }
        let Some(slot) = self.slots.get_mut(&nonce) else {
            return Ok(());
        };
        if let Phase::Stale { since, .. } = &slot.phase {
            let is_overdue = since.elapsed() >= self.config.cancel_after;
            let hash = slot.newest().hash;
            if is_overdue && self.client.knows(hash).await? {
                return self.cancel(nonce).await;
            }
            return Ok(());
        }
        let waited = self.head.number.saturating_sub(slot.sent_at_head);
        if waited >= self.config.fees.bump_after_blocks && !is_fresh {
            slot.sent_at_head = self.head.number;
            return self.bump(nonce).await;
        }
        self.resend_if_due(nonce).await
    }

    /// A transaction behind the first: sent again, unless a reorg put its fate in doubt.
    async fn push_later(&mut self, nonce: u64) -> Result<(), SenderError> {
        let is_doubtful = self.slots.get(&nonce).is_none_or(|slot| slot.is_doubtful);
        if is_doubtful {
            Ok(())
        } else {
            self.resend_if_due(nonce).await
        }
    }

    async fn resend_if_due(&mut self, nonce: u64) -> Result<(), SenderError> {
        let last = self.slots.get(&nonce).and_then(|slot| slot.last_broadcast);
        if last.is_some_and(|at| at.elapsed() < self.config.resend_after) {
            return Ok(());
        }
        match self.send_newest(nonce).await {
            Attempted::Sent => Ok(()),
            Attempted::Fault(error) => Err(error),
        }
    }

    /// Whether the waiting transaction would still succeed on top of the head.
    async fn judge(&mut self, nonce: u64) -> Result<(), SenderError> {
        let Some(slot) = self.slots.get(&nonce) else {
            return Ok(());
        };
        let request = slot.newest().request.clone();
        let answer = self
            .client
            .estimate(self.signer.address(), &request, self.head.hash)
            .await;
        let Some(slot) = self.slots.get_mut(&nonce) else {
            return Ok(());
        };
        match answer {
            Ok(_) => {
                slot.phase = Phase::Pending;
                slot.is_doubtful = false;
                Ok(())
            }
            Err(error) if error.is_revert() => {
                if !slot.is_stale() {
                    let reason = error.to_string();
                    tracing::warn!(key = %slot.key(), nonce, %reason, "l1 would revert a waiting transaction");
                    slot.phase = Phase::Stale {
                        reason,
                        since: Instant::now(),
                    };
                }
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }
}
