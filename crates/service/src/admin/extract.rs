//! Bodies and queries, read strictly: what is wrong is said with its place.

use axum::body::{Body, to_bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

use super::guard::Peer;
use super::problem::{Kind, Problem};
use crate::audit::Caller;

/// The longest body: a full list of contacts has room, however it is escaped.
const BODY_BYTES: usize = 1024 * 1024;

/// A body in JSON.
pub struct Given<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Given<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Given<T>, Problem> {
        let given = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media = given.split(';').next().unwrap_or_default().trim();
        if !["application/json", "application/merge-patch+json"].iter().any(|fits| media.eq_ignore_ascii_case(fits)) {
            let detail = "The body must be JSON: send it with `Content-Type: application/json`.";
            return Err(Problem::new(Kind::MediaType, detail));
        }
        let bytes = bytes(request.into_body()).await?;
        // A list would be read as the fields in their order.
        if bytes.trim_ascii_start().first() != Some(&b'{') {
            serde_json::from_slice::<IgnoredAny>(&bytes).map_err(|error| not_json(&error))?;
            return Err(Problem::invalid("", "The body must be an object."));
        }
        let mut json = serde_json::Deserializer::from_slice(&bytes);
        let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let pointer = pointer(error.path());
            let inner = error.into_inner();
            match inner.classify() {
                Category::Data => Problem::invalid(pointer, without_place(&inner)),
                Category::Io | Category::Syntax | Category::Eof => not_json(&inner),
            }
        })?;
        json.end().map_err(|error| not_json(&error))?;
        Ok(Given(value))
    }
}

async fn bytes(body: Body) -> Result<axum::body::Bytes, Problem> {
    let limited = to_bytes(body, BODY_BYTES).await;
    limited.map_err(|error| {
        let source = std::error::Error::source(&error);
        if source.is_some_and(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>) {
            let detail = format!("The body is longer than {} KiB: send it in parts.", BODY_BYTES / 1024);
            return Problem::new(Kind::TooLarge, detail);
        }
        Problem::new(Kind::Malformed, "The body broke off: send it again.")
    })
}

fn not_json(error: &serde_json::Error) -> Problem {
    Problem::new(Kind::Malformed, format!("The body is not JSON: {error}."))
}

/// What serde says, without the line and the column, which mean little to a program.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.as_str(), |(said, _)| said).to_owned()
}

/// A JSON pointer (RFC 6901).
fn pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        let part = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.replace('~', "~0").replace('/', "~1"),
            Segment::Enum { variant } => variant.clone(),
            Segment::Unknown => continue,
        };
        pointer.push('/');
        pointer.push_str(&part);
    }
    pointer
}

/// A query; what it does not know is refused.
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Asked<T>, Problem> {
        let query: Result<Query<T>, QueryRejection> = Query::try_from_uri(&parts.uri);
        query.map(|Query(value)| Asked(value)).map_err(|error| {
            let said = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
            Problem::new(Kind::BadParameter, format!("The query is not right: {said}."))
        })
    }
}

/// A part of the path.
pub struct Named(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Named, Problem> {
        let path = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        path.map(|axum::extract::Path(text)| Named(text))
            .map_err(|_| Problem::new(Kind::BadParameter, "The path is not UTF-8 once it is decoded."))
    }
}

/// Who asks, for the audit.
pub struct From(pub Caller);

impl<S: Sync> FromRequestParts<S> for From {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<From, Problem> {
        parts.extensions.get().map(|peer: &Peer| From(peer.caller)).ok_or_else(Problem::failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_name_the_place() {
        #[derive(Debug, serde::Deserialize)]
        #[expect(dead_code, reason = "only read into")]
        struct Deep {
            list: Vec<std::collections::BTreeMap<String, u8>>,
        }
        let json = &mut serde_json::Deserializer::from_str(r#"{"list":[{},{"a/b~":"x"}]}"#);
        let error = serde_path_to_error::deserialize::<_, Deep>(json).unwrap_err();
        assert_eq!(pointer(error.path()), "/list/1/a~1b~0");
        assert_eq!(without_place(error.inner()), "invalid type: string \"x\", expected u8");
    }
}
