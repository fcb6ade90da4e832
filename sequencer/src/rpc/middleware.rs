//! Between jsonrpsee's transport and its methods: error texts, and batches.
//!
//! jsonrpsee calls an unknown method "Method not found", which ethers does not recognise, and
//! answers an oversized batch response as a whole; one item without an id breaks every item of an
//! ethers batch. Here each item has its own answer, and submissions of one batch share one wait for
//! the disk.

use std::{future::Future, sync::Arc, time::Instant};

use alloy_primitives::Bytes;
use futures::{StreamExt, stream::FuturesOrdered};
use jsonrpsee::{
    core::middleware::{Batch, BatchEntry, Notification, RpcServiceT},
    server::{BatchResponseBuilder, MethodResponse},
    types::{ErrorObjectOwned, Request},
};

use super::{RpcError, args::Args, meter::Meters, methods::submit::Submitted};
use crate::mempool::Mempool;

/// How a request came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    /// One request, one response.
    Http,
    /// A connection that subscriptions can use.
    WebSocket,
}

/// The method whose requests in one batch are taken together.
const SUBMIT: &str = "eth_sendRawTransaction";
/// Requests of one batch that are in progress at once.
const BATCH_CONCURRENCY: usize = 64;

/// The service around jsonrpsee's own.
#[derive(Debug, Clone)]
pub(super) struct Dispatch<S> {
    inner: S,
    response_bytes: usize,
    meters: Arc<Meters>,
    /// Where submissions of a batch are taken together; nowhere on a node that hands them on.
    pool: Option<Arc<Mempool>>,
}

impl<S> Dispatch<S> {
    pub(super) const fn new(
        inner: S,
        response_bytes: usize,
        meters: Arc<Meters>,
        pool: Option<Arc<Mempool>>,
    ) -> Self {
        Self {
            inner,
            response_bytes,
            meters,
            pool,
        }
    }
}

impl<S> RpcServiceT for Dispatch<S>
where
    S: RpcServiceT<
            MethodResponse = MethodResponse,
            NotificationResponse = MethodResponse,
            BatchResponse = MethodResponse,
        > + Send
        + Sync
        + Clone
        + 'static,
{
    type MethodResponse = MethodResponse;
    type NotificationResponse = MethodResponse;
    type BatchResponse = MethodResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let (inner, meters) = (self.inner.clone(), Arc::clone(&self.meters));
        async move {
            let begun = match request.extensions().get::<Submitted>() {
                Some(submitted) => submitted.begun,
                None => Instant::now(),
            };
            let is_subscription = is_subscription(request.method_name());
            if is_subscription && request.extensions().get() == Some(&Transport::Http) {
                let error = RpcError::with_data(
                    -32601,
                    "notifications not supported over HTTP, use WebSocket",
                    serde_json::Value::Null,
                );
                return refuse(request, error);
            }
            let (id, name) = (
                request.id().clone().into_owned(),
                request.method_name().to_owned(),
            );
            let response = inner.call(request).await;
            let is_ok = response.is_success();
            meters.note(&name, begun, is_ok);
            tracing::trace!(method = name, is_ok, "answered");
            if response.as_error_code() == Some(-32601) {
                let error = ErrorObjectOwned::from(RpcError::unknown_method(&name));
                return MethodResponse::error(id, error);
            }
            response
        }
    }

    fn batch<'a>(&self, batch: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let service = self.clone();
        async move {
            let (mut answers, mut room) = (
                BatchResponseBuilder::new_with_limit(usize::MAX),
                service.response_bytes,
            );
            let mut running = FuturesOrdered::new();
            let mut entries: Vec<_> = batch.into_iter().collect();
            if let Some(pool) = &service.pool {
                submit_together(pool, &mut entries).await;
            }
            let mut entries = entries.into_iter();
            let mut is_empty = true;
            loop {
                while running.len() < BATCH_CONCURRENCY {
                    let Some(entry) = entries.next() else { break };
                    is_empty = false;
                    running.push_back(service.answer(entry));
                }
                let Some(answer) = running.next().await else {
                    break;
                };
                let Some((id, answer)) = answer else { continue };
                let length = answer.as_json().get().len();
                let answer = if length > room {
                    let limit = service.response_bytes;
                    let error = RpcError::input(format!("batch response exceeds {limit} bytes"));
                    MethodResponse::error(id, ErrorObjectOwned::from(error))
                } else {
                    room -= length;
                    answer
                };
                if let Err(failure) = answers.append(answer) {
                    return failure;
                }
            }
            if answers.is_empty() && !is_empty {
                return MethodResponse::notification();
            }
            MethodResponse::from_batch(answers.finish())
        }
    }

    fn notification<'a>(
        &self,
        notification: Notification<'a>,
    ) -> impl Future<Output = MethodResponse> + Send + 'a {
        self.inner.notification(notification)
    }
}

