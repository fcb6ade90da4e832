//! A JSON-RPC endpoint that lies, lags or dies on command, in front of a real one.
//!
//! Requests go through unchanged unless the rule of the moment says otherwise, so that a test meets
//! the client's real code with the faults of a real endpoint. In front of a node of ours it also holds what
//! the node answers against [`Judge`].

use alloy::transports::http::reqwest;
use axum::{
    Router,
    extract::State,
    http::{StatusCode, Uri, uri::PathAndQuery},
    response::IntoResponse,
    routing::{get, post},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fmt, io,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{Held, Judge};

/// What happens to a request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// It is forwarded and answered.
    None,
    /// It is answered with HTTP status 503, and not forwarded.
    Down,
    /// It is never answered.
    Hang,
    /// It is forwarded, and the answer is lost.
    LoseAnswer,
    /// It is answered with a JSON-RPC error of this code and message (a `GET` with this HTTP status), and not forwarded.
    Refuse(i64, String),
    /// It is answered with this result, and not forwarded.
    Answer(Value),
    /// It is forwarded, and the `result` of the answer is passed through this function.
    Alter(fn(Value) -> Value),
}

/// Chooses the fault of a request by its method and parameters.
pub type Rule = dyn Fn(&str, &Value) -> Fault + Send + Sync;

/// What the answers of a judged endpoint were like.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// Answers that were held against the public schema or alloy's types.
    pub held: usize,
    /// What was wrong, in words.
    pub complaints: Vec<String>,
}

struct Shared {
    upstream: String,
    client: reqwest::Client,
    judge: Option<&'static Judge>,
    verdict: Mutex<Verdict>,
    rule: Mutex<Arc<Rule>>,
    calls: Mutex<BTreeMap<String, usize>>,
}

/// A running proxy; dropped, it stops.
pub struct FaultProxy {
    port: u16,
    shared: Arc<Shared>,
    server: JoinHandle<io::Result<()>>,
}

impl fmt::Debug for FaultProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultProxy")
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

impl FaultProxy {
    /// A proxy in front of the endpoint at `upstream`, on a free port, without faults.
    ///
    /// # Errors
    /// When no port can be opened.
    pub async fn start(upstream: String) -> io::Result<Self> {
        Self::with_judge(upstream, None).await
    }

    /// The same in front of a node of ours, whose answers are judged.
    ///
    /// # Errors
    /// When no port can be opened, or the public schema is there and cannot be read.
    pub async fn judged(upstream: String) -> io::Result<Self> {
        let judge = Judge::shared().map_err(io::Error::other)?;
        Self::with_judge(upstream, Some(judge)).await
    }

    async fn with_judge(upstream: String, judge: Option<&'static Judge>) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            upstream,
            client: reqwest::Client::new(),
            judge,
            verdict: Mutex::default(),
            rule: Mutex::new(Arc::new(|_: &str, _: &Value| Fault::None)),
            calls: Mutex::default(),
        });
        let app = Router::new()
            .route("/", post(handle))
            .fallback(get(pass))
            .with_state(Arc::clone(&shared));
        let app = app.layer(axum::extract::DefaultBodyLimit::disable());
        let server = tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self {
            port,
            shared,
            server,
        })
    }

    /// URL of the proxy.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Applies `rule` to every request from now on.
    pub fn set_rule(&self, rule: impl Fn(&str, &Value) -> Fault + Send + Sync + 'static) {
        *self
            .shared
            .rule
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Arc::new(rule);
    }

    /// Lets every request through from now on.
    pub fn heal(&self) {
        self.set_rule(|_, _| Fault::None);
    }

    /// What was found in the answers that were forwarded so far.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let verdict = self.shared.verdict.lock();
        verdict.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Requests of `method` that arrived so far, whatever became of them.
    #[must_use]
    pub fn calls(&self, method: &str) -> usize {
        let calls = self
            .shared
            .calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        calls.get(method).copied().unwrap_or_default()
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn handle(State(shared): State<Arc<Shared>>, body: String) -> axum::response::Response {
    let Ok(request) = serde_json::from_str::<Value>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let method = request
        .get("method")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    *shared
        .calls
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .entry(method.clone())
        .or_default() += 1;
    let rule = Arc::clone(&shared.rule.lock().unwrap_or_else(PoisonError::into_inner));
    let id = request.get("id").cloned().unwrap_or(Value::Null);
    let answer = |result: Value| {
        json!({ "jsonrpc": "2.0", "id": id, "result": result })
            .to_string()
            .into_response()
    };
    match rule(&method, request.get("params").unwrap_or(&Value::Null)) {
        Fault::Down => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Fault::Hang => std::future::pending().await,
        Fault::Answer(result) => answer(result),
        Fault::Refuse(code, message) => {
            let error = json!({ "code": code, "message": message });
            json!({ "jsonrpc": "2.0", "id": id, "error": error })
                .to_string()
                .into_response()
        }
        Fault::None => match forward(&shared, body).await {
            Some(text) => text.into_response(),
            None => StatusCode::BAD_GATEWAY.into_response(),
        },
        Fault::LoseAnswer => {
            forward(&shared, body).await;
            StatusCode::GATEWAY_TIMEOUT.into_response()
        }
        Fault::Alter(alter) => {
            let text = forward(&shared, body).await.unwrap_or_default();
            let value: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
            match value.get("result") {
                Some(result) => answer(alter(result.clone())),
                None => text.into_response(),
            }
        }
    }
}

/// A request of another kind than JSON-RPC, the beacon API's say. Its rule is asked for the method `GET` with the path.
async fn pass(State(shared): State<Arc<Shared>>, uri: Uri) -> axum::response::Response {
    let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let rule = Arc::clone(&shared.rule.lock().unwrap_or_else(PoisonError::into_inner));
    match rule("GET", &json!(path)) {
        Fault::Down => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Fault::Hang => std::future::pending().await,
        Fault::Refuse(code, message) => {
            let status = u16::try_from(code)
                .ok()
                .and_then(|code| StatusCode::from_u16(code).ok());
            return (status.unwrap_or(StatusCode::BAD_REQUEST), message).into_response();
        }
        Fault::None | Fault::LoseAnswer | Fault::Answer(_) | Fault::Alter(_) => {}
    }
    let answer = shared.client.get(format!("{}{path}", shared.upstream));
    let Ok(answer) = answer.send().await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let status = StatusCode::from_u16(answer.status().as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
    match answer.text().await {
        Ok(text) => (status, text).into_response(),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

async fn forward(shared: &Shared, body: String) -> Option<String> {
    let request = shared
        .client
        .post(&shared.upstream)
        .header("content-type", "application/json");
    let text = request.body(body.clone()).send().await.ok()?.text().await;
    let text = text.ok()?;
    if let Some(judge) = shared.judge {
        hold(shared, judge, &body, &text);
    }
    Some(text)
}

fn hold(shared: &Shared, judge: &Judge, request: &str, answer: &str) {
    let parsed = |text| serde_json::from_str::<Value>(text).unwrap_or_default();
    let verdict = judge.hold_exchange(&parsed(request), &parsed(answer));
    let mut all = shared
        .verdict
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    for one in verdict {
        match one {
            Ok(Held::Unknown) => {}
            Ok(Held::Schema | Held::Types) => all.held += 1,
            Err(complaint) => all.complaints.push(complaint),
        }
    }
}
