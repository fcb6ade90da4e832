//! What the machine said of batches that it ran: it is the judge, whatever derivation says.
//!
//! Derivation and the program are the same code, so they agree unless one of them has a bug. If they do not, a root is
//! true on L1 when the machine says so: a batch that it does not bring to an output counts as failed.
//! Spec: `SPEC.md`, D.2.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use parking_lot::Mutex;

use super::{Rules, report::as_float};
use crate::host::Outcome;

/// Verdicts kept that agree with derivation.
const AGREED: usize = 65_536;

/// One batch by one program: number, accumulator after it, image root.
pub(super) type RunKey = (u64, B256, B256);

/// Outputs of batches in the machine, zero for those that failed.
#[derive(Debug, Default)]
pub(super) struct Verdicts(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    agreed: BTreeMap<RunKey, ()>,
    /// Those that are not what was derived. A chain has few of them before it is repaired.
    other: BTreeMap<RunKey, B256>,
}

impl Verdicts {
    /// Notes how a run ended; raises the alarm when that is not the output root that was derived.
    pub(super) fn note(&self, key: RunKey, derived: B256, outcome: &Outcome) {
        let output = outcome.proven().unwrap_or_default();
        let mut known = self.0.lock();
        if output == derived {
            while known.agreed.len() >= AGREED {
                known.agreed.pop_first();
            }
            known.agreed.insert(key, ());
            return;
        }
        if known.other.insert(key, output).is_some() {
            return;
        }
        let (batch, _, image) = key;
        let trap = outcome.exit_code.and_then(|code| code.trap());
        tracing::error!(
            batch, %image, %derived, %output, exit = ?outcome.exit_code, ?trap,
            "the machine ends with another result than derivation: a bug of the program; playing what the machine says"
        );
        metrics::counter!("trestle_challenger_machine_disagreements_total").increment(1);
        metrics::gauge!("trestle_challenger_machine_disagreement_batch").set(as_float(batch));
    }

    /// Whether the machine has run the batch.
    pub(super) fn has(&self, key: &RunKey) -> bool {
        let known = self.0.lock();
        known.agreed.contains_key(key) || known.other.contains_key(key)
    }

    /// How many differ from derivation: when this has changed, what was concluded before must be concluded again.
    pub(super) fn disagreements(&self) -> usize {
        self.0.lock().other.len()
    }

    /// Disagreements of a game's batches up to `batch`, the first ahead: number, accumulator, output.
    pub(super) fn others(&self, rules: &Rules, batch: u64) -> Vec<(u64, B256, B256)> {
        let known = self.0.lock();
        let of_game = known.other.iter().filter(|((number, _, image), _)| {
            (rules.anchor < *number && *number <= batch) && rules.images.of(*number) == *image
        });
        let found = of_game.map(|((number, acc, _), output)| (*number, *acc, *output));
        found.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::Images;
    use std::time::Duration;
    use trestle_vm::{ExitCode, Trap};

    const IMAGE: B256 = B256::repeat_byte(1);
    const ROOT: B256 = B256::repeat_byte(2);

    fn outcome(exit_code: Option<ExitCode>) -> Outcome {
        Outcome {
            steps: 9,
            exit_code,
            output: ROOT,
            pages: 1,
            time: Duration::ZERO,
        }
    }

    fn rules(image: B256, anchor: u64) -> Rules {
        Rules {
            images: Images::only(image),
            anchor,
        }
    }

    #[test]
    fn run_that_agrees_is_no_disagreement_whatever_ran_before() {
        let verdicts = Verdicts::default();
        let key = |batch| (batch, ROOT, IMAGE);
        verdicts.note(key(1), ROOT, &outcome(Some(ExitCode(0))));
        assert!(verdicts.has(&key(1)) && !verdicts.has(&key(2)));
        assert_eq!(verdicts.disagreements(), 0);
        assert!(verdicts.others(&rules(IMAGE, 0), u64::MAX).is_empty());
    }

    #[test]
    fn batch_that_traps_or_never_ends_is_worth_zero_to_games_of_its_image_that_begin_before_it() {
        let verdicts = Verdicts::default();
        let trap = ExitCode::from_trap(Trap::IllegalInstruction);
        for (batch, exit) in [(5, Some(trap)), (3, None)] {
            verdicts.note((batch, ROOT, IMAGE), ROOT, &outcome(exit));
            verdicts.note((batch, ROOT, IMAGE), ROOT, &outcome(exit));
        }
        assert_eq!(verdicts.disagreements(), 2, "each is told once");
        let (three, five) = ((3, ROOT, B256::ZERO), (5, ROOT, B256::ZERO));
        assert_eq!(verdicts.others(&rules(IMAGE, 0), 9), [three, five]);
        assert_eq!(verdicts.others(&rules(IMAGE, 0), 4), [three]);
        assert_eq!(verdicts.others(&rules(IMAGE, 3), 9), [five]);
        assert!(
            verdicts.others(&rules(ROOT, 0), 9).is_empty(),
            "another image"
        );
    }

    #[test]
    fn success_with_another_output_is_kept_as_it_is() {
        let verdicts = Verdicts::default();
        let derived = B256::repeat_byte(7);
        verdicts.note((4, ROOT, IMAGE), derived, &outcome(Some(ExitCode(0))));
        assert_eq!(verdicts.others(&rules(IMAGE, 0), 4), [(4, ROOT, ROOT)]);
    }
}
