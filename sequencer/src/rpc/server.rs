//! One port for JSON-RPC over HTTP and WebSocket: axum in front, jsonrpsee behind.
//!
//! Loopback unless told otherwise. A page in a browser may read the RPC (it holds no keys and no
//! cookies), but only under a host name that the operator knows, so that DNS rebinding reaches
//! nothing.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use jsonrpsee::{
    Methods,
    core::middleware::RpcServiceBuilder,
    server::{
        BatchRequestConfig, IdProvider, PingConfig, ServerBuilder, ServerConfig, ServerHandle,
        StopHandle, TowerServiceBuilder, stop_channel,
    },
    types::SubscriptionId,
};
use tokio::{net::TcpListener, sync::broadcast, task::JoinHandle};
use tower::{
    Service,
    layer::util::{Identity, Stack},
};
use tower_http::cors::{Any, CorsLayer};

use super::{
    NodeHandle, RpcLimits,
    blocks::BlockCache,
    context::Context,
    filters::Filters,
    follow::follow,
    forwarded::Forwarded,
    heavy::HeavyPool,
    listener::Guarded,
    meter::Meters,
    methods::registry::Registry,
    middleware::{Dispatch, Transport},
    subscriptions,
};
use crate::mempool::Mempool;

/// Changes of the chain that a slow subscriber may fall behind.
const EVENTS: usize = 4_096;

/// Who may read responses in a browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CorsOrigins {
    /// Pages of any origin.
    Any,
    /// Pages of these origins, as in `https://app.example`.
    List(Vec<String>),
}

/// Where and how the RPC listens.
#[derive(Debug, Clone)]
pub struct RpcConfig {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Pages that may read responses.
    pub cors: CorsOrigins,
    /// Host names under which the node answers, besides `localhost` and IP addresses; `*` for any.
    pub hosts: Vec<String>,
    /// Bounds.
    pub limits: RpcLimits,
}

impl Default for RpcConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8545),
            cors: CorsOrigins::Any,
            hosts: Vec::new(),
            limits: RpcLimits::default(),
        }
    }
}

