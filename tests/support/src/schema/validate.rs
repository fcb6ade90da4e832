//! The part of JSON Schema that execution-apis uses.

use regex_lite::Regex;
use serde_json::{Map, Value};

use super::Judge;

type Verdict = Result<(), String>;

impl Judge {
    /// Whether `value` is what `schema` describes; `at` names its place in a complaint.
    pub(super) fn validate(&self, schema: &Value, value: &Value, at: &str) -> Verdict {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let name = reference.rsplit('/').next().unwrap_or(reference);
            let target = self.components.get(name);
            let target = target.ok_or_else(|| format!("the schema lacks {name}"))?;
            return self.validate(target, value, at);
        }
        self.combined(schema, value, at)?;
        plain(schema, value, at)?;
        match (value, schema.get("items")) {
            (Value::Object(fields), _) => self.object(schema, fields, at),
            (Value::Array(items), Some(each)) => items
                .iter()
                .enumerate()
                .try_for_each(|(i, item)| self.validate(each, item, &format!("{at}[{i}]"))),
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
                let why = why.join(" | ");
                return Err(format!("{at}: {fitting} of {kind} fit: {why}"));
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
        for name in list(schema, "required").iter().filter_map(Value::as_str) {
            if !fields.contains_key(name) {
                return Err(format!("{at}: lacks {name}"));
            }
        }
        let named = schema.get("properties").and_then(Value::as_object);
        let patterns = schema.get("patternProperties").and_then(Value::as_object);
        for (name, value) in fields {
            let at = format!("{at}.{name}");
            let mut each = named.and_then(|named| named.get(name));
            for (pattern, by_pattern) in patterns.into_iter().flatten() {
                if each.is_none() && fits(pattern, name)? {
                    each = Some(by_pattern);
                }
            }
            match (each, schema.get("additionalProperties")) {
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
    let pattern = schema.get("pattern").and_then(Value::as_str);
    if let (Some(pattern), Some(text)) = (pattern, value.as_str())
        && !fits(pattern, text)?
    {
        return Err(format!("{at}: {text:?} does not fit {pattern}"));
    }
    let allowed = list(schema, "enum");
    if !allowed.is_empty() && !allowed.contains(value) {
        return Err(format!("{at}: {value} is not one of {allowed:?}"));
    }
    if let Some(only) = schema.get("const").filter(|only| *only != value) {
        return Err(format!("{at}: {value} is not {only}"));
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

/// Whether a value has a type of JSON Schema; no value has an unknown one.
fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        _ => false,
    }
}

fn list<'a>(schema: &'a Value, name: &str) -> &'a [Value] {
    let list = schema.get(name).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

fn fits(pattern: &str, text: &str) -> Result<bool, String> {
    let pattern = Regex::new(pattern).map_err(|error| error.to_string())?;
    Ok(pattern.is_match(text))
}
