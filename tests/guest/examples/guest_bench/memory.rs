//! Memory of batches that are built to use much of it.

use crate::in_machine;
use std::sync::Arc;
use trestle_guest_tests::memory::scenarios;
use trestle_vm::Image;

pub(crate) fn run(image: &Arc<Image>) {
    let only = std::env::var("ONLY").unwrap_or_default();
    println!("batch | MiB used | gas | preimages | instructions");
    for (name, make) in scenarios() {
        if !name.contains(&only) {
            continue;
        }
        let mut hungry = make();
        let (record, inputs) = hungry.world.derive(hungry.content);
        let gas = if record.block_number == 0 {
            0
        } else {
            hungry.world.gas_used(&record)
        };
        let run = in_machine(image, &inputs, record.output_root);
        assert!(run.pages < 1 << 19, "{name}: more than 2 GiB");
        println!(
            "{name} | {} | {gas} | {} | {}",
            run.pages >> 8,
            inputs.preimages().len(),
            run.steps
        );
    }
}