/// Why the RPC did not start.
#[derive(Debug, thiserror::Error)]
pub enum RpcStartError {
    /// The port cannot be had.
    #[error("cannot listen on {address}: {source}; choose another port or stop what uses it")]
    Bind {
        /// Where it should listen.
        address: SocketAddr,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// Two methods have one name.
    #[error("method registered twice: {0}")]
    Method(#[from] jsonrpsee::server::RegisterMethodError),
    /// An origin or host is not of the form that HTTP has for it.
    #[error("not an origin: {0}")]
    Origin(String),
}

/// The running RPC. Dropping it leaves it running; [`RpcServer::stop`] ends it.
#[derive(Debug)]
pub struct RpcServer {
    address: SocketAddr,
    stop: ServerHandle,
    serving: JoinHandle<std::io::Result<()>>,
    following: JoinHandle<()>,
    #[cfg(test)]
    methods: Vec<&'static str>,
    #[cfg(test)]
    events: broadcast::Sender<super::follow::ChainEvent>,
}

impl RpcServer {
    /// Starts listening. `routes` are served beside JSON-RPC, which has `/`.
    ///
    /// # Errors
    /// [`RpcStartError`].
    pub async fn start(
        config: RpcConfig,
        node: NodeHandle,
        routes: Router,
    ) -> Result<Self, RpcStartError> {
        let RpcConfig {
            listen,
            cors,
            hosts,
            limits,
        } = config;
        let context = context(node, limits.clone());
        let mut registry = Registry::new(Arc::clone(&context));
        registry.register_all()?;
        subscriptions::register(registry.module())?;
        let bind = |source| RpcStartError::Bind {
            address: listen,
            source,
        };
        let listener = TcpListener::bind(listen).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let following = tokio::spawn(follow(
            Arc::downgrade(&context),
            context.store.durable_head(),
        ));
        let (stop_handle, stop) = stop_channel();
        let methods: Methods = registry.into_module().into();
        #[cfg(test)]
        let (names, events) = (methods.method_names().collect(), context.events.clone());
        let meters = Arc::new(Meters::new(methods.method_names()));
        let pool = context.forward.is_none().then(|| Arc::clone(&context.pool));
        let endpoint = Endpoint {
            methods,
            service: service(&limits, meters, pool),
            stop: stop_handle.clone(),
            connections: Arc::new(AtomicU32::new(0)),
        };
        let app = routes
            .fallback(move |request| serve(endpoint.clone(), request))
            .layer(cors_layer(&cors)?)
            .layer(axum::middleware::from_fn_with_state(
                Arc::new(hosts),
                check_host,
            ));
        let guarded = Guarded::new(listener, &limits);
        let serving = tokio::spawn(async move {
            let stopped = stop_handle.shutdown();
            axum::serve(guarded, app)
                .with_graceful_shutdown(stopped)
                .await
        });
        Ok(Self {
            address,
            stop,
            serving,
            following,
            #[cfg(test)]
            methods: names,
            #[cfg(test)]
            events,
        })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Subscriptions that listen to the chain.
    #[cfg(test)]
    pub(super) fn listeners(&self) -> usize {
        self.events.receiver_count()
    }

    /// Names of all methods.
    #[cfg(test)]
    pub(super) fn method_names(&self) -> &[&'static str] {
        &self.methods
    }

    /// Stops taking requests, and returns when those in progress are answered.
    pub async fn stop(self) {
        let _ = self.stop.stop();
        self.following.abort();
        let _ = self.serving.await;
    }
}

fn context(node: NodeHandle, limits: RpcLimits) -> Arc<Context> {
    Arc::new(Context {
        filters: Filters::new(limits.filters, limits.filter_lifetime),
        forwarded: Forwarded::default(),
        events: broadcast::Sender::new(EVENTS),
        heavy: HeavyPool::new(&limits),
        blocks: BlockCache::default(),
        node,
        limits,
    })
}

/// Hex ids, as clients of geth expect them.
#[derive(Debug)]
struct HexIds;

impl IdProvider for HexIds {
    fn next_id(&self) -> SubscriptionId<'static> {
        let bytes = alloy_primitives::B128::random();
        SubscriptionId::Str(format!("{bytes}").into())
    }
}

/// Puts [`Dispatch`] around jsonrpsee's service.
#[derive(Debug, Clone)]
struct DispatchLayer {
    response_bytes: usize,
    meters: Arc<Meters>,
    pool: Option<Arc<Mempool>>,
}

impl<S> tower::Layer<S> for DispatchLayer {
    type Service = Dispatch<S>;

    fn layer(&self, inner: S) -> Self::Service {
        let (meters, pool) = (Arc::clone(&self.meters), self.pool.clone());
        Dispatch::new(inner, self.response_bytes, meters, pool)
    }
}

type Layers = Stack<DispatchLayer, Identity>;

fn service(
    limits: &RpcLimits,
    meters: Arc<Meters>,
    pool: Option<Arc<Mempool>>,
) -> TowerServiceBuilder<Layers, Identity> {
    let response_bytes = u32::try_from(limits.response_bytes).unwrap_or(u32::MAX);
    let config = ServerConfig::builder()
        .max_request_body_size(limits.body_bytes)
        .max_response_body_size(response_bytes)
        .max_connections(limits.connections)
        .max_subscriptions_per_connection(limits.subscriptions)
        .set_batch_request_config(BatchRequestConfig::Limit(limits.batch_items))
        .set_message_buffer_capacity(limits.notifications)
        .enable_ws_ping(PingConfig::new())
        .set_id_provider(HexIds)
        .build();
    ServerBuilder::with_config(config)
        .set_rpc_middleware(RpcServiceBuilder::new().layer(DispatchLayer {
            response_bytes: limits.response_bytes,
            meters,
            pool,
        }))
        .to_service_builder()
}

/// What a request needs to be served.
#[derive(Debug, Clone)]
struct Endpoint {
    methods: Methods,
    service: TowerServiceBuilder<Layers, Identity>,
    stop: StopHandle,
    connections: Arc<AtomicU32>,
}

/// Hands a request to jsonrpsee.
async fn serve(endpoint: Endpoint, mut request: Request) -> Response {
    let is_upgrade = request.headers().contains_key(header::UPGRADE);
    if request.uri().path() != "/" {
        return (StatusCode::NOT_FOUND, "not found; JSON-RPC is at /\n").into_response();
    }
    if !is_upgrade && request.method() != Method::POST {
        let hint = "JSON-RPC: POST to this address, or open a WebSocket\n";
        return (StatusCode::METHOD_NOT_ALLOWED, hint).into_response();
    }
    let transport = if is_upgrade {
        Transport::WebSocket
    } else {
        Transport::Http
    };
    request.extensions_mut().insert(transport);
    accept_json(&mut request);
    let id = endpoint.connections.fetch_add(1, Ordering::Relaxed);
    let Endpoint {
        methods,
        service,
        stop,
        ..
    } = endpoint;
    let mut service = service.connection_id(id).build(methods, stop);
    match service.call(request).await {
        Ok(response) => response.map(Body::new),
        Err(error) => {
            tracing::warn!(%error, "request failed");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// JSON with any parameter is JSON: jsonrpsee knows a few spellings of `charset=utf-8` only.
fn accept_json(request: &mut Request) {
    let is_json = |value: &HeaderValue| {
        let kind = value
            .as_bytes()
            .split(|byte| *byte == b';')
            .next()
            .unwrap_or_default();
        kind.trim_ascii().eq_ignore_ascii_case(b"application/json")
    };
    if request
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(is_json)
    {
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(header::CONTENT_TYPE, json);
    }
}

fn cors_layer(origins: &CorsOrigins) -> Result<CorsLayer, RpcStartError> {
    let layer = CorsLayer::new()
        .allow_methods([Method::POST, Method::GET])
        .allow_headers([header::CONTENT_TYPE])
        .max_age(std::time::Duration::from_secs(600));
    match origins {
        CorsOrigins::Any => Ok(layer.allow_origin(Any).allow_headers(Any)),
        CorsOrigins::List(list) => {
            let parse = |origin: &String| {
                HeaderValue::from_str(origin).map_err(|_| RpcStartError::Origin(origin.clone()))
            };
            Ok(layer.allow_origin(list.iter().map(parse).collect::<Result<Vec<_>, _>>()?))
        }
    }
}

/// Refuses requests under a host name that the operator does not know: what a page gets to see after
/// its own name was pointed here.
async fn check_host(
    State(known): State<Arc<Vec<String>>>,
    request: Request,
    next: Next,
) -> Response {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .or_else(|| request.uri().host());
    if host.is_some_and(|host| is_known(host, &known)) {
        return next.run(request).await;
    }
    (
        StatusCode::FORBIDDEN,
        "host name not allowed; see the option for allowed hosts\n",
    )
        .into_response()
}

fn is_known(host: &str, known: &[String]) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<IpAddr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || known
            .iter()
            .any(|allowed| allowed == "*" || allowed.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::is_known;

    #[test]
    fn host_names_are_known_by_list_and_addresses_always() {
        let known = ["rpc.example".to_owned()];
        for host in [
            "localhost",
            "LOCALHOST:8545",
            "127.0.0.1:1",
            "[::1]:8545",
            "10.0.0.7",
        ] {
            assert!(is_known(host, &[]), "{host}");
        }
        assert!(is_known("rpc.example:443", &known));
        for host in [
            "evil.example",
            "rpc.example.evil.example",
            "",
            "localhost.evil.example",
        ] {
            assert!(!is_known(host, &known), "{host}");
        }
        assert!(is_known("evil.example", &["*".to_owned()]));
    }
}
