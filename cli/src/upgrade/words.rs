//! An announced change in words and in JSON.

use serde_json::{Value, json};
use trestle_sdk::upgrade::{Meaning, Operation, State};

use crate::transfer::report::span;

/// Its fields; `now` is L1's time, in seconds since 1970.
pub(super) fn fields(operation: &Operation, meanings: &[Meaning], now: u64) -> Value {
    let (state, ready_at) = match operation.state {
        State::Announced { ready_at } if ready_at <= now => ("ready", Some(ready_at)),
        State::Announced { ready_at } => ("waiting", Some(ready_at)),
        State::Executed => ("executed", None),
        State::Cancelled => ("cancelled", None),
    };
    let calls: Vec<_> = operation.calls.iter().zip(meanings).map(call).collect();
    json!({
        "id": operation.id,
        "state": state,
        "readyAt": ready_at,
        "announcedBy": operation.announced_by,
        "calls": calls,
    })
}

fn call(
    ((target, value, data), meaning): (
        &(
            alloy::primitives::Address,
            alloy::primitives::U256,
            alloy::primitives::Bytes,
        ),
        &Meaning,
    ),
) -> Value {
    let what = match meaning {
        Meaning::Games {
            at,
            image_root,
            previous_image_root,
            from_batch,
            is_of_this_release,
        } => json!({
            "kind": "games", "code": at, "imageRoot": image_root, "previousImageRoot": previous_image_root,
            "fromBatch": from_batch, "isOfThisRelease": is_of_this_release,
        }),
        Meaning::Implementation {
            proxy,
            at,
            is_of_this_release,
            call,
        } => json!({
            "kind": "implementation", "contract": proxy.name(), "code": at,
            "isOfThisRelease": is_of_this_release, "call": call,
        }),
        Meaning::Other => json!({ "kind": "other" }),
    };
    json!({ "target": target, "value": value, "data": data, "does": what })
}

/// Its lines; `now` is L1's time, in seconds since 1970.
pub(super) fn words(operation: &Operation, meanings: &[Meaning], now: u64) -> String {
    let state = match operation.state {
        State::Announced { ready_at } if ready_at <= now => "can be executed".to_owned(),
        State::Announced { ready_at } => format!("can be executed in {}", span(ready_at - now)),
        State::Executed => "executed".to_owned(),
        State::Cancelled => "cancelled".to_owned(),
    };
    let mut lines = vec![format!("{}  {state}", operation.id)];
    for ((target, _, data), meaning) in operation.calls.iter().zip(meanings) {
        lines.push(format!("  {}", sentence(meaning)));
        if *meaning == Meaning::Other {
            lines.push(format!("  {target} is called with {data}"));
        }
    }
    lines.join("\n")
}

fn sentence(meaning: &Meaning) -> String {
    match meaning {
        Meaning::Games {
            at,
            image_root,
            from_batch,
            is_of_this_release,
            ..
        } => format!(
            "games to come run the code at {at} ({}), image {image_root} from batch {from_batch} on",
            origin(*is_of_this_release)
        ),
        Meaning::Implementation {
            proxy,
            at,
            is_of_this_release,
            call,
        } => {
            let called = if call.is_empty() {
                String::new()
            } else {
                format!(", and is called with {call}")
            };
            let origin = origin(*is_of_this_release);
            format!(
                "the {} gets the code at {at} ({origin}){called}",
                proxy.name()
            )
        }
        Meaning::Other => "something that this program has no words for".to_owned(),
    }
}

const fn origin(is_of_this_release: bool) -> &'static str {
    if is_of_this_release {
        "of this release"
    } else {
        "NOT of this release"
    }
}
