//! ID/key pairs of Lock and Key: the same as `hither key`.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hither_wire::Guid;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::desk::{App, refused};
use super::extract::{Asked, From, Given, Named};
use super::page::{self, PageQuery};
use super::problem::{Body, Kind, Problem};
use super::shape::{GuidText, PairId};
use super::text;
use crate::audit::{Action, Caller};
use crate::keys::{AppId, Draft, Environment, KeyError, Keychain, NewPair, Rotate};
use crate::store;

/// An ID/key pair, without its keys.
#[derive(Debug, Serialize, ToSchema)]
pub struct Pair {
    /// What the application sends; no secret.
    #[schema(example = "APP-ABCDEFGHIJKLMNOP")]
    id: String,
    /// What people call it.
    name: String,
    environment: PairEnvironment,
    /// Whether MD5 counts too, for old callers.
    md5: bool,
    /// The applications that it unlocks; null is any.
    applications: Option<Vec<String>>,
    /// When it was issued.
    #[schema(format = DateTime)]
    created: String,
    /// When it was last used, to the hour; null if never.
    #[schema(format = DateTime)]
    last_used: Option<String>,
    /// Since when it is revoked; null if it is not.
    #[schema(format = DateTime)]
    revoked: Option<String>,
    /// The keys that count, the newest first: two while it is rotated, none once it is revoked.
    keys: Vec<PairKey>,
}

/// A key of a pair, without the key.
#[derive(Debug, Serialize, ToSchema)]
pub struct PairKey {
    /// Counts up.
    number: u32,
    /// When it was made.
    #[schema(format = DateTime)]
    created: String,
    /// From when it does not count; null is never.
    #[schema(format = DateTime)]
    expires: Option<String>,
}

/// A pair with its new key.
#[derive(Serialize, ToSchema)]
pub struct IssuedPair {
    pair: Pair,
    /// The key, which is shown here and never again.
    key: String,
}

/// A page of pairs, by id.
#[derive(Debug, Serialize, ToSchema)]
pub struct Pairs {
    pairs: Vec<Pair>,
    /// The cursor of the next page; null on the last.
    next: Option<String>,
}

/// Where a pair is good.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PairEnvironment {
    /// What people use.
    #[default]
    Production,
    /// Where applications are tried out.
    Test,
}

/// What is decided about a new pair.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PairDraft {
    /// What people call it, 1 to 128 UTF-16 units.
    #[schema(
        min_length = 1,
        max_length = 128,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    name: String,
    #[serde(default)]
    environment: PairEnvironment,
    /// Whether MD5 counts too, for old callers only.
    #[serde(default)]
    md5: bool,
    /// The GUIDs of the applications that it unlocks, 1 to 64; null is any.
    #[serde(default)]
    #[schema(value_type = Option<Vec<GuidText>>, min_items = 1, max_items = 64)]
    applications: Option<Vec<String>>,
}

/// How a pair gets another key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// How long the key before still counts, in seconds: at most 366 days; 0 ends it at once.
    #[serde(deserialize_with = "whole")]
    #[schema(maximum = 31_622_400)]
    overlap_seconds: u64,
    /// Make the newest key again, which nobody has got: it ends at once, the one before goes on.
    #[serde(default)]
    again: bool,
}

/// A whole number, which may be written as `60.0`: to JSON that is the same.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let number = serde_json::Number::deserialize(deserializer)?;
    let written = number.to_string();
    let digits = written.strip_suffix(".0").unwrap_or(&written);
    digits.parse().map_err(|_| D::Error::custom("a whole number from 0 on is expected"))
}

impl Pair {
    fn of(pair: &store::Pair) -> Pair {
        let key = |key: &store::PairKey| PairKey {
            number: key.number,
            created: text::time(key.created),
            expires: key.expires.map(text::time),
        };
        Pair {
            id: pair.id.to_string(),
            name: pair.name.clone(),
            environment: match pair.environment {
                Environment::Production => PairEnvironment::Production,
                Environment::Test => PairEnvironment::Test,
            },
            md5: pair.md5,
            applications: pair.apps.as_ref().map(|apps| apps.iter().map(ToString::to_string).collect()),
            created: text::time(pair.created),
            last_used: pair.last_used.map(text::time),
            revoked: pair.revoked.map(text::time),
            keys: pair.keys.iter().filter(|key| key.is_living(store::now())).map(key).collect(),
        }
    }
}

