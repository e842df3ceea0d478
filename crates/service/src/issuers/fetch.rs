//! One HTTP request for a JWKS: bounded in time and size, to one place.

use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};
use url::{Host, Url};

use super::keys::{Key, read_jwks};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(3);
/// How long all of it may take.
const WHOLE: Duration = Duration::from_secs(10);
/// The longest answer: a key has some hundred bytes.
const BYTES: u64 = 256 * 1024;

/// Fetches, on a thread that may wait. `Err` says what was wrong.
pub fn fetch(url: &str) -> Result<Vec<Key>, String> {
    check(url)?;
    let roots = rustls_native_certs::load_native_certs().certs;
    let roots: Vec<_> = roots.iter().map(|der| ureq::tls::Certificate::from_der(der).to_owned()).collect();
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .build();
    let config = Agent::config_builder()
        .tls_config(tls)
        .timeout_connect(Some(CONNECT))
        .timeout_global(Some(WHOLE))
        // The keys are where the operator says, and nowhere else.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .user_agent(concat!("hither/", env!("CARGO_PKG_VERSION")))
        .build();
    let mut answer = Agent::new_with_config(config)
        .get(url)
        .header("Accept", "application/jwk-set+json, application/json")
        .call()
        .map_err(|error| error.to_string())?;
    let status = answer.status();
    if status != 200 {
        return Err(format!("the answer is {status}, not 200; redirects are not followed"));
    }
    // What it calls itself does not count: files of keys are served as all sorts of text.
    let text = answer.body_mut().with_config().limit(BYTES).read_to_string().map_err(|error| error.to_string())?;
    match read_jwks(&text) {
        Some(keys) if !keys.is_empty() => Ok(keys),
        Some(_) => Err("it has no key that can be used: EdDSA, ES256, or RS256 of 2048 bits at least".to_owned()),
        None => Err("it is not a JWKS: a JSON object with a list `keys`".to_owned()),
    }
}

/// Whether keys may be fetched from there: nobody on the way may exchange them.
pub fn check(url: &str) -> Result<(), String> {
    let url = Url::parse(url).map_err(|error| error.to_string())?;
    let here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" if url.host().is_some() => Ok(()),
        "http" if here => Ok(()),
        _ => Err("keys are fetched over https, or over http from this machine".to_owned()),
    }
}
