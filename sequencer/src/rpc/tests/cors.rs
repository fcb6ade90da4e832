//! Origins that browsers may call from, over a real socket.

use super::bed::{Bed, Wishes};
use crate::rpc::CorsOrigins;

const BODY: &str = r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#;
const JSON: &str = "content-type: application/json\r\n";

/// The header that lets a page of `origin` read the answer, and the status line.
async fn allowed(bed: &Bed, verb: &str, origin: &str) -> (Option<String>, String) {
    let (headers, body) = match verb {
        "OPTIONS" => (
            "access-control-request-method: POST\r\naccess-control-request-headers: content-type\r\n",
            "",
        ),
        _ => (JSON, BODY),
    };
    let (head, answer) = bed
        .http(verb, &format!("origin: {origin}\r\n{headers}"), body)
        .await;
    let head = head.to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 20"), "{head}");
    assert!(verb == "OPTIONS" || answer.contains("0x1bcd"), "{answer}");
    let allowed = head
        .lines()
        .find_map(|line| line.strip_prefix("access-control-allow-origin: "))
        .map(str::to_owned);
    (allowed, head)
}

#[tokio::test]
async fn pages_of_listed_origins_may_read_answers_and_no_others() {
    let list = ["https://app.example", "http://localhost:3000"];
    let bed = Bed::with(Wishes {
        cors: Some(CorsOrigins::List(list.map(str::to_owned).to_vec())),
        ..Wishes::default()
    })
    .await;
    for verb in ["OPTIONS", "POST"] {
        for origin in list {
            let (got, head) = allowed(&bed, verb, origin).await;
            assert_eq!(got.as_deref(), Some(origin), "{verb}");
            // A cache that mixed up origins would give one page the other's header.
            assert!(head.contains("vary: origin"), "{head}");
        }
        for origin in [
            "https://evil.example",
            "https://app.example.evil.example",
            "http://app.example",
            "https://app.example:8443",
            "null",
        ] {
            let (got, _) = allowed(&bed, verb, origin).await;
            assert_eq!(got, None, "{verb} {origin}");
        }
    }
    let (_, head) = allowed(&bed, "OPTIONS", list[0]).await;
    assert!(head.contains("access-control-allow-headers: content-type"));
    assert!(head.contains("access-control-allow-methods: "), "{head}");
}

#[tokio::test]
async fn origin_that_is_no_header_is_refused_at_start() {
    let refused = crate::rpc::RpcServer::start(
        crate::rpc::RpcConfig {
            listen: ([127, 0, 0, 1], 0).into(),
            cors: CorsOrigins::List(vec!["https://a\nb".to_owned()]),
            ..crate::rpc::RpcConfig::default()
        },
        Bed::new().await.handle(),
        axum::Router::new(),
    )
    .await;
    assert!(
        matches!(refused, Err(crate::rpc::RpcStartError::Origin(origin)) if origin.contains("https://a"))
    );
}
