//! What a transfer's commands say: a line of words, or of JSON.

use alloy::primitives::{U256, utils::format_ether};
use serde_json::{Value, json};
use trestle_sdk::transfer::Step;

use super::SpeakArgs;

/// Seconds of a day, an hour, a minute.
const UNITS: [(u64, &str); 3] = [(86_400, "d"), (3_600, "h"), (60, "min")];

/// Speaks in one of two ways.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reporter {
    json: bool,
}

impl From<SpeakArgs> for Reporter {
    fn from(args: SpeakArgs) -> Self {
        Self { json: args.json }
    }
}

impl Reporter {
    /// Progress: words on standard error, or an object on standard output.
    pub(crate) fn progress(self, event: &str, fields: Value, words: &str) {
        if self.json {
            print_json(event, fields);
        } else {
            eprintln!("{words}");
        }
    }

    /// The result, on standard output.
    pub(crate) fn result(self, event: &str, fields: Value, words: &str) {
        if self.json {
            print_json(event, fields);
        } else {
            println!("{words}");
        }
    }

    /// A step of a withdrawal; `now` is L1's time, in seconds since 1970.
    pub(crate) fn step(self, step: &Step, now: u64) {
        match step {
            Step::WaitingForOutput => self.progress(
                "waiting-for-output",
                json!({}),
                "waiting for an output root that holds the withdrawal",
            ),
            Step::Proven { game, tx } => self.progress(
                "proven",
                json!({ "game": game.address, "index": game.index, "l2Block": game.block, "tx": tx }),
                &format!("proven against game {} in {tx}", game.address),
            ),
            Step::Waiting { ready_at } => self.progress(
                "waiting",
                json!({ "readyAt": ready_at, "seconds": ready_at.saturating_sub(now) }),
                &format!("ready in {}", span(ready_at.saturating_sub(now))),
            ),
            Step::Paused { until } => self.progress(
                "paused",
                json!({ "until": until }),
                &format!("the guardian paused withdrawals for another {}", span(until.saturating_sub(now))),
            ),
            Step::Stopped => self.progress(
                "stopped",
                json!({}),
                "two contradictory roots stand: withdrawals are stopped until the timelock has acted",
            ),
            Step::Resolved { tx } => {
                self.progress("resolved", json!({ "tx": tx }), &format!("dispute ended in {tx}"));
            }
            Step::Finalized { tx, kept } => self.result(
                "finalized",
                json!({ "tx": tx, "keptMessage": kept }),
                &match (tx, kept) {
                    (_, Some(hash)) => format!(
                        "delivered, but its message {hash} failed; L1's messenger keeps it, and `trestle claim` relays it again"
                    ),
                    (Some(tx), None) => format!("paid in {tx}"),
                    (None, None) => "paid already".to_owned(),
                },
            ),
        }
    }
}

/// An object on a line of its own, with its event first.
fn print_json(event: &str, fields: Value) {
    let mut line = json!({ "event": event });
    if let (Some(all), Value::Object(more)) = (line.as_object_mut(), fields) {
        all.extend(more);
    }
    println!("{line}");
}

/// Wei as ETH.
pub(crate) fn eth(wei: U256) -> String {
    format!("{} ETH", format_ether(wei))
}

/// A time span in words: its two highest units.
pub(crate) fn span(seconds: u64) -> String {
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (unit, name) in UNITS {
        if rest >= unit {
            parts.push(format!("{} {name}", rest / unit));
            rest %= unit;
        }
    }
    if parts.len() < 2 && (rest > 0 || parts.is_empty()) {
        parts.push(format!("{rest} s"));
    }
    parts.truncate(2);
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn span_is_told_in_its_two_highest_units() {
        assert_eq!(span(0), "0 s");
        assert_eq!(span(59), "59 s");
        assert_eq!(span(61), "1 min 1 s");
        assert_eq!(span(302_400), "3 d 12 h");
        assert_eq!(span(86_400 + 61), "1 d 1 min");
    }
}
