//! The console for scripts: one JSON object a line, in and out.

use std::fmt;

use hither::message::{ContactAction, InvitationsFrom, SettingsChange};
use hither::{Code, Guid, SessionId, Status};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::request::{Answer, Outcome, Refusal, Request, Success, code_bits, parse_code};

/// A line of input: the request's id, `null` if it cannot be told, and the request.
pub struct Asked {
    pub id: Value,
    pub request: Result<Request, Refusal>,
}

/// Reads a line.
pub fn read(line: &[u8]) -> Asked {
    match serde_json::from_slice::<Value>(line) {
        Ok(Value::Object(fields)) => read_object(&Fields(fields)),
        Ok(_) => unreadable(Value::Null, "the line is not a JSON object"),
        Err(error) => unreadable(legible_id(line), &format!("the line cannot be read: {error}")),
    }
}

/// The answer to a line that is longer than `limit`, of which only the beginning was kept.
pub fn read_too_long(beginning: &[u8], limit: usize) -> Asked {
    unreadable(legible_id(beginning), &format!("the line is longer than {limit} bytes"))
}

fn unreadable(id: Value, message: &str) -> Asked {
    Asked { id, request: Err(Refusal::invalid(message)) }
}

fn read_object(fields: &Fields) -> Asked {
    match fields.0.get("id").and_then(as_id) {
        Some(id) => Asked { id, request: fields.request() },
        None => unreadable(Value::Null, "`id` is missing, or is neither an integer nor a text"),
    }
}

/// An id is an integer or a text.
fn as_id(value: &Value) -> Option<Value> {
    (value.is_u64() || value.is_i64() || value.is_string()).then(|| value.clone())
}

/// The fields of a request.
struct Fields(Map<String, Value>);

impl Fields {
    fn request(&self) -> Result<Request, Refusal> {
        Ok(match self.need("do")? {
            "create" => Request::Create,
            "application" => Request::Application {
                session: self.session()?,
                guid: self.need("guid")?.to_owned(),
                name: self.text_or_empty("name")?,
                url: self.text_or_empty("url")?,
            },
            "address" => Request::Address { session: self.session()?, address: self.address()? },
            "invite" => {
                Request::Invite { session: self.session()?, to: self.need("to")?.to_owned(), data: self.data()? }
            }
            "accept" => Request::Accept { session: self.session()?, data: self.data()? },
            "decline" => Request::Decline { session: self.session()?, data: self.data()? },
            "ignore" => Request::Ignore { session: self.session()? },
            "cancel" => Request::Cancel { session: self.session()?, hr: self.hr()?, data: self.data()? },
            "attach" => Request::Attach { session: self.session()? },
            "context" => Request::Context { session: self.session()?, data: self.data()? },
            "get" => Request::Get { session: self.session()? },
            "status" => Request::Status { status: status(self.need("status")?)? },
            "contact" => self.contact()?,
            "contacts" => Request::Contacts,
            "settings" => Request::Settings(self.settings()?),
            "quit" => Request::Quit,
            _ => {
                return Err(Refusal::invalid(
                    "`do` is not a request of the console; `hither console --help` lists them",
                ));
            }
        })
    }

    /// A text; absent and `null` are the same.
    fn text(&self, field: &str) -> Result<Option<&str>, Refusal> {
        match self.0.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Refusal::invalid(format!("`{field}` is not a text"))),
        }
    }

    fn need(&self, field: &str) -> Result<&str, Refusal> {
        self.text(field)?.ok_or_else(|| Refusal::invalid(format!("`{field}` is missing")))
    }

    fn text_or_empty(&self, field: &str) -> Result<String, Refusal> {
        Ok(self.text(field)?.unwrap_or_default().to_owned())
    }

    fn data(&self) -> Result<String, Refusal> {
        self.text_or_empty("data")
    }

    fn session(&self) -> Result<SessionId, Refusal> {
        Guid::parse(self.need("session")?).map_err(|error| Refusal::invalid(format!("`session`: {error}")))
    }

    /// `null` discloses none, but has to be said.
    fn address(&self) -> Result<Option<String>, Refusal> {
        match self.0.get("address") {
            Some(Value::Null) => Ok(None),
            _ => self.need("address").map(|address| Some(address.to_owned())),
        }
    }

    fn hr(&self) -> Result<Code, Refusal> {
        match self.0.get("hr") {
            None | Some(Value::Null) => Ok(Code::S_OK),
            Some(Value::String(text)) if text.starts_with("0x") || text.starts_with("0X") => parse_code(text),
            Some(Value::Number(number)) => number
                .as_i64()
                .and_then(code_bits)
                .map(Code)
                .ok_or_else(|| Refusal::invalid("`hr` is not an integer of 32 bits")),
            Some(_) => Err(Refusal::invalid("`hr` is neither an integer nor a hex string such as \"0x80004005\"")),
        }
    }

    fn contact(&self) -> Result<Request, Refusal> {
        let mut given = ContactAction::ALL.into_iter().filter(|action| self.0.contains_key(action.name()));
        match (given.next(), given.next()) {
            (Some(action), None) => Ok(Request::Contact { action, who: self.need(action.name())?.to_owned() }),
            _ => Err(Refusal::invalid("give exactly one of `add`, `remove`, `block`, `unblock`")),
        }
    }

    fn settings(&self) -> Result<SettingsChange, Refusal> {
        let show_declines = match self.0.get("show_declines") {
            None | Some(Value::Null) => None,
            Some(Value::Bool(show)) => Some(*show),
            Some(_) => return Err(Refusal::invalid("`show_declines` is neither true nor false")),
        };
        let invitations = self.text("invitations")?.map(invitations_from).transpose()?;
        Ok(SettingsChange { invitations, show_declines })
    }
}

