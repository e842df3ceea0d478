//! Reading and, below, writing of frames. Text from a peer is untrusted: every deviation becomes a
//! [`Malformed`] that can be answered, never a panic.

mod account;
mod fields;
mod local;
mod write;

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::code::Code;
use crate::ids::{Guid, PersonName};
use crate::limits;
use crate::lock::Response;
use crate::message::{
    Accept, Answer, Application, Ask, ClientFrame, ContactAction, Credential, Data, Event, EventFrame, Hello,
    InvitationsFrom, Invite, Request, ServerFrame, SettingsChange, SignIn, Stage,
};
use crate::presence::Status;
use crate::text;

pub use local::decode_local;

/// A frame that is not of the form of `spec/wire.md`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The request's id, if it could be read: then the answer is a refusal; else the connection
    /// is closed.
    pub id: Option<u64>,
    /// What to refuse it with.
    pub code: Code,
    /// What is wrong, for a person.
    pub message: String,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Malformed {}

/// All fields of all requests. One flat object keeps frames small enough to type by hand, and one
/// pass over it keeps reading cheap.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct Flat<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    #[serde(borrow, rename = "do", skip_serializing_if = "Option::is_none")]
    name_of_request: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    key: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ack: Option<u64>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    object: Option<Cow<'a, str>>,

    #[serde(skip_serializing_if = "Option::is_none")]
    versions: Option<Vec<u32>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    client: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    capabilities: Option<Vec<Cow<'a, str>>>,

    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    user: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    password: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    token: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    device: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<u64>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    device_key: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    status: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoke: Option<bool>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    new_password: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    friendly_name: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    registration: Option<Cow<'a, str>>,

    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    session: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    to: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    app: Option<FlatApp<'a>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    data: Option<FlatData<'a>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    address: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    material: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ring_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attach: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hr: Option<Code>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<Stage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<Code>,

    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    add: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    remove: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    block: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    unblock: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invitations: Option<InvitationsFrom>,
    #[serde(skip_serializing_if = "Option::is_none")]
    show_declines: Option<bool>,

    #[serde(skip_serializing_if = "Option::is_none")]
    cookie: Option<u32>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    app_id: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    response: Option<Cow<'a, str>>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct FlatApp<'a> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    guid: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    url: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    launch_only: Option<bool>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct FlatData<'a> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    sealed: Option<Cow<'a, str>>,
}

/// Reads one frame from a client.
pub fn decode_client(frame: &str) -> Result<ClientFrame, Malformed> {
    decode_client_with(frame, false)
}

/// `local`: whether a sign-in may come without a credential.
fn decode_client_with(frame: &str, local: bool) -> Result<ClientFrame, Malformed> {
    if !frame.trim_ascii_start().starts_with('{') {
        // An array would be read as an object whose fields are in order.
        return Err(Malformed { id: None, code: Code::E_INVALIDARG, message: "the frame is not a JSON object".into() });
    }
    let flat: Flat<'_> = serde_json::from_str(frame).or_else(|_| fields::read_again(frame))?;
    let id = flat.id;
    flat.into_frame(local).map_err(|Wrong(code, message)| Malformed {
        id: id.filter(|id| *id <= limits::INTEGER),
        code,
        message,
    })
}

/// What is wrong with a frame that is JSON.
struct Wrong(Code, String);

fn wrong(message: impl Into<String>) -> Wrong {
    Wrong(Code::E_INVALIDARG, message.into())
}

fn need<T>(value: Option<T>, field: &str) -> Result<T, Wrong> {
    value.ok_or_else(|| wrong(format!("`{field}` is missing")))
}

fn integer(value: Option<u64>, field: &str) -> Result<Option<u64>, Wrong> {
    match value {
        Some(number) if number > limits::INTEGER => Err(wrong(format!("`{field}` is larger than 2^53 - 1"))),
        Some(_) | None => Ok(value),
    }
}

fn bounded(value: Option<Cow<'_, str>>, max: usize, field: &str) -> Result<Option<Box<str>>, Wrong> {
    match value {
        Some(text) if text.len() > max => Err(wrong(format!("`{field}` is longer than {max} bytes"))),
        Some(text) => Ok(Some(text.into())),
        None => Ok(None),
    }
}

fn filled(value: Option<Cow<'_, str>>, max: usize, field: &str) -> Result<Box<str>, Wrong> {
    let text = need(bounded(value, max, field)?, field)?;
    if text.is_empty() { Err(wrong(format!("`{field}` is empty"))) } else { Ok(text) }
}

