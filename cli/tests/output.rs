//! Standard output and standard error that nobody reads, or that take nothing.

#[cfg(test)]
mod output {
    use std::{
        fs::File,
        io::pipe,
        process::{Command, Stdio},
    };

    /// A pipe whose reader went away.
    fn unread() -> Stdio {
        let (_, writer) = pipe().expect("a pipe");
        writer.into()
    }

    fn full() -> Stdio {
        File::options()
            .write(true)
            .open("/dev/full")
            .expect("Linux has it")
            .into()
    }

    fn trestle(arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trestle"));
        command.args(arguments);
        command
    }

    const SHOW: [&str; 3] = ["config", "show", "sequencer"];

    #[test]
    fn reader_that_went_away_is_no_error() {
        for arguments in [&["image"][..], &SHOW, &["doctor"]] {
            let read = trestle(arguments).output().expect("runs");
            let output = trestle(arguments).stdout(unread()).output().expect("runs");
            let words = String::from_utf8_lossy(&output.stderr);
            assert!(!read.stdout.is_empty(), "{arguments:?} prints something");
            assert_eq!(
                output.status.code(),
                read.status.code(),
                "{arguments:?}: {words}"
            );
            assert!(!words.contains("panicked"), "{arguments:?}: {words}");
        }
    }

    #[test]
    fn output_that_takes_nothing_is_an_error() {
        for arguments in [&["image"][..], &SHOW] {
            let output = trestle(arguments).stdout(full()).output().expect("runs");
            let words = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{arguments:?}: {words}");
            assert!(
                words.starts_with("error: cannot write to standard output: "),
                "{words}"
            );
        }
    }

    #[test]
    fn errors_that_nobody_reads_are_errors() {
        const ROLE: [&str; 6] = [
            "--chain",
            "/nowhere",
            "--datadir",
            "/nowhere",
            "--l1",
            "http://127.0.0.1:1",
        ];
        let replica = [&["replica"][..], &ROLE].concat();
        for (arguments, code) in [(&["vm", "run", "/nowhere"][..], 125), (&replica, 1)] {
            for stderr in [Stdio::piped(), unread(), full()] {
                let output = trestle(arguments).stderr(stderr).output().expect("runs");
                assert_eq!(output.status.code(), Some(code), "{arguments:?}");
            }
        }
    }
}