/// Lists the pairs
///
/// Those that were revoked, too: the last thousand of them, at least.
#[utoipa::path(get, path = "/v1/keys", tag = "keys", params(PageQuery), responses((status = 200, body = Pairs)))]
pub async fn list(State(app): State<App>, Asked(page): Asked<PageQuery>) -> Result<Json<Pairs>, Problem> {
    let limit = page::limit(page.limit)?;
    let after = page::after(page.cursor.as_deref(), |id| AppId::parse(id).ok_or(()))?;
    let of = move |store: &store::Store| store.pair_page(after.as_ref().map_or("", AppId::as_str), limit);
    let (pairs, more) = app.store(of).await?;
    let next = page::next(pairs.last().map(|pair| pair.id.to_string()), more);
    Ok(Json(Pairs { pairs: pairs.iter().map(Pair::of).collect(), next }))
}

/// One pair
#[utoipa::path(get, path = "/v1/keys/{id}", tag = "keys",
    params(("id" = PairId, Path, description = "The pair's id")), responses((status = 200, body = Pair)))]
pub async fn read(State(app): State<App>, Named(id): Named) -> Result<Json<Pair>, Problem> {
    Ok(Json(pair(&app, app_id(&id)?).await?))
}

/// Issues a pair
///
/// Its key is in the answer, and can never be read again.
#[utoipa::path(post, path = "/v1/keys", tag = "keys", request_body = PairDraft, responses(
    (status = 201, body = IssuedPair, headers(("Location" = String, description = "Where the pair is"))),
    (status = 409, description = "Lock and Key is off, or there are too many pairs", body = Body, content_type = "application/problem+json"),
))]
pub async fn issue(
    State(app): State<App>,
    From(from): From,
    Given(draft): Given<PairDraft>,
) -> Result<Response, Problem> {
    let PairDraft { name, environment, md5, applications } = draft;
    let environment = match environment {
        PairEnvironment::Production => Environment::Production,
        PairEnvironment::Test => Environment::Test,
    };
    let apps: Option<BTreeSet<Guid>> = applications.as_deref().map(guids).transpose()?;
    let draft = Draft::new(&NewPair { name, environment, md5, apps }).map_err(|error| wrong(&error))?;
    let issued = keep(&app, Action::KeyIssued, from, |_| Ok(draft)).await?;
    let place = HeaderValue::try_from(format!("/v1/keys/{}", issued.pair.id)).map_err(|_| Problem::failed())?;
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], Json(issued)).into_response())
}

/// Gives a pair another key
///
/// The key is in the answer, and can never be read again. The one before counts for the overlap.
#[utoipa::path(post, path = "/v1/keys/{id}/rotate", tag = "keys", request_body = Rotation,
    params(("id" = PairId, Path, description = "The pair's id")), responses(
    (status = 200, body = IssuedPair),
    (status = 409, description = "The pair is revoked, or is being rotated already, or Lock and Key is off", body = Body, content_type = "application/problem+json"),
))]
pub async fn rotate(
    State(app): State<App>,
    From(from): From,
    Named(id): Named,
    Given(rotation): Given<Rotation>,
) -> Result<Json<IssuedPair>, Problem> {
    let id = app_id(&id)?;
    let overlap = Duration::from_secs(rotation.overlap_seconds);
    let how = if rotation.again { Rotate::Again { overlap } } else { Rotate::Next { overlap } };
    let drafted = id.clone();
    let mut issued = keep(&app, Action::KeyRotated, from, move |keys| keys.draft_rotation(&drafted, how)).await?;
    issued.pair = pair(&app, id).await?;
    Ok(Json(issued))
}

/// Revokes a pair
///
/// For good. What it has unlocked is locked again. Revoking it once more changes nothing.
#[utoipa::path(post, path = "/v1/keys/{id}/revoke", tag = "keys",
    params(("id" = PairId, Path, description = "The pair's id")), responses((status = 200, body = Pair)))]
