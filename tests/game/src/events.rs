//! Events of a game, taken into a view of it.

use alloy_primitives::Log;
use alloy_sol_types::SolEvent;
use trestle_challenger::{GameView, Header, Moved};

use crate::bindings as abi;

/// Takes in an event that the game of the view emitted at `time`; those that change nothing in a view are left.
pub(crate) fn take_in(view: &mut GameView, log: &Log, time: u64) {
    let Some(topic) = log.topics().first() else {
        return;
    };
    if *topic == abi::Moved::SIGNATURE_HASH {
        let event = abi::Moved::decode_log(log).unwrap().data;
        let header = Header::from(&event.header);
        assert_eq!(
            header.id(view.game),
            event.claim,
            "both sides hash a claim alike"
        );
        let moved = Moved {
            header,
            points: event.points,
            claimant: event.claimant,
            time,
        };
        view.record_move(moved).unwrap();
    } else if *topic == abi::Decided::SIGNATURE_HASH {
        let event = abi::Decided::decode_log(log).unwrap().data;
        view.record_decision(event.claim, abi::status_of(event.status))
            .unwrap();
    } else if *topic == abi::Settled::SIGNATURE_HASH {
        let event = abi::Settled::decode_log(log).unwrap().data;
        view.record_settlement(event.claim).unwrap();
    }
}
