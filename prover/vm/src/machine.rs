//! The machine: counts steps, boots, traps, answers system calls, hashes its state.
//!
//! Driven by the challenger and by `trestle vm`. It reads preimages through a source and has no
//! other input. Spec: `SPEC.md`, "Machine".

use crate::{
    calls::{ADDRESS_SPACE, Call},
    decode::{Instruction, Op, decode},
    engine::{Engine, Hart, Registers},
    exit::{ExitCode, Trap},
    image::Image,
    interpreter::Interpreter,
    memory::{Memory, PAGE_LEN, Page},
    native,
    preimage::{BLOB_LEN, PreimageKey, PreimageSource},
    snapshot::{Pages, Snapshot},
    state::{State, boot_hash, words_of},
};
use alloc::{boxed::Box, sync::Arc};
use alloy_primitives::B256;

/// Why a run came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The step asked for is reached and the machine still runs.
    Step,
    /// The machine has halted, at or before the step asked for.
    Halted,
}

/// What keeps a machine from taking its next step. The machine stands before that step, unchanged,
/// and can go on when the cause is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The source does not know a preimage that the program reads.
    #[error("preimage {key:?} is not known")]
    MissingPreimage {
        /// Its name.
        key: PreimageKey,
    },
    /// The source does not know the opening of a blob element that a witness needs.
    #[error("opening of element {index} of blob {versioned_hash} is not known")]
    MissingOpening {
        /// Versioned hash of the blob.
        versioned_hash: B256,
        /// Index of the element, 0..4096.
        index: u16,
    },
    /// The engine stopped before a plain instruction, against the contract of [`Engine::run`].
    #[error("internal: the engine stopped before the plain instruction at {pc:#x}")]
    Internal {
        /// Address of the instruction.
        pc: u64,
    },
    /// A step before the one at which the machine stands was asked for.
    #[error("machine stands at step {at}, step {asked} is past")]
    Past {
        /// Steps taken.
        at: u64,
        /// Step asked for.
        asked: u64,
    },
}

/// A machine in the middle of a run.
#[derive(Debug)]
pub struct Machine {
    pub(crate) image: Arc<Image>,
    pub(crate) input_hash: B256,
    engine: Box<dyn Engine + Send>,
    pub(crate) hart: Hart,
    pub(crate) memory: Memory,
    pub(crate) status: Status,
    /// Pages as of the last snapshot, or of the image.
    pub(crate) saved: Pages,
}

/// Everything about a run that is neither memory nor registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Status {
    pub(crate) step: u64,
    pub(crate) halted: bool,
    pub(crate) exit_code: ExitCode,
    pub(crate) output: B256,
}

impl Machine {
    /// A machine before its boot step, run by the interpreter.
    #[must_use]
    pub fn new(image: Arc<Image>, input_hash: B256) -> Self {
        let engine = Box::new(Interpreter::new(&image));
        Self::with_engine(image, input_hash, engine)
    }

    /// A machine before its boot step, run by `engine`, which must have been made for `image`.
    #[must_use]
    pub fn with_engine(
        image: Arc<Image>,
        input_hash: B256,
        engine: Box<dyn Engine + Send>,
    ) -> Self {
        let mut memory = Memory::new();
        for (page, bytes) in image.pages() {
            memory.store::<PAGE_LEN>(u64::from(*page) << 12, **bytes);
        }
        memory.take_unsaved();
        let saved = image.pages().clone();
        let status = Status::default();
        Self {
            image,
            input_hash,
            engine,
            hart: Hart::default(),
            memory,
            status,
            saved,
        }
    }

    /// Steps taken, the boot step included. Does not move once the machine has halted.
    #[must_use]
    pub const fn step(&self) -> u64 {
        self.status.step
    }

    /// The exit code, once the machine has halted.
    #[must_use]
    pub const fn exit_code(&self) -> Option<ExitCode> {
        if self.status.halted {
            Some(self.status.exit_code)
        } else {
            None
        }
    }

    /// Output that the program halted with; zero before, and after a trap.
    #[must_use]
    pub const fn output(&self) -> B256 {
        self.status.output
    }

    /// Program counter and registers.
    #[must_use]
    pub const fn hart(&self) -> &Hart {
        &self.hart
    }

    /// Registers and program counter, to set up a state by hand in tests and tools.
    pub const fn hart_mut(&mut self) -> &mut Hart {
        &mut self.hart
    }

    /// Data memory.
    #[must_use]
    pub const fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Data memory, to set up a state by hand in tests and tools.
    pub const fn memory_mut(&mut self) -> &mut Memory {
        &mut self.memory
    }

    /// The image it runs.
    #[must_use]
    pub const fn image(&self) -> &Arc<Image> {
        &self.image
    }

