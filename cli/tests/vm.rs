//! `trestle vm` from outside: output and exit codes, as `SPEC.md`, "Machine", M.10 has them.

#[cfg(test)]
mod vm {
    use std::{
        path::{Path, PathBuf},
        process::{Command, Output},
    };

    fn program(name: &str) -> PathBuf {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        folder.join("../prover/vm/examples/programs").join(name)
    }

    fn trestle(arguments: &[&str], program: &Path) -> Output {
        let (first, rest) = arguments.split_at(2);
        let mut command = Command::new(env!("CARGO_BIN_EXE_trestle"));
        command
            .args(first)
            .arg(program)
            .args(rest)
            .output()
            .expect("runs")
    }

    #[test]
    fn run_prints_the_end_and_exits_with_the_programs_code() {
        let output = trestle(&["vm", "run"], &program("keccak.elf"));
        assert_eq!(output.status.code(), Some(0));
        let text = String::from_utf8(output.stdout).expect("text");
        for field in [
            "image root  0x",
            "steps       1459704",
            "state hash  0x",
            "exit code   0",
        ] {
            assert!(text.contains(field), "{field} in {text}");
        }
    }

    #[test]
    fn run_exits_with_128_and_the_trap() {
        // The entry point, bytes 24..32, moved out of the code: trap 1.
        let mut file = std::fs::read(program("keccak.elf")).expect("committed");
        file[24..32].copy_from_slice(&4_u64.to_le_bytes());
        let moved = std::env::temp_dir().join(format!("trestle-moved-{}.elf", std::process::id()));
        std::fs::write(&moved, file).expect("written");
        let output = trestle(&["vm", "run"], &moved);
        std::fs::remove_file(&moved).expect("removed");
        assert_eq!(output.status.code(), Some(129));
        assert!(String::from_utf8_lossy(&output.stdout).contains("trap        1 PcOutside"));
    }

    #[test]
    fn run_exits_with_125_when_the_file_is_no_program() {
        let output = trestle(&["vm", "run"], &program("README.md"));
        assert_eq!(output.status.code(), Some(125));
        assert!(String::from_utf8_lossy(&output.stderr).contains("not a static"));
        let output = trestle(&["vm", "run", "--max-steps", "10"], &program("keccak.elf"));
        assert_eq!(output.status.code(), Some(125));
    }

    #[test]
    fn trace_and_step_agree_on_the_state_hashes() {
        let at = ["vm", "trace", "--at", "0,1,5000,5001"];
        let trace = trestle(&at, &program("keccak.elf"));
        let text = String::from_utf8(trace.stdout).expect("text");
        let hashes: Vec<&str> = text
            .lines()
            .filter_map(|line| line.split(' ').nth(1))
            .collect();
        assert_eq!(hashes.len(), 4, "{text}");
        for (step, pre, post) in [("0", 0, 1), ("5000", 2, 3)] {
            let output = trestle(&["vm", "step", "--at", step], &program("keccak.elf"));
            let json: serde_json::Value =
                serde_json::from_slice(&output.stdout).expect("JSON on standard output");
            assert_eq!(json["pre"], hashes[pre]);
            assert_eq!(json["post"], hashes[post]);
            let witness = json["witness"].as_str().expect("hex");
            assert_eq!(
                Some(witness.len() as u64 / 2 - 1),
                json["witnessLength"].as_u64()
            );
        }
    }
}
