#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use super::*;
use crate::issuers::keys::read_jwks;
use crate::issuers::token;

/// A header and claims without a signature: as much as is read before a key is chosen.
fn said(kid: &str) -> Said {
    use base64::Engine as _;
    let part = |text: String| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    let header = part(format!(r#"{{"alg":"EdDSA","kid":"{kid}"}}"#));
    token::read(&format!("{header}.{}.x", part(r#"{"iss":"shop"}"#.into()))).unwrap()
}

fn keys(kids: &[&str]) -> Vec<Key> {
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    let keys = kids.iter().map(|kid| format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"{kid}","x":"{x}"}}"#));
    read_jwks(&format!(r#"{{"keys":[{}]}}"#, keys.collect::<Vec<_>>().join(","))).unwrap()
}

fn what(look: &Look) -> (&'static str, bool) {
    match look {
        Look::Keys { fetch, .. } => ("keys", *fetch),
        Look::Wait { fetch } => ("wait", *fetch),
        Look::Unknown { .. } => ("unknown", false),
    }
}

#[test]
fn one_fetch_at_a_time_and_one_in_a_while_whatever_comes() {
    let mut source = Source::default();
    assert_eq!(what(&source.look(&said("a"), 0)), ("wait", true));
    for n in 0..1_000 {
        assert_eq!(what(&source.look(&said(&format!("x{n}")), n)), ("wait", false), "it is under way");
    }
    source.fetched(Some(keys(&["a"])), 1_000);
    assert_eq!(what(&source.look(&said("a"), 1_001)), ("keys", false));
    for n in 0..1_000 {
        let Look::Unknown { retry_ms } = source.look(&said(&format!("x{n}")), 1_001 + n) else { panic!("{n}") };
        assert_eq!(retry_ms, 1_000 + BETWEEN - 1_001 - n);
    }
    assert_eq!(what(&source.look(&said("b"), 1_000 + BETWEEN)), ("wait", true));
    source.fetched(Some(keys(&["b"])), 12_000);
    assert_eq!(what(&source.look(&said("b"), 12_001)), ("keys", false));
    assert_eq!(what(&source.look(&said("a"), 12_001)).0, "unknown", "what was taken away does not count");
}

#[test]
fn known_keys_outlive_their_endpoint_but_not_for_ever() {
    let mut source = Source::default();
    source.look(&said("a"), 0);
    source.fetched(Some(keys(&["a"])), 0);
    assert_eq!(what(&source.look(&said("a"), FRESH - 1)), ("keys", false));
    assert_eq!(what(&source.look(&said("a"), FRESH)), ("keys", true), "behind whoever needs one");
    assert_eq!(what(&source.look(&said("a"), FRESH + 1)), ("keys", false));
    source.fetched(None, FRESH + 2);
    assert_eq!(what(&source.look(&said("a"), FRESH + 3)), ("keys", false));
    assert_eq!(what(&source.look(&said("a"), FRESH + 2 + BETWEEN)), ("keys", true));
    source.fetched(None, FRESH + 20_000);
    assert_eq!(what(&source.look(&said("a"), STALE)).0, "wait");
}
