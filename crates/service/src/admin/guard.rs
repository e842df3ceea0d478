//! Who may come in: whoever has the token. Whoever must have a certificate has shown it before there was
//! a request.
//!
//! The file is read for each request, so that a token that was replaced or taken away counts no more from
//! that moment.
//! Somebody who is wrong too often is told to wait; whoever has the token gets in all the same, so that
//! nobody can lock the operator out.
//!
//! A browser that holds the operator's certificate shows it for whichever page asks. So no page may ask.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use hither_proto::Millis;
use hither_proto::rate::{Allowance, Rate};

use super::desk::App;
use super::places::Place;
use super::problem::{Kind, Problem};
use super::token::{Token, TokenError};
use crate::audit::{Action, Actor, Audit, AuditEvent, Caller};
use crate::config::Live;
use crate::driver::Clock;
use crate::gate::source;

/// How long a file is being written, at most; the token before counts for so long.
const WRITING_MS: Millis = 60_000;

/// Wrong tokens from one address at once, and one more each so often.
const FAILURES: Allowance = Allowance { burst: 100, each_ms: 3_000 };

const CHALLENGE: &str = "Bearer realm=\"hither\"";
const CHALLENGE_WRONG: &str = "Bearer realm=\"hither\", error=\"invalid_token\"";

/// Who is at the other end of a connection, and the place that it has.
#[derive(Clone, Debug)]
pub struct Peer {
    pub caller: Caller,
    pub place: Arc<Place>,
}

/// Who watches the door.
pub struct Guard {
    config: Live,
    clock: Clock,
    audit: Audit,
    /// Whether whoever has a connection has shown a certificate.
    certified: bool,
    failures: Mutex<Rate<IpAddr>>,
    known: Mutex<Known>,
}

/// What is known of the token's file.
#[derive(Default)]
struct Known {
    /// Which file that is; settings may name another.
    file: PathBuf,
    /// The last that could be read, as long as it counts.
    token: Option<Token>,
    /// Since when the file is wrong, if it is.
    wrong_since: Option<Millis>,
}

/// What somebody has shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Right,
    Nothing,
    Wrong,
}

impl Guard {
    /// `certified`: whoever has a connection has shown a certificate that counts.
    pub fn new(config: Live, clock: Clock, audit: Audit, certified: bool) -> Guard {
        Guard { config, clock, audit, certified, failures: Mutex::default(), known: Mutex::default() }
    }

    fn judge(&self, headers: &HeaderMap, caller: Caller) -> Result<(), Problem> {
        if is_of_a_page(headers) {
            self.refused(caller);
            let detail = "Web pages may not ask here: send neither `Origin` nor a `Sec-Fetch-Site` of another site.";
            return Err(Problem::new(Kind::WebPage, detail));
        }
        let shown = self.shown(headers);
        if shown == Shown::Right {
            return Ok(());
        }
        let wait_ms = self.refused(caller);
        if wait_ms > 0 {
            let detail = "Too many requests from this address had no right token: wait, or send the right one.";
            return Err(Problem::new(Kind::TooManyFailures, detail).retry_after(wait_ms.div_ceil(1_000)));
        }
        let detail = "Send the operator's token: `Authorization: Bearer TOKEN`.";
        let challenge = if shown == Shown::Nothing { CHALLENGE } else { CHALLENGE_WRONG };
        Err(Problem::new(Kind::Unauthenticated, detail).challenge(challenge))
    }

