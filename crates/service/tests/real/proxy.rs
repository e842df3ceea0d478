//! Clients behind a proxy: whose address counts.

use hither_proto::rate::Allowance;
use hither_service::ServiceConfig;
use serde_json::json;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, http};

use crate::support::{Raw, TestService, service_with};

/// Connects as a proxy does that has been asked by this address.
async fn forwarded(service: &TestService, by: &str) -> Result<Raw, u16> {
    let stream = TcpStream::connect(service.address).await.unwrap();
    let mut request = service.url().into_client_request().unwrap();
    request.headers_mut().insert("x-forwarded-for", http::HeaderValue::from_str(by).unwrap());
    match tokio_tungstenite::client_async(request, stream).await {
        Ok((socket, _)) => Ok(Raw::of(socket)),
        Err(Error::Http(answer)) => Err(answer.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

/// What a sign-in comes to.
async fn outcome(service: &TestService, by: &str, who: &str, password: &str) -> String {
    let mut raw = forwarded(service, by).await.unwrap();
    raw.sign_in(who, json!({"password": password})).await["name"].as_str().unwrap().to_owned()
}

fn behind(proxies: &[&str]) -> impl FnOnce(&mut ServiceConfig) {
    let proxies = proxies.iter().map(|text| text.parse().unwrap()).collect();
    move |config| {
        config.proxies = proxies;
        config.failures_per_address = Allowance { burst: 2, each_ms: 3_600_000 };
    }
}

#[tokio::test]
async fn whoever_guesses_behind_a_proxy_shuts_out_nobody_else() {
    let service = service_with(behind(&["127.0.0.1", "10.0.0.0/8"])).await;
    for name in ["one@example.org", "two@example.org"] {
        // What the client itself has written there does not count.
        let by = "203.0.113.1, 198.51.100.7, 10.0.0.9";
        assert_eq!(outcome(&service, by, name, "guess").await, "MSGR_E_INVALID_PASSWORD");
    }
    let alice = "alice@example.org";
    assert_eq!(outcome(&service, "198.51.100.7", alice, "alice").await, "MSGR_E_SERVER_TOO_BUSY");
    for other in ["198.51.100.8", "203.0.113.1", "2001:db8::7", "unknown", "10.0.0.9"] {
        assert_eq!(outcome(&service, other, alice, "alice").await, "S_OK", "{other}");
    }
    let data = service.data.path().to_owned();
    service
        .stop_and(|| {
            let audit = std::fs::read_to_string(data.join("audit.jsonl")).unwrap();
            let refused: Vec<_> =
                audit.lines().filter(|line| line.contains("wrong") || line.contains("no-such")).collect();
            assert_eq!(refused.len(), 2, "{audit}");
            assert!(refused.iter().all(|line| line.contains(r#""address":"198.51.100.7""#)), "{audit}");
        })
        .await;
}

#[tokio::test]
async fn anybody_else_is_who_connects_whatever_they_say() {
    let service = service_with(behind(&["10.0.0.0/8"])).await;
    for by in ["198.51.100.7", "198.51.100.8"] {
        assert_eq!(outcome(&service, by, "nobody@example.org", "guess").await, "MSGR_E_INVALID_PASSWORD");
    }
    assert_eq!(outcome(&service, "198.51.100.9", "alice@example.org", "alice").await, "MSGR_E_SERVER_TOO_BUSY");

    // From now on the proxy is believed; who is connected stays who they are.
    let mut config = service.config.clone();
    behind(&["127.0.0.0/8"])(&mut config);
    service.handle.reload(config).await.unwrap();
    assert_eq!(outcome(&service, "198.51.100.9", "alice@example.org", "alice").await, "S_OK");
    service.stop().await;
}

#[tokio::test]
async fn places_are_counted_by_who_is_behind_the_proxy() {
    let service = service_with(|config| {
        behind(&["127.0.0.1"])(config);
        (config.connections, config.connections_per_address) = (4, 1);
    })
    .await;
    let mut first = forwarded(&service, "198.51.100.7").await.unwrap();
    assert_eq!(forwarded(&service, "198.51.100.7").await.err(), Some(503));
    let mut second = forwarded(&service, "2001:db8::7").await.unwrap();
    assert_eq!(forwarded(&service, "2001:db8::8").await.err(), Some(503), "the same subscriber");
    // Without a word of who it is for, it is the proxy's own.
    let _third = service.connect().await;
    let _fourth = forwarded(&service, "198.51.100.8").await.unwrap();
    assert_eq!(forwarded(&service, "198.51.100.9").await.err(), Some(503), "four altogether");
    for raw in [&mut first, &mut second] {
        assert_eq!(raw.outcome("hello", json!({"versions": [1]})).await, "S_OK");
    }
    service.stop().await;
}
