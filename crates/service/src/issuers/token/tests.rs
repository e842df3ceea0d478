#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use jsonwebtoken::{EncodingKey, Header as Head, encode};
use serde_json::json;

use super::*;
use crate::issuers::KeysFrom;
use crate::issuers::keys;

const NOW: u64 = 1_800_000_000;
/// Ed25519, of RFC 8410; worth nothing anywhere.
const PRIVATE: &[u8] =
    b"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

fn issuer() -> Issuer {
    Issuer {
        name: "shop".into(),
        iss: "https://shop.example".into(),
        audience: "hither".into(),
        keys: KeysFrom::File("nowhere".into()),
        algorithms: vec![Signature::EdDsa],
        person_claim: "sub".into(),
        name_claim: "name".into(),
        contacts_claim: Some("friends".into()),
        domain: Some("shop.example".into()),
        leeway: 60,
    }
}

fn claims(change: &Value) -> Value {
    let mut claims = json!({"iss": "https://shop.example", "aud": "hither", "sub": "alice", "exp": NOW + 600});
    for (name, value) in change.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

fn judged(issuer: &Issuer, change: &Value) -> Result<Claims, &'static str> {
    let key = EncodingKey::from_ed_pem(PRIVATE).unwrap();
    let token = encode(&Head::new(Algorithm::EdDSA), &claims(change), &key).unwrap();
    let public = keys::read(PUBLIC).unwrap().remove(0);
    read(&token)?;
    judge(issuer, std::slice::from_ref(issuer), &public, NOW, &token)
}

#[test]
fn a_good_token_says_who_and_until_when() {
    let friends = json!(["bob", "carol@other.example", "", 7, "alice", "no\nname"]);
    let claims = judged(&issuer(), &json!({"name": "Alice\u{7}\u{1F600}", "friends": friends})).unwrap();
    assert_eq!(claims.person.as_str(), "alice@shop.example");
    assert_eq!(claims.friendly_name.as_deref(), Some("Alice\u{1F600}"));
    let contacts: Vec<_> =
        claims.contacts.unwrap().into_iter().map(|known| (known.who.to_string(), known.own)).collect();
    assert_eq!(contacts, [("bob@shop.example".to_owned(), true), ("carol@other.example".to_owned(), false)]);
    assert_eq!(claims.ends, NOW + 660, "with the leeway");
    assert_eq!(judged(&issuer(), &json!({"aud": ["x", "hither"], "sub": "Bob@Shop.example"})).unwrap().contacts, None);
}

#[test]
fn a_name_is_cut_to_what_the_wire_takes() {
    let name = judged(&issuer(), &json!({"name": "\u{1F600}".repeat(200)})).unwrap().friendly_name.unwrap();
    assert_eq!(name.encode_utf16().count(), limits::FRIENDLY_NAME_UNITS);
}

#[test]
fn each_thing_that_is_wrong() {
    for (change, why) in [
        (json!({"iss": "https://shop.example/"}), "token-of-another-issuer"),
        (json!({"iss": null}), "token-without-issuer"),
        (json!({"aud": "other"}), "token-for-another-audience"),
        (json!({"aud": null}), "token-for-another-audience"),
        (json!({"aud": {"hither": true}}), "token-for-another-audience"),
        (json!({"exp": null}), "token-without-an-end"),
        (json!({"exp": NOW + 31 * 24 * 3600}), "token-that-lives-too-long"),
        (json!({"exp": NOW - 60}), "token-expired"),
        (json!({"exp": "soon"}), "token-with-an-odd-time"),
        (json!({"exp": -1}), "token-with-an-odd-time"),
        (json!({"nbf": NOW + 61}), "token-not-yet-valid"),
        (json!({"iat": NOW + 61}), "token-not-yet-valid"),
        (json!({"sub": null}), "token-without-a-person"),
        (json!({"sub": 7}), "token-without-a-person"),
        (json!({"sub": "alice@elsewhere.example"}), "token-of-no-person-of-this-issuer"),
        (json!({"sub": "alice@evil.shop.example"}), "token-of-no-person-of-this-issuer"),
        (json!({"sub": "a b"}), "token-of-no-person-of-this-issuer"),
        (json!({"sub": "x".repeat(130)}), "token-of-no-person-of-this-issuer"),
    ] {
        assert_eq!(judged(&issuer(), &change), Err(why), "{change}");
    }
    for change in [json!({"exp": NOW - 59}), json!({"nbf": NOW + 60}), json!({"exp": 1_800_000_000.5})] {
        assert!(judged(&issuer(), &change).is_ok(), "{change}");
    }
    let other = Issuer { algorithms: vec![Signature::Es256], ..issuer() };
    assert_eq!(judged(&other, &json!({})), Err("token-with-another-algorithm"));
}

