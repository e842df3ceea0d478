//! The service at a glance.

use axum::Json;
use axum::extract::State;
use hither_proto::service::{Command, Told};
use serde::Serialize;
use utoipa::ToSchema;

use super::desk::App;
use super::problem::Problem;
use super::text;

/// The service at a glance. More numbers are at `/metrics`, on the listener for operators' tools.
#[derive(Debug, Serialize, ToSchema)]
pub struct ServiceStatus {
    /// Which version runs.
    #[schema(example = "0.1.0")]
    version: &'static str,
    /// Since when.
    #[schema(format = DateTime)]
    started: String,
    /// How many people have an account.
    accounts: u64,
    /// How many are signed in, waited for, or in a session.
    people: usize,
    /// Sessions that go on.
    sessions: usize,
    /// Connections of clients.
    connections: usize,
    /// Whether Lock and Key is on.
    lock: bool,
}

/// The service at a glance
#[utoipa::path(get, path = "/v1/status", tag = "service", responses((status = 200, body = ServiceStatus)))]
pub async fn read(State(app): State<App>) -> Result<Json<ServiceStatus>, Problem> {
    let Told::Load { people, sessions, connections } = app.ask(Command::Load).await? else {
        return Err(Problem::failed());
    };
    let accounts = app.store(crate::store::Store::account_count).await?;
    let (version, started, lock) = (env!("CARGO_PKG_VERSION"), text::time(app.started()), app.lock().1.is_some());
    Ok(Json(ServiceStatus { version, started, accounts, people, sessions, connections, lock }))
}
