//! Writing frames.

use std::borrow::Cow;

use super::{Flat, FlatApp, FlatData};
use crate::ids::Guid;
use crate::message::{ClientFrame, ContactAction, Credential, Data, Invite, Request, ServerFrame, SignIn};

impl ServerFrame {
    /// The frame as text.
    pub fn encode(&self) -> String {
        let text = match self {
            ServerFrame::Answer(answer) => serde_json::to_string(answer),
            ServerFrame::Event(event) => serde_json::to_string(event),
            ServerFrame::Local(event) => serde_json::to_string(event),
        };
        // Every type here is a struct of strings and numbers, which serde_json cannot refuse.
        text.unwrap_or_default()
    }
}

impl ClientFrame {
    /// The frame as text.
    pub fn encode(&self) -> String {
        let mut flat = Flat { ack: self.ack, ..Flat::default() };
        if let Some(ask) = &self.ask {
            if let Request::Local(request) = &ask.request {
                return super::local::encode(self.ack, ask, request);
            }
            flat.id = Some(ask.id);
            flat.key = ask.key.as_deref().map(Cow::Borrowed);
            flat.object = ask.object.as_deref().map(Cow::Borrowed);
            flat.name_of_request = Some(Cow::Borrowed(ask.request.name()));
            flat.fill(&ask.request);
        }
        serde_json::to_string(&flat).unwrap_or_default()
    }
}

impl<'a> Flat<'a> {
    fn fill(&mut self, request: &'a Request) {
        match request {
            Request::Hello(hello) => {
                self.versions = Some(hello.versions.clone());
                self.client = hello.client.as_deref().map(Cow::Borrowed);
                self.capabilities = Some(hello.capabilities.iter().map(|c| Cow::Borrowed(&**c)).collect());
            }
            Request::SignIn(sign_in) => self.fill_sign_in(sign_in),
            Request::SignOut { revoke } => self.revoke = revoke.then_some(true),
            Request::Account(request) => self.fill_account(request),
            // What only an agent understands is written on its own, by `encode_local`.
            Request::Ping | Request::Contacts | Request::Release | Request::Local(_) => {}
            Request::Invite(invite) => self.fill_invite(invite),
            Request::Accept(accept) => {
                self.fill_session(accept.session, accept.data.as_ref());
                self.address = accept.address.as_ref().map(|a| Cow::Borrowed(a.as_str()));
                self.material = accept.material.as_deref().map(Cow::Borrowed);
                self.attach = accept.attach.then_some(true);
            }
            Request::Decline { session, data } => self.fill_session(*session, data.as_ref()),
            Request::Ignore { session } | Request::Attach { session } => self.fill_session(*session, None),
            Request::Cancel { session, hr, data } => {
                self.fill_session(*session, data.as_ref());
                self.hr = Some(*hr);
            }
            Request::Context { session, data } => self.fill_session(*session, Some(data)),
            Request::Progress { session, stage, code } => {
                self.fill_session(*session, None);
                self.stage = Some(*stage);
                self.code = *code;
            }
            Request::SetStatus { status } => self.status = Some(Cow::Borrowed(status.name())),
            Request::Contact { action, who } => {
                let field = match action {
                    ContactAction::Add => &mut self.add,
                    ContactAction::Remove => &mut self.remove,
                    ContactAction::Block => &mut self.block,
                    ContactAction::Unblock => &mut self.unblock,
                };
                *field = Some(Cow::Borrowed(who.as_str()));
            }
            Request::Settings(change) => {
                self.invitations = change.invitations;
                self.show_declines = change.show_declines;
            }
            Request::Challenge { cookie } => self.cookie = Some(*cookie),
            Request::Response(response) => {
                self.app_id = Some(Cow::Borrowed(&response.app_id));
                self.response = Some(Cow::Borrowed(&response.response));
                self.cookie = Some(response.cookie);
            }
        }
    }

    fn fill_session(&mut self, session: Guid, data: Option<&'a Data>) {
        self.session = Some(Cow::Owned(session.to_string()));
        self.data = data.map(|data| match data {
            Data::Text(text) => FlatData { text: Some(Cow::Borrowed(text)), sealed: None },
            Data::Sealed(sealed) => FlatData { text: None, sealed: Some(Cow::Borrowed(sealed)) },
        });
    }

    fn fill_sign_in(&mut self, sign_in: &'a SignIn) {
        self.user = sign_in.user.as_ref().map(|user| Cow::Borrowed(user.as_str()));
        match &sign_in.credential {
            Credential::Password(password) => self.password = Some(Cow::Borrowed(password)),
            Credential::Token(token) => self.token = Some(Cow::Borrowed(token)),
            Credential::Registration(registration) => self.fill_registration(registration),
            Credential::Local => {}
        }
        self.device = sign_in.device.map(|device| Cow::Owned(device.to_string()));
        self.epoch = sign_in.epoch;
        self.device_key = sign_in.device_key.as_deref().map(Cow::Borrowed);
        self.status = sign_in.status.map(|status| Cow::Borrowed(status.name()));
    }

    fn fill_invite(&mut self, invite: &'a Invite) {
        self.fill_session(invite.session, invite.data.as_ref());
        self.to = Some(Cow::Borrowed(invite.to.as_str()));
        self.app = Some(FlatApp {
            guid: Some(Cow::Owned(invite.app.guid.to_string())),
            name: (!invite.app.name.is_empty()).then_some(Cow::Borrowed(&*invite.app.name)),
            url: (!invite.app.url.is_empty()).then_some(Cow::Borrowed(&*invite.app.url)),
            launch_only: invite.app.launch_only.then_some(true),
        });
        self.address = invite.address.as_ref().map(|a| Cow::Borrowed(a.as_str()));
        self.material = invite.material.as_deref().map(Cow::Borrowed);
        self.ring_ms = invite.ring_ms;
        self.attach = invite.attach.then_some(true);
    }
}
