//! Answers of a node, held against Ethereum's public schema of JSON-RPC (execution-apis) and against
//! alloy's types.
//!
//! The schema is not part of the project: it is read from the directory that `EXECUTION_APIS` names, or from
//! `shared/execution-apis` beside the project. Without it a run says so once, and alloy's types remain:
//! an answer has to be read by them, and has to be written again as it was.

mod types;
mod validate;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use serde_json::{Map, Value};

/// The places where an answer may differ from the schema: method (all, if empty), sign, reason. The sign is
/// looked for as [`Judge::is_deviation`] says.
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
        WAITING,
        "a waiting transaction has null for its place, as in geth",
    ),
    ("", DEPOSIT, "deposits are no Ethereum type"),
];
const WAITING: &str = "waiting";
const DEPOSIT: &str = "0x7e";

/// Why the schema cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// A file or directory cannot be read.
    #[error("{path}")]
    Read {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not what a part of the schema looks like.
    #[error("{path}: {reason}")]
    Content {
        /// Its path.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// What an answer was held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// The public schema, and alloy's types where they know the method.
    Schema,
    /// Alloy's types alone.
    Types,
    /// Neither knows the method.
    Unknown,
}

/// The schema, if it is at hand.
#[derive(Debug)]
pub struct Judge {
    components: Map<String, Value>,
    /// Schema of the result of each method; empty without the public schema.
    methods: BTreeMap<String, Value>,
}

impl Judge {
    /// The one that all tests of a process share. Without the public schema it says so on standard error.
    ///
    /// # Errors
    /// [`SchemaError`], if the schema is there and cannot be read.
    pub fn shared() -> Result<&'static Self, &'static SchemaError> {
        static JUDGE: OnceLock<Result<Judge, SchemaError>> = OnceLock::new();
        JUDGE.get_or_init(Self::find).as_ref()
    }

    fn find() -> Result<Self, SchemaError> {
        let beside =
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/execution-apis");
        let root = std::env::var_os("EXECUTION_APIS").map_or_else(beside, PathBuf::from);
        let source = root.join("src");
        if source.is_dir() {
            return Self::read(&source);
        }
        eprintln!(
            "no execution-apis at {}: answers are held against alloy's types alone",
            root.display()
        );
        Ok(Self {
            components: Map::new(),
            methods: BTreeMap::new(),
        })
    }

    fn read(source: &Path) -> Result<Self, SchemaError> {
        let mut components = Map::new();
        for (path, file) in yaml_files(&source.join("schemas"))? {
            match file {
                Value::Object(parts) => components.extend(parts),
                _ => return Err(content(path, "is no map of schemas")),
            }
        }
        let mut methods = BTreeMap::new();
        for group in ["eth", "debug", "txpool"] {
            for (path, file) in yaml_files(&source.join(group))? {
                let Value::Array(all) = file else {
                    return Err(content(path, "is no list of methods"));
                };
                for method in all {
                    let name = method.get("name").and_then(Value::as_str);
                    let schema = method.pointer("/result/schema");
                    let (Some(name), Some(schema)) = (name, schema) else {
                        return Err(content(path, "has a method without name or result"));
                    };
                    methods.insert(name.to_owned(), schema.clone());
                }
            }
        }
        Ok(Self {
            components,
            methods,
        })
    }

    /// Whether the public schema is at hand.
    #[must_use]
    pub fn has_schema(&self) -> bool {
        !self.methods.is_empty()
    }

    /// Methods of the public schema.
    pub fn methods(&self) -> impl Iterator<Item = &str> {
        self.methods.keys().map(String::as_str)
    }

    /// Holds the result of a method against what is known of it.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn hold(&self, method: &str, result: &Value) -> Result<Held, String> {
        let is_typed = types::hold(method, result).map_err(|why| format!("{method}: {why}"))?;
        let Some(expected) = self.methods.get(method) else {
            return Ok(if is_typed { Held::Types } else { Held::Unknown });
        };
        match self.validate(expected, result, "result") {
            Err(why) if !Self::is_deviation(method, result, &why) => {
                Err(format!("{method}: {why}\n{result}"))
            }
            _ => Ok(Held::Schema),
        }
    }

    /// Holds a whole answer to one request against JSON-RPC 2.0 and [`Self::hold`]. An error needs an integer as
    /// its code and a message, and may not be -32603: no request in a test breaks the node.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn hold_answer(&self, method: &str, answer: &Value) -> Result<Held, String> {
        if answer.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
            return Err(format!("{method}: is no JSON-RPC 2.0: {answer}"));
        }
        match (answer.get("result"), answer.get("error")) {
            (Some(result), None) => self.hold(method, result),
            (None, Some(error)) => {
                let code = error.get("code").and_then(Value::as_i64);
                let message = error.get("message").and_then(Value::as_str);
                match (code, message) {
                    (Some(-32603), _) => Err(format!("{method}: blames the node: {error}")),
                    (Some(_), Some(text)) if !text.is_empty() => Ok(Held::Unknown),
                    _ => Err(format!("{method}: error without code or message: {error}")),
                }
            }
            _ => Err(format!("{method}: neither result nor error: {answer}")),
        }
    }

    /// Holds the answer to a request or a batch: one verdict for each answer.
    #[must_use]
    pub fn hold_exchange(&self, request: &Value, answer: &Value) -> Vec<Result<Held, String>> {
        let Value::Array(requests) = request else {
            return vec![self.hold_answer(method_of(request), answer)];
        };
        let Value::Array(answers) = answer else {
            return vec![self.hold_answer("a batch", answer)];
        };
        let asked = |answer: &Value| {
            let request = requests
                .iter()
                .find(|one| one.get("id") == answer.get("id"));
            request.map_or("", method_of)
        };
        let verdicts = answers
            .iter()
            .map(|answer| self.hold_answer(asked(answer), answer));
        verdicts.collect()
    }

    fn is_deviation(method: &str, result: &Value, complaint: &str) -> bool {
        DEVIATIONS.iter().any(|(of, sign, _)| {
            (of.is_empty() || *of == method)
                && match *sign {
                    WAITING => result.get("blockHash").is_some_and(Value::is_null),
                    DEPOSIT => result.to_string().contains("\"type\":\"0x7e\""),
                    field => complaint.contains(field),
                }
        })
    }
}

