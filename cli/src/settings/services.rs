//! The files in which operators find this program's command lines: every one of them is parsed by the program itself,
//! and everything that they name is there.

use std::{collections::BTreeSet, ffi::OsString, fs, path::PathBuf, process::Command};

use serde_json::Value;

use super::{Parsed, Refusal, parse};
use crate::{Cli, tools};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Parses a command line as the program would; files of settings are taken from the examples.
fn accept(what: &str, line: &[String]) {
    let example = |argument: &String| match argument.strip_prefix("/etc/trestle/") {
        Some(name) if name.ends_with(".toml") => root().join("ops/examples").join(name).into(),
        _ => OsString::from(argument),
    };
    match parse::<Cli>(line.iter().map(example)) {
        Ok(Parsed::Run(_) | Parsed::Show(_)) => {}
        Err(Refusal::Usage(error)) => panic!("{what}: {line:?}: {error}"),
        Err(Refusal::File(error)) => panic!("{what}: {line:?}: {error:#}"),
    }
}

fn strings(list: &Value) -> Vec<String> {
    let list = list.as_array().unwrap_or_else(|| panic!("no list: {list}"));
    list.iter()
        .map(|item| item.as_str().unwrap().to_owned())
        .collect()
}

fn keys(map: &Value) -> BTreeSet<String> {
    map.as_object()
        .map(|map| map.keys().cloned().collect())
        .unwrap_or_default()
}

/// `docker-compose.yml`, with merge keys resolved.
fn compose() -> Value {
    let mut document: serde_norway::Value =
        serde_norway::from_str(&read("docker-compose.yml")).unwrap();
    document.apply_merge().unwrap();
    serde_json::to_value(document).unwrap()
}

/// What compose knows of a service, as far as it is used here.
const SERVICE_KEYS: [&str; 15] = [
    "build",
    "command",
    "depends_on",
    "entrypoint",
    "healthcheck",
    "image",
    "ports",
    "restart",
    "secrets",
    "stop_grace_period",
    "ulimits",
    "user",
    "volumes",
    "environment",
    "configs",
];

#[test]
fn compose_file_names_only_what_there_is() {
    let compose = compose();
    let services = compose["services"].as_object().unwrap();
    let (volumes, secrets) = (keys(&compose["volumes"]), keys(&compose["secrets"]));
    for secret in compose["secrets"].as_object().unwrap().values() {
        assert!(
            root().join(secret["file"].as_str().unwrap()).is_file(),
            "{secret}"
        );
    }
    for (name, service) in services {
        let unknown: Vec<_> = keys(service)
            .into_iter()
            .filter(|key| !SERVICE_KEYS.contains(&key.as_str()))
            .collect();
        assert!(unknown.is_empty(), "{name}: {unknown:?}");
        let image = service["image"].as_str().unwrap();
        assert!(
            image == "trestle" || image.contains(':') && !image.ends_with(":latest"),
            "{name}: {image} is not pinned"
        );
        for (other, how) in service["depends_on"].as_object().into_iter().flatten() {
            let of = &services[other];
            let condition = how["condition"].as_str().unwrap();
            let can = match condition {
                "service_healthy" => !of["healthcheck"].is_null(),
                "service_completed_successfully" => of["restart"] == "on-failure",
                _ => false,
            };
            assert!(can, "{name} waits for {other}: {condition}");
        }
        for volume in service["volumes"].as_array().into_iter().flatten() {
            let from = volume.as_str().unwrap().split(':').next().unwrap();
            let is_there =
                volumes.contains(from) || from.starts_with("./") && root().join(from).exists();
            assert!(is_there, "{name}: {from}");
        }
        let used: BTreeSet<String> = service["secrets"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|name| name.as_str().unwrap().to_owned())
            .collect();
        assert!(used.is_subset(&secrets), "{name}: {used:?}");
        for argument in strings(&service["command"]) {
            if let Some(secret) = argument.strip_prefix("/run/secrets/") {
                assert!(used.contains(secret), "{name}: {secret} is not given to it");
            }
        }
        for port in service["ports"].as_array().into_iter().flatten() {
            assert!(
                port.as_str().unwrap().starts_with("127.0.0.1:"),
                "{name}: {port} is open to the world"
            );
        }
    }
    let scraped: Value = serde_norway::from_str(&read("ops/prometheus/prometheus.yml")).unwrap();
    for target in strings(&scraped["scrape_configs"][0]["static_configs"][0]["targets"]) {
        let (service, port) = target.split_once(':').unwrap();
        let command = strings(&services[service]["command"]);
        assert!(
            command.contains(&format!("0.0.0.0:{port}")),
            "{target} is not served"
        );
    }
}

#[test]
fn command_lines_of_the_compose_file_are_accepted() {
    let compose = compose();
    let mut roles = BTreeSet::new();
    for (name, service) in compose["services"].as_object().unwrap() {
        if service["image"] == "trestle" {
            let mut line = vec!["trestle".to_owned()];
            line.extend(strings(&service["command"]));
            accept(name, &line);
            roles.insert(line[1].clone());
        }
    }
    let expected = ["challenger", "deploy", "replica", "sequencer"].map(str::to_owned);
    assert_eq!(roles, BTreeSet::from(expected));
    let anvil = tools::find("anvil").expect("make setup installs it");
    let help = Command::new(anvil).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for flag in strings(&compose["services"]["l1"]["command"]) {
        assert!(
            !flag.starts_with("--") || help.contains(&flag),
            "anvil knows no {flag}"
        );
    }
}

#[test]
fn image_is_built_from_what_there_is_and_stops_as_the_program_does() {
    let text = read("ops/docker/Dockerfile");
    let channel = read("rust-toolchain.toml");
    let channel = channel
        .lines()
        .find_map(|line| line.strip_prefix("channel = \""))
        .unwrap();
    let version = channel
        .trim_end_matches('"')
        .rsplit_once('.')
        .map_or(channel, |(minor, _)| minor);
    let minor: String = version.split('.').take(2).collect::<Vec<_>>().join(".");
    assert!(
        text.contains(&format!("FROM rust:{minor}")),
        "another Rust than {channel}"
    );
    for words in [
        "--locked --package trestle",
        "STOPSIGNAL SIGTERM",
        "ENTRYPOINT [\"trestle\"]",
        "USER trestle",
    ] {
        assert!(text.contains(words), "{words}");
    }
}

#[test]
fn command_lines_of_the_units_are_accepted_and_leave_time_to_drain() {
    for role in super::ROLES {
        let text = read(&format!("ops/systemd/trestle-{role}.service"));
        let value = |key: &str| {
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix(&format!("{key}=")));
            line.unwrap_or_else(|| panic!("{role}: {key}")).to_owned()
        };
        for key in ["ExecStartPre", "ExecStart"] {
            let line: Vec<String> = value(key).split(' ').map(str::to_owned).collect();
            assert_eq!(line[0], "/usr/local/bin/trestle");
            assert!(line.contains(&role.to_owned()), "{line:?}");
            accept(role, &line);
        }
        let seconds: u32 = value("TimeoutStopSec").parse().unwrap();
        assert!(seconds > 10, "a node may take 10 s to drain");
        assert_eq!(value("KillSignal"), "SIGTERM");
        let takes_key = text.contains("${CREDENTIALS_DIRECTORY}/key");
        assert_eq!(takes_key, text.contains("LoadCredential=key:"), "{role}");
        for section in ["[Unit]", "[Service]", "[Install]"] {
            assert!(text.contains(section), "{role}: {section}");
        }
    }
}
