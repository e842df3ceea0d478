//! What is wrong, in every way that there is.

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::{Operator, PASSWORD, TOKEN, exchange, operated, raw, written};

/// Every path with what can be done there; `{}` is somebody's name or an id.
const ROUTES: &[(&str, &[&str])] = &[
    ("/v1/status", &["GET"]),
    ("/v1/openapi.json", &["GET"]),
    ("/v1/people", &["GET", "POST"]),
    ("/v1/people/alice@example.org", &["GET", "PATCH", "DELETE"]),
    ("/v1/people/alice@example.org/sign-out", &["POST"]),
    ("/v1/people/alice@example.org/contacts", &["GET", "PUT", "PATCH"]),
    ("/v1/people/alice@example.org/presence", &["GET"]),
    ("/v1/presence", &["GET"]),
    ("/v1/sessions", &["GET"]),
    ("/v1/sessions/305D86C6-6896-4099-91F5-CB7BA7733563", &["GET", "DELETE"]),
    ("/v1/keys", &["GET", "POST"]),
    ("/v1/keys/APP-A", &["GET"]),
    ("/v1/keys/APP-A/rotate", &["POST"]),
    ("/v1/keys/APP-A/revoke", &["POST"]),
];

const METHODS: [&str; 6] = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

#[tokio::test]
async fn nothing_is_said_to_strangers_and_methods_are_told_apart() {
    let (service, operator) = operated().await;
    let described = operator.get("/v1/openapi.json").await;
    for (path, methods) in ROUTES {
        for method in METHODS {
            if !methods.contains(&method) {
                let reply = operator.ask(method, path, None).await;
                reply.problem(405, "method-not-allowed");
                let allow: Vec<&str> = reply.header("allow").unwrap().split(',').filter(|m| *m != "HEAD").collect();
                assert_eq!(allow, *methods, "{path}");
            }
        }
    }
    let paths = described["paths"].as_object().unwrap();
    let described: usize = paths.values().map(|path| path.as_object().unwrap().len()).sum();
    assert_eq!(described, ROUTES.iter().map(|(_, methods)| methods.len()).sum::<usize>(), "everything is described");
    for path in [
        "/",
        "/v1",
        "/v1/",
        "/v2/people",
        "/v1/people/",
        "/v1/people/a@b/c",
        "/metrics",
        "/v1/people/alice@example.org/sign-out/x",
    ] {
        operator.ask("GET", path, None).await.problem(404, "no-such-path");
    }
    service.stop().await;
    // Without a token, what is there and what is not look the same.
    for (path, method) in [("/v1/people", "GET"), ("/nothing", "GET"), ("/v1/people", "DELETE"), ("/v1/keys", "POST")] {
        let (service, operator) = operated().await;
        let reply = raw(operator.address, &written(method, path, "", "")).await;
        let body = reply.problem(401, "unauthenticated");
        assert_eq!(reply.header("www-authenticate"), Some("Bearer realm=\"hither\""));
        assert!(!body.to_string().contains("people"), "{body}");
        service.stop().await;
    }
}

async fn wrong(operator: Operator, method: &str, path: &str, body: Value, pointer: &str) {
    let reply = operator.ask(method, path, Some(body.clone())).await;
    let problem = reply.problem(422, "invalid");
    assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}: {problem}");
    assert!(!problem.to_string().contains(PASSWORD), "{problem}");
}

