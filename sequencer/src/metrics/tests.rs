//! Table, documentation, dashboard and alert rules name the same metrics.

use super::{Kind, METRICS};
use serde_json::Value;
use std::{collections::BTreeSet, path::PathBuf};

fn read(path: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Names that a query may use: a histogram is asked for by its parts.
fn queryable() -> BTreeSet<String> {
    let mut names = BTreeSet::from(["up".to_owned()]);
    for metric in METRICS {
        match metric.kind {
            Kind::Histogram => {
                names
                    .extend(["bucket", "sum", "count"].map(|end| format!("{}_{end}", metric.name)));
            }
            Kind::Counter | Kind::Gauge => {
                names.insert(metric.name.to_owned());
            }
        }
    }
    names
}

/// Functions and aggregations of PromQL that the queries here use.
const FUNCTIONS: [&str; 7] = [
    "rate",
    "increase",
    "changes",
    "histogram_quantile",
    "sum",
    "label_values",
    "ignoring",
];
/// Other words of PromQL.
const WORDS: [&str; 4] = ["by", "and", "or", "unless"];

/// Names of the metrics that a query selects. Its brackets and quotes must close, and each of its words must be a
/// metric, a function, a label in its place or a word of the language.
fn selected(query: &str) -> BTreeSet<String> {
    let words = regex_lite::Regex::new(r"[a-zA-Z_][a-zA-Z0-9_]*").unwrap();
    let labels = regex_lite::Regex::new(
        r#"\{[^{}]*\}|\[[^\[\]]*\]|\b(by|ignoring) *\([^()]*\)|\b\d+e\d+\b"#,
    )
    .unwrap();
    let selector = regex_lite::Regex::new(r#"^\{([a-z_]+(=|!=|=~|!~)"[^"]*"(, )?)+\}$"#).unwrap();
    for braces in regex_lite::Regex::new(r"\{[^{}]*\}")
        .unwrap()
        .find_iter(query)
    {
        assert!(
            selector.is_match(braces.as_str()),
            "{query}: {}",
            braces.as_str()
        );
    }
    let mut open = Vec::new();
    for sign in query.chars() {
        match sign {
            '(' => open.push(')'),
            '[' => open.push(']'),
            '{' => open.push('}'),
            ')' | ']' | '}' => assert_eq!(open.pop(), Some(sign), "{query}"),
            _ => {}
        }
    }
    assert!(
        open.is_empty() && query.matches('"').count().is_multiple_of(2),
        "{query}"
    );
    let bare = labels.replace_all(query, " ");
    let mut found = BTreeSet::new();
    for word in words.find_iter(&bare) {
        let is_call = bare[word.end()..].trim_start().starts_with('(');
        match word.as_str() {
            name if FUNCTIONS.contains(&name) => {
                assert!(is_call || name == "sum", "{query}: {name}")
            }
            name if WORDS.contains(&name) => {}
            name => {
                assert!(!is_call, "{query}: {name}");
                found.insert(name.to_owned());
            }
        }
    }
    assert!(!found.is_empty(), "{query} selects nothing");
    found
}

#[test]
fn names_are_unique_and_carry_their_units() {
    let mut seen = BTreeSet::new();
    for metric in METRICS {
        assert!(seen.insert(metric.name), "{} is there twice", metric.name);
        let is_total = metric.name.ends_with("_total");
        assert_eq!(metric.kind == Kind::Counter, is_total, "{}", metric.name);
        if metric.kind == Kind::Histogram {
            assert!(metric.name.ends_with("_seconds"), "{}", metric.name);
        }
    }
}

#[test]
fn documentation_has_the_table() {
    let document = read("docs/operations.md");
    let rows: Vec<&str> = document
        .lines()
        .filter(|line| line.starts_with("| `trestle_") || line.starts_with("| `process_"))
        .collect();
    let expected: Vec<String> = METRICS
        .iter()
        .map(|metric| {
            let (name, kind, who) = (metric.name, metric.kind_words(), metric.part_words());
            format!("| `{name}` | {kind} | {who} | {} |", metric.about)
        })
        .collect();
    assert_eq!(
        rows,
        expected,
        "the table should be\n{}",
        expected.join("\n")
    );
}

#[test]
fn dashboard_shows_every_metric_that_there_is_and_no_other() {
    let dashboard: Value = serde_json::from_str(&read("ops/grafana/trestle.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut shown = BTreeSet::new();
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        assert!(
            !panel["description"].as_str().unwrap().is_empty(),
            "{panel}"
        );
        for target in panel["targets"].as_array().unwrap() {
            shown.extend(selected(target["expr"].as_str().unwrap()));
        }
    }
    let known = queryable();
    let unknown: Vec<_> = shown.difference(&known).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    assert!(shown.len() > 40, "{} metrics shown", shown.len());
}

#[test]
fn alert_rules_parse_and_say_what_to_do() {
    let rules: Value = serde_norway::from_str(&read("ops/prometheus/alerts.yml")).unwrap();
    let known = queryable();
    let mut names = BTreeSet::new();
    for rule in rules["groups"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|group| group["rules"].as_array().unwrap())
    {
        let name = rule["alert"].as_str().unwrap();
        assert!(names.insert(name), "{name} is there twice");
        for metric in selected(rule["expr"].as_str().unwrap()) {
            assert!(known.contains(&metric), "{name}: {metric}");
        }
        let severity = rule["labels"]["severity"].as_str().unwrap();
        assert!(["page", "ticket"].contains(&severity), "{name}: {severity}");
        for words in ["summary", "action"] {
            let text = rule["annotations"][words].as_str().unwrap();
            assert!(text.len() > 20, "{name}: {words}");
        }
        let keys: BTreeSet<_> = rule
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let allowed = BTreeSet::from(["alert", "expr", "for", "labels", "annotations"]);
        assert!(keys.is_subset(&allowed), "{name}: {keys:?}");
    }
    let document = read("docs/operations.md");
    for name in &names {
        assert!(
            document.contains(&format!("`{name}`")),
            "{name} is not documented"
        );
    }
    let scrape: Value = serde_norway::from_str(&read("ops/prometheus/prometheus.yml")).unwrap();
    assert_eq!(scrape["rule_files"][0], "alerts.yml");
}
