//! What is wrong, as problem details (RFC 9457).

use axum::Json;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hither_wire::Code;
use serde::Serialize;
use utoipa::ToSchema;

/// What went wrong: each has a `type` that stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Unauthenticated,
    TooManyFailures,
    WebPage,
    NoSuchPath,
    MethodNotAllowed,
    NotFound,
    Malformed,
    BadParameter,
    Invalid,
    PersonExists,
    OfIssuer,
    KeyConflict,
    LockOff,
    TooSlow,
    TooLarge,
    MediaType,
    Busy,
    Draining,
    Failed,
}

impl Kind {
    /// The end of its `type`, its title and its status.
    fn facts(self) -> (&'static str, &'static str, StatusCode) {
        match self {
            Kind::Unauthenticated => ("unauthenticated", "Not authenticated", StatusCode::UNAUTHORIZED),
            Kind::TooManyFailures => ("too-many-failures", "Too many failures", StatusCode::TOO_MANY_REQUESTS),
            Kind::WebPage => ("web-page", "Asked by a web page", StatusCode::FORBIDDEN),
            Kind::NoSuchPath => ("no-such-path", "No such path", StatusCode::NOT_FOUND),
            Kind::MethodNotAllowed => ("method-not-allowed", "Method not allowed", StatusCode::METHOD_NOT_ALLOWED),
            Kind::NotFound => ("not-found", "Not found", StatusCode::NOT_FOUND),
            Kind::Malformed => ("malformed", "Malformed request", StatusCode::BAD_REQUEST),
            Kind::BadParameter => ("bad-parameter", "Bad parameter", StatusCode::BAD_REQUEST),
            Kind::Invalid => ("invalid", "Invalid body", StatusCode::UNPROCESSABLE_ENTITY),
            Kind::PersonExists => ("person-exists", "The person exists", StatusCode::CONFLICT),
            Kind::OfIssuer => ("of-issuer", "Signs in elsewhere", StatusCode::CONFLICT),
            Kind::KeyConflict => ("key-conflict", "Not with this pair", StatusCode::CONFLICT),
            Kind::LockOff => ("lock-off", "Lock and Key is off", StatusCode::CONFLICT),
            Kind::TooSlow => ("too-slow", "Too slow", StatusCode::REQUEST_TIMEOUT),
            Kind::TooLarge => ("too-large", "Too large", StatusCode::PAYLOAD_TOO_LARGE),
            Kind::MediaType => ("media-type", "Unsupported media type", StatusCode::UNSUPPORTED_MEDIA_TYPE),
            Kind::Busy => ("busy", "Busy", StatusCode::SERVICE_UNAVAILABLE),
            Kind::Draining => ("draining", "The service stops", StatusCode::SERVICE_UNAVAILABLE),
            Kind::Failed => ("failed", "The service failed", StatusCode::INTERNAL_SERVER_ERROR),
        }
    }
}

/// A request that is refused, or has failed.
#[derive(Clone, Debug)]
pub struct Problem {
    kind: Kind,
    detail: String,
    code: Option<Code>,
    errors: Vec<FieldError>,
    retry_after_s: Option<u64>,
    challenge: Option<&'static str>,
}

/// Problem details (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct Body {
    /// What went wrong, by a name that stays.
    #[serde(rename = "type")]
    #[schema(example = "urn:hither:problem:not-found")]
    kind: String,
    /// The same for a person, in a word or two.
    title: &'static str,
    /// The status, as the answer has it.
    status: u16,
    /// What happened here, and what to do.
    detail: String,
    /// The number of the reference's code, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = Int64)]
    code: Option<u32>,
    /// The name of the reference's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'static str>,
    /// Which parts of the body are wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

/// A part of the body that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Where it is: a JSON pointer (RFC 6901), `""` for the whole.
    pub pointer: String,
    /// What is wrong with it.
    pub detail: String,
}

/// The media type of problem details.
pub const MEDIA_TYPE: &str = "application/problem+json";

impl Problem {
    pub fn new(kind: Kind, detail: impl Into<String>) -> Problem {
        let detail = detail.into();
        Problem { kind, detail, code: None, errors: Vec::new(), retry_after_s: None, challenge: None }
    }

    /// A part of the body that is wrong.
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Problem {
        let error = FieldError { pointer: pointer.into(), detail: detail.into() };
        let problem = Problem::new(Kind::Invalid, "A part of the body is not as it should be: see `errors`.");
        Problem { errors: vec![error], ..problem }
    }

    pub fn bad_parameter(name: &str, detail: impl std::fmt::Display) -> Problem {
        Problem::new(Kind::BadParameter, format!("`{name}`: {detail}."))
    }

    pub fn failed() -> Problem {
        let detail = "It failed inside the service, which has written why into its log.";
        Problem::with_code(Problem::new(Kind::Failed, detail), Code::E_FAIL)
    }

    pub fn draining() -> Problem {
        let detail = "The service is stopping: ask again when it has been started.";
        let problem = Problem::new(Kind::Draining, detail);
        problem.with_code(Code::MSGR_E_SERVER_SHUTDOWN).retry_after(10)
    }

    pub fn busy() -> Problem {
        let problem = Problem::new(Kind::Busy, "Too many requests are being answered: ask again in a moment.");
        problem.with_code(Code::MSGR_E_SERVER_TOO_BUSY).retry_after(1)
    }

    pub fn with_code(self, code: Code) -> Problem {
        Problem { code: Some(code), ..self }
    }

    /// When to try again, in seconds.
    pub fn retry_after(self, seconds: u64) -> Problem {
        Problem { retry_after_s: Some(seconds), ..self }
    }

    /// How to authenticate.
    pub fn challenge(self, challenge: &'static str) -> Problem {
        Problem { challenge: Some(challenge), ..self }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Problem { kind, detail, code, errors, retry_after_s, challenge } = self;
        let (slug, title, status) = kind.facts();
        let body = Body {
            kind: format!("urn:hither:problem:{slug}"),
            title,
            status: status.as_u16(),
            detail,
            code: code.map(|code| code.0),
            name: code.and_then(Code::name),
            errors,
        };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(seconds) = retry_after_s {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if let Some(challenge) = challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

pub async fn no_such_path() -> Problem {
    Problem::new(Kind::NoSuchPath, "There is nothing here: GET /v1/openapi.json says what there is.")
}

/// The router adds `Allow`.
pub async fn no_such_method(method: Method) -> Problem {
    let detail = format!("{method} does nothing here: see `Allow` for what does.");
    Problem::new(Kind::MethodNotAllowed, detail)
}
