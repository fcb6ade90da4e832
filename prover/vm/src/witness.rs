//! The witness of one step: everything the L1 verifier needs to take it without the machine.
//!
//! Made from a machine that stands before the step. Spec: `SPEC.md`, "Machine", section "Witness".

use crate::{
    calls::{ADDRESS_SPACE, Call},
    decode::{Instruction, Op, decode},
    image::ImageHeader,
    machine::{Machine, RunError},
    memory::Page,
    preimage::{BLOB_LEN, BlobProof, PreimageKey, PreimageSource},
    state::State,
    tree::{LEAF_LEN, leaf_hash, node_hash},
};
use alloc::{boxed::Box, vec::Vec};
use alloy_primitives::{B256, Bytes};

/// A leaf and its siblings, from the leaf up: 17 for code, 25 for memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeafProof {
    /// The 128 bytes.
    pub leaf: Box<[u8; LEAF_LEN]>,
    /// The siblings.
    pub path: Vec<B256>,
}

/// Hash of a page and its 20 siblings, from the page up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageProof {
    /// Root of the page before the step.
    pub root: B256,
    /// The siblings.
    pub path: Vec<B256>,
}

/// What a step touches beside state and code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepAccess {
    /// Nothing.
    None,
    /// One memory leaf: a load, a store, or `ECRECOVER`.
    Leaf(LeafProof),
    /// Two neighbouring leaves. For a store the second path is that of the memory after the first
    /// leaf changed.
    Straddle(Box<[LeafProof; 2]>),
    /// A whole page and its 20 siblings: `KECCAK`.
    Page {
        /// The page's 4,096 bytes.
        page: Box<Page>,
        /// The siblings, from the page up.
        path: Vec<B256>,
    },
    /// A keccak256 preimage, and the leaf that 32 bytes of it are written to, if any.
    PreimageWord {
        /// The whole preimage.
        preimage: Bytes,
        /// Absent when the offset lies at or beyond the end.
        target: Option<LeafProof>,
    },
    /// A keccak256 preimage, and the page that it is written to, if any.
    PreimagePage {
        /// The whole preimage.
        preimage: Bytes,
        /// Absent when the offset lies at or beyond the end.
        target: Option<PageProof>,
    },
    /// A blob element with its KZG opening, and the leaf that it is written to.
    BlobElement {
        /// The field element, big-endian.
        element: B256,
        /// Its opening.
        opening: BlobProof,
        /// Where it goes.
        target: LeafProof,
    },
}

/// The witness of one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepWitness {
    /// The first step, which loads the image.
    Boot {
        /// What the image root commits to.
        header: ImageHeader,
        /// Input of the proof.
        input_hash: B256,
    },
    /// A step that needs no code: the machine has halted, or `pc` is no address of code.
    State(Box<State>),
    /// An instruction.
    Instruction {
        /// State before the step.
        state: Box<State>,
        /// Code leaf with the instruction and its 17 siblings.
        code: LeafProof,
        /// What else it touches.
        access: StepAccess,
    },
}

impl StepWitness {
    /// The bytes that the L1 verifier takes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Boot { header, input_hash } => {
                let mut out = header.encode().to_vec();
                out.extend_from_slice(input_hash.as_slice());
                out
            }
            Self::State(state) => state.encode().to_vec(),
            Self::Instruction {
                state,
                code,
                access,
            } => {
                let mut out = state.encode().to_vec();
                put_leaf(&mut out, code);
                access.encode_to(&mut out);
                out
            }
        }
    }
}

impl StepAccess {
    fn encode_to(&self, out: &mut Vec<u8>) {
        match self {
            Self::None => {}
            Self::Leaf(proof) => put_leaf(out, proof),
            Self::Straddle(proofs) => proofs.iter().for_each(|proof| put_leaf(out, proof)),
            Self::Page { page, path } => {
                out.extend_from_slice(page.as_slice());
                put_path(out, path);
            }
            Self::PreimageWord { preimage, target } => {
                put_preimage(out, preimage);
                if let Some(proof) = target {
                    put_leaf(out, proof);
                }
            }
            Self::PreimagePage { preimage, target } => {
                put_preimage(out, preimage);
                if let Some(proof) = target {
                    out.extend_from_slice(proof.root.as_slice());
                    put_path(out, &proof.path);
                }
            }
            Self::BlobElement {
                element,
                opening,
                target,
            } => {
                out.extend_from_slice(element.as_slice());
                out.extend_from_slice(&opening.commitment);
                out.extend_from_slice(&opening.proof);
                put_leaf(out, target);
            }
        }
    }
}

fn put_leaf(out: &mut Vec<u8>, proof: &LeafProof) {
    out.extend_from_slice(proof.leaf.as_slice());
    put_path(out, &proof.path);
}

fn put_path(out: &mut Vec<u8>, path: &[B256]) {
    for sibling in path {
        out.extend_from_slice(sibling.as_slice());
    }
}

fn put_preimage(out: &mut Vec<u8>, preimage: &Bytes) {
    out.extend_from_slice(&(preimage.len() as u64).to_be_bytes());
    out.extend_from_slice(preimage);
}