fn units(value: Option<Cow<'_, str>>, max: usize, field: &str) -> Result<Box<str>, Wrong> {
    match value {
        Some(text) if !text::fits(&text, max) => Err(wrong(format!("`{field}` is longer than {max} UTF-16 units"))),
        Some(text) => Ok(text.into()),
        None => Ok("".into()),
    }
}

fn guid(value: Option<&Cow<'_, str>>, field: &str) -> Result<Guid, Wrong> {
    Guid::parse(need(value, field)?).map_err(|error| wrong(format!("`{field}`: {error}")))
}

fn person(value: Option<&Cow<'_, str>>, field: &str) -> Result<PersonName, Wrong> {
    PersonName::parse(need(value, field)?).map_err(|error| wrong(format!("`{field}`: {error}")))
}

fn address(value: Option<&Cow<'_, str>>) -> Result<Option<Address>, Wrong> {
    value
        .map(|text| Address::parse(text))
        .transpose()
        .map_err(|error| Wrong(error.code(), format!("`address`: {error}")))
}

fn status(value: Option<&Cow<'_, str>>) -> Result<Option<Status>, Wrong> {
    let names = || Status::CHOICES.map(Status::name).join(", ");
    value
        .map(|name| Status::chosen(name).ok_or_else(|| wrong(format!("`status` must be one of {}", names()))))
        .transpose()
}

impl FlatData<'_> {
    fn into_data(self) -> Result<Option<Data>, Wrong> {
        match (self.text, self.sealed) {
            (Some(_), Some(_)) => Err(wrong("`data` has both `text` and `sealed`")),
            (Some(text), None) => Ok(Data::text(&text)),
            (None, Some(_)) => {
                Err(wrong("`sealed` data need the capability `sealed`, which was not offered in `hello`"))
            }
            (None, None) => Ok(None),
        }
    }
}

impl FlatApp<'_> {
    fn into_app(self) -> Result<Application, Wrong> {
        Ok(Application {
            guid: guid(self.guid.as_ref(), "app.guid")?,
            name: units(self.name, limits::APP_NAME_UNITS, "app.name")?,
            url: units(self.url, limits::APP_URL_UNITS, "app.url")?,
            launch_only: self.launch_only.unwrap_or(false),
        })
    }
}

