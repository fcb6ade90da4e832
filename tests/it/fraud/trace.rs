//! What adversaries know: the true trace of the chain, from the real guest in the real machine.

use std::sync::Arc;

use alloy::primitives::{B256, Bytes, keccak256};
use trestle_challenger::{
    MACHINE_STEPS, Truth,
    host::{Follower, MemoryStore},
    service::{Oracle, Sync},
};
use trestle_sdk::deploy::ChainFiles;
use trestle_sequencer::l1::L1Client;
use trestle_vm::{ExitCode, State};

use super::arena::Arena;
use crate::liar::{End, Trace};

/// The real trace. A run from an output that is not the true one cannot be had: it answers with the true run.
#[derive(Debug, Clone)]
pub(super) struct RealTrace(pub(super) Arc<Oracle>);

impl RealTrace {
    /// Derives everything that L1 has now.
    pub(super) async fn derive(arena: &Arena) -> Self {
        let files = ChainFiles::read(&arena.chain.path("")).unwrap();
        let store = Arc::new(MemoryStore::default());
        let mut follower = Follower::open(files.chain, &files.genesis, store).unwrap();
        follower.begin_at(files.rollup.l1_start.number);
        let oracle = Arc::new(Oracle::new(follower));
        let client = L1Client::new(
            arena.chain.l1.url().parse().unwrap(),
            std::time::Duration::from_secs(20),
        );
        let mut sync = Sync::new(
            client,
            files.rollup.contracts.inbox,
            arena.chain.blobs(),
            Arc::clone(&oracle),
        );
        let head = arena.chain.l1_rpc().block_number().await;
        sync.advance(head).await.unwrap();
        Self(oracle)
    }
}

impl Trace for RealTrace {
    fn output_root(&self, batch: u64) -> B256 {
        self.0.output(batch).ok().flatten().unwrap_or_default()
    }

    fn states_from(&self, batch: u64, _: B256, steps: &[u64]) -> Vec<B256> {
        self.0.states(batch, steps).unwrap()
    }

    fn lying_end(&self, batch: u64, _: B256, end: End, salt: u64) -> Bytes {
        let truth = self.0.end_state(batch).unwrap();
        let state = State::decode(&truth).unwrap();
        let lie = match end {
            End::True => return truth,
            End::Output => State {
                output_hash: keccak256(salt.to_be_bytes()),
                ..state
            },
            End::SameOutput(output_hash) => State {
                output_hash,
                ..state
            },
            End::Exit => State {
                exit_code: ExitCode(1 + salt % 7),
                output_hash: B256::ZERO,
                ..state
            },
            End::Running => State {
                halted: false,
                output_hash: B256::ZERO,
                step: MACHINE_STEPS,
                ..state
            },
        };
        lie.encode().to_vec().into()
    }
}
