//! Batches of signed ERC-20 transfers.

use crate::{Images, in_machine};
use trestle_guest_tests::transfers::transfer_batch;

pub(crate) fn run(images: &Images) {
    println!(
        "ERC-20 transfers | image | instructions | per transfer | preimage bytes | MiB used | s"
    );
    for count in [100, 1_000, 8_000] {
        let (mut world, payload) = transfer_batch(count);
        let (record, inputs) = world.derive(payload);
        assert_eq!(record.block_number, count.div_ceil(900));
        for (name, image) in images {
            let run = in_machine(image, &inputs, record.output_root);
            println!(
                "{count:6} | {name:12} | {:14} | {:9} | {:9} | {:5} | {:.1}",
                run.steps,
                run.steps / count,
                inputs.len_bytes(),
                run.pages >> 8,
                run.time.as_secs_f64()
            );
        }
    }
}