    /// Runs until `target` steps are taken or the machine halts.
    ///
    /// # Errors
    /// [`RunError::MissingPreimage`] when the source lacks what the program reads;
    /// [`RunError::Past`] when a running machine is beyond `target`.
    pub fn run_until(
        &mut self,
        target: u64,
        source: &dyn PreimageSource,
    ) -> Result<Stop, RunError> {
        if target < self.status.step {
            return Err(RunError::Past {
                at: self.status.step,
                asked: target,
            });
        }
        while !self.status.halted && self.status.step < target {
            if self.status.step == 0 {
                self.boot();
                continue;
            }
            let budget = target.wrapping_sub(self.status.step);
            let ran = self.engine.run(&mut self.hart, &mut self.memory, budget);
            self.status.step = self.status.step.wrapping_add(ran);
            if ran < budget {
                self.step_alone(source)?;
            }
        }
        Ok(if self.status.halted {
            Stop::Halted
        } else {
            Stop::Step
        })
    }

    /// Runs until the machine halts.
    ///
    /// # Errors
    /// [`RunError::MissingPreimage`] when the source lacks what the program reads.
    pub fn run(&mut self, source: &dyn PreimageSource) -> Result<Stop, RunError> {
        self.run_until(u64::MAX, source)
    }

    /// The full state; `None` before the boot step, when there is none yet.
    pub fn state(&mut self) -> Option<State> {
        if self.status.step == 0 {
            return None;
        }
        let header = *self.image.header();
        Some(State {
            memory_root: self.memory.root(),
            code_root: header.code_root,
            output_hash: self.status.output,
            pc: self.hart.pc,
            step: self.status.step,
            exit_code: self.status.exit_code,
            halted: self.status.halted,
            code_base: header.code_base,
            code_len: header.code_len,
            x: self.hart.x.values(),
        })
    }

    /// Hash of the state at this step; hashes the pages changed since it was last asked for.
    pub fn state_hash(&mut self) -> B256 {
        match self.state() {
            Some(state) => state.hash(),
            None => boot_hash(&self.image.root(), &self.input_hash),
        }
    }

    fn boot(&mut self) {
        let header = self.image.header();
        let mut x = Registers::default();
        x.set(2, header.sp);
        for (register, word) in (10..14).zip(words_of(&self.input_hash)) {
            x.set(register, word);
        }
        self.hart = Hart {
            pc: header.entry,
            x,
        };
        self.status.step = 1;
    }

    /// One step of any kind that the engine leaves alone.
    fn step_alone(&mut self, source: &dyn PreimageSource) -> Result<(), RunError> {
        let pc = self.hart.pc;
        let Some(word) = self.image.word(pc) else {
            let trap = if pc & 3 != 0 {
                Trap::PcMisaligned
            } else {
                Trap::PcOutside
            };
            self.halt(ExitCode::from_trap(trap), B256::ZERO);
            return Ok(());
        };
        let instruction = decode(word);
        match instruction.op {
            Op::Ecall => return self.call(source),
            Op::Jal | Op::Jalr => self.jump(instruction),
            Op::Beq | Op::Bne | Op::Blt | Op::Bge | Op::Bltu | Op::Bgeu => self.branch(instruction),
            Op::Lb | Op::Lh | Op::Lw | Op::Ld | Op::Lbu | Op::Lhu | Op::Lwu => {
                self.outside(instruction, Trap::LoadOutside)?;
            }
            Op::Sb | Op::Sh | Op::Sw | Op::Sd => {
                self.outside(instruction, Trap::StoreOutside)?;
            }
            Op::Ebreak => self.halt(ExitCode::from_trap(Trap::Breakpoint), B256::ZERO),
            Op::Illegal => self.halt(ExitCode::from_trap(Trap::IllegalInstruction), B256::ZERO),
            _ => return Err(RunError::Internal { pc }),
        }
        Ok(())
    }

    /// A load or store that the engine refused because it leaves the address space.
    fn outside(&mut self, instruction: Instruction, trap: Trap) -> Result<(), RunError> {
        let offset = i64::from(instruction.imm).cast_unsigned();
        let address = self.hart.x.get(instruction.rs1).wrapping_add(offset);
        let width = instruction.op.width();
        if address
            .checked_add(width)
            .is_some_and(|end| end <= ADDRESS_SPACE)
        {
            return Err(RunError::Internal { pc: self.hart.pc });
        }
        self.halt(ExitCode::from_trap(trap), B256::ZERO);
        Ok(())
    }

    fn jump(&mut self, i: Instruction) {
        let from = if i.op == Op::Jal {
            self.hart.pc
        } else {
            self.hart.x.get(i.rs1)
        };
        let sum = from.wrapping_add(i64::from(i.imm).cast_unsigned());
        let target = if i.op == Op::Jal { sum } else { sum & !1 };
        if target & 3 != 0 {
            return self.halt(ExitCode::from_trap(Trap::PcMisaligned), B256::ZERO);
        }
        self.hart.x.set(i.rd, self.hart.pc.wrapping_add(4));
        self.advance_to(target);
    }

    fn branch(&mut self, i: Instruction) {
        let (a, b) = (self.hart.x.get(i.rs1), self.hart.x.get(i.rs2));
        let is_taken = match i.op {
            Op::Beq => a == b,
            Op::Bne => a != b,
            Op::Blt => a.cast_signed() < b.cast_signed(),
            Op::Bge => a.cast_signed() >= b.cast_signed(),
            Op::Bltu => a < b,
            _ => a >= b,
        };
        if !is_taken {
            return self.advance_to(self.hart.pc.wrapping_add(4));
        }
        let target = self.hart.pc.wrapping_add(i64::from(i.imm).cast_unsigned());
        if target & 3 != 0 {
            return self.halt(ExitCode::from_trap(Trap::PcMisaligned), B256::ZERO);
        }
        self.advance_to(target);
    }

