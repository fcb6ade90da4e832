//! The unit of proof: from one output root over one batch to the next.
//!
//! The node, the guest and the tests call [`transition`]; the machine's judge on L1 judges it.
//! Spec: `SPEC.md`, section 9.

use crate::{
    ChainConfig, Derivation, ExecutionError, InputError, Inputs, Preimages, StateRoots,
    trie::{Nibbles, NodeSource, StateTrie, TrieError},
};
use alloc::string::String;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};
use core::{error::Error, fmt::Debug};
use revm::{
    Database, bytecode::Bytecode, database_interface::DBErrorMarker, primitives::StorageKey,
    state::AccountInfo as EvmAccount,
};

/// Trie nodes, unresolved ones included, up to which nothing is forgotten between two blocks: about 60 MB. Not consensus.
const MIN_NODES: usize = 1 << 19;

/// What a transition is about; its hash is the machine's input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransitionInput {
    /// The chain.
    pub config: ChainConfig,
    /// Output root before the batch.
    pub output_before: B256,
    /// The Inbox's batch accumulator before the batch.
    pub batch_acc_before: B256,
    /// The accumulator after it.
    pub batch_acc_after: B256,
}

/// Why a transition has no result. Nothing on L1 causes one: the host failed.
#[derive(Debug, thiserror::Error)]
pub enum TransitionError<E: Error + Send + Sync + 'static> {
    /// An input is missing or wrong.
    #[error(transparent)]
    Input(#[from] InputError<E>),
    /// The state could not be read, or an invariant is broken.
    #[error(transparent)]
    Execution(#[from] ExecutionError<StateError<E>>),
    /// The state could not be changed.
    #[error(transparent)]
    State(#[from] StateError<E>),
    /// The accumulators are not one batch apart.
    #[error("accumulator before the batch is {got}, expected {expected}")]
    Accumulator {
        /// As the input says.
        expected: B256,
        /// As the accumulator after it says.
        got: B256,
    },
}

/// Why a piece of state could not be had from preimages.
#[derive(Debug, thiserror::Error)]
pub enum StateError<E: Error + Send + Sync + 'static> {
    /// A node or value of a trie is missing or malformed.
    #[error("state trie: {0}")]
    Trie(String),
    /// A preimage is missing or wrong.
    #[error(transparent)]
    Input(InputError<E>),
}

impl<E: Error + Send + Sync + 'static> DBErrorMarker for StateError<E> {}

/// Computes the output root after a batch.
///
/// # Errors
/// [`TransitionError`]: an input that the hashes commit to could not be had from `preimages`.
pub fn transition<P>(
    input: &TransitionInput,
    preimages: P,
) -> Result<B256, TransitionError<P::Error>>
where
    P: Preimages,
    P::Error: Error + Send + Sync + 'static,
{
    let mut inputs = Inputs(preimages);
    let before = inputs.output(input.output_before)?;
    let mut head = inputs.header(before.block_hash)?;
    let (acc, header_hash) = inputs.accumulator(input.batch_acc_after)?;
    if acc != input.batch_acc_before {
        return Err(TransitionError::Accumulator {
            expected: input.batch_acc_before,
            got: acc,
        });
    }
    let header = inputs.batch_header(header_hash)?;
    let entries = inputs.entries(&header)?;
    let payload = inputs.payload(&header.content)?;
    let mut derivation = Derivation::new(
        &input.config,
        &header,
        entries,
        payload.as_ref().map(AsRef::as_ref),
    );
    let mut state = PreimageState {
        trie: StateTrie::untracked(before.state_root),
        inputs,
        max_nodes: MIN_NODES,
    };
    while let Some(block) = derivation.next_block(&head, &mut state)? {
        let roots = state.apply(block.diff())?;
        head = block.seal(roots).header;
    }
    Ok(head.output().root())
}

/// The state under a root, read from preimages as it is needed.
#[derive(Debug)]
struct PreimageState<P> {
    trie: StateTrie,
    inputs: Inputs<P>,
    max_nodes: usize,
}

/// Nodes of the trie by their hash.
struct Nodes<'a, P>(&'a mut Inputs<P>);

impl<P: Preimages> NodeSource for Nodes<'_, P> {
    type Error = InputError<P::Error>;

    fn node(&mut self, _: Option<B256>, _: &Nibbles, hash: B256) -> Result<Bytes, Self::Error> {
        self.0.bytes(hash)
    }
}

impl<P> PreimageState<P>
where
    P: Preimages,
    P::Error: Error + Send + Sync + 'static,
{
    fn error(error: TrieError<InputError<P::Error>>) -> StateError<P::Error> {
        match error {
            TrieError::Source(error) => StateError::Input(error),
            other => StateError::Trie(alloc::format!("{other}")),
        }
    }

    fn apply(&mut self, diff: &crate::StateDiff) -> Result<StateRoots, StateError<P::Error>> {
        let mut nodes = Nodes(&mut self.inputs);
        self.trie.apply(diff, &mut nodes).map_err(Self::error)?;
        let roots = self.trie.roots(&mut nodes).map_err(Self::error)?;
        self.bound_memory();
        Ok(roots)
    }

    /// Forgets what was only read, once it is much; the bound doubles what had to stay, so that this costs
    /// no more than reading did.
    fn bound_memory(&mut self) {
        if self.trie.node_count() > self.max_nodes {
            self.trie.forget_unchanged();
            let kept = self.trie.node_count();
            self.max_nodes = kept.saturating_mul(2).max(MIN_NODES);
        }
    }
}

impl<P> Database for PreimageState<P>
where
    P: Preimages,
    P::Error: Error + Send + Sync + 'static,
{
    type Error = StateError<P::Error>;

    fn basic(&mut self, address: Address) -> Result<Option<EvmAccount>, Self::Error> {
        let account = self
            .trie
            .account(address, &mut Nodes(&mut self.inputs))
            .map_err(Self::error)?;
        Ok(account.map(|account| EvmAccount {
            balance: account.balance,
            nonce: account.nonce,
            code_hash: account.code_hash,
            code: None,
            ..EvmAccount::default()
        }))
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, Self::Error> {
        if hash == KECCAK256_EMPTY || hash.is_zero() {
            return Ok(Bytecode::default());
        }
        let bytes = self.inputs.bytes(hash).map_err(StateError::Input)?;
        Bytecode::new_raw_checked(bytes).map_err(|_| {
            StateError::Input(InputError::Malformed {
                hash,
                kind: "contract code",
            })
        })
    }

    fn storage(&mut self, address: Address, slot: StorageKey) -> Result<U256, Self::Error> {
        self.trie
            .storage(address, slot, &mut Nodes(&mut self.inputs))
            .map_err(Self::error)
    }

    fn block_hash(&mut self, _: u64) -> Result<B256, Self::Error> {
        // The overlay answers `BLOCKHASH` from the history contract and never asks its base.
        Ok(B256::ZERO)
    }
}