type Entry<'a> = Result<BatchEntry<'a>, jsonrpsee::core::middleware::BatchEntryErr<'a>>;
type Answered = Option<(jsonrpsee::types::Id<'static>, MethodResponse)>;

impl<S> Dispatch<S>
where
    Self:
        RpcServiceT<MethodResponse = MethodResponse, NotificationResponse = MethodResponse> + Clone,
{
    /// Answers one item of a batch; a notification has no answer.
    fn answer<'a>(&self, entry: Entry<'a>) -> impl Future<Output = Answered> + Send + 'a
    where
        S: Send + Sync + 'static,
        Self: Send + Sync + 'static,
    {
        let service = self.clone();
        async move {
            match entry {
                // Its answer would be sent by itself, outside the batch's.
                Ok(BatchEntry::Call(request)) if request.method_name().ends_with("_subscribe") => {
                    let id = request.id().clone().into_owned();
                    let words = "subscriptions are not served in a batch, send them alone";
                    Some((id, refuse(request, RpcError::with_code(-32600, words))))
                }
                Ok(BatchEntry::Call(request)) => {
                    let id = request.id().clone().into_owned();
                    Some((id, service.call(request).await))
                }
                Ok(BatchEntry::Notification(notification)) => {
                    service.notification(notification).await;
                    None
                }
                Err(error) => {
                    let (error, id) = error.into_parts();
                    let id = id.into_owned();
                    Some((id.clone(), MethodResponse::error(id, error.into_owned())))
                }
            }
        }
    }
}

/// Takes a batch's submissions into the pool, [`BATCH_CONCURRENCY`] at a time; each request carries what became of
/// it to its method. What is not well formed is left to the method.
async fn submit_together(pool: &Mempool, entries: &mut [Entry<'_>]) {
    let submission = |entry: &'_ mut Entry<'_>| -> Option<Bytes> {
        match entry {
            Ok(BatchEntry::Call(request)) if request.method_name() == SUBMIT => {
                let mut args = Args::new(&request.params()).ok()?;
                let encoded = args.required().ok()?;
                args.end().ok()?;
                Some(encoded)
            }
            _ => None,
        }
    };
    let (places, encoded): (Vec<_>, Vec<_>) = entries
        .iter_mut()
        .enumerate()
        .filter_map(|(place, entry)| Some((place, submission(entry)?)))
        .unzip();
    let mut encoded = encoded.into_iter();
    for places in places.chunks(BATCH_CONCURRENCY) {
        let begun = Instant::now();
        let some = encoded.by_ref().take(places.len()).collect();
        let answers = pool.submit_all(some).await;
        for (place, answer) in places.iter().zip(answers) {
            if let Some(Ok(BatchEntry::Call(request))) = entries.get_mut(*place) {
                let outcome = answer.map_err(|error| RpcError::from(error).into());
                request
                    .extensions_mut()
                    .insert(Submitted { begun, outcome });
            }
        }
    }
}

/// Whether a method needs a connection that outlives its answer.
fn is_subscription(name: &str) -> bool {
    name.ends_with("_subscribe") || name.ends_with("_unsubscribe")
}

fn refuse(request: Request<'_>, error: RpcError) -> MethodResponse {
    let id = request.id().clone().into_owned();
    MethodResponse::error(id, ErrorObjectOwned::from(error))
}
