//! Every answer of every test is held against Ethereum's public schema (execution-apis), where that
//! is at hand: in the directory named by `EXECUTION_APIS`, or in `shared/execution-apis` beside the
//! project. It is not part of the project; without it the tests say so once and go on, and answers
//! are still read through alloy's strict types where tests use its provider.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use regex_lite::Regex;
use serde_json::{Map, Value};

/// Where an answer may differ from the schema, and why. Matched against the start of the complaint.
const DEVIATIONS: [(&str, &str, &str); 6] = [
    (
        "eth_getTransactionReceipt",
        "depositNonce",
        "deposits carry the OP Stack's fields",
    ),
    (
        "eth_getTransactionReceipt",
        "depositReceiptVersion",
        "deposits carry the OP Stack's fields",
    ),
    (
        "eth_getBlockReceipts",
        "depositNonce",
        "deposits carry the OP Stack's fields",
    ),
    (
        "eth_getBlockReceipts",
        "depositReceiptVersion",
        "deposits carry the OP Stack's fields",
    ),
    (
        "eth_getTransactionByHash",
        "pending",
        "a waiting transaction has null for its place, as in geth",
    ),
    ("", "0x7e", "deposits are no Ethereum type"),
];

/// The schema, read once.
#[derive(Debug)]
struct Schema {
    components: Map<String, Value>,
    methods: BTreeMap<String, Value>,
}

fn location() -> PathBuf {
    if let Ok(path) = std::env::var("EXECUTION_APIS") {
        return path.into();
    }
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/execution-apis")
}

fn schema() -> Option<&'static Schema> {
    static SCHEMA: OnceLock<Option<Schema>> = OnceLock::new();
    SCHEMA
        .get_or_init(|| {
            let root = location().join("src");
            if !root.is_dir() {
                eprintln!(
                    "no execution-apis at {}: answers are not held against it",
                    root.display()
                );
                return None;
            }
            Some(read(&root))
        })
        .as_ref()
}

fn yaml_files(directory: &Path) -> Vec<Value> {
    let mut paths: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let yaml = paths
        .iter()
        .filter(|path| path.extension().is_some_and(|kind| kind == "yaml"));
    yaml.map(|path| {
        let text = std::fs::read_to_string(path).unwrap();
        serde_norway::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    })
    .collect()
}

fn read(root: &Path) -> Schema {
    let mut components = Map::new();
    for file in yaml_files(&root.join("schemas")) {
        components.extend(file.as_object().unwrap().clone());
    }
    let mut methods = BTreeMap::new();
    for group in ["eth", "debug", "txpool"] {
        for method in yaml_files(&root.join(group))
            .iter()
            .flat_map(|file| file.as_array().unwrap())
        {
            let name = method["name"].as_str().unwrap().to_owned();
            methods.insert(name, method["result"]["schema"].clone());
        }
    }
    Schema {
        components,
        methods,
    }
}

/// Panics if the schema has this method and the answer is not what it says.
pub(super) fn check(method: &str, answer: &Value) {
    let Some(schema) = schema() else { return };
    let Some(expected) = schema.methods.get(method) else {
        return;
    };
    if let Err(complaint) = schema.validate(expected, answer, "result") {
        let is_known = DEVIATIONS.iter().any(|(of, sign, _)| {
            (of.is_empty() || *of == method)
                && match *sign {
                    "pending" => answer["blockHash"].is_null(),
                    "0x7e" => answer.to_string().contains("\"type\":\"0x7e\""),
                    field => complaint.contains(field),
                }
        });
        assert!(is_known, "{method}: {complaint}\n{answer}");
    }
}

type Verdict = Result<(), String>;

