//! What is live: sessions, presence, and changes that count at once.

use hither_wire::Code;
use serde_json::json;

use super::{PASSWORD, operated};
use crate::support::session;

#[tokio::test]
async fn a_session_is_seen_without_what_is_said_in_it_and_ended_for_both() {
    let (service, operator) = operated().await;
    let mut alice = service.signed_in("alice@example.org").await;
    let mut bob = service.signed_in("bob@example.org").await;
    alice.connect_session(&mut bob, &session(7)).await;
    let words = json!({"session": session(7), "data": {"text": "words of hers"}});
    assert_eq!(alice.outcome("context", words).await, "S_OK");
    bob.event("context").await;

    let list = operator.ask("GET", "/v1/sessions?person=bob@example.org&state=CONNECTED", None).await;
    assert!(!list.text.contains("words"), "{list:?}");
    let line = list.ok()["sessions"][0].clone();
    assert_eq!((&line["id"], &line["state"]), (&json!(session(7)), &json!("CONNECTED")));
    assert_eq!((&line["inviter"], &line["invitee"]), (&json!("alice@example.org"), &json!("bob@example.org")));
    assert_eq!(line["application"]["guid"], crate::support::GUID);
    let place = format!("/v1/sessions/{}", &session(7)[1..37]);
    assert_eq!(operator.get(&place).await, line);
    for others in
        ["?person=carol@example.org", "?state=INVITATION", "?application=00000000-0000-0000-0000-000000000001"]
    {
        assert_eq!(operator.get(&format!("/v1/sessions{others}")).await["sessions"], json!([]), "{others}");
    }

    assert_eq!(operator.ask("DELETE", &place, None).await.status, 204);
    for side in [&mut alice, &mut bob] {
        let ended = side.event("ended").await;
        assert_eq!(
            (&ended["how"], &ended["code"]),
            (&json!("terminated"), &json!(Code::MSGR_E_POLICY_RESTRICTED.0)),
            "{ended}"
        );
        assert!(ended["by"].is_null());
        side.nothing_came().await;
    }
    operator.ask("DELETE", &place, None).await.problem(404, "not-found");
    operator.ask("GET", &place, None).await.problem(404, "not-found");
    assert_eq!(operator.get("/v1/status").await["sessions"], 0);
    service.stop().await;
}

#[tokio::test]
async fn pages_of_sessions_meet() {
    let (service, operator) = operated().await;
    let mut alice = service.signed_in("alice@example.org").await;
    let _bob = service.signed_in("bob@example.org").await;
    for n in [3, 1, 2] {
        assert_eq!(alice.invite(&session(n), "bob@example.org").await, "S_OK");
    }
    let first = operator.get("/v1/sessions?limit=2&state=INVITATION").await;
    let next = first["next"].as_str().unwrap();
    let second = operator.get(&format!("/v1/sessions?limit=2&cursor={next}")).await;
    let ids: Vec<_> =
        [&first, &second].iter().flat_map(|page| page["sessions"].as_array().unwrap()).map(|s| &s["id"]).collect();
    assert_eq!(ids, [&json!(session(1)), &json!(session(2)), &json!(session(3))]);
    assert_eq!(second["next"], json!(null));
    service.stop().await;
}

#[tokio::test]
async fn who_is_there_invisible_people_too() {
    let (service, operator) = operated().await;
    assert_eq!(operator.get("/v1/people/bob@example.org/presence").await["status"], "OFFLINE");
    let mut alice = service.signed_in("alice@example.org").await;
    assert_eq!(alice.outcome("status", json!({"status": "INVISIBLE"})).await, "S_OK");
    let _bob = service.signed_in("bob@example.org").await;
    let page = operator.get("/v1/presence?limit=1").await;
    let line = &page["people"][0];
    assert_eq!((&line["name"], &line["status"]), (&json!("alice@example.org"), &json!("INVISIBLE")));
    assert_eq!((&line["devices"][0]["status"], &line["devices"][0]["connected"]), (&json!("INVISIBLE"), &json!(true)));
    let next = page["next"].as_str().unwrap();
    let page = operator.get(&format!("/v1/presence?cursor={next}")).await;
    assert_eq!((&page["people"][0]["name"], &page["next"]), (&json!("bob@example.org"), &json!(null)));
    assert_eq!(operator.get("/v1/people/bob@example.org/presence").await, page["people"][0]);
    operator.ask("GET", "/v1/people/nobody@x/presence", None).await.problem(404, "not-found");
    let status = operator.get("/v1/status").await;
    assert_eq!((&status["people"], &status["connections"], &status["accounts"]), (&json!(2), &json!(2), &json!(4)));
    service.stop().await;
}

