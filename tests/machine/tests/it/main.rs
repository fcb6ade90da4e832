//! Differential and conformance tests of the machine.

#[cfg(test)]
mod lockstep;
#[cfg(test)]
mod vectors;
