//! Getting in, or hearing clearly why not.

use std::time::Duration;

use hither::{Client, Code, ConnectError, NextStep};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::world::{Person, World};

async fn failing(url: &str) -> ConnectError {
    Client::builder(url).sign_in("alice@example.org", "alice").await.unwrap_err()
}

#[tokio::test]
async fn a_name_and_a_password() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    assert_eq!(alice.client.user().as_str(), "alice@example.org");
    assert_eq!((alice.client.friendly_name(), alice.client.url()), ("alice", world.url.as_str()));

    let wrong = Client::builder(&world.url).sign_in("alice@example.org", "bob").await.unwrap_err();
    assert_eq!((wrong.code(), wrong.next_step()), (Code::MSGR_E_INVALID_PASSWORD, NextStep::SignIn));
    let wrong = Client::builder(&world.url).sign_in("alice", "alice").await.unwrap_err();
    assert!(matches!(wrong, ConnectError::Name { .. }), "{wrong}");
    let long = Client::builder(&world.url).sign_in("alice@example.org", &"x".repeat(513)).await.unwrap_err();
    assert_eq!(long.code(), Code::E_INVALIDARG);
}

#[tokio::test]
async fn a_token() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let (device, token) = (alice.client.device(), alice.client.token().unwrap());
    let builder = Client::builder(&world.url).device(device);
    let (again, _events) = builder.sign_in_with_token("alice@example.org", &token).await.unwrap();
    assert_eq!(again.device(), device);
    let other = Client::builder(&world.url).sign_in_with_token("alice@example.org", &token).await.unwrap_err();
    assert_eq!(other.code(), Code::MSGR_E_INVALID_PASSWORD, "it belongs to one device");
}

#[tokio::test]
async fn of_two_with_the_same_device_the_newer_stays() {
    let world = World::new().await;
    let mut alice = world.person("alice").await;
    let builder = Client::builder(&world.url).device(alice.client.device());
    let (again, _events) = builder.sign_in("alice@example.org", "alice").await.unwrap();
    assert_eq!(alice.line().await, "Signout MSGR_E_ALREADY_LOGGED_ON");
    assert!(alice.events.next().await.is_none());
    assert_eq!(alice.client.contacts().await.unwrap_err().next_step(), NextStep::SignIn);
    assert_eq!(again.contacts().await.unwrap().len(), 2);
}

#[tokio::test]
async fn addresses_that_lead_nowhere() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = failing(&format!("ws://{closed}/v1")).await;
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error}");
    assert_eq!(error.next_step(), NextStep::CheckService);
    for url in ["https://127.0.0.1/v1", "http://127.0.0.1/v1", "127.0.0.1:4000", ""] {
        let error = failing(url).await;
        assert!(matches!(error, ConnectError::Url { .. }), "{error}");
        assert!(error.to_string().contains("wss://"), "{error}");
    }
}

#[tokio::test]
async fn a_wrong_path() {
    let world = World::new().await;
    let error = failing(&world.url.replace("/v1", "/v2")).await;
    assert!(matches!(error, ConnectError::NoService { .. }), "{error}");
    assert!(error.to_string().contains("/v1"), "{error}");
    // Without a path the right one is meant.
    Person::at(&world.url.replace("/v1", ""), "alice").await;
}

#[tokio::test]
async fn something_else_answers() {
    for (answer, says) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200"),
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "proxy"),
        ("SSH-2.0-OpenSSH_9.9\r\n", "WebSocket"),
        ("", "WebSocket"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/v1", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1_024];
            assert!(stream.read(&mut request).await.unwrap() > 0);
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        let error = failing(&url).await;
        assert!(matches!(error, ConnectError::NoService { .. }), "{error:?}");
        assert!(error.to_string().contains(says), "{error}");
        serving.await.unwrap();
    }
}

#[tokio::test]
async fn too_many_connections() {
    let world = World::with(|config| config.connections = 1).await;
    let _alice = world.person("alice").await;
    let error = failing(&world.url).await;
    assert!(matches!(error, ConnectError::Busy { .. }), "{error:?}");
    assert_eq!(error.next_step(), NextStep::RetryAfter(Duration::from_secs(5)));
}