#[test]
fn a_token_does_not_choose_how_it_is_checked() {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let body = part(&claims(&json!({})).to_string());
    for (alg, why) in [("none", "token-with-another-algorithm"), ("HS256", "token-with-another-algorithm")] {
        let token = format!("{}.{body}.", part(&format!(r#"{{"alg":"{alg}"}}"#)));
        assert_eq!(read(&token).map(drop), Err(why));
        // Not even if somebody asked for it to be judged.
        assert!(judge(&issuer(), &[], &keys::read(PUBLIC).unwrap()[0], NOW, &token).is_err());
    }
    let critical = format!("{}.{body}.", part(r#"{"alg":"EdDSA","crit":["x"],"x":1}"#));
    assert_eq!(read(&critical).map(drop), Err("token-with-critical-extensions"));
    let secret = EncodingKey::from_secret(PUBLIC.as_bytes());
    let confused = encode(&Head::new(Algorithm::HS256), &claims(&json!({})), &secret).unwrap();
    assert!(judge(&issuer(), &[], &keys::read(PUBLIC).unwrap()[0], NOW, &confused).is_err());
    for rubbish in ["", "..", "a.b.c", &format!("{}..", part("{}")), &"x".repeat(4096)] {
        assert!(read(rubbish).is_err(), "{rubbish}");
    }
}

#[test]
fn keys_that_cannot_be_used_are_left_out() {
    let ed = r#"{"kty":"OKP","crv":"Ed25519","kid":"good","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let short = "A".repeat(171); // 1024 bits
    let odd = [
        r#"{"kty":"oct","k":"c2VjcmV0"}"#.to_owned(),
        format!(r#"{{"kty":"RSA","n":"x{short}","e":"AQAB"}}"#),
        r#"{"kty":"EC","crv":"P-384","x":"AA","y":"AA"}"#.to_owned(),
        r#"{"kty":"surprise"}"#.to_owned(),
        ed.replace(r#""kty""#, r#""use":"enc","kty""#),
        ed.replace(r#""kty""#, r#""alg":"RS256","kty""#),
        ed.replace("good", &"k".repeat(257)),
        "7".to_owned(),
        ed.to_owned(),
    ];
    let keys = keys::read_jwks(&format!(r#"{{"keys":[{}]}}"#, odd.join(","))).unwrap();
    let kids: Vec<_> = keys.iter().map(|key| key.kid.as_deref()).collect();
    assert_eq!(kids, [Some("good")]);
    assert!(keys::read_jwks("[]").is_none() && keys::read("rubbish").is_none());
    let many = format!(r#"{{"keys":[{}]}}"#, vec![ed; 1_000].join(","));
    assert_eq!(keys::read_jwks(&many).unwrap().len(), 64);
}

#[test]
fn an_issuer_without_a_domain_leaves_those_of_others_alone() {
    let other = Issuer { iss: "other".into(), domain: Some("Club.example".into()), ..issuer() };
    let open = Issuer { domain: None, ..issuer() };
    let all = [open.clone(), other];
    for (sub, right) in [("anna@club.example", false), ("anna@shop.example", true)] {
        let key = EncodingKey::from_ed_pem(PRIVATE).unwrap();
        let claims = claims(&json!({"sub": sub, "friends": ["bert@club.example", "carl@x.example"]}));
        let token = encode(&Head::new(Algorithm::EdDSA), &claims, &key).unwrap();
        let judged = judge(&open, &all, &keys::read(PUBLIC).unwrap()[0], NOW, &token);
        assert_eq!(judged.is_ok(), right, "{sub}");
        let contacts = judged.ok().and_then(|claims| claims.contacts).unwrap_or_default();
        assert!(contacts.iter().all(|known| known.own == known.who.as_str().ends_with("x.example")));
    }
}

#[test]
fn what_was_signed_for_something_else_is_no_token() {
    for (typ, right) in [("JWT", true), ("at+jwt", true), ("logout+jwt", false), ("dpop+jwt", false)] {
        let key = EncodingKey::from_ed_pem(PRIVATE).unwrap();
        let head = Head { typ: Some(typ.into()), ..Head::new(Algorithm::EdDSA) };
        let token = encode(&head, &claims(&json!({})), &key).unwrap();
        assert_eq!(read(&token).is_ok(), right, "{typ}");
    }
}

#[test]
fn who_has_signed_in_stays_until_the_token_s_own_end() {
    let ends = |ends| Claims { ends, ..judged(&issuer(), &json!({})).unwrap() };
    let leeway = issuer().leeway;
    assert!(leeway > 20);
    for (before_its_end, left) in [(600, 600), (leeway + 1, leeway + 1), (leeway - 1, leeway), (1, leeway), (0, leeway)]
    {
        assert_eq!(ends(NOW + before_its_end + leeway).left(NOW), left, "{before_its_end}");
    }
    // Who is late already has what is left of the leeway.
    assert_eq!((ends(NOW + 20).left(NOW), ends(NOW).left(NOW)), (20, 0));
}

#[test]
fn contacts_that_are_no_list_do_not_pass_for_none() {
    let contacts = |friends: Value| judged(&issuer(), &json!({"friends": friends})).map(|claims| claims.contacts);
    assert_eq!(contacts(json!([])), Ok(Some(Vec::new())));
    assert_eq!(judged(&issuer(), &json!({})).unwrap().contacts, None);
    for friends in [json!("bob"), json!({"bob": true}), json!(7), json!(false)] {
        assert_eq!(contacts(friends), Err("token-with-contacts-that-are-no-list"));
    }
}
