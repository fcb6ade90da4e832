//! Precedence, refusals, and that no secret is shown.

use std::{ffi::OsString, path::PathBuf};

use super::{Parsed, Refusal, parse};
use crate::Cli;

/// Well-known key of a development account; must appear in no answer.
const CANARY: &str = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";

struct Bed {
    folder: tempfile::TempDir,
}

impl Bed {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn file(&self, text: &str) -> PathBuf {
        let path = self.folder.path().join("trestle.toml");
        std::fs::write(&path, text).unwrap();
        path
    }

    fn show(&self, role: &str, text: &str, flags: &[&str]) -> Result<String, String> {
        let path = self.file(text).into_os_string();
        let fixed = ["trestle", "config", "show", role, "--config"].map(OsString::from);
        let flags = flags.iter().map(OsString::from);
        match parse::<Cli>(fixed.into_iter().chain([path]).chain(flags)) {
            Ok(Parsed::Show(text)) => Ok(text),
            Ok(Parsed::Run(_)) => panic!("it would run"),
            Err(Refusal::Usage(error)) => Err(error.to_string()),
            Err(Refusal::File(error)) => Err(format!("{error:#}")),
        }
    }

    fn refusal(&self, text: &str) -> String {
        let words = self.show("sequencer", text, &[]).unwrap_err();
        assert!(words.contains("trestle.toml"), "names the file: {words}");
        words
    }
}

fn has(text: &str, line: &str) {
    assert!(text.lines().any(|got| got == line), "{line}\nin\n{text}");
}

#[test]
fn flag_beats_environment_beats_file_beats_default() {
    let bed = Bed::new();
    let file = "rpc-port = 1\nchain = \"/c\"\nlog-level = \"warn\"\nrpc-host = [\"a.example\", \"b.example\"]\n";
    let text = bed.show("sequencer", file, &["--datadir", "/d"]).unwrap();
    has(&text, "rpc-port = 1  # file");
    has(&text, "chain = \"/c\"  # file");
    has(&text, "datadir = \"/d\"  # flag --datadir");
    has(&text, "batch-delay = 30  # default");
    has(&text, "rpc-host = [\"a.example\", \"b.example\"]  # file");
    has(&text, "# l1 is not set");
    let text = bed.show("sequencer", file, &["--rpc-port", "2"]).unwrap();
    has(&text, "rpc-port = 2  # flag --rpc-port");
}

#[test]
fn option_goes_with_what_it_needs_wherever_that_is_set() {
    let bed = Bed::new();
    let file = "batcher-key-file = \"/k\"\n";
    let flags = ["--batcher-password-file", "/p"];
    let text = bed.show("sequencer", file, &flags).unwrap();
    has(&text, "batcher-key-file = \"/k\"  # file");
    has(
        &text,
        "batcher-password-file = \"/p\"  # flag --batcher-password-file",
    );
    let file = "batcher-password-file = \"/p\"\n";
    let text = bed.show("sequencer", file, &["--batcher-key-file", "/k"]);
    has(&text.unwrap(), "batcher-password-file = \"/p\"  # file");
    let refused = bed.show("sequencer", file, &[]).unwrap_err();
    assert!(refused.contains("--batcher-key-file"), "{refused}");
}

#[test]
fn place_of_a_key_in_the_file_gives_way_to_another_place_in_an_option() {
    const SIGNER: &str = "batcher-signer = \"http://s.example\"\nbatcher-address = \"0x976EA74026E726554dB657fA54763abd0C3a0aa9\"\n";
    const KEYSTORE: &str = "batcher-key-file = \"/k\"\nbatcher-password-file = \"/p\"\n";
    let bed = Bed::new();
    let text = bed.show("sequencer", SIGNER, &["--batcher-key-file", "/k"]);
    let text = text.unwrap();
    has(
        &text,
        "batcher-key-file = \"/k\"  # flag --batcher-key-file",
    );
    has(
        &text,
        "# batcher-signer of the file gives way to --batcher-key-file",
    );
    has(
        &text,
        "# batcher-address of the file gives way to --batcher-key-file",
    );
    let flags = [
        "--batcher-signer=http://t.example",
        "--batcher-address=0x976EA74026E726554dB657fA54763abd0C3a0aa9",
    ];
    let text = bed.show("sequencer", KEYSTORE, &flags).unwrap();
    has(
        &text,
        "batcher-signer = \"http://t.example\"  # flag --batcher-signer",
    );
    has(
        &text,
        "# batcher-key-file of the file gives way to --batcher-signer",
    );
    has(
        &text,
        "# batcher-password-file of the file gives way to --batcher-signer",
    );
    let refused = bed.show("sequencer", &format!("{SIGNER}{KEYSTORE}"), &[]);
    assert!(refused.unwrap_err().contains("cannot be used with"));
}

#[test]
fn file_that_is_shown_has_the_log_too() {
    let bed = Bed::new();
    for role in super::ROLES {
        let text = bed.show(role, "log-format = \"json\"\n", &["--log-level=warn"]);
        let text = text.unwrap();
        has(&text, "log-format = \"json\"  # file");
        has(&text, "log-level = \"warn\"  # flag --log-level");
    }
}

