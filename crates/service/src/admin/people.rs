//! People: those who have an account.

use std::fmt::Write as _;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hither_proto::service::{Command, Told};
use hither_wire::PersonName;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::desk::App;
use super::extract::{Asked, From, Given, Named};
use super::page::{self, PageQuery};
use super::problem::Problem;
use super::shape::{FriendlyName, SignInName};
use super::text;
use crate::audit::{Action, Caller};
use crate::password;
use crate::store::{self, PersonChange, StoreError};

/// Somebody who has an account.
#[derive(Debug, Serialize, ToSchema)]
pub struct Person {
    /// Sign-in name, in lower case.
    #[schema(example = "alice@example.org")]
    name: String,
    /// The name that others see.
    friendly_name: String,
    /// When the account was made.
    #[schema(format = DateTime)]
    created: String,
    /// Whether the person is kept from signing in.
    disabled: bool,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    disabled_since: Option<String>,
    /// Whether there is a password to sign in with.
    has_password: bool,
    /// The issuer whose tokens the person signs in with; null for an account of the service's own.
    issuer: Option<String>,
}

/// A page of people, by name.
#[derive(Debug, Serialize, ToSchema)]
pub struct People {
    people: Vec<Person>,
    /// The cursor of the next page; null on the last.
    next: Option<String>,
}

/// Somebody new.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPerson {
    /// Sign-in name, `name@domain`.
    #[schema(value_type = SignInName)]
    name: PersonName,
    /// The name that others see, at most 128 UTF-16 units.
    #[serde(default)]
    #[schema(value_type = FriendlyName)]
    friendly_name: String,
    /// The password, 8 to 512 bytes; without one the person cannot sign in with a password.
    #[serde(default)]
    #[schema(min_length = 8, max_length = 512)]
    password: Option<String>,
}

/// What changes of a person. What is not named stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::option_option, reason = "a merge patch tells null from nothing")]
pub struct PersonPatch {
    /// The name that others see, at most 128 UTF-16 units.
    #[serde(default, deserialize_with = "named")]
    #[schema(value_type = FriendlyName, required = false)]
    friendly_name: Option<String>,
    /// Another password, 8 to 512 bytes, or null for none. The person is signed out everywhere. Not for people
    /// of an issuer.
    #[serde(default, deserialize_with = "named")]
    #[schema(value_type = Option<String>, min_length = 8, max_length = 512, required = false)]
    password: Option<Option<String>>,
    /// Whether the person is kept from signing in. One who is, is signed out everywhere, and their
    /// sessions end, at once.
    #[serde(default, deserialize_with = "named")]
    #[schema(value_type = bool, required = false)]
    disabled: Option<bool>,
}

/// Who was signed out.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignedOut {
    /// How many devices were signed in.
    devices: usize,
}

/// What is named is a value, null too.
fn named<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl Person {
    fn of(person: store::Person) -> Person {
        let store::Person { name, friendly_name, created, disabled, has_password, issuer } = person;
        Person {
            name: name.to_string(),
            friendly_name,
            created: text::time(created),
            disabled: disabled.is_some(),
            disabled_since: disabled.map(text::time),
            has_password,
            issuer,
        }
    }
}

/// Lists people
#[utoipa::path(get, path = "/v1/people", tag = "people", params(PageQuery), responses((status = 200, body = People)))]
pub async fn list(State(app): State<App>, Asked(page): Asked<PageQuery>) -> Result<Json<People>, Problem> {
    let limit = page::limit(page.limit)?;
    let after = page::after(page.cursor.as_deref(), PersonName::parse)?;
    let (people, more) = app.store(move |store| store.account_page(after.as_ref(), limit)).await?;
    let next = page::next(people.last().map(|person| person.name.to_string()), more);
    Ok(Json(People { people: people.into_iter().map(Person::of).collect(), next }))
}