/// Reads a status that a person can choose.
pub fn status(name: &str) -> Result<Status, Refusal> {
    Status::chosen(name)
        .ok_or_else(|| Refusal::invalid(format!("a status is one of {}", Status::CHOICES.map(Status::name).join(", "))))
}

/// Reads from whom invitations are taken.
pub fn invitations_from(name: &str) -> Result<InvitationsFrom, Refusal> {
    match name {
        "contacts" => Ok(InvitationsFrom::Contacts),
        "anyone" => Ok(InvitationsFrom::Anyone),
        _ => Err(Refusal::invalid("invitations are taken from `contacts` or from `anyone`")),
    }
}

/// The line that answers a request.
pub fn answer(id: &Value, answer: &Answer) -> String {
    #[derive(Serialize)]
    struct Line<'a> {
        re: &'a Value,
        #[serde(flatten)]
        rest: Rest<'a>,
    }
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Rest<'a> {
        Success(&'a Success),
        Refusal {
            #[serde(flatten)]
            outcome: Outcome,
            message: &'a str,
        },
    }
    let rest = match answer {
        Ok(success) => Rest::Success(success),
        Err(refusal) => Rest::Refusal { outcome: Outcome(refusal.code), message: &refusal.message },
    };
    line(&Line { re: id, rest })
}

/// Any line of output.
pub fn line(value: &impl Serialize) -> String {
    // Maps with text keys and plain values cannot fail to be written.
    serde_json::to_string(value).unwrap_or_default()
}

/// The id of a line that is not JSON as a whole: an unpaired surrogate, a missing brace, a cut. It
/// counts if the line can be read up to the field after it.
fn legible_id(line: &[u8]) -> Value {
    let mut found = Value::Null;
    // That the line is wrong is known already; only what was found before the error matters.
    let _ = IdOf(&mut found).deserialize(&mut serde_json::Deserializer::from_slice(line));
    found
}

struct IdOf<'a>(&'a mut Value);

impl<'de> DeserializeSeed<'de> for IdOf<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for IdOf<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let mut id = None;
        while let Some(Key { is_id }) = fields.next_key()? {
            if let Some(id) = id.take() {
                *self.0 = id;
            }
            if is_id {
                id = as_id(&fields.next_value()?);
            } else {
                fields.next_value::<IgnoredAny>()?;
            }
        }
        if let Some(id) = id {
            *self.0 = id;
        }
        Ok(())
    }
}