#[tokio::test]
async fn bodies_that_are_not_right() {
    let (service, operator) = operated().await;
    let people = "/v1/people";
    for (body, pointer) in [
        (json!({}), ""),
        (json!([]), ""),
        (json!(["x@y", "in their order"]), ""),
        (json!(null), ""),
        (json!({"name": "alice"}), "/name"),
        (json!({"name": 7}), "/name"),
        (json!({"name": null}), "/name"),
        (json!({"name": "x@y", "nickname": "x"}), "/nickname"),
        (json!({"name": "x@y", "friendly_name": "x".repeat(129)}), "/friendly_name"),
        (json!({"name": "x@y", "friendly_name": "\u{7}"}), "/friendly_name"),
        (json!({"name": "x@y", "friendly_name": null}), "/friendly_name"),
        (json!({"name": "x@y", "password": "short"}), "/password"),
        (json!({"name": "x@y", "password": "password1"}), "/password"),
        (json!({"name": "x@y", "password": "x".repeat(513)}), "/password"),
        (json!({"name": "x@y", "password": [PASSWORD]}), "/password"),
    ] {
        wrong(operator, "POST", people, body, pointer).await;
    }
    let alice = "/v1/people/alice@example.org";
    for (body, pointer) in [
        (json!({"disabled": "yes"}), "/disabled"),
        (json!({"disabled": null}), "/disabled"),
        (json!({"friendly_name": null}), "/friendly_name"),
        (json!({"name": "x@y"}), "/name"),
        (json!({"password": ""}), "/password"),
    ] {
        wrong(operator, "PATCH", alice, body, pointer).await;
    }
    wrong(operator, "PUT", &format!("{alice}/contacts"), json!({"contacts": "x@y"}), "/contacts").await;
    wrong(operator, "PUT", &format!("{alice}/contacts"), json!({}), "").await;
    wrong(operator, "POST", "/v1/keys", json!({"name": " "}), "/name").await;
    wrong(operator, "POST", "/v1/keys", json!({"name": "x", "environment": "staging"}), "/environment").await;
    wrong(operator, "POST", "/v1/keys", json!({"name": "x", "applications": []}), "/applications").await;
    wrong(operator, "POST", "/v1/keys", json!({"name": "x", "applications": ["y"]}), "/applications/0").await;
    wrong(operator, "POST", "/v1/keys/APP-A/rotate", json!({"overlap_seconds": -1}), "/overlap_seconds").await;
    assert_eq!(operator.get(people).await["people"].as_array().unwrap().len(), 4, "nothing came of it");
    service.stop().await;
}

#[tokio::test]
async fn bodies_that_are_no_json_or_too_long() {
    let (service, Operator { address }) = operated().await;
    let token = format!("Authorization: Bearer {TOKEN}\r\n");
    let post = |kind: &str, body: &str| written("POST", "/v1/people", &format!("{token}{kind}"), body);
    let json = "Content-Type: application/json\r\n";
    for body in ["{", "nonsense", "{\"name\":\"x@y\"} x", "\u{0}"] {
        raw(address, &post(json, body)).await.problem(400, "malformed");
    }
    raw(address, &post(json, "")).await.problem(400, "malformed");
    for kind in
        ["", "Content-Type: text/plain\r\n", "Content-Type: application/jsonx\r\n", "Content-Type: application/xml\r\n"]
    {
        raw(address, &post(kind, "{\"name\":\"x@y\"}")).await.problem(415, "media-type");
    }
    let charset = raw(address, &post("Content-Type: Application/JSON; charset=utf-8\r\n", "{\"name\":\"x@y\"}")).await;
    assert_eq!(charset.status, 201);
    let long = format!("{{\"name\":\"x@y\",\"friendly_name\":\"{}\"}}", "x".repeat(1024 * 1024));
    raw(address, &post(json, &long)).await.problem(413, "too-large");
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    raw(address, &post(json, &deep)).await.problem(422, "invalid");
    // In pieces, without saying how long it will be.
    let chunked = format!(
        "POST /v1/people HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{token}{json}Transfer-Encoding: chunked\r\n\r\n\
         e\r\n{{\"name\":\"c@d\"}}\r\n0\r\n\r\n"
    );
    assert_eq!(raw(address, &chunked).await.status, 201);
    service.stop().await;
}