/// Adds somebody
///
/// Refused with 409 if the name is taken: then nothing has changed.
#[utoipa::path(post, path = "/v1/people", tag = "people", request_body = NewPerson, responses(
    (status = 201, body = Person, headers(("Location" = String, description = "Where the person is"))),
    (status = 409, description = "There is somebody of this name", body = super::problem::Body, content_type = "application/problem+json"),
))]
pub async fn create(
    State(app): State<App>,
    From(from): From,
    Given(new): Given<NewPerson>,
) -> Result<Response, Problem> {
    let NewPerson { name, friendly_name, password } = new;
    text::friendly_name(&friendly_name)?;
    // Hashing is dear: what is refused anyhow is refused before.
    let known = name.clone();
    if app.store(move |store| store.account(&known)).await?.is_some() {
        return Err(super::desk::refused(&StoreError::Exists(name)));
    }
    let hash = new_hash(&app, &name, password).await?;
    let changing = app.clone();
    let person = app.whole(async move {
        let added = name.clone();
        let add = move |store: &store::Store| store.add_person(&added, &friendly_name, hash.as_deref());
        let person = changing.store(add).await?;
        changing.audit(Action::AccountAdded, &name, from);
        Ok(person)
    });
    let person = Person::of(person.await?);
    let place =
        HeaderValue::try_from(format!("/v1/people/{}", encoded(&person.name))).map_err(|_| Problem::failed())?;
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], Json(person)).into_response())
}

/// One person
#[utoipa::path(get, path = "/v1/people/{name}", tag = "people",
    params(("name" = SignInName, Path, description = "Sign-in name")), responses((status = 200, body = Person)))]
pub async fn read(State(app): State<App>, Named(name): Named) -> Result<Json<Person>, Problem> {
    let name = text::person(&name)?;
    let person = app.store(move |store| store.account(&name)?.ok_or(StoreError::NotFound(name))).await?;
    Ok(Json(Person::of(person)))
}

/// Changes somebody
///
/// A JSON merge patch (RFC 7396): all of it is changed, or nothing. It counts at once for whoever is signed in.
#[utoipa::path(patch, path = "/v1/people/{name}", tag = "people",
    params(("name" = SignInName, Path, description = "Sign-in name")), request_body = PersonPatch, responses(
    (status = 200, body = Person),
    (status = 409, description = "The person signs in with an issuer's tokens, and can have no password", body = super::problem::Body, content_type = "application/problem+json"),
))]
pub async fn change(
    State(app): State<App>,
    From(from): From,
    Named(name): Named,
    Given(patch): Given<PersonPatch>,
) -> Result<Json<Person>, Problem> {
    let name = text::person(&name)?;
    let PersonPatch { friendly_name, password, disabled } = patch;
    friendly_name.as_deref().map_or(Ok(()), text::friendly_name)?;
    let known = name.clone();
    app.store(move |store| store.account(&known)?.ok_or(StoreError::NotFound(known))).await?;
    let password_hash = match password {
        None => None,
        Some(password) => Some(new_hash(&app, &name, password).await?.unwrap_or_default()),
    };
    let change = PersonChange { friendly_name, password_hash, disabled };
    let changing = app.clone();
    let person = app.whole(async move { apply(&changing, from, name, change).await });
    Ok(Json(Person::of(person.await?)))
}

/// First what is kept, then what is live.
async fn apply(app: &App, from: Caller, name: PersonName, change: PersonChange) -> Result<store::Person, Problem> {
    let other_password = change.password_hash.is_some();
    let is_disabled = change.disabled == Some(true);
    let is_named = change.friendly_name.is_some();
    let changing = name.clone();
    let changed = app.store(move |store| store.change_account(&changing, &change)).await?;
    let done = [
        (changed.disabled, Action::AccountDisabled),
        (changed.enabled, Action::AccountEnabled),
        (other_password, Action::PasswordChanged),
        (changed.renamed, Action::Renamed),
    ];
    done.iter().filter(|(done, _)| *done).for_each(|(_, action)| app.audit(*action, &name, from));
    if is_disabled {
        app.ask(Command::Expel(name.clone())).await?;
    } else if other_password {
        app.ask(Command::SignOut(name.clone())).await?;
    }
    // A name that stays as it is, too: it may be live under another since the last time failed half way.
    if is_named {
        app.ask(Command::Refresh { name, renamed: true }).await?;
    }
    Ok(changed.person)
}

