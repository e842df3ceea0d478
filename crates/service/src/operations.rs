//! What operators and their tools ask, on a listener of its own: whether the service lives, whether it
//! takes clients, and its numbers. It knows nothing of people, and tells nothing of them.
//!
//! | path | answer |
//! | --- | --- |
//! | `/livez` | 200 while the process runs |
//! | `/readyz` | 200, or 503 while the store cannot be read, and once it stops and takes no clients any more |
//! | `/metrics` | the numbers, in the Prometheus text format |

use std::borrow::Cow;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Duration, sleep, timeout};

use crate::http::{self, Answer, HEADERS, PATIENCE};
use crate::metrics::Metrics;

/// Requests at a time; more are not answered. A probe and a scraper need two.
const REQUESTS: usize = 64;
/// After a failed accept the next try waits this long.
const BREATH: Duration = Duration::from_millis(50);

const METRICS_TYPE: &str = "Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n";

/// Answers until it is dropped. `draining` says that no clients are taken any more.
pub async fn run(listener: TcpListener, metrics: Arc<Metrics>, draining: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(REQUESTS));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(BREATH).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let (metrics, draining) = (Arc::clone(&metrics), draining.clone());
        tokio::spawn(async move {
            serve(stream, &metrics, &draining).await;
            drop(place);
        });
    }
}

async fn serve(mut stream: TcpStream, metrics: &Metrics, draining: &watch::Receiver<bool>) {
    let Ok(Some((head, _))) = timeout(PATIENCE, http::read_head(&mut stream)).await else { return };
    let answer = judge(&head, metrics, *draining.borrow());
    http::answer(stream, &answer).await;
}

fn judge(head: &[u8], metrics: &Metrics, draining: bool) -> Answer {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let plain = |status, text| Answer { status, header: "", text: Cow::Borrowed(text) };
    if !matches!(request.parse(head), Ok(httparse::Status::Complete(_))) {
        return plain("400 Bad Request", "This is not an HTTP request that can be understood.\n");
    }
    let path = request.path.unwrap_or_default();
    match (request.method, path.split_once('?').map_or(path, |(path, _)| path)) {
        (Some("GET"), "/readyz") if draining => plain("503 Service Unavailable", "stopping\n"),
        (Some("GET"), "/readyz") if metrics.store_failing.get() == 1 => {
            plain("503 Service Unavailable", "the store cannot be read\n")
        }
        (Some("GET"), "/readyz" | "/livez") => plain("200 OK", "ok\n"),
        (Some("GET"), "/metrics") => {
            Answer { status: "200 OK", header: METRICS_TYPE, text: Cow::Owned(metrics.text()) }
        }
        (Some("GET"), _) => plain("404 Not Found", "There are /livez, /readyz and /metrics here.\n"),
        _ => Answer {
            status: "405 Method Not Allowed",
            header: "Allow: GET\r\n",
            text: Cow::Borrowed("Everything here is asked for with GET.\n"),
        },
    }
}
