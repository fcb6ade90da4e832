//! One instruction in a state set up by hand, and its witness.

use alloy_primitives::B256;
use std::sync::Arc;
use trestle_vm::{Image, Machine, NoPreimages, PreimageSource, Preimages, Registers, words_of};

/// Where scenes have their code.
pub const CODE: u64 = 0x1_0000;

/// A state before one step.
#[derive(Debug, Clone, Default)]
pub struct Scene {
    /// Code words at [`CODE`].
    pub code: Vec<u32>,
    /// Offset of `pc` from [`CODE`], in bytes.
    pub at: u64,
    /// Registers that are not 0.
    pub registers: Vec<(u8, u64)>,
    /// Memory that is not 0.
    pub memory: Vec<(u64, Vec<u8>)>,
    /// What can be read.
    pub preimages: Preimages,
}

/// A step with its outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vector {
    /// What it shows.
    pub name: String,
    /// State hash before.
    pub pre: B256,
    /// Encoded witness.
    pub witness: Vec<u8>,
    /// State hash after, by the machine.
    pub post: B256,
}

impl Scene {
    /// A scene of one instruction.
    #[must_use]
    pub fn of(word: u32) -> Self {
        Self {
            code: vec![word],
            ..Self::default()
        }
    }

    /// Sets a register.
    #[must_use]
    pub fn with(mut self, register: u8, value: u64) -> Self {
        self.registers.push((register, value));
        self
    }

    /// Sets memory.
    #[must_use]
    pub fn memory(mut self, address: u64, bytes: &[u8]) -> Self {
        self.memory.push((address, bytes.to_vec()));
        self
    }

    /// A system call with `a0..` as given.
    #[must_use]
    pub fn call(number: u64, arguments: &[u64]) -> Self {
        let mut scene = Self::of(0x73).with(17, number);
        for (register, value) in (10..17).zip(arguments) {
            scene = scene.with(register, *value);
        }
        scene
    }

    /// Sets `a2..a5` to a key.
    #[must_use]
    pub fn key(mut self, key: &B256) -> Self {
        self.registers.extend((12..16).zip(words_of(key)));
        self
    }

    /// The machine in this state.
    ///
    /// # Panics
    /// When the scene's memory lies outside the address space.
    #[must_use]
    pub fn machine(&self) -> Machine {
        let code = self
            .code
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect();
        let memory: Vec<(u64, &[u8])> = self
            .memory
            .iter()
            .map(|(at, bytes)| (*at, bytes.as_slice()))
            .collect();
        #[expect(clippy::expect_used, reason = "a scene is written by hand")]
        let image = Image::new(CODE, code, &memory, (CODE, 0)).expect("the scene is an image");
        let mut machine = Machine::new(Arc::new(image), B256::ZERO);
        #[expect(clippy::expect_used, reason = "the boot step reads nothing")]
        machine.run_until(1, &NoPreimages).expect("boots");
        let mut x = [0; 32];
        for (register, value) in &self.registers {
            if let Some(slot) = x.get_mut(usize::from(*register)) {
                *slot = *value;
            }
        }
        let hart = machine.hart_mut();
        hart.pc = CODE.wrapping_add(self.at);
        hart.x = Registers::new(&x);
        machine
    }

    /// Takes the step.
    ///
    /// # Panics
    /// When the scene lacks a preimage.
    #[must_use]
    pub fn vector(&self, name: impl Into<String>) -> Vector {
        vector(name, &mut self.machine(), &self.preimages)
    }
}

/// The next step of a machine.
///
/// # Panics
/// When the source lacks a preimage.
#[expect(clippy::expect_used, reason = "vectors are written by hand")]
pub fn vector(
    name: impl Into<String>,
    machine: &mut Machine,
    source: &dyn PreimageSource,
) -> Vector {
    let pre = machine.state_hash();
    let witness = machine
        .witness(source)
        .expect("the witness is known")
        .encode();
    machine
        .run_until(machine.step() + 1, source)
        .expect("the preimage is known");
    Vector {
        name: name.into(),
        pre,
        witness,
        post: machine.state_hash(),
    }
}