pub async fn revoke(State(app): State<App>, From(from): From, Named(id): Named) -> Result<Json<Pair>, Problem> {
    let id = app_id(&id)?;
    let (changing, revoked) = (app.clone(), id.clone());
    let revoking = async move {
        let of = revoked.clone();
        let outcome = changing.store(move |store| store.revoke_pair(of.as_str())).await?;
        if outcome == Some(store::Revoked::Now) {
            changing.audit(Action::KeyRevoked, &revoked, from);
        }
        Ok(())
    };
    app.whole(revoking).await?;
    Ok(Json(pair(&app, id).await?))
}

/// Makes a key and keeps it. If the answer is lost, so is the key: it is rotated then, with `again`.
async fn keep(
    app: &App,
    action: Action,
    from: Caller,
    draft: impl FnOnce(&Keychain) -> Result<Draft, KeyError> + Send + 'static,
) -> Result<IssuedPair, Problem> {
    let (data, lock) = app.lock();
    let off = "Lock and Key is off, and with it the key file: turn it on (lock.enabled), or use `hither key`.";
    let lock = lock.ok_or_else(|| Problem::new(Kind::LockOff, off))?;
    let (changing, asking) = (app.clone(), app.clone());
    let making = async move {
        let making = move || {
            let keys = Keychain::open(&data, &lock).map_err(|error| wrong(&error))?;
            let draft = draft(&keys).map_err(|error| wrong(&error))?;
            keys.keep(&draft).map_err(|error| wrong(&error))?;
            Ok(draft)
        };
        let draft = changing.blocking(making).await?;
        changing.audit(action, &draft.pair().id, from);
        Ok(IssuedPair { pair: Pair::of(draft.pair()), key: draft.key().expose().to_owned() })
    };
    asking.whole(making).await
}

async fn pair(app: &App, id: AppId) -> Result<Pair, Problem> {
    let found = app.store(move |store| store.pair(id.as_str())).await?;
    found.as_ref().map(Pair::of).ok_or_else(no_such_pair)
}

fn guids(texts: &[String]) -> Result<BTreeSet<Guid>, Problem> {
    let guids = texts.iter().enumerate().map(|(at, text)| {
        text::parse_guid(text).map_err(|error| Problem::invalid(format!("/applications/{at}"), error))
    });
    guids.collect()
}

fn app_id(text: &str) -> Result<AppId, Problem> {
    AppId::parse(text).ok_or_else(|| Problem::bad_parameter("id", "an id looks like APP-ABCDEFGHIJKLMNOP"))
}

fn no_such_pair() -> Problem {
    Problem::new(Kind::NotFound, "There is no such pair: GET /v1/keys lists those there are.")
}

/// What is against it.
fn wrong(error: &KeyError) -> Problem {
    let conflict = |detail: &str| Problem::new(Kind::KeyConflict, detail);
    match error {
        KeyError::Store(error) => refused(error),
        KeyError::NotFound(_) => no_such_pair(),
        KeyError::Name => Problem::invalid("/name", "A name has 1 to 128 UTF-16 units and no control characters."),
        KeyError::Apps => Problem::invalid("/applications", "A pair is bound to 1 to 64 applications, or to null."),
        KeyError::Overlap => Problem::invalid("/overlap_seconds", "Two keys overlap by at most 366 days."),
        KeyError::Revoked(_) => conflict("The pair is revoked, and stays so: issue another."),
        KeyError::Rotating(_) => conflict(
            "The pair is being rotated already, and its old key still counts: wait until `expires`, take `again` if \
             nobody has the new key, or an overlap of 0, which ends both keys at once.",
        ),
        KeyError::NotRotating(_) => conflict("The pair is not being rotated: it has no key to make again."),
        KeyError::TooMany => conflict("There are as many pairs as there may be: revoke some."),
        KeyError::File(_) | KeyError::StillSealed | KeyError::NoRandomness => {
            tracing::error!(error = error as &dyn std::error::Error, "the keys cannot be used for the operator");
            Problem::failed()
        }
    }
}