/// A field's name as bytes, so that an unpaired surrogate in a name does not hide the id.
struct Key {
    is_id: bool,
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Key, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field's name")
            }

            fn visit_bytes<E>(self, name: &[u8]) -> Result<Key, E> {
                Ok(Key { is_id: name == b"id" })
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const S: &str = "{305D86C6-6896-4099-91F5-CB7BA7733563}";

    fn code(line: &str) -> (Value, Code) {
        let asked = read(line.as_bytes());
        (asked.id, asked.request.map_or_else(|refusal| refusal.code, |_| Code::S_OK))
    }

    fn request(line: &Value) -> Request {
        read(line.to_string().as_bytes()).request.unwrap()
    }

    #[test]
    fn requests() {
        let session = Guid::parse(S).unwrap();
        let (guid, data) = (S.to_owned(), String::new());
        for (line, expected) in [
            (json!({"id":1,"do":"create"}), Request::Create),
            (
                json!({"id":"two","do":"application","session":S.to_lowercase(),"guid":S,"name":"N"}),
                Request::Application { session, guid, name: "N".to_owned(), url: String::new() },
            ),
            (json!({"id":3,"do":"address","session":S,"address":null}), Request::Address { session, address: None }),
            (json!({"id":4,"do":"accept","session":S,"data":null}), Request::Accept { session, data: data.clone() }),
            (
                json!({"id":5,"do":"cancel","session":S,"hr":-2_147_467_259_i64}),
                Request::Cancel { session, hr: Code::E_FAIL, data: data.clone() },
            ),
            (
                json!({"id":6,"do":"cancel","session":S,"hr":2_147_500_037_u32,"data":"d"}),
                Request::Cancel { session, hr: Code::E_FAIL, data: "d".to_owned() },
            ),
            (
                json!({"id":7,"do":"cancel","session":S,"hr":"0x80004005"}),
                Request::Cancel { session, hr: Code::E_FAIL, data: data.clone() },
            ),
            (json!({"id":8,"do":"cancel","session":S}), Request::Cancel { session, hr: Code::S_OK, data }),
            (json!({"id":9,"do":"status","status":"away"}), Request::Status { status: Status::Away }),
            (
                json!({"id":10,"do":"contact","block":"bob@example.org"}),
                Request::Contact { action: ContactAction::Block, who: "bob@example.org".to_owned() },
            ),
            (
                json!({"id":11,"do":"settings","invitations":"anyone"}),
                Request::Settings(SettingsChange { invitations: Some(InvitationsFrom::Anyone), show_declines: None }),
            ),
            (json!({"id":12,"do":"quit","unknown":[{}]}), Request::Quit),
        ] {
            assert_eq!(request(&line), expected);
        }
    }

    #[test]
    fn what_is_malformed_keeps_a_legible_id() {
        for (line, id) in [
            (r#"{"id":1}"#, json!(1)),
            (r#"{"id":1,"do":"dance"}"#, json!(1)),
            (r#"{"id":1,"do":5}"#, json!(1)),
            (r#"{"id":"a","do":"get"}"#, json!("a")),
            (r#"{"id":1,"do":"get","session":"{305D86C6}"}"#, json!(1)),
            (r#"{"id":1,"do":"get","session":7}"#, json!(1)),
            (r#"{"id":1,"do":"address","session":"{305D86C6-6896-4099-91F5-CB7BA7733563}"}"#, json!(1)),
            (r#"{"id":1,"do":"status","status":"OFFLINE"}"#, json!(1)),
            (r#"{"id":1,"do":"contact"}"#, json!(1)),
            (r#"{"id":1,"do":"contact","add":"a@b","block":"a@b"}"#, json!(1)),
            (r#"{"id":1,"do":"settings","show_declines":"yes"}"#, json!(1)),
            (r#"{"id":1,"do":"context","data":"\ud800"}"#, json!(1)),
            (r#"{"do":"context","data":"\udc00\ud800","id":2}"#, json!(2)),
            (r#"{"\ud800":1,"id":3,"do":"create"}"#, json!(3)),
            (r#"{"id":4,"do":"\ud800"}"#, json!(4)),
            (r#"{"id":5,"do":"create""#, json!(5)),
            (r#"{"id":5"#, json!(null)),
            (r#"{"id":"\ud800","do":"create"}"#, json!(null)),
            (r#"{"id":1.5,"do":"create"}"#, json!(null)),
            (r#"{"id":null,"do":"create"}"#, json!(null)),
            (r#"{"id":{},"do":"create"}"#, json!(null)),
            (r#"{"do":"create"}"#, json!(null)),
            ("", json!(null)),
            ("null", json!(null)),
            ("[1]", json!(null)),
            ("create", json!(null)),
            (r#"{"id":1,"do":"create"} {"id":2}"#, json!(1)),
        ] {
            assert_eq!(code(line), (id, Code::E_INVALIDARG), "{line}");
        }
    }

    #[test]
    fn rubbish_is_refused() {
        let deep = format!(r#"{{"id":1,"do":"create","x":{}"#, "[".repeat(60_000));
        assert_eq!(code(&deep), (json!(1), Code::E_INVALIDARG));
        let asked = read(b"{\"id\":8,\"do\":\"context\",\"data\":\"\xff\"}");
        assert_eq!((asked.id, asked.request.unwrap_err().code), (json!(8), Code::E_INVALIDARG));
        let long = format!(r#"{{"id":9,"do":"context","data":"{}"#, "a".repeat(64 * 1024));
        assert_eq!(read_too_long(long.as_bytes(), 1).id, json!(9));
        assert_eq!(read_too_long(br#"{"do":"create","id":12"#, 1).id, json!(null));
    }

    #[test]
    fn hr_out_of_range() {
        for hr in ["4294967296", "-2147483649", "1.5", "\"80004005\"", "\"0x1ffffffff\"", "true", "[]", "1e3"] {
            let line = format!(r#"{{"id":1,"do":"cancel","session":"{S}","hr":{hr}}}"#);
            assert_eq!(code(&line), (json!(1), Code::E_INVALIDARG), "{hr}");
        }
    }

    #[test]
    fn answers() {
        use crate::console::request::Body;
        let session = Guid::parse(S).unwrap();
        assert_eq!(
            answer(&json!(1), &Ok(Success::with(Body::Created { session }))),
            format!(r#"{{"re":1,"hresult":"0x00000000","result":"S_OK","session":"{S}"}}"#)
        );
        assert_eq!(answer(&json!("x"), &Ok(Success::DONE)), r#"{"re":"x","hresult":"0x00000000","result":"S_OK"}"#);
        let refusal = Refusal { code: Code::SR_CONTEXT_DATA_OVER_LIMIT, message: "Too \"long\".".to_owned() };
        assert_eq!(
            answer(&Value::Null, &Err(refusal)),
            r#"{"re":null,"hresult":"0x81000611","result":"SR_CONTEXT_DATA_OVER_LIMIT","message":"Too \"long\"."}"#
        );
    }
}
