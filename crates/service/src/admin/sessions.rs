//! Sessions that go on. What is said in them is not known here.

#![expect(unused_qualifications, reason = "utoipa's macro writes one for parameters that stand in this file")]

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use hither_proto::service::{Command, Filter, Line, Told};
use hither_wire::{Guid, State as SessionState};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::desk::App;
use super::extract::{Asked, From, Named};
use super::page;
use super::problem::{Kind, Problem};
use super::shape::{GuidText, SignInName};
use super::text;
use crate::audit::Action;

/// A session.
#[derive(Debug, Serialize, ToSchema)]
pub struct Session {
    /// Its id.
    #[schema(example = "{305D86C6-6896-4099-91F5-CB7BA7733563}")]
    id: String,
    state: LiveState,
    /// Who invited.
    inviter: String,
    /// Who was invited.
    invitee: String,
    application: Application,
    /// When it began to ring.
    #[schema(format = DateTime)]
    since: String,
}

/// The state of a session as its inviter sees it: a decline that is hidden from the inviter is hidden here too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LiveState {
    /// It rings.
    Invitation,
    /// Accepted; not both applications are there yet.
    Accepted,
    /// Both applications are there.
    Connected,
}

/// The application of a session.
#[derive(Debug, Serialize, ToSchema)]
pub struct Application {
    /// Its GUID.
    guid: String,
    /// Its name, "" if it has none.
    name: String,
}

/// A page of sessions, by id.
#[derive(Debug, Serialize, ToSchema)]
pub struct Sessions {
    sessions: Vec<Session>,
    /// The cursor of the next page; null on the last.
    next: Option<String>,
}

/// Which sessions are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct SessionQuery {
    /// How many, at most.
    #[serde(default)]
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u16>,
    /// `next` of the page before; nothing is the first page.
    #[serde(default)]
    #[param(max_length = 700)]
    cursor: Option<String>,
    /// Only those of this person, as inviter or invitee.
    #[serde(default)]
    #[param(value_type = Option<SignInName>)]
    person: Option<String>,
    /// Only those in this state.
    #[serde(default)]
    #[param(inline)]
    state: Option<LiveState>,
    /// Only those of the application with this GUID.
    #[serde(default)]
    #[param(value_type = Option<GuidText>)]
    application: Option<String>,
}

impl LiveState {
    fn of(state: SessionState) -> Option<LiveState> {
        match state {
            SessionState::Invitation => Some(LiveState::Invitation),
            SessionState::Accepted => Some(LiveState::Accepted),
            SessionState::Connected => Some(LiveState::Connected),
            SessionState::Unknown
            | SessionState::Ready
            | SessionState::Cancelled
            | SessionState::Declined
            | SessionState::Terminated => None,
        }
    }

    fn state(self) -> SessionState {
        match self {
            LiveState::Invitation => SessionState::Invitation,
            LiveState::Accepted => SessionState::Accepted,
            LiveState::Connected => SessionState::Connected,
        }
    }
}

impl Session {
    /// `None` for one that is over: the service does not keep those.
    fn of(app: &App, line: Line) -> Option<Session> {
        let Line { id, state, inviter, invitee, app: application, began } = line;
        Some(Session {
            id: id.to_string(),
            state: LiveState::of(state)?,
            inviter: inviter.to_string(),
            invitee: invitee.to_string(),
            application: Application { guid: application.guid.to_string(), name: application.name.to_string() },
            since: text::time(app.when(began)),
        })
    }
}

/// Lists sessions
#[utoipa::path(get, path = "/v1/sessions", tag = "sessions", params(SessionQuery), responses((status = 200, body = Sessions)))]
pub async fn list(State(app): State<App>, Asked(query): Asked<SessionQuery>) -> Result<Json<Sessions>, Problem> {
    let SessionQuery { limit, cursor, person, state, application } = query;
    let filter = Filter {
        person: person.map(|name| text::person_in("person", &name)).transpose()?,
        state: state.map(LiveState::state),
        app: application.map(|guid| text::guid("application", &guid)).transpose()?,
    };
    let (limit, after) = (page::limit(limit)?, page::after(cursor.as_deref(), Guid::parse)?);
    let Told::Sessions(page) = app.ask(Command::Sessions { after, limit, filter }).await? else {
        return Err(Problem::failed());
    };
    let next = page::next(page.items.last().map(|line| line.id.to_string()), page.more);
    Ok(Json(Sessions { sessions: page.items.into_iter().filter_map(|line| Session::of(&app, line)).collect(), next }))
}

/// One session
#[utoipa::path(get, path = "/v1/sessions/{id}", tag = "sessions",
    params(("id" = GuidText, Path, description = "The session's id")),
    responses((status = 200, body = Session)))]
pub async fn read(State(app): State<App>, Named(id): Named) -> Result<Json<Session>, Problem> {
    let id = text::guid("id", &id)?;
    let Told::Session(line) = app.ask(Command::Session(id)).await? else { return Err(Problem::failed()) };
    line.and_then(|line| Session::of(&app, *line)).map(Json).ok_or_else(over)
}

/// Ends a session
///
/// Both sides are told at once: the session is `TERMINATED`, with the code `MSGR_E_POLICY_RESTRICTED`.
#[utoipa::path(delete, path = "/v1/sessions/{id}", tag = "sessions",
    params(("id" = GuidText, Path, description = "The session's id")),
    responses((status = 204, description = "The session is over")))]
pub async fn end(State(app): State<App>, From(from): From, Named(id): Named) -> Result<StatusCode, Problem> {
    let id = text::guid("id", &id)?;
    let ending = app.clone();
    let end = async move {
        let Told::Session(ended) = ending.ask(Command::End(id)).await? else { return Err(Problem::failed()) };
        ended.ok_or_else(over)?;
        ending.audit(Action::SessionEnded, &id, from);
        Ok(())
    };
    app.whole(end).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn over() -> Problem {
    Problem::new(Kind::NotFound, "There is no such session, or it is over: GET /v1/sessions lists those that go on.")
}
