//! The description of the API, made from the code.

use std::sync::LazyLock;

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::ObjectBuilder;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, HeaderBuilder, PathItem, Ref, RefOr, Response, ResponseBuilder, SecurityRequirement, Type,
};
use utoipa::{Modify, OpenApi};

use super::problem::{Body, FieldError, MEDIA_TYPE};
use super::shape::{FriendlyName, GuidText, PairId, SignInName};
use super::{contacts, keys, people, presence, sessions, status};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "hither: the operator's API",
        description = "People, contacts, keys, presence and live sessions of a hither service. Times are RFC 3339, in \
                       UTC. What is wrong is told as problem details (RFC 9457).",
    ),
    paths(
        status::read,
        people::list, people::create, people::read, people::change, people::remove, people::sign_out,
        contacts::read, contacts::put, contacts::patch,
        presence::list, presence::read,
        sessions::list, sessions::read, sessions::end,
        keys::list, keys::issue, keys::read, keys::rotate, keys::revoke,
        serve,
    ),
    components(schemas(Body, FieldError, SignInName, FriendlyName, GuidText, PairId)),
    tags(
        (name = "service", description = "The service itself"),
        (name = "people", description = "Accounts"),
        (name = "contacts", description = "Who knows whom"),
        (name = "presence", description = "Who is signed in"),
        (name = "sessions", description = "Sessions that go on; never what is said in them"),
        (name = "keys", description = "ID/key pairs of Lock and Key"),
    ),
    modifiers(&Everywhere),
)]
struct Api;

/// What holds for every operation.
struct Everywhere;

impl Modify for Everywhere {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let components = api.components.get_or_insert_default();
        let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("The operator's token")).build();
        components.security_schemes.insert("token".to_owned(), RefOr::T(SecurityScheme::Http(token)));
        let description =
            Some("A certificate of an authority of the operator's, if the service asks for one".to_owned());
        let certificate = SecurityScheme::MutualTls { description, deprecated: None, extensions: None };
        components.security_schemes.insert("certificate".to_owned(), RefOr::T(certificate));
        for (name, _, description, retry) in ANYWHERE.iter().chain(WITH_BODY).chain(WITH_NAME) {
            components.responses.insert((*name).to_owned(), RefOr::T(problem(description, *retry)));
        }
        let none: [&str; 0] = [];
        api.security =
            Some(vec![SecurityRequirement::new("token", none), SecurityRequirement::new("certificate", none)]);
        for (path, item) in &mut api.paths.paths {
            for operation in operations(item) {
                name(operation);
                add(operation, ANYWHERE);
                if operation.request_body.is_some() {
                    add(operation, WITH_BODY);
                }
                if path.contains('{') {
                    add(operation, WITH_NAME);
                }
            }
        }
    }
}

/// The name of a response, its status, what it means, and whether it says when to try again.
type Common = (&'static str, &'static str, &'static str, bool);

const ANYWHERE: &[Common] = &[
    ("BadRequest", "400", "The query, the path or the body is malformed", false),
    ("Unauthenticated", "401", "No right token was sent", false),
    ("WebPage", "403", "A web page has asked, through a browser", false),
    ("TooSlow", "408", "The request took too long", false),
    ("TooManyFailures", "429", "Too many requests from this address had no right token", true),
    ("Failed", "500", "The service failed", false),
    ("Unavailable", "503", "The service stops, or is too busy", true),
];
const WITH_BODY: &[Common] = &[
    ("TooLarge", "413", "The body is too long", false),
    ("MediaType", "415", "The body is not sent as JSON", false),
    ("Invalid", "422", "A part of the body is wrong: `errors` names it", false),
];
const WITH_NAME: &[Common] = &[("NotFound", "404", "There is none of this name", false)];

fn add(operation: &mut Operation, common: &[Common]) {
    for (name, status, _, _) in common {
        let reference = RefOr::Ref(Ref::from_response_name(*name));
        operation.responses.responses.entry((*status).to_owned()).or_insert(reference);
    }
}

/// Names are told apart by what they are about, and every answer is described.
fn name(operation: &mut Operation) {
    let about = operation.tags.iter().flatten().next().map(String::as_str).unwrap_or_default();
    operation.operation_id = operation.operation_id.take().map(|id| format!("{about}.{id}"));
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response
            && response.description.is_empty()
        {
            "Done".clone_into(&mut response.description);
        }
    }
}

fn problem(description: &str, retry: bool) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let response = ResponseBuilder::new().description(description).content(MEDIA_TYPE, content);
    if !retry {
        return response.build();
    }
    let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
    let header = HeaderBuilder::new().schema(Some(seconds)).description(Some("When to try again, in seconds"));
    response.header("Retry-After", header.build()).build()
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [get, put, post, delete, patch].into_iter().flatten()
}

/// The description, as `spec/operator-api.json` has it.
pub fn describe() -> String {
    // Nothing in it can fail to be JSON.
    let mut text = Api::openapi().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

static TEXT: LazyLock<String> = LazyLock::new(describe);

/// This description
#[utoipa::path(get, path = "/v1/openapi.json", tag = "service", operation_id = "openapi",
    responses((status = 200, description = "OpenAPI 3.1", body = Object)))]
pub async fn serve() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], TEXT.as_str())
}

#[cfg(test)]
mod tests {
    /// `cargo xtask generate` writes it.
    #[test]
    fn what_is_checked_in_is_what_the_code_says() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../spec/operator-api.json");
        let checked_in = std::fs::read_to_string(file).unwrap();
        assert!(checked_in == super::describe(), "out of date: run `cargo xtask generate`");
    }
}