    fn shown(&self, headers: &HeaderMap) -> Shown {
        let admin = self.config.get();
        let file = admin.admin.as_ref().and_then(|admin| admin.token_file.as_deref());
        let Some(file) = file else {
            // Without a token a certificate must do, and without either nobody gets in.
            return if self.certified { Shown::Right } else { Shown::Nothing };
        };
        let mut given = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(only), None) = (given.next(), given.next()) else { return Shown::Nothing };
        match bearer(only.as_bytes()) {
            None => Shown::Nothing,
            Some(given) if self.token(file).is_some_and(|token| token.is(given)) => Shown::Right,
            Some(_) => Shown::Wrong,
        }
    }

    /// The token as the file has it; the one before, while the file is being written. Whoever takes the
    /// file away takes the token back.
    fn token(&self, file: &Path) -> Option<Token> {
        let read = Token::read(file);
        let now = self.clock.now();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.file != file {
            *known = Known { file: file.to_owned(), ..Known::default() };
        }
        match read {
            Ok(token) => (known.token, known.wrong_since) = (Some(token), None),
            Err(error) => {
                let is_new = known.wrong_since.is_none();
                let since = *known.wrong_since.get_or_insert(now);
                let is_half = matches!(error, TokenError::Short(_) | TokenError::Odd(_));
                let lost = known.token.take_if(|_| !is_half || now.saturating_sub(since) >= WRITING_MS);
                let error = &error as &dyn std::error::Error;
                if is_new && known.token.is_some() {
                    tracing::error!(error, "the operator's token cannot be read: the one before counts for a minute");
                } else if is_new || lost.is_some() {
                    tracing::error!(error, "the operator's token cannot be read: nobody gets in");
                }
            }
        }
        known.token
    }

    /// Counts somebody who is refused, and tells the audit; how long to wait, if that was too often.
    fn refused(&self, caller: Caller) -> u64 {
        let address = source(caller.address);
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let wait_ms = failures.wait(now, &address, FAILURES);
        if wait_ms > 0 {
            self.audit.throttled();
        } else {
            failures.take(now, address, FAILURES);
            let (action, by) = (Action::OperatorRefused, Actor::Api(caller));
            self.audit.tell(AuditEvent::Administered { action, subject: String::new(), by });
        }
        wait_ms
    }
}

/// What comes behind `Bearer`, in whatever case that is written (RFC 9110, section 11.1).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, given) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| given.trim_ascii())
}

/// Whether a web page asks. What a person types into a browser is no page's, and programs send neither.
fn is_of_a_page(headers: &HeaderMap) -> bool {
    let mut sites = headers.get_all("sec-fetch-site").iter();
    headers.contains_key(header::ORIGIN) || sites.any(|site| site != "none" && site != "same-origin")
}

/// Lets nobody further who may not, and lets nobody stay who was refused.
pub async fn admit(State(app): State<App>, request: Request, next: Next) -> Result<Response, Problem> {
    let Some(Peer { caller, place }) = request.extensions().get().cloned() else { return Err(Problem::failed()) };
    if let Err(problem) = app.guard().judge(request.headers(), caller) {
        let mut refusal = problem.into_response();
        refusal.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        return Ok(refusal);
    }
    place.prove();
    Ok(next.run(request).await)
}

#[cfg(test)]
pub mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::Duration;

    use super::super::places::Places;
    use super::*;
    use crate::audit::AuditTo;
    use crate::config::ServiceConfig;

    /// Somebody on this machine.
    pub fn peer() -> Peer {
        let address = [127, 0, 0, 1].into();
        let (place, _leave) = Arc::new(Places::default()).enter(address).unwrap();
        Peer { caller: Caller { address, certificate: None }, place: Arc::new(place) }
    }

    const TOKEN: &str = "0123456789abcdef0123456789abcdef";

    fn write(file: &Path, text: &str, mode: u32) {
        std::fs::write(file, text).unwrap();
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_was_taken_away_does_not_count() {
        let data = tempfile::tempdir().unwrap();
        let file = data.path().join("token");
        let config = Live::new(ServiceConfig::new(([127, 0, 0, 1], 0).into(), data.path().to_owned()));
        let (audit, _writing) = Audit::start(&AuditTo::in_data(data.path())).unwrap();
        let guard = Guard::new(config, Clock::start(), audit, false);
        let counts = || guard.token(&file).is_some_and(|token| token.is(TOKEN.as_bytes()));
        let right = || {
            write(&file, TOKEN, 0o600);
            assert!(counts());
        };
        right();
        write(&file, TOKEN, 0o644);
        assert!(!counts(), "everybody may have it");
        write(&file, "", 0o600);
        assert!(!counts(), "nor does it come back");
        right();
        std::fs::remove_file(&file).unwrap();
        assert!(!counts(), "taken away");
        right();
        write(&file, "0123", 0o600);
        assert!(counts(), "it is being written");
        tokio::time::advance(Duration::from_secs(59)).await;
        assert!(counts());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(!counts(), "it is not");
        right();
        let other = data.path().join("other");
        write(&other, "", 0o600);
        assert!(guard.token(&other).is_none(), "it was never in that file");
    }

    #[test]
    fn what_is_a_bearer_token() {
        assert_eq!(bearer(b"Bearer abc"), Some(&b"abc"[..]));
        assert_eq!(bearer(b"bEARER  abc "), Some(&b"abc"[..]));
        for wrong in [&b""[..], b"Bearer", b"Basic abc", b"Bearerabc", b"abc"] {
            assert_eq!(bearer(wrong), None);
        }
    }
}
