//! What one request may take, and what every answer has.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::timeout;

use super::desk::App;
use super::problem::{Kind, Problem};

/// A request with its body, and its answer.
const TIME: Duration = Duration::from_secs(30);

/// Turns away what comes at the wrong time, or too slowly. A change that has begun goes on.
pub async fn keep(State(app): State<App>, request: Request, next: Next) -> Result<Response, Problem> {
    if app.is_draining() {
        return Err(Problem::draining());
    }
    let Some(_place) = app.enter() else { return Err(Problem::busy()) };
    let slow = || Problem::new(Kind::TooSlow, "The request, or its answer, took longer than 30 seconds: ask again.");
    timeout(TIME, next.run(request)).await.map_err(|_| slow())
}

/// Answers have to do with people: nobody keeps them, and no browser makes anything else of them.
pub async fn mark(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