    fn call(&mut self, source: &dyn PreimageSource) -> Result<(), RunError> {
        match Call::from_registers(&self.arguments()) {
            Call::Halt { a0, output } => self.halt(ExitCode::from_program(a0), output),
            Call::Read {
                key,
                offset,
                to,
                len,
            } => self.read(source, (key, offset), (to, len))?,
            Call::Keccak { page, len } => {
                let bytes = self.memory.read(u64::from(page), len).unwrap_or_default();
                self.answer(10, &words_of(&native::keccak(bytes)));
            }
            Call::Ecrecover { leaf } => {
                let input = self.memory.load(u64::from(leaf)).unwrap_or([0; 128]);
                let signer = native::ecrecover(&input);
                let [a, b, c, d] = words_of(&signer.unwrap_or_default());
                self.answer(10, &[u64::from(signer.is_some()), a, b, c, d]);
            }
            Call::BadArgument => self.halt(ExitCode::from_trap(Trap::CallArgument), B256::ZERO),
            Call::Unknown => self.halt(ExitCode::from_trap(Trap::UnknownCall), B256::ZERO),
        }
        Ok(())
    }

    fn read(
        &mut self,
        source: &dyn PreimageSource,
        (key, offset): (PreimageKey, u64),
        (to, len): (u32, usize),
    ) -> Result<(), RunError> {
        let missing = RunError::MissingPreimage { key };
        let mut block: Page = [0; PAGE_LEN];
        let total = match key {
            PreimageKey::Keccak(hash) => {
                let preimage = source.keccak(&hash).ok_or(missing)?;
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                for (slot, byte) in block
                    .iter_mut()
                    .zip(preimage.get(start..).unwrap_or_default())
                {
                    *slot = *byte;
                }
                preimage.len() as u64
            }
            PreimageKey::Blob(hash) if offset < BLOB_LEN => {
                let index = u16::try_from(offset >> 5).unwrap_or_default();
                let element = source.blob_element(&hash, index).ok_or(missing)?;
                for (slot, byte) in block.iter_mut().zip(element) {
                    *slot = byte;
                }
                BLOB_LEN
            }
            PreimageKey::Blob(_) => BLOB_LEN,
        };
        if offset < total {
            self.memory
                .write(u64::from(to), block.get(..len).unwrap_or_default());
        }
        self.answer(10, &[total]);
        Ok(())
    }

    /// `a0..=a7`.
    pub(crate) fn arguments(&self) -> [u64; 8] {
        let mut a = [0; 8];
        for (slot, register) in a.iter_mut().zip(10..18) {
            *slot = self.hart.x.get(register);
        }
        a
    }

    fn answer(&mut self, first: u8, values: &[u64]) {
        for (register, value) in (first..32).zip(values) {
            self.hart.x.set(register, *value);
        }
        self.advance_to(self.hart.pc.wrapping_add(4));
    }

    const fn advance_to(&mut self, pc: u64) {
        self.hart.pc = pc;
        self.status.step = self.status.step.wrapping_add(1);
    }

    const fn halt(&mut self, exit_code: ExitCode, output: B256) {
        let step = self.status.step.wrapping_add(1);
        self.status = Status {
            step,
            halted: true,
            exit_code,
            output,
        };
    }

    /// Saves the whole machine. Pages unchanged since the last snapshot are shared with it.
    pub fn snapshot(&mut self) -> Snapshot {
        for number in self.memory.take_unsaved() {
            self.saved
                .insert(number, Arc::new(self.memory.page(number)));
        }
        Snapshot {
            status: self.status,
            hart: self.hart.clone(),
            pages: self.saved.clone(),
        }
    }

    /// Goes back (or forth) to a snapshot of this machine. Copies only pages that differ.
    pub fn restore(&mut self, snapshot: &Snapshot) {
        for number in self.memory.take_unsaved() {
            let page = snapshot
                .pages
                .get(&number)
                .map_or([0; PAGE_LEN], |page| **page);
            self.memory.store::<PAGE_LEN>(u64::from(number) << 12, page);
        }
        let gone = self
            .saved
            .keys()
            .filter(|number| !snapshot.pages.contains_key(number));
        for number in gone {
            self.memory
                .store::<PAGE_LEN>(u64::from(*number) << 12, [0; PAGE_LEN]);
        }
        for (number, page) in &snapshot.pages {
            if self
                .saved
                .get(number)
                .is_none_or(|held| !Arc::ptr_eq(held, page))
            {
                self.memory
                    .store::<PAGE_LEN>(u64::from(*number) << 12, **page);
            }
        }
        self.memory.take_unsaved();
        self.saved = snapshot.pages.clone();
        self.hart = snapshot.hart.clone();
        self.status = snapshot.status;
    }
}
