//! People and their contacts: what is kept.

use serde_json::json;

use super::{PASSWORD, operated};

#[tokio::test]
async fn somebody_is_added_read_changed_and_removed() {
    let (service, operator) = operated().await;
    let new = json!({"name": "Zoë@Example.org", "friendly_name": "Zoë", "password": PASSWORD});
    let added = operator.ask("POST", "/v1/people", Some(new.clone())).await;
    assert_eq!((added.status, added.header("location")), (201, Some("/v1/people/zo%C3%AB@example.org")));
    let place = added.header("location").unwrap().to_owned();
    let person = added.ok();
    assert_eq!(person["name"], "zoë@example.org");
    assert_eq!(
        (&person["friendly_name"], &person["disabled"], &person["has_password"]),
        (&json!("Zoë"), &json!(false), &json!(true))
    );
    assert!(person["created"].as_str().unwrap().ends_with('Z'));
    assert_eq!(operator.get(&place).await, person);
    operator.ask("POST", "/v1/people", Some(new)).await.problem(409, "person-exists");

    let mut raw = service.connect().await;
    let answer = raw.sign_in("zoë@example.org", json!({"password": PASSWORD})).await;
    assert_eq!(answer["signed_in"]["friendly_name"], "Zoë", "{answer}");

    let changed = operator.patch(&place, json!({"friendly_name": "Z"})).await;
    assert_eq!((&changed["friendly_name"], &changed["has_password"]), (&json!("Z"), &json!(true)));
    assert_eq!(operator.patch(&place, json!({})).await, changed, "nothing named, nothing changed");
    let without = operator.patch(&place, json!({"password": null})).await;
    assert_eq!(without["has_password"], false);
    assert_eq!(raw.closed().await, Some(4008), "another password, or none, signs out");
    let mut raw = service.connect().await;
    assert_eq!(raw.sign_in("zoë@example.org", json!({"password": PASSWORD})).await["name"], "MSGR_E_INVALID_PASSWORD");

    assert_eq!(operator.ask("DELETE", &place, None).await.status, 204);
    let gone = operator.ask("DELETE", &place, None).await.problem(404, "not-found");
    assert_eq!(gone["name"], "MSGR_E_USER_NOT_FOUND");
    operator.ask("GET", &place, None).await.problem(404, "not-found");
    service.stop().await;
}

#[tokio::test]
async fn pages_of_people_meet() {
    let (service, operator) = operated().await;
    operator.post("/v1/people", json!({"name": "erin@example.org"})).await;
    let (mut names, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = operator.get(&format!("/v1/people?limit=2{cursor}")).await;
        let people = page["people"].as_array().unwrap();
        assert!(people.len() <= 2);
        names
            .extend(people.iter().map(|person| person["name"].as_str().unwrap().split('@').next().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(names, ["alice", "bob", "carol", "dave", "erin"]);
    assert_eq!(operator.get("/v1/people").await["people"].as_array().unwrap().len(), 5);
    assert_eq!(operator.get("/v1/status").await["accounts"], 5);
    service.stop().await;
}

#[tokio::test]
async fn many_contacts_each_with_its_result() {
    let (service, operator) = operated().await;
    let path = "/v1/people/dave@example.org/contacts";
    let put = json!({"contacts": ["alice@example.org", "nobody@example.org", "Dave@example.org", "bob@example.org"]});
    let results = operator.ask("PUT", path, Some(put)).await.ok();
    let of = |results: &serde_json::Value| {
        let results = results["results"].as_array().unwrap().iter();
        results
            .map(|line| format!("{} {}", line["name"].as_str().unwrap(), line["outcome"].as_str().unwrap()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        of(&results),
        [
            "alice@example.org added",
            "bob@example.org added",
            "dave@example.org oneself",
            "nobody@example.org unknown-person"
        ]
    );
    assert_eq!(results["results"][3]["code_name"], "MSGR_E_USER_NOT_FOUND");
    let patch = json!({"add": ["carol@example.org", "alice@example.org"], "remove": ["bob@example.org", "x@y"]});
    assert_eq!(
        of(&operator.patch(path, patch).await),
        ["alice@example.org unchanged", "bob@example.org removed", "carol@example.org added", "x@y unchanged"]
    );
    let list = operator.get(path).await;
    let names: Vec<_> =
        list["contacts"].as_array().unwrap().iter().map(|line| line["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["alice@example.org", "carol@example.org"]);
    assert_eq!((&list["contacts"][0]["contact"], &list["contacts"][0]["blocked"]), (&json!(true), &json!(false)));

    let both = json!({"add": ["bob@example.org"], "remove": ["alice@example.org", "bob@example.org"]});
    assert_eq!(of(&operator.patch(path, both).await), ["alice@example.org removed", "bob@example.org added"]);
    let many: Vec<String> = (0..601).map(|n| format!("p{n}@x")).collect();
    let body = operator.ask("PUT", path, Some(json!({"contacts": many}))).await.problem(422, "invalid");
    assert_eq!(body["errors"][0]["pointer"], "/contacts");
    let body =
        operator.ask("PUT", path, Some(json!({"contacts": ["bob@example.org", "bob"]}))).await.problem(422, "invalid");
    assert_eq!(body["errors"][0]["pointer"], "/contacts/1");
    for (method, body) in [("GET", None), ("PUT", Some(json!({"contacts": []}))), ("PATCH", Some(json!({})))] {
        operator.ask(method, "/v1/people/nobody@x/contacts", body).await.problem(404, "not-found");
    }
    service.stop().await;
}

#[tokio::test]
async fn a_password_is_nothing_for_people_of_an_issuer() {
    let (service, operator) = operated().await;
    let mut raw = service.signed_in("dave@example.org").await;
    let store = rusqlite::Connection::open(service.data.path().join("hither.sqlite")).unwrap();
    let sql = "UPDATE accounts SET issuer = 'shop', password_hash = '' WHERE name = 'dave@example.org'";
    assert_eq!(store.execute(sql, []).unwrap(), 1);
    let dave = "/v1/people/dave@example.org";
    for password in [json!(PASSWORD), json!(null)] {
        let body = operator.ask("PATCH", dave, Some(json!({"password": password}))).await.problem(409, "of-issuer");
        assert!(body["detail"].as_str().unwrap().contains("shop"), "{body}");
    }
    assert_eq!(raw.outcome("ping", json!({})).await, "S_OK", "signed in as before");
    assert_eq!(operator.patch(dave, json!({"friendly_name": "D"})).await["has_password"], false);
    service.stop().await;
}

/// Whoever comes first has made it; the others are told, and nothing is half done.
#[tokio::test]
async fn the_same_at_once() {
    let (service, operator) = operated().await;
    let same = (0..8).map(|_| {
        tokio::spawn(async move { operator.ask("POST", "/v1/people", Some(json!({"name": "new@x"}))).await.status })
    });
    let mut statuses = Vec::new();
    for asked in same.collect::<Vec<_>>() {
        statuses.push(asked.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409]);
    let lists = (0..8).map(|n| {
        tokio::spawn(async move {
            let who = if n % 2 == 0 { "alice@example.org" } else { "bob@example.org" };
            let body = json!({"contacts": [who]});
            operator.ask("PUT", "/v1/people/new@x/contacts", Some(body)).await.ok()
        })
    });
    for asked in lists.collect::<Vec<_>>() {
        asked.await.unwrap();
    }
    let list = operator.get("/v1/people/new@x/contacts").await;
    assert_eq!(list["contacts"].as_array().unwrap().len(), 1, "one of the two, whole: {list}");
    service.stop().await;
}
