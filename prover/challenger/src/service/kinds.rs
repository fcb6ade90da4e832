//! Steps of a kind in the run of a batch: where a lie is to depart, for demonstrations and tests.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use trestle_vm::{
    CALL_ECRECOVER, CALL_HALT, CALL_KECCAK, CALL_READ_PAGE, CALL_READ_WORD, Engine, Hart, Image,
    Interpreter, KEY_BLOB, Machine, Memory, Op, Stop, decode,
};

use crate::host::{HostError, Recorded};

/// Register that holds the type of a preimage's key, and the one that names a system call.
const A6: u8 = 16;
const A7: u8 = 17;
/// Steps between two looks at what was found.
const CHUNK: u64 = 1 << 20;
/// No step was found yet.
const NONE: u64 = u64::MAX;

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StepKind {
    /// Loads the image.
    Boot,
    /// Reads memory.
    Load,
    /// Writes memory.
    Store,
    /// Branches.
    Branch,
    /// Multiplies or divides.
    Multiply,
    /// Anything else that stays in registers.
    Other,
    /// Hashes a page on L1.
    Keccak,
    /// Recovers a signer on L1.
    Ecrecover,
    /// Reads a preimage.
    Preimage,
    /// Reads a field element of a blob; there is one only where batches are in blobs.
    Blob,
    /// Halts.
    Halt,
    /// Is no instruction: the machine stops.
    Trap,
}

impl StepKind {
    /// Every kind, with the name that commands take. The committed program never takes the last of them.
    pub const ALL: [(&'static str, Self); 12] = [
        ("boot", Self::Boot),
        ("load", Self::Load),
        ("store", Self::Store),
        ("branch", Self::Branch),
        ("multiply", Self::Multiply),
        ("other", Self::Other),
        ("keccak", Self::Keccak),
        ("ecrecover", Self::Ecrecover),
        ("preimage", Self::Preimage),
        ("blob", Self::Blob),
        ("halt", Self::Halt),
        ("trap", Self::Trap),
    ];

    /// The kind of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, kind)| *kind)
    }

    /// Kind of an instruction word with these values in `a6` and `a7`.
    #[must_use]
    pub fn of(word: u32, [a6, a7]: [u64; 2]) -> Self {
        let op = decode(word).op;
        match op {
            Op::Ecall => Self::of_call(a7, a6),
            Op::Illegal => Self::Trap,
            Op::Beq | Op::Bne | Op::Blt | Op::Bge | Op::Bltu | Op::Bgeu => Self::Branch,
            Op::Mul
            | Op::Mulh
            | Op::Mulhsu
            | Op::Mulhu
            | Op::Div
            | Op::Divu
            | Op::Rem
            | Op::Remu
            | Op::Mulw
            | Op::Divw
            | Op::Divuw
            | Op::Remw
            | Op::Remuw => Self::Multiply,
            op if op.is_store() => Self::Store,
            op if op.width() > 0 => Self::Load,
            _ => Self::Other,
        }
    }

    const fn of_call(number: u64, key_type: u64) -> Self {
        match number {
            CALL_KECCAK => Self::Keccak,
            CALL_ECRECOVER => Self::Ecrecover,
            CALL_READ_WORD if key_type == KEY_BLOB => Self::Blob,
            CALL_READ_PAGE | CALL_READ_WORD => Self::Preimage,
            CALL_HALT => Self::Halt,
            _ => Self::Other,
        }
    }
}

/// First step of a kind at or after step `after` of a batch's run by `image`, from 0; `None` when there is none.
///
/// # Errors
/// [`HostError::Machine`].
pub fn find_step(
    image: Arc<Image>,
    inputs: &Recorded,
    kind: StepKind,
    after: u64,
) -> Result<Option<u64>, HostError> {
    if kind == StepKind::Boot {
        return Ok(Some(0));
    }
    let found = Arc::new(AtomicU64::new(NONE));
    let engine = Finder {
        inner: Interpreter::new(&image),
        image: Arc::clone(&image),
        kind,
        after,
        step: 1,
        found: Arc::clone(&found),
    };
    let mut machine = Machine::with_engine(image, inputs.input().hash(), Box::new(engine));
    loop {
        let stop = machine.run_until(machine.step().saturating_add(CHUNK), inputs)?;
        match found.load(Ordering::Relaxed) {
            NONE if stop == Stop::Halted => return Ok(None),
            NONE => {}
            step => return Ok(Some(step)),
        }
    }
}

/// The interpreter, one instruction at a time, with a look at each.
#[derive(Debug)]
struct Finder {
    inner: Interpreter,
    image: Arc<Image>,
    kind: StepKind,
    after: u64,
    /// Steps taken, the boot step included.
    step: u64,
    found: Arc<AtomicU64>,
}

impl Finder {
    fn look(&self, hart: &Hart) {
        if self.step < self.after || self.found.load(Ordering::Relaxed) != NONE {
            return;
        }
        let word = self.image.word(hart.pc);
        let call = [A6, A7].map(|register| hart.x.get(register));
        if word.is_some_and(|word| StepKind::of(word, call) == self.kind) {
            self.found.store(self.step, Ordering::Relaxed);
        }
    }
}

impl Engine for Finder {
    fn run(&mut self, hart: &mut Hart, memory: &mut Memory, budget: u64) -> u64 {
        let mut ran = 0_u64;
        while ran < budget {
            self.look(hart);
            let plain = self.inner.run(hart, memory, 1);
            // What is not plain is the machine's to do, as the next step.
            self.step = self.step.saturating_add(1);
            if plain == 0 {
                break;
            }
            ran = ran.saturating_add(1);
        }
        ran
    }
}