#[test]
fn switch_and_list_of_the_file_count() {
    let bed = Bed::new();
    let text = bed.show("challenger", "watch = true\n", &[]).unwrap();
    has(&text, "watch = true  # file");
    let text = bed.show("challenger", "watch = true\n", &["--dry-run"]);
    has(&text.unwrap(), "# watch of the file gives way to --dry-run");
    let text = bed.show("challenger", "watch = false\n", &[]).unwrap();
    assert!(!text.contains("watch = true"), "{text}");
    let text = bed.show("replica", "rpc-host = [\"a\"]\n", &["--rpc-host", "b"]);
    has(&text.unwrap(), "rpc-host = [\"b\"]  # flag --rpc-host");
}

#[test]
fn file_makes_a_required_option_superfluous_and_logging_follows_it() {
    let bed = Bed::new();
    let path = bed.file(
        "chain = \"/c\"\ndatadir = \"/d\"\nl1 = \"http://127.0.0.1:1\"\nlog-format = \"json\"\n",
    );
    let arguments = [
        "trestle",
        "challenger",
        "--watch",
        "--config",
        path.to_str().unwrap(),
    ];
    let parsed = parse::<Cli>(arguments.map(OsString::from));
    let Ok(Parsed::Run(cli)) = parsed else {
        panic!("refused");
    };
    assert!(format!("{cli:?}").contains("Json"), "{cli:?}");
}

#[test]
fn unknown_key_is_refused_with_what_is_allowed() {
    let bed = Bed::new();
    let words = bed.refusal("rpc_port = 1\n");
    assert!(words.contains("key `rpc_port`"), "{words}");
    assert!(words.contains("spelled `rpc-port`"), "{words}");
    assert!(
        words.contains("allowed: ") && words.contains("batch-delay"),
        "{words}"
    );
    let of_other_role = bed.show("replica", "deposit-depth = 1\n", &[]).unwrap_err();
    assert!(
        of_other_role.contains("replica has no such setting"),
        "{of_other_role}"
    );
}

#[test]
fn wrong_types_and_values_are_refused_by_key() {
    let bed = Bed::new();
    for (text, words) in [
        (
            "rpc-port = \"9545\"\n",
            "key `rpc-port`: must be a number, is a string",
        ),
        ("chain = 5\n", "key `chain`: must be a string, is a number"),
        (
            "rpc-port = 70000\n",
            "key `rpc-port`: invalid value '70000'",
        ),
        ("l1 = \"nowhere\"\n", "key `l1`: invalid value 'nowhere'"),
        ("rpc-host = 5\n", "must be a string or a list of strings"),
        (
            "chain = [\"a\", \"b\"]\n",
            "key `chain`: must be a string, is a list",
        ),
        ("[sequencer]\nrpc-port = 1\n", "key `sequencer`"),
        ("chain = \n", "line 1: not TOML"),
    ] {
        let refused = bed.refusal(text);
        assert!(refused.contains(words), "{words}\nin\n{refused}");
    }
    let missing = parse::<Cli>(
        ["trestle", "replica", "--config", "/nowhere/trestle.toml"].map(OsString::from),
    );
    assert!(matches!(missing, Err(Refusal::File(_))));
}

#[test]
fn secrets_in_the_file_are_refused_without_quoting_them() {
    let bed = Bed::new();
    for key in [
        "batcher-key",
        "key",
        "password",
        "batcher-key-file",
        "chain",
    ] {
        let refused = bed.refusal(&format!("{key} = \"{CANARY}\"\n"));
        assert!(refused.contains("file that holds it"), "{refused}");
        assert!(!refused.contains(&CANARY[2..]), "{refused}");
    }
    let broken = bed.refusal(&format!("chain = \"{CANARY}\nx\n"));
    assert!(!broken.contains(&CANARY[2..]), "{broken}");
}

#[test]
fn what_an_endpoint_holds_beside_its_host_is_not_shown() {
    let bed = Bed::new();
    let file = "l1 = \"https://user:pass@rpc.example:8443/v3/0123456789abcdef?key=1\"\n";
    let text = bed.show("replica", file, &[]).unwrap();
    has(&text, "l1 = \"https://rpc.example:8443/...\"  # file");
}

/// Every option of a role has a variable, and no two options of a role share one.
#[test]
fn every_option_has_an_environment_variable_of_its_own() {
    use clap::CommandFactory;
    let command = super::with_variables(Cli::command());
    for role in super::ROLES {
        let role = command.find_subcommand(role).unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for arg in role.get_arguments() {
            let long = arg.get_long().unwrap();
            if super::ARGUMENTS_ONLY[1..].contains(&long) {
                continue;
            }
            let variable = arg.get_env().unwrap_or_else(|| panic!("{long}"));
            assert!(seen.insert(variable.to_owned()), "{variable:?} twice");
        }
    }
}
