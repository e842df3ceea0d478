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

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::{Request as HttpRequest, StatusCode};
    use futures_util::stream::pending;
    use hyper::service::Service as _;
    use hyper_util::service::TowerToHyperService;
    use tokio::sync::mpsc;

    use super::super::desk::tests::app;
    use super::super::guard::tests::peer;
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_not_waited_for_for_ever() {
        let data = tempfile::tempdir().unwrap();
        let service = TowerToHyperService::new(super::super::router(app(data.path(), mpsc::channel(1).0)));
        let body = Body::from_stream(pending::<Result<&'static [u8], std::io::Error>>());
        let request = HttpRequest::post("/v1/people").header("Content-Type", "application/json");
        let request = request.extension(peer()).body(body).unwrap();
        let before = tokio::time::Instant::now();
        let response = service.call(request).await.unwrap();
        assert_eq!((response.status(), before.elapsed().as_secs()), (StatusCode::REQUEST_TIMEOUT, TIME.as_secs()));
    }

    #[tokio::test]
    async fn a_service_that_is_gone_says_so() {
        let data = tempfile::tempdir().unwrap();
        let service = TowerToHyperService::new(super::super::router(app(data.path(), mpsc::channel(1).0)));
        let request = HttpRequest::get("/v1/sessions").extension(peer());
        let response = service.call(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
