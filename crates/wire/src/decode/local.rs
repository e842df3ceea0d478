//! Frames on a machine's own socket: beside everything else, what only an agent understands.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::{Malformed, Wrong, bounded, decode_client, decode_client_with, integer};
use crate::code::Code;
use crate::limits;
use crate::local::Request as LocalRequest;
use crate::message::{Ask, ClientFrame, Request};

/// Reads one frame on a machine's own socket: what only an agent understands, a sign-in without a
/// credential, and everything else that a service understands.
pub fn decode_local(frame: &str) -> Result<ClientFrame, Malformed> {
    #[derive(Deserialize)]
    struct Head<'a> {
        id: Option<u64>,
        ack: Option<u64>,
        #[serde(borrow)]
        key: Option<Cow<'a, str>>,
        user: Option<IgnoredAny>,
        password: Option<IgnoredAny>,
        token: Option<IgnoredAny>,
        #[serde(borrow, rename = "do")]
        name: Option<Cow<'a, str>>,
    }
    let Ok(head) = serde_json::from_str::<Head<'_>>(frame) else { return decode_client(frame) };
    let Some(id) = head.id.filter(|id| *id <= limits::INTEGER) else { return decode_client(frame) };
    let malformed = |message: String| Malformed { id: Some(id), code: Code::E_INVALIDARG, message };
    let request = match head.name.as_deref() {
        Some("sign-in") if head.password.is_none() && head.token.is_none() && head.user.is_none() => {
            return decode_client_with(frame, true);
        }
        Some(name) if LocalRequest::NAMES.contains(&name) => serde_json::from_str::<LocalRequest>(frame)
            .map_err(|error| malformed(format!("`{name}` cannot be read: {error}")))?,
        _ => return decode_client(frame),
    };
    let ack = integer(head.ack, "ack").map_err(|Wrong(_, message)| malformed(message))?;
    let key = bounded(head.key, limits::KEY_BYTES, "key").map_err(|Wrong(_, message)| malformed(message))?;
    let request = Request::Local(Box::new(request));
    Ok(ClientFrame { ack, ask: Some(Ask { id, key, object: None, request }) })
}

/// Writes what only an agent understands.
pub(super) fn encode(ack: Option<u64>, ask: &Ask, request: &LocalRequest) -> String {
    #[derive(Serialize)]
    struct Frame<'a> {
        id: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        key: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        ack: Option<u64>,
        #[serde(flatten)]
        request: &'a LocalRequest,
    }
    serde_json::to_string(&Frame { id: ask.id, key: ask.key.as_deref(), ack, request }).unwrap_or_default()
}
