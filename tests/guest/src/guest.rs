//! One batch in the machine.

use alloy_primitives::B256;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use trestle_challenger::{host::Recorded, image::image};
use trestle_vm::{ExitCode, Image, Machine, PreimageSource, RunError, Stop};

/// Steps after which a test gives up; the protocol's own bound.
const LIMIT: u64 = 1 << 39;

/// How a batch ended.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    pub steps: u64,
    pub exit_code: ExitCode,
    pub output: B256,
    /// Pages of 4,096 bytes that are or were in use.
    pub pages: usize,
    pub time: Duration,
}

/// Runs the committed program.
pub fn run(inputs: &Recorded) -> Run {
    run_until_halt(&image().unwrap(), inputs.input().hash(), inputs).unwrap()
}

/// Runs a program over any source.
///
/// # Errors
/// Those of the machine.
pub fn run_until_halt(
    image: &Arc<Image>,
    input_hash: B256,
    source: &dyn PreimageSource,
) -> Result<Run, RunError> {
    let start = Instant::now();
    let mut machine = Machine::new(image.clone(), input_hash);
    let stop = machine.run_until(LIMIT, source)?;
    assert_eq!(stop, Stop::Halted, "the program takes more than 2^39 steps");
    let time = start.elapsed();
    Ok(Run {
        steps: machine.step(),
        exit_code: machine.exit_code().unwrap(),
        output: machine.output(),
        pages: machine.snapshot().pages(),
        time,
    })
}
