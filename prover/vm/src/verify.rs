//! One step from its witness alone: the Rust twin of the L1 step verifier.
//!
//! Written apart from the interpreter and the machine (decoding excepted), so that the three check
//! each other. The challenger runs it before it sends a step. Spec: `SPEC.md`, "Machine".

use crate::{
    calls::{ADDRESS_SPACE, Call},
    decode::{Instruction, Op, decode},
    exit::{ExitCode, Trap},
    image::{CODE_DEPTH, IMAGE_LEN, MAX_CODE_LEN},
    memory::{PAGE_LEN, Page},
    native,
    preimage::{BLOB_LEN, PreimageKey},
    state::{BOOT_LEN, STATE_LEN, State, boot_hash, words_of},
    tree::{LEAF_LEN, MEMORY_DEPTH, PAGES_DEPTH, climb, leaf_hash, page_hash},
};
use alloy_primitives::{B256, keccak256};
use arithmetic::{compute, is_register_form};

mod arithmetic;
mod blob;
mod error;
mod reader;

pub use blob::brp_root;
pub use error::WitnessError;
use reader::Reader;

/// Precompile 0x0a: true if the 192 bytes `versioned hash ‖ z ‖ y ‖ commitment ‖ proof` verify.
pub type PointEvaluation<'a> = &'a dyn Fn(&[u8; 192]) -> bool;

/// Takes one step.
///
/// Returns the hash of the state after the step, equal to `pre` when the machine has halted.
///
/// # Errors
/// [`WitnessError`]: the witness does not prove the step from `pre`.
pub fn verify_step(
    pre: &B256,
    witness: &[u8],
    kzg: PointEvaluation<'_>,
) -> Result<B256, WitnessError> {
    let mut reader = Reader::new(witness);
    if witness.len() == BOOT_LEN {
        return boot(pre, &mut reader);
    }
    let bytes = reader.take::<STATE_LEN>()?;
    let got = keccak256(bytes);
    if got != *pre {
        return Err(WitnessError::WrongState {
            expected: *pre,
            got,
        });
    }
    let state = State::decode(&bytes)?;
    if state.halted {
        return reader.end().map(|()| got);
    }
    let mut step = Step { state, reader, kzg };
    step.take()?;
    step.reader.end()?;
    step.state.step = step.state.step.wrapping_add(1);
    Ok(step.state.hash())
}

fn boot(pre: &B256, reader: &mut Reader<'_>) -> Result<B256, WitnessError> {
    let header = reader.take::<IMAGE_LEN>()?;
    let input_hash = B256::new(reader.take::<32>()?);
    let got = boot_hash(&keccak256(header), &input_hash);
    if got != *pre {
        return Err(WitnessError::WrongState {
            expected: *pre,
            got,
        });
    }
    let mut fields = Reader::new(&header);
    let (code_root, memory_root) = (fields.word()?, fields.word()?);
    let [code_base, code_len, pc, sp] = [
        fields.number()?,
        fields.number()?,
        fields.number()?,
        fields.number()?,
    ];
    if code_base & 127 != 0 || code_len & 3 != 0 || code_len > MAX_CODE_LEN {
        return Err(WitnessError::BadImage);
    }
    let mut x = [0; 32];
    x[2] = sp;
    [x[10], x[11], x[12], x[13]] = words_of(&input_hash);
    let state = State {
        memory_root,
        code_root,
        output_hash: B256::ZERO,
        pc,
        step: 1,
        exit_code: ExitCode(0),
        halted: false,
        code_base,
        code_len,
        x,
    };
    Ok(state.hash())
}

struct Step<'a> {
    state: State,
    reader: Reader<'a>,
    kzg: PointEvaluation<'a>,
}