#[tokio::test]
async fn queries_and_paths_that_are_not_right() {
    let (service, operator) = operated().await;
    for path in [
        "/v1/people?limit=0",
        "/v1/people?limit=201",
        "/v1/people?limit=-1",
        "/v1/people?limit=many",
        "/v1/people?limit=99999999999999999999",
        "/v1/people?cursor=%3F",
        "/v1/people?cursor=YQ",
        "/v1/people?pages=2",
        "/v1/people?limit=1&limit=2",
        "/v1/people/alice",
        "/v1/people/%FF",
        "/v1/people/a%20b@c",
        "/v1/sessions?state=READY",
        "/v1/sessions?state=connected",
        "/v1/sessions?person=alice",
        "/v1/sessions?application=x",
        "/v1/sessions?cursor=x",
        "/v1/sessions/x",
        "/v1/sessions/%7B305D86C6-6896-4099-91F5-CB7BA7733563",
        "/v1/keys/app-a",
        "/v1/keys?limit=201",
        "/v1/keys?cursor=%3F",
        "/v1/presence?limit=0",
    ] {
        operator.ask("GET", path, None).await.problem(400, "bad-parameter");
    }
    let braces = "/v1/sessions/%7B305D86C6-6896-4099-91F5-CB7BA7733563%7D";
    operator.ask("GET", braces, None).await.problem(404, "not-found");
    service.stop().await;
}

#[tokio::test]
async fn what_is_no_http_is_not_answered_at_length() {
    let (service, Operator { address }) = operated().await;
    let reply = exchange(TcpStream::connect(address).await.unwrap(), b"nonsense\r\n\r\n").await.unwrap();
    assert_eq!((reply.status, reply.text.as_str()), (400, ""));
    let many = "X-A: x\r\n".repeat(100);
    let reply = raw(address, &written("GET", "/v1/status", &many, "")).await;
    assert_eq!((reply.status, reply.text.as_str()), (431, ""));
    // Somebody who hangs up in the middle of a body has changed nothing.
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /v1/people HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{{\"name\":\"h@x\"}}"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    drop(stream);
    Operator { address }.ask("GET", "/v1/people/h@x", None).await.problem(404, "not-found");
    service.stop().await;
}

#[tokio::test]
async fn every_answer_is_kept_by_nobody() {
    let (service, operator) = operated().await;
    for reply in [operator.ask("GET", "/v1/status", None).await, operator.ask("GET", "/nothing", None).await] {
        assert_eq!(
            (reply.header("cache-control"), reply.header("x-content-type-options")),
            (Some("no-store"), Some("nosniff"))
        );
    }
    service.stop().await;
}

/// As many as may ask at a time have begun, and do not go on. The next is told to come again; a stranger
/// behind the same address has no place to ask from.
#[tokio::test]
async fn too_many_at_a_time() {
    let (service, Operator { address }) = operated().await;
    let mut held = Vec::new();
    for _ in 0..32 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST /v1/people HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n\
             Content-Length: 99\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        held.push(stream);
    }
    let elsewhere = || async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 2], 0).into()).unwrap();
        let request = written("GET", "/v1/people", &format!("Authorization: Bearer {TOKEN}\r\n"), "");
        exchange(socket.connect(address).await.unwrap(), request.as_bytes()).await.unwrap()
    };
    // Until the last of them has been read.
    let busy = loop {
        let reply = elsewhere().await;
        if reply.status != 200 {
            break reply;
        }
    };
    let body = busy.problem(503, "busy");
    assert_eq!((&body["name"], busy.header("retry-after")), (&json!("MSGR_E_SERVER_TOO_BUSY"), Some("1")));
    let request = written("GET", "/v1/people", "", "");
    let stranger = exchange(TcpStream::connect(address).await.unwrap(), request.as_bytes()).await;
    assert!(stranger.is_err(), "{stranger:?}");
    drop(held);
    loop {
        if elsewhere().await.status == 200 {
            break;
        }
    }
    service.stop().await;
}
