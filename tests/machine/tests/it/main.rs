//! Differential and conformance tests of the machine.

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod decoding;
#[cfg(test)]
mod gas;
#[cfg(test)]
mod images;
#[cfg(test)]
mod lockstep;
#[cfg(test)]
mod mutants;
#[cfg(test)]
mod natives;
#[cfg(test)]
mod programs;
#[cfg(test)]
mod runs;
#[cfg(test)]
mod vectors;