impl Flat<'_> {
    fn into_frame(mut self, local: bool) -> Result<ClientFrame, Wrong> {
        let ack = integer(self.ack, "ack")?;
        let Some(name) = self.name_of_request.take() else {
            return match (self.id, ack) {
                (None, Some(_)) => Ok(ClientFrame { ack, ask: None }),
                _ => Err(wrong("`do` is missing")),
            };
        };
        let id = need(integer(self.id, "id")?, "id")?;
        let key = bounded(self.key.take(), limits::KEY_BYTES, "key")?;
        let object = bounded(self.object.take(), limits::OBJECT_BYTES, "object")?;
        let request = self.into_request(&name, local)?;
        Ok(ClientFrame { ack, ask: Some(Ask { id, key, object, request }) })
    }

    fn into_request(self, name: &str, local: bool) -> Result<Request, Wrong> {
        Ok(match name {
            "hello" => Request::Hello(self.into_hello()?),
            "sign-in" => Request::SignIn(Box::new(self.into_sign_in(local)?)),
            "sign-out" => Request::SignOut { revoke: self.revoke.unwrap_or(false) },
            "ping" => Request::Ping,
            "invite" => Request::Invite(Box::new(self.into_invite()?)),
            "accept" => Request::Accept(Box::new(self.into_accept()?)),
            "decline" => Request::Decline { session: self.session()?, data: self.data()? },
            "ignore" => Request::Ignore { session: self.session()? },
            "cancel" => {
                Request::Cancel { session: self.session()?, hr: self.hr.unwrap_or(Code::S_OK), data: self.data()? }
            }
            "attach" => Request::Attach { session: self.session()? },
            "context" => {
                let session = self.session()?;
                let data = self
                    .data()?
                    .ok_or_else(|| wrong("`data` is empty: context data have a text of 1 to 300 UTF-16 units"))?;
                Request::Context { session, data }
            }
            "progress" => {
                let stage = need(self.stage, "stage")?;
                if stage == Stage::Unknown {
                    return Err(wrong("`stage` is not one that this service knows"));
                }
                Request::Progress { session: self.session()?, stage, code: self.code }
            }
            "status" => Request::SetStatus { status: need(status(self.status.as_ref())?, "status")? },
            "contacts" => Request::Contacts,
            "contact" => self.into_contact()?,
            "settings" => {
                Request::Settings(SettingsChange { invitations: self.invitations, show_declines: self.show_declines })
            }
            "password" | "renew" | "devices" | "remove-device" => Request::Account(Box::new(self.into_account(name)?)),
            "challenge" => Request::Challenge { cookie: need(self.cookie, "cookie")? },
            "response" => Request::Response(Box::new(self.into_response()?)),
            "release" => Request::Release,
            _ => return Err(wrong("`do` is not a request that this service knows; see spec/wire.md")),
        })
    }

    fn session(&self) -> Result<Guid, Wrong> {
        guid(self.session.as_ref(), "session")
    }

    fn data(self) -> Result<Option<Data>, Wrong> {
        self.data.map_or(Ok(None), FlatData::into_data)
    }

    fn into_hello(self) -> Result<Hello, Wrong> {
        let versions = need(self.versions, "versions")?;
        let capabilities = self.capabilities.unwrap_or_default();
        if versions.len() > limits::VERSIONS {
            return Err(wrong(format!("`versions` has more than {} entries", limits::VERSIONS)));
        }
        if capabilities.len() > limits::CAPABILITIES || capabilities.iter().any(|c| c.len() > limits::CAPABILITY_BYTES)
        {
            return Err(wrong(format!(
                "`capabilities` has more than {} entries, or one longer than {} bytes",
                limits::CAPABILITIES,
                limits::CAPABILITY_BYTES
            )));
        }
        Ok(Hello {
            versions,
            client: bounded(self.client, limits::CLIENT_NAME_BYTES, "client")?,
            capabilities: capabilities.into_iter().map(Into::into).collect(),
        })
    }

    fn into_sign_in(mut self, local: bool) -> Result<SignIn, Wrong> {
        let user = match &self.user {
            Some(_) => Some(person(self.user.as_ref(), "user")?),
            None => None,
        };
        let registration = self.registration.is_some().then(|| self.registration()).transpose()?;
        let password = bounded(self.password.take(), limits::PASSWORD_BYTES, "password")?;
        let token = bounded(self.token, limits::TOKEN_BYTES, "token")?;
        let credential = match (password, token) {
            (None, None)
                if user.is_some()
                    && let Some(registration) = registration =>
            {
                Credential::Registration(Box::new(registration))
            }
            (Some(password), None) if user.is_some() => Credential::Password(password),
            (Some(_), None) => return Err(wrong("`user` is missing")),
            (None, Some(token)) => Credential::Token(token),
            (None, None) if local => Credential::Local,
            _ => return Err(wrong("give either `password` or `token`")),
        };
        let device = match &self.device {
            Some(_) => Some(guid(self.device.as_ref(), "device")?),
            None => None,
        };
        Ok(SignIn {
            user,
            credential,
            device,
            epoch: integer(self.epoch, "epoch")?,
            device_key: bounded(self.device_key, limits::DEVICE_KEY_BYTES, "device_key")?,
            status: status(self.status.as_ref())?,
        })
    }

    fn into_invite(self) -> Result<Invite, Wrong> {
        let data = self.data.map_or(Ok(None), FlatData::into_data)?;
        if let Some(Data::Text(text)) = &data
            && !text::fits(text, limits::APP_DATA_UNITS)
        {
            return Err(wrong(format!("`data` is longer than {} UTF-16 units", limits::APP_DATA_UNITS)));
        }
        Ok(Invite {
            session: guid(self.session.as_ref(), "session")?,
            to: person(self.to.as_ref(), "to")?,
            app: need(self.app, "app")?.into_app()?,
            data,
            address: address(self.address.as_ref())?,
            material: bounded(self.material, limits::MATERIAL_BYTES, "material")?,
            ring_ms: integer(self.ring_ms, "ring_ms")?,
            attach: self.attach.unwrap_or(false),
        })
    }

    fn into_accept(self) -> Result<Accept, Wrong> {
        Ok(Accept {
            session: guid(self.session.as_ref(), "session")?,
            data: self.data.map_or(Ok(None), FlatData::into_data)?,
            address: address(self.address.as_ref())?,
            material: bounded(self.material, limits::MATERIAL_BYTES, "material")?,
            attach: self.attach.unwrap_or(false),
        })
    }

    fn into_response(self) -> Result<Response, Wrong> {
        Ok(Response {
            app_id: filled(self.app_id, limits::APP_ID_BYTES, "app_id")?,
            response: filled(self.response, limits::RESPONSE_BYTES, "response")?,
            cookie: need(self.cookie, "cookie")?,
        })
    }

    fn into_contact(self) -> Result<Request, Wrong> {
        let given = [
            (ContactAction::Add, &self.add),
            (ContactAction::Remove, &self.remove),
            (ContactAction::Block, &self.block),
            (ContactAction::Unblock, &self.unblock),
        ];
        let mut given = given.into_iter().filter(|(_, who)| who.is_some());
        match (given.next(), given.next()) {
            (Some((action, who)), None) => Ok(Request::Contact { action, who: person(who.as_ref(), action.name())? }),
            _ => Err(wrong("give exactly one of `add`, `remove`, `block`, `unblock`")),
        }
    }
}

