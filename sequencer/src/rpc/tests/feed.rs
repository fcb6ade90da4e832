//! The block feed as a replica meets it: over a socket, from a store with real blocks.

use std::time::Duration;

use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::B256;
use futures::StreamExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, http::StatusCode},
};

use super::bed::{Bed, CHAIN_ID};
use crate::feed::{FEED_PATH, FeedBlock, FeedKey, FeedServer, open};

type Feed = WebSocketStream<MaybeTlsStream<TcpStream>>;

fn signer() -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(7)).unwrap()
}

/// Serves the feed of a bed; gives its URL.
async fn serve(bed: &Bed, followers: usize) -> String {
    let key = FeedKey::new(signer().into(), CHAIN_ID);
    let routes = FeedServer::new(&bed.store, key, followers).routes();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}{FEED_PATH}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    url
}

async fn follow(url: &str, from: u64) -> Result<Feed, StatusCode> {
    match connect_async(format!("{url}?from={from}")).await {
        Ok((feed, _)) => Ok(feed),
        Err(Error::Http(response)) => Err(response.status()),
        Err(error) => panic!("{error}"),
    }
}

/// The next block; `None` when the feed is closed.
async fn next(feed: &mut Feed) -> Option<FeedBlock> {
    let limit = Duration::from_secs(10);
    loop {
        let said = tokio::time::timeout(limit, feed.next()).await.unwrap();
        match said?.ok()? {
            Message::Binary(bytes) => {
                return Some(open(&bytes, CHAIN_ID, signer().address()).unwrap());
            }
            Message::Ping(_) | Message::Pong(_) => {}
            _ => return None,
        }
    }
}

#[tokio::test]
async fn feed_gives_old_blocks_then_new_ones_in_order() {
    let bed = Bed::new().await;
    let url = serve(&bed, 2).await;
    let first = bed.transfer(0, 0, 1);
    bed.send(first.clone()).await;
    let sealed = bed.seal().await;
    let mut feed = follow(&url, 1).await.unwrap();
    let block = next(&mut feed).await.unwrap();
    let header = &sealed.header.header;
    let expected = FeedBlock {
        number: 1,
        parent_hash: header.parent_hash,
        hash: sealed.header.hash,
        timestamp: header.timestamp,
        deposit_from: 0,
        deposit_to: 0,
        transactions: vec![first],
    };
    assert_eq!(block, expected);
    bed.send(bed.transfer(0, 1, 1)).await;
    let sealed = bed.seal().await;
    assert_eq!(next(&mut feed).await.unwrap().hash, sealed.header.hash);
}

#[tokio::test]
async fn feed_ends_where_the_chain_is_unwound() {
    let bed = Bed::new().await;
    let url = serve(&bed, 2).await;
    for nonce in 0..2 {
        bed.send(bed.transfer(0, nonce, 1)).await;
        bed.seal().await;
    }
    let mut feed = follow(&url, 1).await.unwrap();
    for number in 1..=2 {
        assert_eq!(next(&mut feed).await.unwrap().number, number);
    }
    bed.unwind(0);
    bed.clock.advance(5);
    let mut sealed = Vec::new();
    for nonce in 2..4 {
        bed.send(bed.transfer(0, nonce, 1)).await;
        sealed.push(bed.seal().await.header.hash);
    }
    bed.send(bed.transfer(0, 4, 1)).await;
    bed.seal().await;
    // Block 3 is no child of the block 2 that was sent: the feed ends instead of jumping.
    assert_eq!(next(&mut feed).await, None);
    let mut again = follow(&url, 1).await.unwrap();
    for hash in sealed {
        assert_eq!(next(&mut again).await.unwrap().hash, hash);
    }
}

#[tokio::test]
async fn feed_refuses_what_it_cannot_serve() {
    let bed = Bed::new().await;
    let url = serve(&bed, 1).await;
    for query in ["", "?from=x", "?to=1"] {
        let refused = connect_async(format!("{url}{query}")).await;
        assert!(
            matches!(&refused, Err(Error::Http(response)) if response.status() == 400),
            "{query}: {refused:?}"
        );
    }
    let far = follow(&url, 100_002).await;
    assert_eq!(far.unwrap_err(), StatusCode::CONFLICT);
    let held = follow(&url, 1).await.unwrap();
    let one_more = follow(&url, 1).await;
    assert_eq!(one_more.unwrap_err(), StatusCode::SERVICE_UNAVAILABLE);
    drop(held);
    let limit = std::time::Instant::now() + Duration::from_secs(10);
    while follow(&url, 1).await.is_err() {
        assert!(std::time::Instant::now() < limit, "the place is not freed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
