//! ID/key pairs over the API.

use hither_service::keys::Keychain;
use hither_service::{LockConfig, ServiceConfig};
use serde_json::json;

use super::{operated, operated_with};
use crate::support::GUID;

/// Lock and Key, with a key file as `hither key` makes it.
fn locked(config: &mut ServiceConfig) {
    let lock = LockConfig::default();
    drop(Keychain::open_or_make(&config.data, &lock).unwrap());
    config.lock = Some(lock);
}

#[tokio::test]
async fn a_pair_is_issued_shown_once_rotated_and_revoked() {
    let (service, operator) = operated_with(locked).await;
    assert_eq!(operator.get("/v1/keys").await, json!({"pairs": [], "next": null}));
    assert_eq!(operator.get("/v1/status").await["lock"], true);
    let draft = json!({"name": "Chess", "environment": "test", "applications": [GUID]});
    let issued = operator.ask("POST", "/v1/keys", Some(draft)).await;
    assert_eq!(issued.status, 201);
    let place = issued.header("location").unwrap().to_owned();
    let issued = issued.ok();
    let key = issued["key"].as_str().unwrap().to_owned();
    assert_eq!((&issued["pair"]["name"], &issued["pair"]["environment"]), (&json!("Chess"), &json!("test")));
    assert_eq!((&issued["pair"]["applications"], &issued["pair"]["md5"]), (&json!([GUID]), &json!(false)));
    let read = operator.ask("GET", &place, None).await;
    assert!(!read.text.contains(&key), "once only");
    assert_eq!(read.ok(), issued["pair"]);
    assert_eq!(operator.get("/v1/keys").await["pairs"][0], issued["pair"]);

    let rotated = operator.post(&format!("{place}/rotate"), json!({"overlap_seconds": 3600})).await;
    assert_ne!(rotated["key"], issued["key"]);
    let keys = rotated["pair"]["keys"].as_array().unwrap();
    assert_eq!((keys.len(), &keys[0]["expires"], keys[1]["expires"].is_string()), (2, &json!(null), true), "{rotated}");
    let again = json!({"overlap_seconds": 3600});
    operator.ask("POST", &format!("{place}/rotate"), Some(again.clone())).await.problem(409, "key-conflict");
    let once_more = operator.post(&format!("{place}/rotate"), json!({"overlap_seconds": 60, "again": true})).await;
    assert_ne!(once_more["key"], rotated["key"]);
    let long = json!({"overlap_seconds": 366 * 24 * 3600 + 1});
    let body = operator.ask("POST", &format!("{place}/rotate"), Some(long)).await.problem(422, "invalid");
    assert_eq!(body["errors"][0]["pointer"], "/overlap_seconds");

    for _ in 0..2 {
        let revoked = operator.ask("POST", &format!("{place}/revoke"), None).await.ok();
        assert!(revoked["revoked"].is_string() && revoked["keys"] == json!([]), "{revoked}");
    }
    operator.ask("POST", &format!("{place}/rotate"), Some(again)).await.problem(409, "key-conflict");
    for (method, end, body) in
        [("GET", "", None), ("POST", "/revoke", None), ("POST", "/rotate", Some(json!({"overlap_seconds": 0})))]
    {
        operator.ask(method, &format!("/v1/keys/APP-NONE{end}"), body).await.problem(404, "not-found");
    }
    let audit = std::fs::read_to_string(service.data.path().join("audit.jsonl"));
    service.stop().await;
    assert!(!audit.unwrap_or_default().contains(&key));
}

#[tokio::test]
async fn pages_of_pairs_meet() {
    let (service, operator) = operated_with(locked).await;
    let mut issued = Vec::new();
    for _ in 0..5 {
        let pair = operator.post("/v1/keys", json!({"name": "Chess"})).await["pair"].clone();
        issued.push(pair["id"].as_str().unwrap().to_owned());
    }
    operator.ask("POST", &format!("/v1/keys/{}/revoke", issued[0]), None).await.ok();
    issued.sort_unstable();
    let (mut found, mut cursor) = (Vec::new(), String::new());
    for size in [2, 2, 1] {
        let page = operator.get(&format!("/v1/keys?limit=2{cursor}")).await;
        let pairs = page["pairs"].as_array().unwrap();
        assert_eq!(pairs.len(), size);
        found.extend(pairs.iter().map(|pair| pair["id"].as_str().unwrap().to_owned()));
        cursor = page["next"].as_str().map_or(String::new(), |next| format!("&cursor={next}"));
    }
    assert_eq!((found, cursor), (issued, String::new()));
    service.stop().await;
}

#[tokio::test]
async fn without_the_lock_no_key_is_made() {
    let (service, operator) = operated().await;
    operator.ask("POST", "/v1/keys", Some(json!({"name": "x"}))).await.problem(409, "lock-off");
    assert!(!service.data.path().join("hither.key").exists());
    assert_eq!(operator.get("/v1/keys").await, json!({"pairs": [], "next": null}));
    service.stop().await;
}
