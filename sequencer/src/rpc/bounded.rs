//! An inspector with an end: traces of loops would fill the memory, and keep a thread for ever.
//!
//! What inspectors keep is estimated from what they are shown, before they keep it: a loop of calls with a
//! megabyte of input each, or steps with all of memory each, costs its sender next to no gas.

use std::cell::Cell;

use alloy_primitives::{Address, Log, U256};
use revm::{
    Inspector,
    context_interface::{ContextTr, context::ContextError},
    interpreter::{
        CallInputs, CallOutcome, CreateInputs, CreateOutcome, Interpreter,
        interpreter::EthInterpreter,
        interpreter_types::{LoopControl, ReturnData},
    },
};

use super::heavy::Deadline;

/// Steps that one transaction may take while it is watched.
const MOST_STEPS: u64 = 20_000_000;
/// Steps between two looks at the clock.
const STEPS_PER_LOOK: u64 = 4_096;

/// Bytes that the inspectors of one request may keep.
pub(super) const MOST_BYTES: usize = 256 << 20;
/// What a step or a call is kept in, beside its stack, memory and data, in bytes.
const RECORD_BYTES: usize = 512;

thread_local! {
    /// Bytes that inspectors keep for the request that this thread runs; it runs one at a time.
    static KEPT: Cell<usize> = const { Cell::new(0) };
}

/// A new request begins on this thread.
pub(super) fn begin_request() {
    KEPT.set(0);
}

fn keep(bytes: usize) {
    KEPT.set(KEPT.get().saturating_add(bytes));
}

/// What an inspector keeps.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Kept {
    /// Calls with their input and output.
    pub(super) calls: bool,
    /// Steps, with the stack.
    pub(super) steps: bool,
    /// All of memory and of the returned data with each step.
    pub(super) memory: bool,
}

impl Kept {
    /// What traces of calls keep.
    pub(super) const CALLS: Self = Self {
        calls: true,
        steps: false,
        memory: false,
    };
}

/// What a watched run may use.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    deadline: Deadline,
    steps: u64,
    kept: Kept,
}

impl Budget {
    pub(super) fn until(deadline: Deadline) -> Self {
        Self {
            deadline,
            steps: MOST_STEPS,
            kept: Kept::default(),
        }
    }

    /// The same for an inspector that keeps something.
    pub(super) const fn keeping(self, kept: Kept) -> Self {
        Self { kept, ..self }
    }
}

/// An inspector that stops the run when its budget is spent.
#[derive(Debug)]
pub(super) struct Bounded<I> {
    inner: I,
    budget: Budget,
}

impl<I> Bounded<I> {
    pub(super) const fn new(inner: I, budget: Budget) -> Self {
        Self { inner, budget }
    }

    /// Why the run must end here, if it must.
    fn spent(&mut self, interp: &Interpreter<EthInterpreter>) -> Option<String> {
        if self.budget.kept.steps {
            keep(RECORD_BYTES + 32 * interp.stack.len());
        }
        if self.budget.kept.memory {
            keep(interp.memory.len() + interp.return_data.buffer().len());
        }
        if KEPT.get() > MOST_BYTES {
            return Some(format!("trace exceeds {MOST_BYTES} bytes"));
        }
        let timeout = || Some("execution aborted (timeout)".to_owned());
        let Some(steps) = self.budget.steps.checked_sub(1) else {
            return timeout();
        };
        self.budget.steps = steps;
        let is_late = steps.is_multiple_of(STEPS_PER_LOOK) && self.budget.deadline.check().is_err();
        if is_late { timeout() } else { None }
    }

    fn keep_call(&self, data: usize) {
        if self.budget.kept.calls {
            keep(RECORD_BYTES + data);
        }
    }
}

impl<CTX: ContextTr, I: Inspector<CTX>> Inspector<CTX> for Bounded<I> {
    fn initialize_interp(&mut self, interp: &mut Interpreter<EthInterpreter>, context: &mut CTX) {
        self.inner.initialize_interp(interp, context);
    }

    fn step(&mut self, interp: &mut Interpreter<EthInterpreter>, context: &mut CTX) {
        if let Some(why) = self.spent(interp) {
            if context.error().is_ok() {
                *context.error() = Err(ContextError::Custom(why));
            }
            interp.bytecode.reset_action();
            interp.halt_fatal();
            return;
        }
        self.inner.step(interp, context);
    }

    fn step_end(&mut self, interp: &mut Interpreter<EthInterpreter>, context: &mut CTX) {
        self.inner.step_end(interp, context);
    }

    fn log(&mut self, context: &mut CTX, log: Log) {
        self.inner.log(context, log);
    }

    fn log_full(&mut self, interp: &mut Interpreter<EthInterpreter>, context: &mut CTX, log: Log) {
        self.inner.log_full(interp, context, log);
    }

    fn call(&mut self, context: &mut CTX, inputs: &mut CallInputs) -> Option<CallOutcome> {
        self.keep_call(inputs.input.len());
        self.inner.call(context, inputs)
    }

    fn call_end(&mut self, context: &mut CTX, inputs: &CallInputs, outcome: &mut CallOutcome) {
        self.keep_call(outcome.result.output.len());
        self.inner.call_end(context, inputs, outcome);
    }

    fn create(&mut self, context: &mut CTX, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        self.keep_call(inputs.init_code().len());
        self.inner.create(context, inputs)
    }

    fn create_end(
        &mut self,
        context: &mut CTX,
        inputs: &CreateInputs,
        outcome: &mut CreateOutcome,
    ) {
        self.keep_call(outcome.result.output.len());
        self.inner.create_end(context, inputs, outcome);
    }

    fn selfdestruct(&mut self, contract: Address, target: Address, value: U256) {
        self.inner.selfdestruct(contract, target, value);
    }
}
