//! From an open connection to a signed-in one, or to a reason why not.

use hither_wire::message::{Ask, Credential, Hello, Request, SignIn, SignedIn};
use hither_wire::{Address, Answer, ClientFrame, Code, limits, text, version};

use super::link::{Link, Standing, Terms, Up};
use super::neighbour::Neighbour;
use super::port::{Event, Output, Refusal, Stop};
use super::requests::{Pending, session_of};
use super::{Client, Deadline};
use crate::Millis;

/// How often the service may send a client elsewhere in a row.
const REDIRECTS: u8 = 3;
/// The longest address to be sent to.
const REDIRECT_BYTES: usize = 2_048;
/// How often an expired token is tried while the application gets another.
const RENEWALS: u8 = 8;
/// Between these a keep-alive makes sense.
const KEEPALIVE_MS: std::ops::RangeInclusive<Millis> = 1_000..=60 * 60 * 1000;

impl Client {
    pub(super) fn opened(&mut self, own: Option<Address>) {
        if self.link != Link::Connecting {
            return;
        }
        self.own_address = own;
        let hello =
            Hello { versions: version::SPOKEN.to_vec(), client: Some(self.program.clone()), capabilities: Vec::new() };
        let id = self.ask_now(None, Request::Hello(hello));
        self.link = Link::Greeting { id };
    }

    pub(super) fn greeted(&mut self, answer: Answer) {
        if let Some(to) = answer.redirect {
            return self.go_to(to);
        }
        if answer.code == Code::MSGR_E_SERVER_VERSION {
            return self.stop(Stop::Version, None);
        }
        if answer.code.is_failure() {
            return self.turned_away(&answer);
        }
        let Some(welcome) = answer.hello.filter(|welcome| version::SPOKEN.contains(&welcome.version)) else {
            return self.nonsense();
        };
        let terms = Terms {
            keepalive_ms: welcome.keepalive_ms.clamp(*KEEPALIVE_MS.start(), *KEEPALIVE_MS.end()),
            requests: usize::try_from(welcome.requests_in_flight).unwrap_or(usize::MAX).max(1),
        };
        self.sign_in(terms);
    }

    pub(super) fn sign_in_answered(&mut self, answer: Answer, resuming: Option<u64>, terms: Terms) {
        if let Some(to) = answer.redirect {
            return self.go_to(to);
        }
        if answer.code.is_failure() {
            return self.turned_away(&answer);
        }
        match answer.signed_in {
            Some(signed_in) if self.is_meant(&signed_in, resuming) => self.signed_in(*signed_in, terms),
            Some(_) | None => self.nonsense(),
        }
    }

    fn sign_in(&mut self, terms: Terms) {
        let resuming = self.standing.stay();
        let ack = resuming.map(|_| self.acks.tell_anew());
        let sign_in = SignIn {
            user: self.user.clone().filter(|_| self.credential != Credential::Local),
            credential: self.credential.clone(),
            device: Some(self.device),
            epoch: resuming,
            device_key: None,
            status: self.status,
        };
        let id = self.ask_now(ack, Request::SignIn(Box::new(sign_in)));
        self.link = Link::SigningIn { id, resuming, terms };
    }

    /// Whether a sign-in is the one that was asked for.
    fn is_meant(&self, signed_in: &SignedIn, resuming: Option<u64>) -> bool {
        signed_in.device == self.device
            && (self.user.is_none()
                || self.credential == Credential::Local
                || Some(&signed_in.user) == self.user.as_ref())
            && (!signed_in.resumed || resuming == Some(signed_in.epoch))
            && text::fits(&signed_in.friendly_name, limits::FRIENDLY_NAME_UNITS)
            && signed_in.token.as_ref().is_none_or(|token| token.len() <= limits::TOKEN_BYTES)
    }

