//! Tokens of others, made by `PyJWT`, and their keys over HTTP.

mod endpoint;
mod signer;

use std::time::{SystemTime, UNIX_EPOCH};

use hither_service::{Issuer, KeysFrom, ServiceConfig, Signature};
use serde_json::{Value, json};

use crate::support::{GUID, Raw, TestService, service_with, session};
use endpoint::{Endpoint, Say};
use signer::{Keys, Signer};

const ISS: &str = "https://shop.example";

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn issuer(keys: KeysFrom) -> Issuer {
    Issuer {
        name: "shop".into(),
        iss: ISS.into(),
        audience: "hither".into(),
        keys,
        algorithms: Signature::ALL.to_vec(),
        person_claim: "sub".into(),
        name_claim: "name".into(),
        contacts_claim: Some("friends".into()),
        domain: Some("shop.example".into()),
        leeway: 5,
    }
}

fn claims(person: &str) -> Value {
    json!({"iss": ISS, "aud": "hither", "sub": person, "name": "Somebody", "exp": now() + 600})
}

async fn service_of(issuers: Vec<Issuer>) -> TestService {
    service_with(|config: &mut ServiceConfig| config.issuers = issuers).await
}

/// A service that believes one issuer whose keys are in a file.
async fn service_with_file(keys: &[&Keys]) -> (TestService, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.json");
    let keys: Vec<&Value> = keys.iter().map(|keys| &keys.jwk).collect();
    std::fs::write(&file, json!({"keys": keys}).to_string()).unwrap();
    (service_of(vec![issuer(KeysFrom::File(file))]).await, folder)
}

async fn outcome(service: &TestService, token: &str) -> String {
    let mut raw = service.connect().await;
    raw.ask("hello", json!({"versions": [1]})).await;
    let answer = raw.ask("sign-in", json!({"token": token})).await;
    answer["name"].as_str().unwrap().to_owned()
}

async fn signed_in(service: &TestService, token: &str) -> (Raw, Value) {
    let mut raw = service.connect().await;
    raw.ask("hello", json!({"versions": [1]})).await;
    let answer = raw.ask("sign-in", json!({"token": token})).await;
    assert_eq!(answer["code"], 0, "{answer}");
    (raw, answer["signed_in"].clone())
}

#[tokio::test]
async fn each_way_to_sign_lets_people_in_who_have_no_account() {
    let Some(mut signer) = Signer::start() else { return };
    let all = ["EdDSA", "ES256", "RS256"].map(|kind| signer.keys(kind, Some(kind)));
    let (service, _folder) = service_with_file(&all.iter().collect::<Vec<_>>()).await;
    for (keys, who) in all.iter().zip(["anna", "bert", "cleo"]) {
        let token = signer.sign(keys, Some(keys.alg), &claims(who));
        let (_, said) = signed_in(&service, &token).await;
        assert_eq!(
            (&said["user"], &said["friendly_name"]),
            (&json!(format!("{who}@shop.example")), &json!("Somebody"))
        );
        assert_eq!(said["token"], Value::Null, "no token for a token");
        // Without a name of the key as well.
        assert_eq!(outcome(&service, &signer.sign(keys, None, &claims(who))).await, "S_OK");
    }
    let mut raw = service.connect().await;
    let wrong = raw.sign_in("anna@shop.example", json!({"password": ""})).await;
    assert_eq!(wrong["name"], "MSGR_E_INVALID_PASSWORD", "there is no password");
    service.stop().await;
}

