//! JSON-RPC batches over HTTP, with as little work per request as possible: the generator runs on
//! the same cores as what it measures.

use eyre::{WrapErr, bail, eyre};
use reqwest::{Client, header::CONTENT_TYPE};
use serde::Deserialize;
use serde_json::value::RawValue;

/// One connection to a node.
#[derive(Debug, Clone)]
pub(crate) struct Rpc {
    client: Client,
    url: String,
}

/// One answer of a batch.
#[derive(Debug, Deserialize)]
struct Answer {
    id: usize,
    result: Option<Box<RawValue>>,
    error: Option<Box<RawValue>>,
}

impl Rpc {
    /// A connection to `url`.
    pub(crate) fn new(url: &str) -> Self {
        Self {
            client: Client::new(),
            url: url.to_owned(),
        }
    }

    /// Results of calls of `method`, each with the one parameter list in `params`, in their order.
    ///
    /// # Errors
    /// When the request fails, or any call of it.
    pub(crate) async fn batch(
        &self,
        method: &str,
        params: &[String],
    ) -> eyre::Result<Vec<Box<RawValue>>> {
        let body = self.post(batch_body(method, params)).await?;
        let answers: Vec<Answer> =
            serde_json::from_slice(&body).wrap_err("not a batch of answers")?;
        let mut results: Vec<Option<Box<RawValue>>> = params.iter().map(|_| None).collect();
        for answer in answers {
            if let Some(error) = answer.error {
                bail!("{method}: {error}");
            }
            let place = results
                .get_mut(answer.id)
                .ok_or_else(|| eyre!("unknown id {}", answer.id))?;
            *place = Some(answer.result.unwrap_or(RawValue::NULL.to_owned()));
        }
        let all: Option<Vec<_>> = results.into_iter().collect();
        all.ok_or_else(|| eyre!("{method}: an answer is missing"))
    }

    /// Result of one call.
    ///
    /// # Errors
    /// When the request or the call fails.
    pub(crate) async fn call<T: for<'a> Deserialize<'a>>(
        &self,
        method: &str,
        params: &str,
    ) -> eyre::Result<T> {
        let results = self.batch(method, &[params.to_owned()]).await?;
        let result = results.first().ok_or_else(|| eyre!("no answer"))?;
        Ok(serde_json::from_str(result.get())?)
    }

    /// Result of one call that is sent alone, outside a batch.
    ///
    /// # Errors
    /// When the request or the call fails.
    pub(crate) async fn single<T: for<'a> Deserialize<'a>>(
        &self,
        method: &str,
        params: &str,
    ) -> eyre::Result<T> {
        let body = format!(r#"{{"jsonrpc":"2.0","id":0,"method":"{method}","params":{params}}}"#);
        let answer: Answer = serde_json::from_slice(&self.post(body).await?)?;
        if let Some(error) = answer.error {
            bail!("{method}: {error}");
        }
        let result = answer.result.unwrap_or(RawValue::NULL.to_owned());
        Ok(serde_json::from_str(result.get())?)
    }

    async fn post(&self, body: String) -> eyre::Result<bytes::Bytes> {
        let request = self
            .client
            .post(&self.url)
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        let response = request.send().await?.error_for_status()?;
        Ok(response.bytes().await?)
    }
}

fn batch_body(method: &str, params: &[String]) -> String {
    let mut body = String::with_capacity(params.iter().map(|p| p.len() + 80).sum());
    for (id, params) in params.iter().enumerate() {
        body.push(if id == 0 { '[' } else { ',' });
        body.push_str(r#"{"jsonrpc":"2.0","id":"#);
        body.push_str(&id.to_string());
        body.push_str(r#","method":""#);
        body.push_str(method);
        body.push_str(r#"","params":"#);
        body.push_str(params);
        body.push('}');
    }
    body.push(']');
    body
}
