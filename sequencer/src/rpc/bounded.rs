//! An inspector with an end: traces of loops would fill the memory, and keep a thread for ever.

use alloy_primitives::{Address, Log, U256};
use revm::{
    Inspector,
    context_interface::{ContextTr, context::ContextError},
    interpreter::{
        CallInputs, CallOutcome, CreateInputs, CreateOutcome, Interpreter,
        interpreter::EthInterpreter, interpreter_types::LoopControl,
    },
};

use super::heavy::Deadline;

/// Steps that one transaction may take while it is watched.
const MOST_STEPS: u64 = 20_000_000;
/// Steps between two looks at the clock.
const STEPS_PER_LOOK: u64 = 4_096;

/// What a watched run may use.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    deadline: Deadline,
    steps: u64,
}

impl Budget {
    pub(super) const fn until(deadline: Deadline) -> Self {
        Self {
            deadline,
            steps: MOST_STEPS,
        }
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

    fn is_spent(&mut self) -> bool {
        let Some(steps) = self.budget.steps.checked_sub(1) else {
            return true;
        };
        self.budget.steps = steps;
        steps.is_multiple_of(STEPS_PER_LOOK) && self.budget.deadline.check().is_err()
    }
}

impl<CTX: ContextTr, I: Inspector<CTX>> Inspector<CTX> for Bounded<I> {
    fn initialize_interp(&mut self, interp: &mut Interpreter<EthInterpreter>, context: &mut CTX) {
        self.inner.initialize_interp(interp, context);
    }

    fn step(&mut self, interp: &mut Interpreter<EthInterpreter>, context: &mut CTX) {
        if self.is_spent() {
            if context.error().is_ok() {
                let timeout = "execution aborted (timeout)".to_owned();
                *context.error() = Err(ContextError::Custom(timeout));
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
        self.inner.call(context, inputs)
    }

    fn call_end(&mut self, context: &mut CTX, inputs: &CallInputs, outcome: &mut CallOutcome) {
        self.inner.call_end(context, inputs, outcome);
    }

    fn create(&mut self, context: &mut CTX, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        self.inner.create(context, inputs)
    }

    fn create_end(
        &mut self,
        context: &mut CTX,
        inputs: &CreateInputs,
        outcome: &mut CreateOutcome,
    ) {
        self.inner.create_end(context, inputs, outcome);
    }

    fn selfdestruct(&mut self, contract: Address, target: Address, value: U256) {
        self.inner.selfdestruct(contract, target, value);
    }
}
