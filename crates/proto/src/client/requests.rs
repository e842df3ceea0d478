//! The requests that have not been answered, in their order: those on the wire first, then those
//! that wait. After a loss of the connection all of them wait again, with the same keys.

use std::collections::VecDeque;

use hither_wire::message::{Ask, Request};
use hither_wire::{Code, SessionId, account, limits, local};

use super::port::CallId;

/// Requests on the wire and waiting; one more is refused with `E_OUTOFMEMORY`.
pub(super) const REQUESTS: usize = 256;

#[derive(Debug)]
pub(super) struct Requests {
    queue: VecDeque<Pending>,
    /// How many of the queue are on the wire.
    sent: usize,
    key_prefix: Box<str>,
    keys: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Pending {
    /// Who is to be told the answer; nobody for what the machine itself asks.
    pub call: Option<CallId>,
    pub key: Option<Box<str>>,
    /// Which of several applications behind this client asks.
    pub object: Option<Box<str>>,
    pub request: Request,
    /// Whether it has been on the wire, on any connection: then it may have arrived.
    pub tried: bool,
    /// The id on this connection, once it is on the wire.
    id: Option<u64>,
}

impl Requests {
    pub fn new(key_prefix: Box<str>) -> Requests {
        Requests { queue: VecDeque::new(), sent: 0, key_prefix, keys: 0 }
    }

    /// Takes a request into the queue; what must not be applied twice gets a key.
    pub fn push(&mut self, call: Option<CallId>, request: Request) {
        let key = needs_key(&request).then(|| {
            self.keys += 1;
            format!("{}-{}", self.key_prefix, self.keys).into_boxed_str()
        });
        self.queue.push_back(Pending { call, key, object: None, request, tried: false, id: None });
    }

    /// Takes a request into the queue for somebody else, perhaps under his key. One that waits under this
    /// key already, from an earlier machine, is answered to this call instead.
    pub fn push_as(&mut self, call: CallId, key: Option<Box<str>>, object: Option<Box<str>>, request: Request) {
        let Some(key) = key else {
            self.push(Some(call), request);
            if let Some(pending) = self.queue.back_mut() {
                pending.object = object;
            }
            return;
        };
        if let Some(pending) = self.queue.iter_mut().find(|pending| pending.key.as_deref() == Some(&key)) {
            pending.call = Some(call);
        } else {
            let (call, key) = (Some(call), Some(key));
            self.queue.push_back(Pending { call, key, object, request, tried: false, id: None });
        }
    }

    /// Puts back a request of an earlier machine, with its key.
    pub fn restore(&mut self, ask: Ask) {
        let Ask { key, object, request, .. } = ask;
        if self.queue.len() < REQUESTS {
            self.queue.push_back(Pending { call: None, key, object, request, tried: true, id: None });
        }
    }

    /// The next request to send, if fewer than `window` are on the wire.
    pub fn next(&mut self, window: usize, id: u64) -> Option<Ask> {
        if self.sent >= window.min(limits::ANSWERS_KEPT) {
            return None;
        }
        let pending = self.queue.get_mut(self.sent)?;
        pending.id = Some(id);
        pending.tried = true;
        self.sent += 1;
        Some(Ask { id, key: pending.key.clone(), object: pending.object.clone(), request: pending.request.clone() })
    }

    /// The request that is answered.
    pub fn answered(&mut self, id: u64) -> Option<Pending> {
        let at = self.queue.iter().take(self.sent).position(|pending| pending.id == Some(id))?;
        self.sent -= 1;
        self.queue.remove(at)
    }

    /// The connection is gone: everything waits again, but nobody needs a ping's answer any more.
    pub fn unsend(&mut self) {
        self.sent = 0;
        self.queue.retain_mut(|pending| {
            pending.id = None;
            pending.request != Request::Ping
        });
    }

    /// Takes out the requests that meet a condition.
    pub fn take_if(&mut self, condition: impl Fn(&Pending) -> bool) -> Vec<Pending> {
        let (taken, left): (Vec<_>, Vec<_>) = self.queue.drain(..).partition(condition);
        self.sent = left.iter().filter(|pending| pending.is_sent()).count();
        self.queue = left.into();
        taken
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Pending> {
        self.queue.iter()
    }

    pub fn is_full(&self) -> bool {
        self.queue.len() >= REQUESTS
    }

    /// Whether an answer is due.
    pub fn is_waiting(&self) -> bool {
        self.sent > 0
    }
}

impl Pending {
    /// Whether it is on the wire.
    pub fn is_sent(&self) -> bool {
        self.id.is_some()
    }
}

/// Asking once more for what only reads or sets does no harm, and a kept answer is a code only.
fn needs_key(request: &Request) -> bool {
    match request {
        Request::Hello(_)
        | Request::SignIn(_)
        | Request::SignOut { .. }
        | Request::Ping
        | Request::SetStatus { .. }
        | Request::Contacts
        | Request::Release
        | Request::Settings(_) => false,
        // Listed anew it does no harm. A password that is changed already is not the old one any more.
        Request::Account(request) => !matches!(**request, account::Request::Devices),
        Request::Local(request) => matches!(
            **request,
            local::Request::Register(_)
                | local::Request::Unregister { .. }
                | local::Request::Start { .. }
                | local::Request::Rehearse { .. }
        ),
        Request::Invite(_)
        | Request::Accept(_)
        | Request::Decline { .. }
        | Request::Ignore { .. }
        | Request::Cancel { .. }
        | Request::Attach { .. }
        | Request::Context { .. }
        | Request::Progress { .. }
        | Request::Challenge { .. }
        | Request::Response(_)
        | Request::Contact { .. } => true,
    }
}

/// The session that a request is about.
pub(super) fn session_of(request: &Request) -> Option<SessionId> {
    match request {
        Request::Invite(invite) => Some(invite.session),
        Request::Accept(accept) => Some(accept.session),
        Request::Decline { session, .. }
        | Request::Ignore { session }
        | Request::Cancel { session, .. }
        | Request::Attach { session }
        | Request::Context { session, .. }
        | Request::Progress { session, .. } => Some(*session),
        Request::Hello(_)
        | Request::SignIn(_)
        | Request::SignOut { .. }
        | Request::Ping
        | Request::SetStatus { .. }
        | Request::Contacts
        | Request::Contact { .. }
        | Request::Settings(_)
        | Request::Account(_)
        | Request::Challenge { .. }
        | Request::Response(_)
        | Request::Release
        | Request::Local(_) => None,
    }
}

/// The code with which a request fails that could not be delivered (R29).
pub(super) fn send_failure(request: &Request) -> Code {
    match request {
        Request::Invite(_) => Code::SR_INVITATION_SEND_FAILURE,
        Request::Accept(_) => Code::SR_ACCEPT_SEND_FAILURE,
        Request::Decline { .. } => Code::SR_DECLINE_SEND_FAILURE,
        Request::Cancel { .. } => Code::SR_CANCEL_SEND_FAILURE,
        Request::Context { .. } => Code::SR_CONTEXT_DATA_SEND_FAILURE,
        Request::Ignore { .. } | Request::Attach { .. } | Request::Progress { .. } => Code::SR_CONNECTION_FAILURE,
        Request::Hello(_)
        | Request::SignIn(_)
        | Request::SignOut { .. }
        | Request::Ping
        | Request::SetStatus { .. }
        | Request::Contacts
        | Request::Contact { .. }
        | Request::Settings(_)
        | Request::Account(_)
        | Request::Challenge { .. }
        | Request::Response(_)
        | Request::Release
        | Request::Local(_) => Code::MSGR_E_DISCONNECTED,
    }
}
