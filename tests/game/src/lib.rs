//! The dispute contracts and the challenger's choice of moves, held against each other and against liars.
//!
//! Tests only. `chain` is an L1 in the process, over revm; `toy` a machine whose trace costs nothing; `world` a
//! settlement deployed on them; `liar` the attackers; `simulator` whole games by seed; `weakened` the contracts
//! with one rule taken out and the attack that the rule is there to stop. Spec: `SPEC.md`, chapter "Claims and
//! disputes".

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod artifacts;
#[cfg(test)]
mod bindings;
#[cfg(test)]
mod chain;
#[cfg(test)]
mod events;
#[cfg(test)]
mod gas;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod liar;
#[cfg(test)]
mod random;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod simulator;
#[cfg(test)]
mod toy;
#[cfg(test)]
mod weakened;
#[cfg(test)]
mod world;