/// Reads one frame from the service.
pub fn decode_server(frame: &str) -> Result<ServerFrame, serde_json::Error> {
    #[derive(Deserialize)]
    struct Kind {
        re: Option<u64>,
    }
    let kind: Kind = serde_json::from_str(frame)?;
    if kind.re.is_some() {
        serde_json::from_str::<Answer>(frame).map(Box::new).map(ServerFrame::Answer)
    } else {
        let event = serde_json::from_str::<EventFrame>(frame)?;
        if event == (EventFrame { seq: None, event: Event::Unknown })
            && let Ok(local) = serde_json::from_str(frame)
        {
            return Ok(ServerFrame::Local(Box::new(local)));
        }
        Ok(ServerFrame::Event(event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(frame: &str) -> (Option<u64>, Code) {
        let malformed = decode_client(frame).unwrap_err();
        assert!(!malformed.message.is_empty());
        (malformed.id, malformed.code)
    }

    #[test]
    fn a_lone_surrogate_is_answered_with_the_requests_id() {
        let session = "{00000000-0000-0000-0000-000000000001}";
        for text in ["\\ud800", "a\\udfff", "\\ud83d\\u0041"] {
            let frame = format!(r#"{{"data":{{"text":"{text}"}},"do":"context","session":"{session}","id":7}}"#);
            assert_eq!(refused(&frame), (Some(7), Code::E_INVALIDARG));
        }
    }

    #[test]
    fn what_cannot_be_read() {
        for (frame, id) in [
            ("", None),
            ("[]", None),
            (r#"[1,"ping"]"#, None),
            ("7", None),
            ("{", None),
            (r#"{"do":"ping"}"#, None),
            (r#"{"id":-1,"do":"ping"}"#, None),
            (r#"{"id":9007199254740992,"do":"ping"}"#, None),
            (r#"{"id":1}"#, Some(1)),
            (r#"{"id":1,"do":"dance"}"#, Some(1)),
            (r#"{"id":1,"do":5}"#, Some(1)),
            (r#"{"id":1,"do":"ping","do":"ping"}"#, Some(1)),
            (r#"{"id":1,"do":"attach","session":"x"}"#, Some(1)),
            (r#"{"id":1,"do":"contact","add":"a@b","block":"a@b"}"#, Some(1)),
            (r#"{"id":1,"do":"status","status":"OFFLINE"}"#, Some(1)),
            (r#"{"id":1,"do":"sign-in","user":"a@b"}"#, Some(1)),
        ] {
            assert_eq!(refused(frame), (id, Code::E_INVALIDARG), "{frame}");
        }
        let deep = format!(r#"{{"id":1,"do":"ping","x":{}{}}}"#, "[".repeat(7000), "]".repeat(7000));
        assert!(decode_client(&deep).is_ok(), "unknown fields are skipped, however deep");
    }

    #[test]
    fn an_acknowledgement_needs_no_request() {
        assert_eq!(decode_client(r#"{"ack":12}"#).unwrap(), ClientFrame { ack: Some(12), ask: None });
    }

    #[test]
    fn an_unknown_event_is_a_value() {
        let frame = decode_server(r#"{"seq":3,"event":"fireworks","colour":"red"}"#).unwrap();
        assert_eq!(frame, ServerFrame::Event(EventFrame { seq: Some(3), event: Event::Unknown }));
    }
}
