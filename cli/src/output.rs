//! Standard output and standard error whose reader may go away, as in `trestle transfers | head -1`.
//!
//! The macros here stand before the standard library's of the same names in every file of this program. Those panic
//! where nobody reads; with these a command does what it was told to the end, and a node goes on without its log.

use std::{
    fmt::Arguments,
    io::{self, ErrorKind, Write, stderr, stdout},
    sync::OnceLock,
};

/// The first failure of standard output, but for a reader that went away.
static FAILURE: OnceLock<io::Error> = OnceLock::new();

macro_rules! print {
    ($($words:tt)*) => { $crate::output::out(format_args!($($words)*)) };
}
macro_rules! println {
    () => { $crate::output::out(format_args!("\n")) };
    ($($words:tt)*) => { $crate::output::out(format_args!("{}\n", format_args!($($words)*))) };
}
macro_rules! eprintln {
    ($($words:tt)*) => { $crate::output::error(format_args!("{}\n", format_args!($($words)*))) };
}

/// Writes to standard output.
pub(crate) fn out(text: Arguments<'_>) {
    let mut out = stdout().lock();
    let written = out.write_fmt(text).and_then(|()| out.flush());
    if let Err(error) = written.or_else(unread) {
        let _ = FAILURE.set(error);
    }
}

/// Writes to standard error; where that does not go, nobody can be told.
pub(crate) fn error(text: Arguments<'_>) {
    let _ = stderr().lock().write_fmt(text);
}

/// A reader that went away has seen enough.
///
/// # Errors
/// Any other error.
fn unread(error: io::Error) -> io::Result<()> {
    match error.kind() {
        ErrorKind::BrokenPipe => Ok(()),
        _ => Err(error),
    }
}

/// Why standard output did not take everything, if so.
pub(crate) fn failure() -> Option<&'static io::Error> {
    FAILURE.get()
}