#[tokio::test]
async fn what_is_wrong_is_refused_and_nothing_is_said() {
    let Some(mut signer) = Signer::start() else { return };
    let (good, other, weak, curve) = (
        signer.keys("RS256", Some("k")),
        signer.keys("RS256", Some("k")),
        signer.keys("RS1024", Some("weak")),
        signer.keys("ES384", Some("curve")),
    );
    let (service, _folder) = service_with_file(&[&good, &weak, &curve]).await;
    let with = |change: Value| {
        let mut claims = claims("anna");
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    };
    let mut expired = with(json!({}));
    expired.as_object_mut().unwrap().remove("exp");
    let mut tokens = vec![
        ("expired", signer.sign(&good, Some("k"), &with(json!({"exp": now() - 6})))),
        ("without an end", signer.sign(&good, Some("k"), &expired)),
        ("not yet", signer.sign(&good, Some("k"), &with(json!({"nbf": now() + 60})))),
        ("other audience", signer.sign(&good, Some("k"), &with(json!({"aud": "other"})))),
        ("other issuer", signer.sign(&good, Some("k"), &with(json!({"iss": "https://evil.example"})))),
        ("other key of the same name", signer.sign(&other, Some("k"), &claims("anna"))),
        ("short key", signer.sign(&weak, Some("weak"), &claims("anna"))),
        ("other curve", signer.sign(&curve, Some("curve"), &claims("anna"))),
        ("none", signer.sign_as("none", "", Some("k"), &claims("anna"))),
        ("the public key as a secret", signer.sign_as("HS256", &good.public, Some("k"), &claims("anna"))),
        ("no such person", signer.sign(&good, Some("k"), &with(json!({"sub": "a b"})))),
        ("somebody else's person", signer.sign(&good, Some("k"), &with(json!({"sub": "alice@example.org"})))),
        ("unknown key", signer.sign(&good, Some("z"), &claims("anna"))),
    ];
    let token = signer.sign(&good, Some("k"), &claims("anna"));
    let parts: Vec<&str> = token.split('.').collect();
    let changed = signer.sign(&other, Some("k"), &claims("boss"));
    let payload = changed.split('.').nth(1).unwrap();
    tokens.push(("changed", format!("{}.{payload}.{}", parts[0], parts[2])));
    tokens.push(("cut", format!("{}.{}.", parts[0], parts[1])));
    tokens.push(("rubbish", "a.b.c".into()));
    for (what, token) in &tokens {
        assert_eq!(outcome(&service, token).await, "MSGR_E_INVALID_PASSWORD", "{what}");
    }
    let mut raw = service.connect().await;
    raw.ask("hello", json!({"versions": [1]})).await;
    let long = raw.ask("sign-in", json!({"token": format!("{}.{}.x", parts[0], "x".repeat(5_000))})).await;
    assert_eq!(long["name"], "E_INVALIDARG");
    assert_eq!(outcome(&service, &token).await, "S_OK", "the right one goes on");
    let audit = std::fs::read_to_string(service.data.path().join("audit.jsonl")).unwrap();
    for why in
        ["token-expired", "token-with-a-wrong-signature", "token-for-another-audience", "token-with-another-algorithm"]
    {
        assert!(audit.contains(why), "{why} is not in\n{audit}");
    }
    service.stop().await;
}

#[tokio::test]
async fn nobody_takes_the_people_of_others() {
    let Some(mut signer) = Signer::start() else { return };
    let (one, two) = (signer.keys("EdDSA", Some("same")), signer.keys("EdDSA", Some("same")));
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, keys: &Keys| {
        let file = folder.path().join(name);
        std::fs::write(&file, &keys.public).unwrap();
        KeysFrom::File(file)
    };
    let shop = Issuer { domain: None, ..issuer(file("one.pem", &one)) };
    let club = Issuer { name: "club".into(), iss: "https://club.example".into(), ..shop.clone() };
    let club = Issuer { keys: file("two.pem", &two), ..club };
    let service = service_of(vec![shop, club]).await;
    let of_club =
        |person: &str| json!({"iss": "https://club.example", "aud": "hither", "sub": person, "exp": now() + 60});
    assert_eq!(outcome(&service, &signer.sign(&one, Some("same"), &claims("anna@x.example"))).await, "S_OK");
    let wrong = "MSGR_E_INVALID_PASSWORD";
    assert_eq!(outcome(&service, &signer.sign(&two, Some("same"), &of_club("anna@x.example"))).await, wrong);
    assert_eq!(outcome(&service, &signer.sign(&two, Some("same"), &of_club("bert@x.example"))).await, "S_OK");
    assert_eq!(outcome(&service, &signer.sign(&one, Some("same"), &claims("bert@x.example"))).await, wrong);
    assert_eq!(
        outcome(&service, &signer.sign(&one, Some("same"), &claims("alice@example.org"))).await,
        wrong,
        "an account"
    );
    assert_eq!(
        outcome(&service, &signer.sign(&two, Some("same"), &claims("anna@x.example"))).await,
        wrong,
        "another's key"
    );
    service.stop().await;
}

