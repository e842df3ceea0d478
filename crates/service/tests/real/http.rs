//! What comes before the WebSocket.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{PATIENCE, service, service_with};

const UPGRADE: &str = "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// The status line and the text of the answer.
pub async fn ask(address: SocketAddr, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    if request.contains("dGhl") {
        let mut part = [0; 4096];
        let count = timeout(PATIENCE, stream.read(&mut part)).await.unwrap().unwrap();
        answer.extend_from_slice(&part[..count]);
    } else {
        timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    }
    let answer = String::from_utf8(answer).unwrap();
    let (head, text) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), text.to_owned())
}

#[tokio::test]
async fn every_way_to_get_it_wrong_is_answered_in_words() {
    let service = service().await;
    let get = |path: &str, headers: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
    for (request, status, word) in [
        (get("/", ""), "404", "/v1"),
        (get("/v2", UPGRADE), "404", "/v1"),
        (get("/v1", ""), "426", "WebSocket"),
        (get("/v1", "Connection: upgrade\r\nUpgrade: h2c\r\n"), "426", "WebSocket"),
        (get("/v1", &UPGRADE.replace("13", "8")), "426", "13"),
        (get("/v1", &format!("{UPGRADE}Origin: https://evil.example\r\n")), "403", "--origin"),
        ("POST /v1 HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), "405", "GET"),
        ("SSH-2.0-OpenSSH_9\r\n\r\n".to_owned(), "400", "HTTP"),
        (format!("GET /v1 HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(9_000)), "400", "HTTP"),
    ] {
        let (line, text) = ask(service.address, &request).await;
        assert!(line.contains(status) && text.contains(word), "{request}: {line} {text}");
    }
    let (line, _) = ask(service.address, &get("/v1?x=1", UPGRADE)).await;
    assert!(line.contains("101"), "{line}");
    service.stop().await;
}

#[tokio::test]
async fn web_pages_of_listed_origins_may_connect() {
    let service = service_with(|config| config.origins = vec!["https://game.example".to_owned()]).await;
    for (origin, status) in [("https://game.example", "101"), ("https://GAME.example", "101"), ("null", "403")] {
        let request = format!("GET /v1 HTTP/1.1\r\nHost: x\r\n{UPGRADE}Origin: {origin}\r\n\r\n");
        let (line, _) = ask(service.address, &request).await;
        assert!(line.contains(status), "{origin}: {line}");
    }
    service.stop().await;
}

#[tokio::test]
async fn one_connection_too_many_is_told_to_come_later() {
    let service = service_with(|config| config.connections_per_address = 2).await;
    let first = service.connect().await;
    let _second = service.connect().await;
    let request = format!("GET /v1 HTTP/1.1\r\nHost: x\r\n{}\r\n", UPGRADE.replace("dGhl", "TGhl"));
    let (line, text) = ask(service.address, &request).await;
    assert!(line.contains("503") && text.contains("later"), "{line} {text}");
    drop(first);
    // The place is free again as soon as the service has seen the end of the first.
    timeout(PATIENCE, async {
        loop {
            let stream = TcpStream::connect(service.address).await.unwrap();
            if tokio_tungstenite::client_async(service.url(), stream).await.is_ok() {
                return;
            }
        }
    })
    .await
    .unwrap();
    service.stop().await;
}
