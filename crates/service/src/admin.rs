//! The operator's HTTP API: people, their contacts, keys, who is there and which sessions go on. On a
//! listener of its own, off by default; described by `spec/operator-api.json`, which is made from here.
//!
//! | file | what is there |
//! | --- | --- |
//! | `door`, `places` | the listener: connections, TLS, their limits |
//! | `guard`, `token`, `authorities` | who may come in |
//! | `limits`, `extract`, `problem` | requests that are too many, too long or not right |
//! | `desk` | the way to the store and to the service machine |
//! | `people`, `contacts`, `keys`, `sessions`, `presence`, `status` | what can be asked |
//! | `openapi` | the description of all that |
//!
//! What is durable is written first; then the machine is told, so that it counts at once. Whoever hangs
//! up in between leaves nothing half done: a change that has begun is carried through.

mod authorities;
mod contacts;
mod desk;
mod door;
mod extract;
mod guard;
mod keys;
mod limits;
mod openapi;
mod page;
mod people;
mod places;
mod presence;
mod problem;
mod sessions;
mod shape;
mod status;
mod text;
mod token;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};

pub use authorities::AuthoritiesError;
use desk::App;
pub use desk::Parts;
pub use door::{AdminDoor, AdminError, AdminLocks, run};
pub use openapi::describe;
pub use token::TokenError;

/// Every path. Whoever has no part in it is turned away before a path is looked at.
fn router(app: App) -> Router {
    let v1 = Router::new()
        .route("/status", get(status::read))
        .route("/people", get(people::list).post(people::create))
        .route("/people/{name}", get(people::read).patch(people::change).delete(people::remove))
        .route("/people/{name}/sign-out", post(people::sign_out))
        .route("/people/{name}/contacts", get(contacts::read).put(contacts::put).patch(contacts::patch))
        .route("/people/{name}/presence", get(presence::read))
        .route("/presence", get(presence::list))
        .route("/sessions", get(sessions::list))
        .route("/sessions/{id}", get(sessions::read).delete(sessions::end))
        .route("/keys", get(keys::list).post(keys::issue))
        .route("/keys/{id}", get(keys::read))
        .route("/keys/{id}/rotate", post(keys::rotate))
        .route("/keys/{id}/revoke", post(keys::revoke))
        .route("/openapi.json", get(openapi::serve));
    Router::new()
        .nest("/v1", v1)
        .fallback(problem::no_such_path)
        .method_not_allowed_fallback(problem::no_such_method)
        .layer(from_fn_with_state(app.clone(), limits::keep))
        .layer(from_fn_with_state(app.clone(), guard::admit))
        .layer(from_fn(limits::mark))
        .with_state(app)
}
