//! The second look, at a frame that could not be read in one pass: fields that are not of its request
//! are passed over, and of the others the one that is wrong is named.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer as _, IgnoredAny, IntoDeserializer as _, MapAccess, Visitor};

use super::{Flat, Malformed};
use crate::code::Code;
use crate::limits;

/// What a field has to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Integer,
    Number,
    Flag,
    Integers,
    Texts,
    Stage,
    Invitations,
    App,
    Data,
}

impl Kind {
    fn described(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Integer => "an integer from 0 to 9007199254740991, without fraction and exponent",
            Kind::Number => "an integer from 0 to 4294967295, without fraction and exponent",
            Kind::Flag => "true or false",
            Kind::Integers => "a list of integers, each from 0 to 4294967295",
            Kind::Texts => "a list of texts",
            Kind::Stage => "the name of a stage, such as `ringing`",
            Kind::Invitations => "`contacts` or `anyone`",
            Kind::App => "an object with texts as `guid`, `name` and `url`, and true or false as `launch_only`",
            Kind::Data => "an object with text as `text`",
        }
    }

    /// Whether any text will do. Elsewhere half a character is no worse than another wrong value.
    fn takes_any_text(self) -> bool {
        match self {
            Kind::Text | Kind::Texts | Kind::App | Kind::Data => true,
            Kind::Integer | Kind::Number | Kind::Flag | Kind::Integers | Kind::Stage | Kind::Invitations => false,
        }
    }
}

struct Field {
    name: &'static str,
    kind: Kind,
    /// Empty if every request has it.
    requests: &'static [&'static str],
}

const fn field(name: &'static str, kind: Kind, requests: &'static [&'static str]) -> Field {
    Field { name, kind, requests }
}

/// Every field of [`Flat`].
const FIELDS: [Field; 39] = [
    field("id", Kind::Integer, &[]),
    field("do", Kind::Text, &[]),
    field("key", Kind::Text, &[]),
    field("ack", Kind::Integer, &[]),
    field("object", Kind::Text, &[]),
    field("versions", Kind::Integers, &["hello"]),
    field("client", Kind::Text, &["hello"]),
    field("capabilities", Kind::Texts, &["hello"]),
    field("user", Kind::Text, &["sign-in"]),
    field("password", Kind::Text, &["sign-in", "password"]),
    field("token", Kind::Text, &["sign-in", "renew"]),
    field("device", Kind::Text, &["sign-in", "remove-device"]),
    field("epoch", Kind::Integer, &["sign-in"]),
    field("device_key", Kind::Text, &["sign-in"]),
    field("status", Kind::Text, &["sign-in", "status"]),
    field("revoke", Kind::Flag, &["sign-out"]),
    field("new_password", Kind::Text, &["password"]),
    field("friendly_name", Kind::Text, &["sign-in"]),
    field("registration", Kind::Text, &["sign-in"]),
    field("session", Kind::Text, &["invite", "accept", "decline", "ignore", "cancel", "attach", "context", "progress"]),
    field("to", Kind::Text, &["invite"]),
    field("app", Kind::App, &["invite"]),
    field("data", Kind::Data, &["invite", "accept", "decline", "cancel", "context"]),
    field("address", Kind::Text, &["invite", "accept"]),
    field("material", Kind::Text, &["invite", "accept"]),
    field("ring_ms", Kind::Integer, &["invite"]),
    field("attach", Kind::Flag, &["invite", "accept"]),
    field("hr", Kind::Number, &["cancel"]),
    field("stage", Kind::Stage, &["progress"]),
    field("code", Kind::Number, &["progress"]),
    field("add", Kind::Text, &["contact"]),
    field("remove", Kind::Text, &["contact"]),
    field("block", Kind::Text, &["contact"]),
    field("unblock", Kind::Text, &["contact"]),
    field("invitations", Kind::Invitations, &["settings"]),
    field("show_declines", Kind::Flag, &["settings"]),
    field("cookie", Kind::Number, &["challenge", "response"]),
    field("app_id", Kind::Text, &["response"]),
    field("response", Kind::Text, &["response"]),
];

/// Only what is needed to answer. Everything else is skipped without being looked at, unpaired
/// surrogates included (R1).
#[derive(Deserialize)]
struct JustId {
    id: Option<u64>,
}

/// Which request it is; nothing of it is known to be right but that it is one JSON object.
#[derive(Deserialize)]
struct JustName {
    #[serde(rename = "do")]
    name: Option<String>,
}

/// Where reading has come to.
enum At {
    Beginning,
    Name(&'static Field),
    Value(&'static Field),
}

/// Reads a frame again that could not be read.
pub(super) fn read_again(frame: &str) -> Result<Flat<'_>, Malformed> {
    let Ok(JustId { id }) = serde_json::from_str(frame) else {
        let message = "the frame cannot be read, or its `id` cannot".to_owned();
        return Err(Malformed { id: None, code: Code::E_INVALIDARG, message });
    };
    let request = serde_json::from_str(frame).ok().and_then(|JustName { name }| name).unwrap_or_default();
    let mut at = At::Beginning;
    let mut deserializer = serde_json::Deserializer::from_str(frame);
    deserializer.deserialize_map(OfRequest { request: &request, at: &mut at }).map_err(|error| Malformed {
        id: id.filter(|id| *id <= limits::INTEGER),
        code: Code::E_INVALIDARG,
        message: match at {
            At::Beginning => "the frame cannot be read".to_owned(),
            At::Name(field) => format!("`{}` is there twice", field.name),
            // The frame was read to its end before: of JSON only a number that no machine holds is as wrong.
            At::Value(field) if field.kind.takes_any_text() && error.is_syntax() && frame.contains("\\u") => {
                format!("`{}` has an unpaired surrogate, which is no text", field.name)
            }
            At::Value(field) => format!("`{}` must be {}", field.name, field.kind.described()),
        },
    })
}

/// The fields of one request, out of an object that may have any others.
struct OfRequest<'a> {
    request: &'a str,
    at: &'a mut At,
}

impl<'de> Visitor<'de> for OfRequest<'_> {
    type Value = Flat<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Flat<'de>, M::Error> {
        Flat::deserialize(MapAccessDeserializer::new(Fields { map, of: self }))
    }
}

struct Fields<'a, M> {
    map: M,
    of: OfRequest<'a>,
}

impl<'de, M: MapAccess<'de>> MapAccess<'de> for Fields<'_, M> {
    type Error = M::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, M::Error> {
        while let Some(name) = self.map.next_key::<String>()? {
            let known = FIELDS.iter().find(|field| field.name == name);
            let own = known.filter(|f| f.requests.is_empty() || f.requests.contains(&self.of.request));
            if let Some(field) = own {
                *self.of.at = At::Name(field);
                return seed.deserialize(field.name.into_deserializer()).map(Some);
            }
            self.map.next_value::<IgnoredAny>()?;
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, M::Error> {
        if let At::Name(field) = *self.of.at {
            *self.of.at = At::Value(field);
        }
        self.map.next_value_seed(seed)
    }
}
