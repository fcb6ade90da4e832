//! Changes of a running chain: announced to the timelock, shown to everybody, executed when its delay is over.
//!
//! ```text
//! Change ─ prepare ─> Prepared: new code, one call of the timelock ─ announce ─> Operation ─ execute | cancel
//!                                                                      └─ operations: what is announced, in words
//! ```
//! The timelock owns factory, registry and the admin of every proxy. Everybody can check here what an announced
//! change would put in place, as long as its delay runs. Games that are under way keep the image and the clocks that
//! they began with. `trestle upgrade` is this module behind arguments. Spec: `SPEC.md`, sections D.1 and D.8.

mod change;
mod code;
mod error;
mod operation;
mod words;

pub use change::{Change, Governance, ImageChange, Prepared};
pub use code::Proxy;
pub use error::UpgradeError;
pub use operation::{Operation, State};
pub use words::Meaning;