#[tokio::test]
async fn signed_out_everywhere() {
    let (service, operator) = operated().await;
    let (mut one, mut two) = (service.connect().await, service.signed_in("alice@example.org").await);
    let answer = one.sign_in("alice@example.org", json!({})).await;
    let token = answer["signed_in"]["token"].as_str().unwrap().to_owned();
    let out = operator.ask("POST", "/v1/people/alice@example.org/sign-out", None).await.ok();
    assert_eq!(out, json!({"devices": 2}));
    for raw in [&mut one, &mut two] {
        assert_eq!(raw.event("signed-out").await["code"], Code::MSGR_E_NOT_LOGGED_ON.0);
        assert_eq!(raw.closed().await, Some(4008));
    }
    let answer = service.connect().await.sign_in("alice@example.org", json!({"token": token})).await;
    assert_eq!(answer["name"], "MSGR_E_INVALID_PASSWORD");
    service.signed_in("alice@example.org").await;
    operator.ask("POST", "/v1/people/nobody@x/sign-out", None).await.problem(404, "not-found");
    service.stop().await;
}

#[tokio::test]
async fn disabled_in_the_middle_of_a_session() {
    let (service, operator) = operated().await;
    let mut bob = service.connect().await;
    let token = bob.sign_in("bob@example.org", json!({})).await["signed_in"]["token"].as_str().unwrap().to_owned();
    let mut alice = service.signed_in("alice@example.org").await;
    alice.connect_session(&mut bob, &session(1)).await;
    let person = operator.patch("/v1/people/bob@example.org", json!({"disabled": true})).await;
    assert!(person["disabled"] == true && person["disabled_since"].is_string(), "{person}");
    assert_eq!(bob.event("ended").await["code"], Code::MSGR_E_POLICY_RESTRICTED.0);
    assert_eq!(bob.event("signed-out").await["code"], Code::MSGR_E_POLICY_RESTRICTED.0);
    assert_eq!(bob.closed().await, Some(4008));
    assert_eq!(alice.event("ended").await["code"], Code::MSGR_E_POLICY_RESTRICTED.0);
    // The same as with a wrong password, and with a token of nobody.
    let wrong = service.connect().await.sign_in("bob@example.org", json!({"password": "wrong"})).await;
    for proof in [json!({}), json!({"token": token})] {
        let mut answer = service.connect().await.sign_in("bob@example.org", proof).await;
        answer["re"] = wrong["re"].clone();
        assert_eq!(answer, wrong);
    }
    assert_eq!(alice.invite(&session(2), "bob@example.org").await, "MSGR_E_NOT_LOGGED_ON", "as if he were offline");
    operator.patch("/v1/people/bob@example.org", json!({"disabled": false})).await;
    service.signed_in("bob@example.org").await;
    service.stop().await;
}

#[tokio::test]
async fn contacts_count_at_once_and_both_are_told() {
    let (service, operator) = operated().await;
    let mut alice = service.signed_in("alice@example.org").await;
    let mut dave = service.signed_in("dave@example.org").await;
    operator.patch("/v1/people/dave@example.org/contacts", json!({"add": ["alice@example.org"]})).await;
    operator.patch("/v1/people/alice@example.org/contacts", json!({"add": ["dave@example.org"]})).await;
    let (seen, sees) = (alice.event("presence").await, dave.event("presence").await);
    assert_eq!((&seen["who"], &seen["status"]), (&json!("dave@example.org"), &json!("ONLINE")));
    assert_eq!((&sees["who"], &sees["status"]), (&json!("alice@example.org"), &json!("ONLINE")));
    assert_eq!(dave.invite(&session(1), "alice@example.org").await, "S_OK");
    alice.event("invitation").await;
    operator.patch("/v1/people/dave@example.org", json!({"friendly_name": "David"})).await;
    assert_eq!(alice.event("presence").await["friendly_name"], "David");
    operator.ask("PUT", "/v1/people/alice@example.org/contacts", Some(json!({"contacts": []}))).await.ok();
    assert_eq!(dave.event("presence").await["status"], "OFFLINE");
    assert_eq!(alice.ask("contacts", json!({})).await["contacts"], json!([]));
    service.stop().await;
}

#[tokio::test]
async fn a_removed_person_is_gone_for_everybody() {
    let (service, operator) = operated().await;
    let mut alice = service.signed_in("alice@example.org").await;
    let mut bob = service.signed_in("bob@example.org").await;
    alice.connect_session(&mut bob, &session(1)).await;
    assert_eq!(operator.ask("DELETE", "/v1/people/bob@example.org", None).await.status, 204);
    assert_eq!(bob.closed().await, Some(4008));
    alice.event("ended").await;
    let contacts = alice.ask("contacts", json!({})).await;
    assert!(!contacts.to_string().contains("bob@"), "{contacts}");
    assert_eq!(alice.invite(&session(2), "bob@example.org").await, "MSGR_E_USER_NOT_FOUND");
    service.stop().await;
}

#[tokio::test]
async fn another_password_signs_out_whoever_knows_the_old_one() {
    let (service, operator) = operated().await;
    let mut alice = service.signed_in("alice@example.org").await;
    operator.patch("/v1/people/alice@example.org", json!({"password": PASSWORD})).await;
    assert_eq!(alice.closed().await, Some(4008));
    let mut raw = service.connect().await;
    assert_eq!(raw.sign_in("alice@example.org", json!({"password": PASSWORD})).await["code"], 0);
    service.stop().await;
}