fn method_of(request: &Value) -> &str {
    let method = request.get("method").and_then(Value::as_str);
    method.unwrap_or_default()
}

fn content(path: PathBuf, reason: &str) -> SchemaError {
    SchemaError::Content {
        path,
        reason: reason.to_owned(),
    }
}

fn yaml_files(directory: &Path) -> Result<Vec<(PathBuf, Value)>, SchemaError> {
    let unread = |path: &Path| {
        let path = path.to_owned();
        |source| SchemaError::Read { path, source }
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory).map_err(unread(directory))? {
        let path = entry.map_err(unread(directory))?.path();
        if path.extension().is_some_and(|kind| kind == "yaml") {
            paths.push(path);
        }
    }
    paths.sort();
    let parse = |path: PathBuf| {
        let text = fs::read_to_string(&path).map_err(unread(&path))?;
        match serde_norway::from_str(&text) {
            Ok(value) => Ok((path, value)),
            Err(error) => Err(content(path, &error.to_string())),
        }
    };
    paths.into_iter().map(parse).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Held, Judge};

    #[test]
    fn schema_that_is_at_hand_refuses_what_is_wrong() {
        let judge = Judge::shared().unwrap();
        if !judge.has_schema() {
            return;
        }
        assert!(judge.methods().count() > 50, "{:?}", judge.methods);
        let uint = json!({"$ref": "#/components/schemas/uint"});
        for (value, is_right) in [("0x0", true), ("0x1f", true), ("0x01", false), ("1", false)] {
            let verdict = judge.validate(&uint, &value.into(), "");
            assert_eq!(verdict.is_ok(), is_right, "{value}");
        }
        let receipt = json!({"$ref": "#/components/schemas/ReceiptInfo"});
        assert!(judge.validate(&receipt, &json!({}), "").is_err());
        assert_eq!(judge.hold("eth_chainId", &json!("0x1")), Ok(Held::Schema));
    }

    #[test]
    fn types_refuse_what_is_wrong_without_the_schema() {
        let judge = Judge {
            components: serde_json::Map::new(),
            methods: std::collections::BTreeMap::new(),
        };
        assert_eq!(judge.hold("eth_chainId", &json!("0x1")), Ok(Held::Types));
        assert_eq!(judge.hold("trestle_heads", &json!(1)), Ok(Held::Unknown));
        for (method, wrong) in [
            ("eth_chainId", json!("0x01")),
            ("eth_chainId", json!(1)),
            ("eth_getBalance", json!("1")),
            ("eth_getStorageAt", json!("0x0")),
            ("eth_getTransactionReceipt", json!({"status": "0x1"})),
            ("eth_getLogs", json!([{"address": "0x00"}])),
            ("net_version", json!("0x1")),
        ] {
            assert!(judge.hold(method, &wrong).is_err(), "{method} {wrong}");
        }
    }

    #[test]
    fn answer_that_is_no_json_rpc_or_blames_the_node_is_refused() {
        let judge = Judge::shared().unwrap();
        let held = |answer| judge.hold_answer("eth_chainId", &answer);
        assert!(held(json!({"jsonrpc": "2.0", "id": 1, "result": "0x1"})).is_ok());
        let refusal = json!({"code": -32602, "message": "missing value"});
        assert!(held(json!({"jsonrpc": "2.0", "id": 1, "error": refusal})).is_ok());
        for wrong in [
            json!({"id": 1, "result": "0x1"}),
            json!({"jsonrpc": "2.0", "id": 1}),
            json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -32603, "message": "internal"}}),
            json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": ""}}),
            json!({"jsonrpc": "2.0", "id": 1, "result": "0x1", "error": refusal}),
        ] {
            assert!(held(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
