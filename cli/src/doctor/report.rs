//! What a doctor found: one line for each thing, and what to do where something is wrong.

use eyre::bail;

/// Prints findings as they come, and remembers the worst.
#[derive(Debug, Default)]
pub(super) struct Report {
    failures: usize,
    warnings: usize,
}

impl Report {
    /// It is in order.
    pub(super) fn ok(&mut self, what: &str, found: impl AsRef<str>) {
        line("ok", what, found.as_ref());
    }

    /// It works, but look at it.
    pub(super) fn warn(&mut self, what: &str, found: impl AsRef<str>, to_do: impl AsRef<str>) {
        self.warnings += 1;
        line("warn", what, found.as_ref());
        println!("       -> {}", to_do.as_ref());
    }

    /// It does not work.
    pub(super) fn fail(&mut self, what: &str, found: impl AsRef<str>, to_do: impl AsRef<str>) {
        self.failures += 1;
        line("fail", what, found.as_ref());
        println!("       -> {}", to_do.as_ref());
    }

    /// The sum of it.
    ///
    /// # Errors
    /// When something failed.
    pub(super) fn end(self) -> eyre::Result<()> {
        match (self.failures, self.warnings) {
            (0, 0) => Ok(()),
            (0, warnings) => {
                println!("{warnings} to look at");
                Ok(())
            }
            (failures, _) => bail!("{failures} of the checks failed"),
        }
    }
}

fn line(state: &str, what: &str, found: &str) {
    println!("{state:<5}  {what:<18} {found}");
}
