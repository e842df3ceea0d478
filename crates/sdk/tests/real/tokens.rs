//! Signing in with tokens of the product's own backend, which expire.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use hither::{Client, Code, ConnectError, Event};
use hither_service::{Issuer, KeysFrom, Signature};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;
use tokio::sync::mpsc;

use crate::proxy::Proxy;
use crate::world::World;

/// Ed25519, of RFC 8410; worth nothing anywhere.
const PRIVATE: &[u8] =
    b"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

fn token(seconds: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({"iss": "shop", "aud": "hither", "sub": "anna@shop.example", "exp": now + seconds});
    encode(&Header::new(Algorithm::EdDSA), &claims, &EncodingKey::from_ed_pem(PRIVATE).unwrap()).unwrap()
}

async fn world() -> (World, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.pem");
    std::fs::write(&file, PUBLIC).unwrap();
    let issuer = Issuer {
        name: "shop".into(),
        iss: "shop".into(),
        audience: "hither".into(),
        keys: KeysFrom::File(file),
        algorithms: vec![Signature::EdDsa],
        person_claim: "sub".into(),
        name_claim: "name".into(),
        contacts_claim: None,
        domain: None,
        leeway: 0,
    };
    (World::with(|config| config.issuers = vec![issuer]).await, folder)
}

#[tokio::test]
async fn whoever_gives_tokens_is_asked_before_each_expires() {
    let (world, _folder) = world().await;
    let (asked, mut asks) = mpsc::unbounded_channel();
    let fresh = move || {
        asked.send(()).unwrap();
        async { Ok(token(2)) }
    };
    let builder = Client::builder(&world.url);
    let (client, mut events) = builder.sign_in_with_tokens("anna@shop.example", fresh).await.unwrap();
    for _ in 0..4 {
        asks.recv().await.unwrap();
    }
    client.contacts().await.unwrap();
    client.sign_out().await.unwrap();
    let mut expiring = 0;
    while let Some(event) = events.next().await {
        match event {
            Event::TokenExpiring { after } => {
                assert!(!after.is_zero(), "in time");
                expiring += 1;
            }
            Event::Signin { .. } | Event::LockEnable { .. } | Event::LockStatusChanged { .. } => {}
            Event::Signout { code } => assert_eq!(code, Code::S_OK),
            other => panic!("{other:?}"),
        }
    }
    assert!(expiring >= 3, "{expiring}");
    world.stop().await;
}

#[tokio::test]
async fn one_that_expired_while_the_connection_was_down_is_exchanged() {
    let (world, _folder) = world().await;
    let proxy = Proxy::new(&world.url).await;
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    // The first one would do for long, but the service will not know its key any more.
    let fresh = move || {
        counted.fetch_add(1, Ordering::SeqCst);
        async { Ok(token(600)) }
    };
    let builder = Client::builder(&proxy.url);
    let (client, mut events) = builder.sign_in_with_tokens("anna@shop.example", fresh).await.unwrap();
    assert!(matches!(events.next().await, Some(Event::Signin { resumed: false, .. })));
    let config = world.config.clone();
    let nobody = hither_service::ServiceConfig { issuers: Vec::new(), ..config.clone() };
    world.handle.reload(nobody).await.unwrap();
    proxy.cut();
    while !matches!(events.next().await, Some(Event::TokenExpiring { after }) if after.is_zero()) {}
    world.handle.reload(config).await.unwrap();
    loop {
        match events.next().await {
            Some(Event::Signin { resumed, .. }) => break assert!(resumed, "everything goes on"),
            Some(_) => {}
            None => panic!("the client has given up"),
        }
    }
    client.contacts().await.unwrap();
    assert!(count.load(Ordering::SeqCst) >= 2, "another token was asked for");
    client.sign_out().await.unwrap();
    world.stop().await;
}

#[tokio::test]
async fn without_a_token_nobody_signs_in() {
    let (world, _folder) = world().await;
    let none = || async { Err("the backend is away".into()) };
    let error = Client::builder(&world.url).sign_in_with_tokens("anna@shop.example", none).await.unwrap_err();
    assert!(matches!(error, ConnectError::Token(_)), "{error}");
    let builder = Client::builder(&world.url);
    let expired = builder.sign_in_with_token("anna@shop.example", &token(0)).await.unwrap_err();
    assert_eq!(expired.code(), Code::MSGR_E_INVALID_PASSWORD);
    let builder = Client::builder(&world.url);
    let (client, _events) = builder.sign_in_with_token("anna@shop.example", &token(60)).await.unwrap();
    let other = client.renew(&token(0)).await.unwrap_err();
    assert_eq!(other.code(), Code::MSGR_E_INVALID_PASSWORD);
    client.renew(&token(600)).await.unwrap();
    world.stop().await;
}
