//! Who is signed in, with which status, and where.

use axum::Json;
use axum::extract::State;
use hither_proto::service::{self, Command, Told};
use hither_wire::{PersonName, Status};
use serde::Serialize;
use utoipa::ToSchema;

use super::desk::App;
use super::extract::{Asked, Named};
use super::page::{self, PageQuery};
use super::problem::Problem;
use super::shape::SignInName;
use super::text;
use crate::store::StoreError;

/// Somebody's presence.
#[derive(Debug, Serialize, ToSchema)]
pub struct Presence {
    /// Sign-in name.
    name: String,
    /// The name that others see.
    friendly_name: String,
    /// As the person has chosen it, of several devices the most available: `INVISIBLE` is not hidden here.
    #[schema(example = "ONLINE")]
    status: &'static str,
    /// The devices that are signed in; none of somebody who is `OFFLINE`.
    devices: Vec<Device>,
    /// How many sessions the person is in.
    sessions: usize,
}

/// A device that is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct Device {
    /// Its id.
    id: String,
    /// As it was chosen there.
    #[schema(example = "ONLINE")]
    status: &'static str,
    /// Whether it has a connection; one that has lost it is waited for, for the grace time.
    connected: bool,
}

/// A page of people who are signed in, by name.
#[derive(Debug, Serialize, ToSchema)]
pub struct PresencePage {
    people: Vec<Presence>,
    /// The cursor of the next page; null on the last.
    next: Option<String>,
}

impl Presence {
    fn of(presence: service::Presence) -> Presence {
        let service::Presence { name, friendly_name, status, devices, sessions } = presence;
        let device = |device: service::PresentDevice| Device {
            id: device.id.to_string(),
            status: device.status.name(),
            connected: device.connected,
        };
        Presence {
            name: name.to_string(),
            friendly_name: friendly_name.into(),
            status: status.name(),
            devices: devices.into_iter().map(device).collect(),
            sessions,
        }
    }
}

/// Lists who is signed in
#[utoipa::path(get, path = "/v1/presence", tag = "presence", params(PageQuery), responses((status = 200, body = PresencePage)))]
pub async fn list(State(app): State<App>, Asked(page): Asked<PageQuery>) -> Result<Json<PresencePage>, Problem> {
    let limit = page::limit(page.limit)?;
    let after = page::after(page.cursor.as_deref(), PersonName::parse)?;
    let Told::Present(page) = app.ask(Command::Present { after, limit }).await? else { return Err(Problem::failed()) };
    let next = page::next(page.items.last().map(|presence| presence.name.to_string()), page.more);
    Ok(Json(PresencePage { people: page.items.into_iter().map(Presence::of).collect(), next }))
}

/// A person's presence
#[utoipa::path(get, path = "/v1/people/{name}/presence", tag = "presence",
    params(("name" = SignInName, Path, description = "Sign-in name")), responses((status = 200, body = Presence)))]
pub async fn read(State(app): State<App>, Named(name): Named) -> Result<Json<Presence>, Problem> {
    let name = text::person(&name)?;
    let Told::Person(present) = app.ask(Command::Person(name.clone())).await? else { return Err(Problem::failed()) };
    if let Some(present) = present {
        return Ok(Json(Presence::of(*present)));
    }
    let person = app.store(move |store| store.account(&name)?.ok_or(StoreError::NotFound(name))).await?;
    Ok(Json(Presence {
        name: person.name.to_string(),
        friendly_name: person.friendly_name,
        status: Status::Offline.name(),
        devices: Vec::new(),
        sessions: 0,
    }))
}