impl Machine {
    /// Witness of the step that the machine would take next.
    ///
    /// # Errors
    /// [`RunError::MissingPreimage`] or [`RunError::MissingOpening`] when the source lacks what
    /// the step reads.
    pub fn witness(&mut self, source: &dyn PreimageSource) -> Result<StepWitness, RunError> {
        let Some(state) = self.state() else {
            let (header, input_hash) = (*self.image.header(), self.input_hash);
            return Ok(StepWitness::Boot { header, input_hash });
        };
        let state = Box::new(state);
        let word = self.image.word(state.pc).filter(|_| !state.halted);
        let Some(word) = word else {
            return Ok(StepWitness::State(state));
        };
        let (leaf, path) = self.image.code_path(state.pc);
        let access = self.access(decode(word), source)?;
        Ok(StepWitness::Instruction {
            state,
            code: LeafProof {
                leaf: Box::new(leaf),
                path,
            },
            access,
        })
    }

    fn access(
        &self,
        instruction: Instruction,
        source: &dyn PreimageSource,
    ) -> Result<StepAccess, RunError> {
        if instruction.op == Op::Ecall {
            return self.call_access(Call::from_registers(&self.arguments()), source);
        }
        let width = instruction.op.width();
        let offset = i64::from(instruction.imm).cast_unsigned();
        let address = self.hart.x.get(instruction.rs1).wrapping_add(offset);
        let end = address
            .checked_add(width)
            .filter(|end| *end <= ADDRESS_SPACE);
        let (true, Some(end)) = (width != 0, end) else {
            return Ok(StepAccess::None);
        };
        let last = end.wrapping_sub(1);
        if address >> 7 == last >> 7 {
            return Ok(StepAccess::Leaf(self.leaf_proof(address)));
        }
        let first = self.leaf_proof(address);
        let mut second = self.leaf_proof(last);
        if instruction.op.is_store() {
            let value = self.hart.x.get(instruction.rs2).to_le_bytes();
            let mut changed = first.leaf.clone();
            for (slot, byte) in changed.iter_mut().skip((address & 127) as usize).zip(value) {
                *slot = byte;
            }
            replace_sibling(
                &mut second.path,
                (address >> 7, &first.path),
                leaf_hash(&changed),
            );
        }
        Ok(StepAccess::Straddle(Box::new([first, second])))
    }

    fn call_access(&self, call: Call, source: &dyn PreimageSource) -> Result<StepAccess, RunError> {
        Ok(match call {
            Call::Keccak { page, .. } => {
                let (_, path) = self.memory.page_path(page >> 12);
                StepAccess::Page {
                    page: Box::new(self.memory.page(page >> 12)),
                    path,
                }
            }
            Call::Ecrecover { leaf } => StepAccess::Leaf(self.leaf_proof(u64::from(leaf))),
            Call::Read {
                key: PreimageKey::Blob(hash),
                offset,
                to,
                ..
            } if offset < BLOB_LEN => {
                let index = u16::try_from(offset >> 5).unwrap_or_default();
                let key = PreimageKey::Blob(hash);
                let element = source
                    .blob_element(&hash, index)
                    .ok_or(RunError::MissingPreimage { key })?;
                let missing = RunError::MissingOpening {
                    versioned_hash: hash,
                    index,
                };
                let opening = source.blob_proof(&hash, index).ok_or(missing)?;
                let target = self.leaf_proof(u64::from(to));
                StepAccess::BlobElement {
                    element,
                    opening,
                    target,
                }
            }
            Call::Read {
                key: PreimageKey::Keccak(hash),
                offset,
                to,
                len,
            } => {
                let key = PreimageKey::Keccak(hash);
                let preimage = source
                    .keccak(&hash)
                    .ok_or(RunError::MissingPreimage { key })?;
                let writes = offset < preimage.len() as u64;
                if len == 32 {
                    let target = writes.then(|| self.leaf_proof(u64::from(to)));
                    StepAccess::PreimageWord { preimage, target }
                } else {
                    let (root, path) = self.memory.page_path(to >> 12);
                    let target = writes.then_some(PageProof { root, path });
                    StepAccess::PreimagePage { preimage, target }
                }
            }
            _ => StepAccess::None,
        })
    }

    fn leaf_proof(&self, address: u64) -> LeafProof {
        let (leaf, path) = self.memory.leaf_path(address);
        LeafProof {
            leaf: Box::new(leaf),
            path,
        }
    }
}

/// Puts the changed first leaf into the path of its right neighbour: at the one height where the
/// two paths are siblings.
fn replace_sibling(second: &mut [B256], (first_index, first): (u64, &[B256]), leaf: B256) {
    let (mut node, mut left, mut right) = (leaf, first_index, first_index.wrapping_add(1));
    for (slot, sibling) in second.iter_mut().zip(first) {
        if left ^ 1 == right {
            *slot = node;
            return;
        }
        node = if left & 1 == 0 {
            node_hash(&node, sibling)
        } else {
            node_hash(sibling, &node)
        };
        left >>= 1;
        right >>= 1;
    }
}
