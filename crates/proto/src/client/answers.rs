//! What the service answers to requests.

use hither_wire::account;
use hither_wire::message::{Credential, Request};
use hither_wire::{Answer, Code, limits, local};

use super::Client;
use super::port::{Output, Refusal, Reply, Stop};
use super::record::{Attachment, Local};
use super::requests::Pending;

impl Client {
    pub(super) fn answered(&mut self, answer: Answer) {
        let Some(pending) = self.requests.answered(answer.re) else {
            tracing::debug!(re = answer.re, "an answer to nothing is ignored");
            return;
        };
        if pending.request == Request::Ping {
            return;
        }
        self.link_was_good();
        self.unsaved = true;
        let Pending { call, request, .. } = pending;
        let result = if answer.code.is_failure() {
            self.refused_request(&request);
            Err(Refusal::of(&answer))
        } else {
            self.applied(&request, answer.code);
            if let Some(local::Answer::Launching(launching)) = &answer.agent {
                self.sessions.adopt(launching);
            }
            reply(&request, answer)
        };
        let signed_out = matches!(request, Request::SignOut { .. });
        if signed_out {
            self.stop(Stop::SignedOut, call);
        } else if let Some(id) = call {
            self.outputs.push_back(Output::Return { id, result });
        }
    }

    /// A session's state changes by events only; what is this side's own follows the answer.
    fn applied(&mut self, request: &Request, code: Code) {
        match request {
            Request::Invite(invite) => {
                let disclosed = invite.address.clone();
                if let Some(record) = self.sessions.get_mut(invite.session) {
                    record.local = disclosed.map_or(Local::Hidden, Local::Given);
                }
            }
            Request::Accept(accept) => {
                if let Some(record) = self.sessions.get_mut(accept.session) {
                    record.local = accept.address.clone().map_or(Local::Hidden, Local::Given);
                    if accept.attach {
                        record.attachment = Attachment::Done;
                    }
                }
            }
            Request::Attach { session } => {
                if let Some(record) = self.sessions.get_mut(*session) {
                    record.attachment = Attachment::Done;
                }
            }
            Request::Account(request) if let account::Request::Renew(account::Token(token)) = &**request => {
                self.credential = Credential::Token(token.clone());
            }
            Request::SetStatus { status } if code == Code::S_OK => self.status = Some(*status),
            Request::SetStatus { .. }
            | Request::Hello(_)
            | Request::SignIn(_)
            | Request::SignOut { .. }
            | Request::Ping
            | Request::Decline { .. }
            | Request::Ignore { .. }
            | Request::Cancel { .. }
            | Request::Context { .. }
            | Request::Progress { .. }
            | Request::Contacts
            | Request::Contact { .. }
            | Request::Settings(_)
            | Request::Account(_)
            | Request::Challenge { .. }
            | Request::Response(_)
            | Request::Release
            | Request::Local(_) => {}
        }
    }

    fn refused_request(&mut self, request: &Request) {
        if let Request::Invite(invite) = request {
            self.sessions.not_invited(invite.session);
        }
    }
}

fn reply(request: &Request, answer: Answer) -> Result<Reply, Refusal> {
    let contacts = answer.contacts.filter(|contacts| contacts.len() <= 2 * limits::CONTACTS);
    Ok(match request {
        Request::Contacts => Reply::Contacts(contacts.unwrap_or_default()),
        Request::Contact { .. } if answer.code == Code::S_FALSE => Reply::Already,
        Request::Contact { .. } => Reply::Contact(contacts.into_iter().flatten().next()),
        Request::Settings(_) => match answer.settings {
            Some(settings) => Reply::Settings(settings),
            None => return Err(Refusal::because(Code::E_FAIL, "the service did not say what the settings are")),
        },
        Request::Account(_) if let Some(devices) = answer.devices => {
            Reply::Devices(devices.into_iter().take(limits::DEVICES).collect())
        }
        Request::Local(_) if let Some(given) = answer.agent => Reply::Agent(Box::new(given)),
        Request::Hello(_)
        | Request::SignIn(_)
        | Request::SignOut { .. }
        | Request::Ping
        | Request::Invite(_)
        | Request::Accept(_)
        | Request::Decline { .. }
        | Request::Ignore { .. }
        | Request::Cancel { .. }
        | Request::Attach { .. }
        | Request::Context { .. }
        | Request::Progress { .. }
        | Request::SetStatus { .. }
        | Request::Account(_)
        | Request::Challenge { .. }
        | Request::Response(_)
        | Request::Release
        | Request::Local(_) => {
            if answer.code == Code::S_FALSE {
                Reply::Already
            } else {
                Reply::Done
            }
        }
    })
}