#[tokio::test]
async fn contacts_come_in_a_claim() {
    let Some(mut signer) = Signer::start() else { return };
    let keys = signer.keys("EdDSA", None);
    let (service, _folder) = service_with_file(&[&keys]).await;
    let mut with_friends = |who: &str, friends: Value| {
        let mut claims = claims(who);
        claims["friends"] = friends;
        signer.sign(&keys, None, &claims)
    };
    let (mut anna, _) =
        signed_in(&service, &with_friends("anna", json!(["bert", "alice@example.org", 7, "a b"]))).await;
    let names = |answer: &Value| -> Vec<String> {
        answer["contacts"].as_array().unwrap().iter().map(|line| line["who"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&anna.ask("contacts", json!({})).await), ["alice@example.org", "bert@shop.example"]);
    let (mut bert, _) = signed_in(&service, &with_friends("bert", json!(["anna"]))).await;
    assert_eq!(anna.event("presence").await["who"], "bert@shop.example");
    let invite = json!({"session": session(1), "to": "bert@shop.example", "app": {"guid": GUID}});
    assert_eq!(anna.outcome("invite", invite).await, "S_OK");
    bert.event("invitation").await;
    let (mut again, _) = signed_in(&service, &with_friends("anna", json!([]))).await;
    assert_eq!(names(&again.ask("contacts", json!({})).await), Vec::<String>::new(), "the claim is the list");
    service.stop().await;
}

#[tokio::test]
async fn keys_are_rotated_and_unknown_ones_do_not_cost_a_request_each() {
    let Some(mut signer) = Signer::start() else { return };
    let (old, new) = (signer.keys("ES256", Some("old")), signer.keys("EdDSA", Some("new")));
    let endpoint = Endpoint::start(Say::Keys(vec![old.jwk.clone()])).await;
    let service = service_of(vec![issuer(KeysFrom::Url(endpoint.url()))]).await;
    assert_eq!(outcome(&service, &signer.sign(&old, Some("old"), &claims("anna"))).await, "S_OK");
    assert_eq!(endpoint.asked(), 1);
    endpoint.say(Say::Keys(vec![old.jwk.clone(), new.jwk.clone()]));
    // A moment ago it was not there: come back, and it is looked for then.
    let token = signer.sign(&new, Some("new"), &claims("anna"));
    assert_eq!(outcome(&service, &token).await, "MSGR_E_SERVER_TOO_BUSY");
    let unknown = signer.sign(&old, Some("unknown"), &claims("anna"));
    let mut raw = service.connect().await;
    raw.ask("hello", json!({"versions": [1]})).await;
    for _ in 0..1_000 {
        let answer = raw.ask("sign-in", json!({"token": unknown})).await;
        assert_eq!(answer["name"], "MSGR_E_SERVER_TOO_BUSY");
        assert!((1..=10_000).contains(&answer["retry_after_ms"].as_u64().unwrap()), "{answer}");
    }
    assert_eq!(endpoint.asked(), 1, "a thousand unknown keys, and not one request more");
    assert_eq!(outcome(&service, &signer.sign(&old, Some("old"), &claims("anna"))).await, "S_OK", "others go on");
    service.stop().await;
}

#[tokio::test]
async fn an_endpoint_that_is_away_slow_or_wrong_holds_up_nobody_else() {
    let Some(mut signer) = Signer::start() else { return };
    let keys = signer.keys("EdDSA", Some("k"));
    let token = signer.sign(&keys, Some("k"), &claims("anna"));
    let whole = json!({"keys": [keys.jwk]}).to_string();
    let raw =
        |head: &str, body: &str| Say::Raw(format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    let elsewhere = Endpoint::start(Say::Keys(vec![keys.jwk.clone()])).await;
    for (what, say) in [
        ("too long", Say::Long(10 * 1024 * 1024)),
        ("redirect", raw(&format!("302 Found\r\nLocation: {}", elsewhere.url()), "")),
        ("error", raw("500 Internal Server Error", &whole)),
        ("rubbish", raw("200 OK", "{not json")),
        ("another type", raw("200 OK\r\nContent-Type: text/html", "<html></html>")),
        ("no keys", raw("200 OK", r#"{"keys":[]}"#)),
        ("symmetric", raw("200 OK", r#"{"keys":[{"kty":"oct","kid":"k","k":"c2VjcmV0"}]}"#)),
        ("no HTTP", Say::Raw("hello\n".into())),
    ] {
        let endpoint = Endpoint::start(say).await;
        let service = service_of(vec![issuer(KeysFrom::Url(endpoint.url()))]).await;
        assert_eq!(outcome(&service, &token).await, "E_FAIL", "{what}");
        assert_eq!(endpoint.asked(), 1, "{what}");
        service.stop().await;
    }
    assert_eq!(elsewhere.asked(), 0, "redirects are not followed");
    // What a file of keys calls itself does not count.
    let endpoint = Endpoint::start(raw("200 OK\r\nContent-Type: text/plain", &whole)).await;
    let service = service_of(vec![issuer(KeysFrom::Url(endpoint.url()))]).await;
    assert_eq!(outcome(&service, &token).await, "S_OK");
    // Known keys outlive their endpoint.
    endpoint.say(Say::Nothing);
    assert_eq!(outcome(&service, &token).await, "S_OK");
    service.stop().await;
}

#[tokio::test]
async fn while_one_waits_for_keys_everybody_else_signs_in() {
    let Some(mut signer) = Signer::start() else { return };
    let keys = signer.keys("EdDSA", Some("k"));
    let endpoint = Endpoint::start(Say::Nothing).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("club.pem");
    std::fs::write(&file, &keys.public).unwrap();
    let club = Issuer { name: "club".into(), iss: "https://club.example".into(), ..issuer(KeysFrom::File(file)) };
    let service = service_of(vec![issuer(KeysFrom::Url(endpoint.url())), club]).await;
    let mut slow = service.connect().await;
    slow.ask("hello", json!({"versions": [1]})).await;
    slow.send("sign-in", json!({"token": signer.sign(&keys, Some("k"), &claims("anna"))})).await;
    while endpoint.asked() == 0 {
        tokio::task::yield_now().await;
    }
    service.signed_in("alice@example.org").await;
    let mut of_club = claims("bert");
    of_club["iss"] = json!("https://club.example");
    assert_eq!(outcome(&service, &signer.sign(&keys, None, &of_club)).await, "S_OK");
    service.stop().await;
}

#[tokio::test]
async fn a_file_of_keys_is_exchanged_while_the_service_runs() {
    let Some(mut signer) = Signer::start() else { return };
    let (old, new) = (signer.keys("EdDSA", None), signer.keys("RS256", None));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.pem");
    std::fs::write(&file, &old.public).unwrap();
    let service = service_of(vec![issuer(KeysFrom::File(file.clone()))]).await;
    let (of_old, of_new) = (signer.sign(&old, None, &claims("anna")), signer.sign(&new, None, &claims("anna")));
    assert_eq!(outcome(&service, &of_old).await, "S_OK");
    std::fs::write(&file, format!("{}{}", old.public, new.public)).unwrap();
    let mut tries = 0;
    while outcome(&service, &of_new).await != "S_OK" {
        tries += 1;
        // sleep: the file is looked at every two seconds, and the address may fail fifty times.
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
        assert!(tries < 40, "the new key never counts");
    }
    assert_eq!(outcome(&service, &of_old).await, "S_OK", "both count meanwhile");
    service.stop().await;
}

#[tokio::test]
async fn a_token_that_expires_is_renewed_or_ends_the_connection() {
    let Some(mut signer) = Signer::start() else { return };
    let keys = signer.keys("EdDSA", None);
    let (service, _folder) = service_with_file(&[&keys]).await;
    let mut lasting = |who: &str, seconds: u64| {
        let mut claims = claims(who);
        // The leeway counts too.
        claims["exp"] = json!(now() - 5 + seconds);
        signer.sign(&keys, None, &claims)
    };
    let (mut anna, _) = signed_in(&service, &lasting("anna", 3)).await;
    let (mut bert, said) = signed_in(&service, &lasting("bert", 3)).await;
    assert!(anna.event("expiring").await["in_ms"].as_u64().unwrap() <= 600, "a fifth of its life before");
    assert_eq!(
        anna.outcome("renew", json!({"token": lasting("bert", 600)})).await,
        "MSGR_E_INVALID_PASSWORD",
        "another's"
    );
    assert_eq!(anna.outcome("renew", json!({"token": "x"})).await, "MSGR_E_INVALID_PASSWORD");
    assert_eq!(anna.outcome("renew", json!({"token": lasting("anna", 600)})).await, "S_OK");
    bert.event("expiring").await;
    assert_eq!(bert.closed().await, Some(4007));
    assert_eq!(anna.outcome("ping", json!({})).await, "S_OK", "hers goes on");
    // Bert comes back with a new one, and goes on where he was.
    let mut again = service.connect().await;
    again.ask("hello", json!({"versions": [1]})).await;
    let back = json!({"token": lasting("bert", 600), "device": said["device"], "epoch": said["epoch"], "ack": 0});
    assert_eq!(again.ask("sign-in", back).await["signed_in"]["resumed"], true);
    service.stop().await;
}

/// The example for backends makes tokens that are taken.
#[tokio::test]
async fn the_example_of_a_backend() {
    let Some(mut signer) = Signer::start() else { return };
    let keys = signer.keys("ES256", None);
    let folder = tempfile::tempdir().unwrap();
    let pem = folder.path().join("private.pem");
    std::fs::write(&pem, &keys.private).unwrap();
    let (service, _folder) = service_with_file(&[&keys]).await;
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/python/issue_token.py");
    let mut command = tokio::process::Command::new(signer::python().unwrap());
    command
        .arg(script)
        .arg(&pem)
        .args([ISS, "hither", "dora@shop.example", "Dora"])
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let (_, said) = signed_in(&service, String::from_utf8_lossy(&output.stdout).trim()).await;
    assert_eq!((&said["user"], &said["friendly_name"]), (&json!("dora@shop.example"), &json!("Dora")));
    service.stop().await;
}
