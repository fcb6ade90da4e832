//! A client over WebSocket.

use super::bed::Bed;
use serde_json::{Value, json};

/// A WebSocket client that shows every message.
pub(super) struct Socket {
    stream: tokio_tungstenite::WebSocketStream<tokio::net::TcpStream>,
    /// Notifications that came while an answer was awaited.
    notified: std::collections::VecDeque<Value>,
}

impl Socket {
    pub(super) async fn open(bed: &Bed) -> Self {
        let stream = tokio::net::TcpStream::connect(bed.server.address())
            .await
            .unwrap();
        let (stream, _) = tokio_tungstenite::client_async(bed.ws_url(), stream)
            .await
            .unwrap();
        Self {
            stream,
            notified: std::collections::VecDeque::new(),
        }
    }

    pub(super) async fn send(&mut self, text: &str) {
        use futures::SinkExt;
        let message = tokio_tungstenite::tungstenite::Message::text(text);
        self.stream.send(message).await.unwrap();
    }

    /// The next message; `None` when the server has closed the connection.
    pub(super) async fn receive(&mut self) -> Option<Value> {
        use futures::StreamExt;
        loop {
            let message = self.stream.next().await?.ok()?;
            if message.is_text() {
                return Some(serde_json::from_str(message.to_text().unwrap()).unwrap());
            }
            if message.is_close() {
                return None;
            }
        }
    }

    /// Calls a method; gives the whole answer.
    pub(super) async fn call(&mut self, method: &str, params: Value) -> Value {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        self.send(&request.to_string()).await;
        loop {
            let message = self.receive().await.unwrap();
            if message.get("id").is_some() {
                return message;
            }
            self.notified.push_back(message);
        }
    }

    /// Forgets the notifications that came while an answer was awaited.
    pub(super) fn forget(&mut self) {
        self.notified.clear();
    }

    /// What the next notification carries.
    pub(super) async fn notified(&mut self) -> Value {
        let message = match self.notified.pop_front() {
            Some(message) => message,
            None => self.receive().await.unwrap(),
        };
        message["params"]["result"].clone()
    }
}