impl Step<'_> {
    fn take(&mut self) -> Result<(), WitnessError> {
        let pc = self.state.pc;
        if pc & 3 != 0 {
            return self.trap(Trap::PcMisaligned);
        }
        let offset = pc.wrapping_sub(self.state.code_base);
        if offset >= self.state.code_len {
            return self.trap(Trap::PcOutside);
        }
        let leaf = self.reader.take::<LEAF_LEN>()?;
        let path = self.reader.path::<CODE_DEPTH>()?;
        let got = climb(leaf_hash(&leaf), index(offset >> 7), &path);
        if got != self.state.code_root {
            return Err(WitnessError::CodePath {
                expected: self.state.code_root,
                got,
            });
        }
        let (words, _) = leaf.as_chunks::<4>();
        let word = words
            .get(index((offset >> 2) & 31))
            .copied()
            .unwrap_or_default();
        self.execute(decode(u32::from_le_bytes(word)))
    }

    fn execute(&mut self, i: Instruction) -> Result<(), WitnessError> {
        let (a, b) = (self.get(i.rs1), self.get(i.rs2));
        let imm = i64::from(i.imm).cast_unsigned();
        let pc = self.state.pc;
        match i.op {
            Op::Illegal => return self.trap(Trap::IllegalInstruction),
            Op::Ebreak => return self.trap(Trap::Breakpoint),
            Op::Ecall => return self.call(),
            Op::Jal => return self.jump(i.rd, pc.wrapping_add(imm)),
            Op::Jalr => return self.jump(i.rd, a.wrapping_add(imm) & !1),
            Op::Beq => return self.branch(a == b, imm),
            Op::Bne => return self.branch(a != b, imm),
            Op::Blt => return self.branch(signed(a) < signed(b), imm),
            Op::Bge => return self.branch(signed(a) >= signed(b), imm),
            Op::Bltu => return self.branch(a < b, imm),
            Op::Bgeu => return self.branch(a >= b, imm),
            Op::Sb | Op::Sh | Op::Sw | Op::Sd => {
                return self.store(a.wrapping_add(imm), b, i.op.width());
            }
            Op::Lb | Op::Lh | Op::Lw | Op::Ld | Op::Lbu | Op::Lhu | Op::Lwu => {
                return self.load(i, a.wrapping_add(imm));
            }
            Op::Fence => {}
            Op::Lui => self.set(i.rd, imm),
            Op::Auipc => self.set(i.rd, pc.wrapping_add(imm)),
            _ => {
                let second = if is_register_form(i.op) { b } else { imm };
                self.set(i.rd, compute(i.op, a, second));
            }
        }
        self.next()
    }

    fn get(&self, register: u8) -> u64 {
        self.state
            .x
            .get(usize::from(register))
            .copied()
            .unwrap_or_default()
    }

    fn set(&mut self, register: u8, value: u64) {
        if register == 0 {
            return;
        }
        if let Some(slot) = self.state.x.get_mut(usize::from(register)) {
            *slot = value;
        }
    }

    const fn next(&mut self) -> Result<(), WitnessError> {
        self.state.pc = self.state.pc.wrapping_add(4);
        Ok(())
    }

    const fn trap(&mut self, trap: Trap) -> Result<(), WitnessError> {
        self.state.halted = true;
        self.state.exit_code = ExitCode::from_trap(trap);
        Ok(())
    }

    fn jump(&mut self, rd: u8, target: u64) -> Result<(), WitnessError> {
        if !target.is_multiple_of(4) {
            return self.trap(Trap::PcMisaligned);
        }
        self.set(rd, self.state.pc.wrapping_add(4));
        self.state.pc = target;
        Ok(())
    }

    const fn branch(&mut self, is_taken: bool, distance: u64) -> Result<(), WitnessError> {
        if !is_taken {
            return self.next();
        }
        let target = self.state.pc.wrapping_add(distance);
        if !target.is_multiple_of(4) {
            return self.trap(Trap::PcMisaligned);
        }
        self.state.pc = target;
        Ok(())
    }

    /// Reads a leaf and checks it against the memory root as it now is.
    fn leaf(&mut self, number: u64) -> Result<Leaf, WitnessError> {
        let bytes = self.reader.take::<LEAF_LEN>()?;
        let path = self.reader.path::<MEMORY_DEPTH>()?;
        let got = climb(leaf_hash(&bytes), index(number), &path);
        if got != self.state.memory_root {
            return Err(WitnessError::MemoryPath {
                expected: self.state.memory_root,
                got,
            });
        }
        Ok(Leaf {
            bytes,
            path,
            number,
        })
    }

    fn write(&mut self, leaf: &Leaf) {
        self.state.memory_root = climb(leaf_hash(&leaf.bytes), index(leaf.number), &leaf.path);
    }

    fn load(&mut self, i: Instruction, address: u64) -> Result<(), WitnessError> {
        let width = i.op.width();
        if !fits(address, width) {
            return self.trap(Trap::LoadOutside);
        }
        let mut leaf = self.leaf(address >> 7)?;
        let mut value = 0_u64;
        for k in 0..width {
            let at = address.wrapping_add(k);
            if at >> 7 != leaf.number {
                leaf = self.leaf(at >> 7)?;
            }
            let byte = leaf.bytes.get(index(at & 127)).copied().unwrap_or_default();
            value |= u64::from(byte).wrapping_shl(small(k.wrapping_mul(8)));
        }
        let value = match i.op {
            Op::Lb if value >= 1 << 7 => value | u64::MAX << 8,
            Op::Lh if value >= 1 << 15 => value | u64::MAX << 16,
            Op::Lw if value >= 1 << 31 => value | u64::MAX << 32,
            _ => value,
        };
        self.set(i.rd, value);
        self.next()
    }

    fn store(&mut self, address: u64, value: u64, width: u64) -> Result<(), WitnessError> {
        if !fits(address, width) {
            return self.trap(Trap::StoreOutside);
        }
        let mut leaf = self.leaf(address >> 7)?;
        for k in 0..width {
            let at = address.wrapping_add(k);
            if at >> 7 != leaf.number {
                self.write(&leaf);
                leaf = self.leaf(at >> 7)?;
            }
            if let Some(slot) = leaf.bytes.get_mut(index(at & 127)) {
                *slot = value.wrapping_shr(small(k.wrapping_mul(8))).to_le_bytes()[0];
            }
        }
        self.write(&leaf);
        self.next()
    }

    fn call(&mut self) -> Result<(), WitnessError> {
        let mut a = [0; 8];
        for (slot, register) in a.iter_mut().zip(10..18) {
            *slot = self.get(register);
        }
        match Call::from_registers(&a) {
            Call::Halt { a0, output } => {
                self.state.halted = true;
                self.state.exit_code = ExitCode::from_program(a0);
                self.state.output_hash = output;
                Ok(())
            }
            Call::Read {
                key: PreimageKey::Keccak(hash),
                offset,
                to,
                len,
            } => self.read_keccak((hash, offset), (to, len)),
            Call::Read {
                key: PreimageKey::Blob(hash),
                offset,
                to,
                ..
            } => self.read_blob((hash, offset), to),
            Call::Keccak { page, len } => self.keccak(page, len),
            Call::Ecrecover { leaf } => {
                let input = self.leaf(u64::from(leaf) >> 7)?.bytes;
                let signer = native::ecrecover(&input);
                self.set(10, u64::from(signer.is_some()));
                self.answer(11, signer.unwrap_or_default());
                self.next()
            }
            Call::BadArgument => self.trap(Trap::CallArgument),
            Call::Unknown => self.trap(Trap::UnknownCall),
        }
    }

    fn answer(&mut self, first: u8, word: B256) {
        for (register, value) in (first..).zip(words_of(&word)) {
            self.set(register, value);
        }
    }

    fn read_keccak(
        &mut self,
        (hash, offset): (B256, u64),
        (to, len): (u32, usize),
    ) -> Result<(), WitnessError> {
        let total = self.reader.number()?;
        let preimage = self
            .reader
            .bytes(usize::try_from(total).unwrap_or(usize::MAX))?;
        let got = keccak256(preimage);
        if got != hash {
            return Err(WitnessError::WrongPreimage {
                expected: hash,
                got,
            });
        }
        self.set(10, total);
        if offset >= total {
            return self.next();
        }
        let from = preimage.get(index(offset)..).unwrap_or_default();
        let mut block: Page = [0; PAGE_LEN];
        for (slot, byte) in block.iter_mut().zip(from) {
            *slot = *byte;
        }
        if len == 32 {
            return self.write_word(to, &block);
        }
        let page = index(u64::from(to) >> 12);
        let before = self.reader.word()?;
        let path = self.reader.path::<PAGES_DEPTH>()?;
        self.check_memory(climb(before, page, &path))?;
        self.state.memory_root = climb(page_hash(&block), page, &path);
        self.next()
    }

    fn read_blob(&mut self, (hash, offset): (B256, u64), to: u32) -> Result<(), WitnessError> {
        self.set(10, BLOB_LEN);
        if offset >= BLOB_LEN {
            return self.next();
        }
        let element = self.reader.word()?;
        let opening = self.reader.take::<96>()?;
        let z = brp_root(offset >> 5);
        let mut input = [0; 192];
        let parts: [&[u8]; 4] = [
            hash.as_slice(),
            &z.to_be_bytes::<32>(),
            element.as_slice(),
            &opening,
        ];
        for (slot, byte) in input.iter_mut().zip(parts.into_iter().flatten()) {
            *slot = *byte;
        }
        if !(self.kzg)(&input) {
            return Err(WitnessError::WrongOpening {
                versioned_hash: hash,
                index: offset >> 5,
            });
        }
        self.write_word(to, element.as_slice())
    }

    /// Writes the first 32 bytes of `value` at `to`, a multiple of 32.
    fn write_word(&mut self, to: u32, value: &[u8]) -> Result<(), WitnessError> {
        let mut leaf = self.leaf(u64::from(to) >> 7)?;
        let slots = leaf
            .bytes
            .iter_mut()
            .skip(index(u64::from(to) & 127))
            .take(32);
        for (slot, byte) in slots.zip(value) {
            *slot = *byte;
        }
        self.write(&leaf);
        self.next()
    }

    fn keccak(&mut self, page: u32, len: usize) -> Result<(), WitnessError> {
        let bytes = self.reader.take::<PAGE_LEN>()?;
        let path = self.reader.path::<PAGES_DEPTH>()?;
        self.check_memory(climb(
            page_hash(&bytes),
            index(u64::from(page) >> 12),
            &path,
        ))?;
        self.answer(10, native::keccak(bytes.get(..len).unwrap_or_default()));
        self.next()
    }

    fn check_memory(&self, got: B256) -> Result<(), WitnessError> {
        let expected = self.state.memory_root;
        if got == expected {
            Ok(())
        } else {
            Err(WitnessError::MemoryPath { expected, got })
        }
    }
}

/// A proven memory leaf.
struct Leaf {
    bytes: [u8; LEAF_LEN],
    path: [B256; MEMORY_DEPTH],
    number: u64,
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "callers pass offsets below 2^32"
)]
const fn index(value: u64) -> usize {
    value as usize
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "callers pass shift amounts below 64"
)]
const fn small(value: u64) -> u32 {
    value as u32
}

const fn signed(value: u64) -> i64 {
    value.cast_signed()
}

const fn fits(address: u64, width: u64) -> bool {
    address <= ADDRESS_SPACE.wrapping_sub(width)
}