    fn signed_in(&mut self, signed_in: SignedIn, terms: Terms) {
        let SignedIn { user, friendly_name, token, epoch, resumed, grace_ms, online, applications, address, .. } =
            signed_in;
        if address.is_some() {
            self.own_address = address;
        }
        self.user = Some(user.clone());
        self.neighbour = applications.map(Neighbour::new);
        if let Some(token) = token {
            self.credential = Credential::Token(token);
        }
        self.friendly_name = friendly_name;
        self.grace_ms = grace_ms;
        self.standing = Standing::Known(epoch);
        self.redirects = 0;
        self.renewals = if self.has_issuers_token() { RENEWALS } else { 0 };
        self.link = Link::Up(Up::new(terms, self.now));
        self.timers.set(Deadline::Attempt, None);
        self.timers.set(Deadline::Grace, None);
        self.timers.set(Deadline::Silence, Some(self.now.saturating_add(2 * terms.keepalive_ms)));
        self.emit(Event::SignedIn { user, resumed });
        if !resumed {
            self.acks.restart();
            self.lock_anew();
            self.begin_anew();
        }
        for event in self.presence.begin(online) {
            self.emit(event);
        }
    }

    /// The service knows nothing of what was: the live sessions are lost, and what was asked of
    /// them with them; an invitation that has been on its way too, since it may have rung already.
    /// Everything else is asked again.
    fn begin_anew(&mut self) {
        let rung = |pending: &&Pending| pending.tried && matches!(pending.request, Request::Invite(_));
        let rung = self.requests.iter().filter(rung).filter_map(|pending| session_of(&pending.request));
        let lost: Vec<_> = self.sessions.live().map(|record| record.id).chain(rung).collect();
        let of_lost = |pending: &Pending| session_of(&pending.request).is_some_and(|session| lost.contains(&session));
        let failed = self.requests.take_if(of_lost);
        let returns = self.fail(failed);
        self.lose_sessions();
        self.outputs.extend(returns);
    }

    /// The service refuses the sign-in: for good, or for now.
    fn turned_away(&mut self, answer: &Answer) {
        let refusal = Refusal::of(answer);
        if refusal.code == Code::MSGR_E_INVALID_PASSWORD && self.renewals > 0 {
            // It was good once, so it has expired: the application has time to get another.
            self.renewals -= 1;
            self.emit(Event::TokenExpiring { in_ms: 0 });
        } else if is_final(refusal.code) {
            return self.stop(Stop::Refused(refusal), None);
        }
        self.outputs.push_back(Output::Close);
        self.lost(refusal.code, refusal.retry_after_ms, Stop::Refused(refusal));
    }

    /// Whether the credential is a token of the product's own backend, which expires.
    fn has_issuers_token(&self) -> bool {
        matches!(&self.credential, Credential::Token(token) if token.bytes().filter(|byte| *byte == b'.').count() == 2)
    }

    /// Another token for the next sign-ins. `false` if the service has to judge it first.
    pub(super) fn renew(&mut self, token: &str) -> bool {
        if self.is_up() {
            return false;
        }
        self.credential = Credential::Token(token.into());
        self.unsaved = true;
        true
    }

    /// The service sends this client elsewhere.
    fn go_to(&mut self, to: Box<str>) {
        if self.redirects >= REDIRECTS || to.len() > REDIRECT_BYTES {
            self.redirects = 0;
            return self.give_up(Stop::Redirects);
        }
        self.redirects += 1;
        self.outputs.push_back(Output::Close);
        self.connect(Some(to));
    }

    /// Asks outside the queue.
    fn ask_now(&mut self, ack: Option<u64>, request: Request) -> u64 {
        self.ids += 1;
        let ask = Ask { id: self.ids, key: None, object: None, request };
        self.outputs.push_back(Output::Send(ClientFrame { ack, ask: Some(ask) }));
        self.ids
    }
}

/// Whether coming back with the same credential makes no sense.
fn is_final(code: Code) -> bool {
    matches!(
        code,
        Code::MSGR_E_INVALID_PASSWORD
            | Code::MSGR_E_SERVER_VERSION
            | Code::MSGR_E_USER_NOT_FOUND
            | Code::MSGR_E_POLICY_RESTRICTED
            | Code::E_INVALIDARG
    )
}