/// Removes somebody
///
/// With contacts, tokens and sessions, and out of everybody's lists.
#[utoipa::path(delete, path = "/v1/people/{name}", tag = "people",
    params(("name" = SignInName, Path, description = "Sign-in name")), responses((status = 204, description = "There is nobody of this name any more")))]
pub async fn remove(State(app): State<App>, From(from): From, Named(name): Named) -> Result<StatusCode, Problem> {
    let name = text::person(&name)?;
    let changing = app.clone();
    let removal = async move {
        let removed = name.clone();
        changing.store(move |store| store.remove_account(&removed)).await?;
        changing.audit(Action::AccountRemoved, &name, from);
        changing.ask(Command::Remove(name)).await?;
        Ok(())
    };
    app.whole(removal).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Signs somebody out everywhere
///
/// Every token stops working and every connection is closed. Whoever knows the password can sign in again.
#[utoipa::path(post, path = "/v1/people/{name}/sign-out", tag = "people",
    params(("name" = SignInName, Path, description = "Sign-in name")), responses((status = 200, body = SignedOut)))]
pub async fn sign_out(
    State(app): State<App>,
    From(from): From,
    Named(name): Named,
) -> Result<Json<SignedOut>, Problem> {
    let name = text::person(&name)?;
    let changing = app.clone();
    let signing_out = async move {
        let owner = name.clone();
        changing.store(move |store| store.revoke_tokens(&owner)).await?;
        changing.audit(Action::SignedOutEverywhere, &name, from);
        changing.ask(Command::SignOut(name)).await
    };
    let Told::Done { devices, .. } = app.whole(signing_out).await? else { return Err(Problem::failed()) };
    Ok(Json(SignedOut { devices }))
}

/// The hash of a new password, if there is one; it must be one that people may choose.
async fn new_hash(app: &App, name: &PersonName, password: Option<String>) -> Result<Option<String>, Problem> {
    let Some(password) = password else { return Ok(None) };
    password::check_new(&password, name).map_err(|why| Problem::invalid("/password", why))?;
    app.hash(password).await.map(Some)
}

/// A name as a part of a path (RFC 3986).
fn encoded(name: &str) -> String {
    let mut path = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~@+".contains(&byte) {
            path.push(byte.into());
        } else {
            // Writing into a string does not fail.
            let _ = write!(path, "%{byte:02X}");
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use hither_wire::Code;
    use tokio::sync::mpsc;

    use super::super::desk::tests::app;
    use super::super::guard::tests::peer;
    use super::*;
    use crate::driver::Note;

    /// The store has the new name; that the machine could not read it is mended by asking again.
    #[tokio::test]
    async fn a_name_that_did_not_come_to_count_counts_when_it_is_given_again() {
        let data = tempfile::tempdir().unwrap();
        let (inbox, mut notes) = mpsc::channel(1);
        let app = app(data.path(), inbox);
        let name = PersonName::parse("a@x").unwrap();
        let added = name.clone();
        app.store(move |store| store.add_person(&added, "A", None)).await.unwrap();
        let machine = tokio::spawn(async move {
            for answer in [Told::Failed(Code::MSGR_E_SERVER_TOO_BUSY), Told::Done { devices: 0, sessions: 0 }] {
                let Some(Note::Operator(Command::Refresh { renamed: true, .. }, told)) = notes.recv().await else {
                    panic!("the name is to be read anew");
                };
                told.send(answer).unwrap();
            }
        });
        let rename = || {
            let change = PersonChange { friendly_name: Some("B".to_owned()), ..PersonChange::default() };
            apply(&app, peer().caller, name.clone(), change)
        };
        assert!(rename().await.is_err());
        assert_eq!(rename().await.unwrap().friendly_name, "B");
        drop(app);
        machine.await.unwrap();
    }
}