impl Schema {
    fn validate(&self, schema: &Value, value: &Value, at: &str) -> Verdict {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let name = reference.rsplit('/').next().unwrap();
            let target = self
                .components
                .get(name)
                .unwrap_or_else(|| panic!("no schema {name}"));
            return self.validate(target, value, at);
        }
        self.combined(schema, value, at)?;
        plain(schema, value, at)?;
        match value {
            Value::Object(fields) => self.object(schema, fields, at),
            Value::Array(items) => match schema.get("items") {
                Some(each) => items
                    .iter()
                    .enumerate()
                    .try_for_each(|(i, item)| self.validate(each, item, &format!("{at}[{i}]"))),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn combined(&self, schema: &Value, value: &Value, at: &str) -> Verdict {
        for part in list(schema, "allOf") {
            self.validate(part, value, at)?;
        }
        for (kind, exactly_one) in [("oneOf", true), ("anyOf", false)] {
            let parts = list(schema, kind);
            if parts.is_empty() {
                continue;
            }
            let verdicts: Vec<_> = parts
                .iter()
                .map(|part| self.validate(part, value, at))
                .collect();
            let fitting = verdicts.iter().filter(|verdict| verdict.is_ok()).count();
            // An empty list fits several alternatives of lists.
            let is_ambiguous = value.as_array().is_some_and(Vec::is_empty);
            if fitting == 0 || (exactly_one && fitting > 1 && !is_ambiguous) {
                let why: Vec<_> = verdicts.into_iter().filter_map(Result::err).collect();
                return Err(format!(
                    "{at}: {fitting} of {kind} fit: {}",
                    why.join(" | ")
                ));
            }
        }
        match schema.get("not") {
            Some(unwanted) if self.validate(unwanted, value, at).is_ok() => {
                Err(format!("{at}: is what it must not be"))
            }
            _ => Ok(()),
        }
    }

    fn object(&self, schema: &Value, fields: &Map<String, Value>, at: &str) -> Verdict {
        for name in list(schema, "required") {
            let name = name.as_str().unwrap();
            if !fields.contains_key(name) {
                return Err(format!("{at}: lacks {name}"));
            }
        }
        let named = schema.get("properties").and_then(Value::as_object);
        let patterns = schema.get("patternProperties").and_then(Value::as_object);
        for (name, value) in fields {
            let at = format!("{at}.{name}");
            let by_name = named.and_then(|named| named.get(name));
            let by_pattern = patterns
                .into_iter()
                .flatten()
                .find(|(pattern, _)| fits(pattern, name));
            match (
                by_name.or(by_pattern.map(|(_, each)| each)),
                schema.get("additionalProperties"),
            ) {
                (Some(each), _) => self.validate(each, value, &at)?,
                (None, Some(Value::Bool(false))) => return Err(format!("{at}: is not foreseen")),
                (None, Some(each @ Value::Object(_))) => self.validate(each, value, &at)?,
                (None, _) => {}
            }
        }
        Ok(())
    }
}

/// Type, pattern, enumeration and bounds.
fn plain(schema: &Value, value: &Value, at: &str) -> Verdict {
    let kinds: Vec<&str> = match schema.get("type") {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !kinds.is_empty() && !kinds.iter().any(|kind| is_of(kind, value)) {
        return Err(format!("{at}: {value} is no {}", kinds.join(" or ")));
    }
    if let (Some(pattern), Some(text)) = (schema.get("pattern"), value.as_str())
        && !fits(pattern.as_str().unwrap(), text)
    {
        return Err(format!("{at}: {text:?} does not fit {pattern}"));
    }
    let allowed = list(schema, "enum");
    if !allowed.is_empty() && !allowed.contains(value) {
        return Err(format!("{at}: {value} is not one of {allowed:?}"));
    }
    if schema.get("const").is_some_and(|only| only != value) {
        return Err(format!("{at}: {value} is not {}", schema["const"]));
    }
    let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
    match value.as_f64() {
        Some(number)
            if bound("minimum").is_some_and(|least| number < least)
                || bound("maximum").is_some_and(|most| number > most) =>
        {
            Err(format!("{at}: {number} is out of bounds"))
        }
        _ => Ok(()),
    }
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        other => panic!("unknown type {other}"),
    }
}

fn list<'a>(schema: &'a Value, name: &str) -> &'a [Value] {
    schema
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn fits(pattern: &str, text: &str) -> bool {
    Regex::new(pattern).unwrap().is_match(text)
}

#[test]
fn schema_is_read_and_refuses_what_is_wrong() {
    let Some(schema) = schema() else { return };
    assert!(schema.methods.len() > 50, "{}", schema.methods.len());
    let uint = serde_json::json!({"$ref": "#/components/schemas/uint"});
    for (value, is_right) in [("0x0", true), ("0x1f", true), ("0x01", false), ("1", false)] {
        assert_eq!(
            schema.validate(&uint, &value.into(), "").is_ok(),
            is_right,
            "{value}"
        );
    }
    let receipt = serde_json::json!({"$ref": "#/components/schemas/ReceiptInfo"});
    assert!(
        schema
            .validate(&receipt, &serde_json::json!({}), "")
            .is_err()
    );
}
