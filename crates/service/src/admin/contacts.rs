//! Contacts of a person, many at a time.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use hither_proto::service::Command;
use hither_wire::{Code, PersonName, limits};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::desk::App;
use super::extract::{From, Given, Named};
use super::problem::Problem;
use super::shape::SignInName;
use super::text;
use crate::audit::Action;
use crate::store::{ContactOutcome, Store, StoreError};

/// Somebody in one of a person's two lists.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the list that it stands in is called so")]
pub struct Contact {
    /// Sign-in name.
    name: String,
    /// The name that others see.
    friendly_name: String,
    /// Whether they are a contact. Two people see each other's presence if each is a contact of the other.
    contact: bool,
    /// Whether the person has blocked them. Blocks are the person's own: they are shown here, not changed.
    blocked: bool,
}

/// A person's contacts, and whom they have blocked: at most 600 of each.
#[derive(Debug, Serialize, ToSchema)]
pub struct Contacts {
    contacts: Vec<Contact>,
}

/// The contacts that a person is to have, and no others.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContactsPut {
    /// Sign-in names, at most 600.
    #[schema(value_type = Vec<SignInName>, max_items = 600)]
    contacts: Vec<PersonName>,
}

/// Contacts to put in and to take out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContactsPatch {
    /// Sign-in names to put in, at most 600.
    #[serde(default)]
    #[schema(value_type = Vec<SignInName>, max_items = 600)]
    add: Vec<PersonName>,
    /// Sign-in names to take out, at most 600; whoever stands in `add` too stays.
    #[serde(default)]
    #[schema(value_type = Vec<SignInName>, max_items = 600)]
    remove: Vec<PersonName>,
}

/// What came of each.
#[derive(Debug, Serialize, ToSchema)]
pub struct ContactResults {
    /// One for each name that was given, and with PUT for each that was taken out; by name.
    results: Vec<ContactResult>,
}

/// What came of one.
#[derive(Debug, Serialize, ToSchema)]
pub struct ContactResult {
    /// Sign-in name.
    name: String,
    outcome: Outcome,
    /// The number of the reference's code, of what was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = Int64)]
    code: Option<u32>,
    /// The name of the reference's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    code_name: Option<&'static str>,
}

/// What came of one.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Is a contact now.
    Added,
    /// Is none any more.
    Removed,
    /// It was so already.
    Unchanged,
    /// There is no such person.
    UnknownPerson,
    /// Nobody is their own contact.
    Oneself,
    /// There are 600 contacts already.
    ListFull,
}

impl ContactResult {
    fn of((name, outcome): (PersonName, ContactOutcome)) -> ContactResult {
        let (outcome, code) = match outcome {
            ContactOutcome::Added => (Outcome::Added, None),
            ContactOutcome::Removed => (Outcome::Removed, None),
            ContactOutcome::Unchanged => (Outcome::Unchanged, None),
            ContactOutcome::Unknown => (Outcome::UnknownPerson, Some(Code::MSGR_E_USER_NOT_FOUND)),
            ContactOutcome::Oneself => (Outcome::Oneself, Some(Code::E_INVALIDARG)),
            ContactOutcome::Full => (Outcome::ListFull, Some(Code::MSGR_E_LIST_FULL)),
        };
        let code_name = code.and_then(Code::name);
        ContactResult { name: name.to_string(), outcome, code: code.map(|code| code.0), code_name }
    }
}

/// A person's contacts
#[utoipa::path(get, path = "/v1/people/{name}/contacts", tag = "contacts",
    params(("name" = SignInName, Path, description = "Sign-in name")), responses((status = 200, body = Contacts)))]
pub async fn read(State(app): State<App>, Named(name): Named) -> Result<Json<Contacts>, Problem> {
    let name = text::person(&name)?;
    let record = app.store(move |store| store.lists(&name)).await?;
    let both = record.blocked.iter().chain(&record.contacts);
    let names: BTreeMap<&PersonName, &str> = both.map(|(who, friendly_name)| (who, &**friendly_name)).collect();
    let line = |(who, friendly_name): (&PersonName, &str)| Contact {
        name: who.to_string(),
        friendly_name: friendly_name.to_owned(),
        contact: record.contacts.contains_key(who),
        blocked: record.blocked.contains_key(who),
    };
    Ok(Json(Contacts { contacts: names.into_iter().map(line).collect() }))
}

/// Replaces a person's contacts
///
/// The list has these contacts afterwards and no others, but for those that are refused, each with its reason. It
/// counts at once, and whoever sees somebody differently is told.
#[utoipa::path(put, path = "/v1/people/{name}/contacts", tag = "contacts",
    params(("name" = SignInName, Path, description = "Sign-in name")), request_body = ContactsPut, responses((status = 200, body = ContactResults)))]
pub async fn put(
    State(app): State<App>,
    from: From,
    Named(name): Named,
    Given(ContactsPut { contacts }): Given<ContactsPut>,
) -> Result<Json<ContactResults>, Problem> {
    let contacts = bounded("/contacts", contacts)?;
    edit(app, from, &name, move |store, owner| store.put_contacts(owner, &contacts)).await
}

/// Puts contacts in and takes others out
///
/// One transaction: taking out comes first. What is refused does not keep the others from being done.
#[utoipa::path(patch, path = "/v1/people/{name}/contacts", tag = "contacts",
    params(("name" = SignInName, Path, description = "Sign-in name")), request_body = ContactsPatch, responses((status = 200, body = ContactResults)))]
pub async fn patch(
    State(app): State<App>,
    from: From,
    Named(name): Named,
    Given(ContactsPatch { add, remove }): Given<ContactsPatch>,
) -> Result<Json<ContactResults>, Problem> {
    let (add, mut remove) = (bounded("/add", add)?, bounded("/remove", remove)?);
    remove.retain(|who| !add.contains(who));
    edit(app, from, &name, move |store, owner| store.patch_contacts(owner, &add, &remove)).await
}

async fn edit(
    app: App,
    From(from): From,
    name: &str,
    edit: impl FnOnce(&Store, &PersonName) -> Result<BTreeMap<PersonName, ContactOutcome>, StoreError> + Send + 'static,
) -> Result<Json<ContactResults>, Problem> {
    let owner = text::person(name)?;
    let changing = app.clone();
    let change = async move {
        let whose = owner.clone();
        let results = changing.store(move |store| edit(store, &whose)).await?;
        changing.audit(Action::ContactsChanged, &owner, from);
        changing.ask(Command::Refresh { name: owner, renamed: false }).await?;
        Ok(results)
    };
    let results = app.whole(change).await?;
    Ok(Json(ContactResults { results: results.into_iter().map(ContactResult::of).collect() }))
}

fn bounded(pointer: &str, names: Vec<PersonName>) -> Result<BTreeSet<PersonName>, Problem> {
    if names.len() > limits::CONTACTS {
        let most = limits::CONTACTS;
        return Err(Problem::invalid(pointer, format!("At most {most} at a time, as many as a list has room for.")));
    }
    Ok(names.into_iter().collect())
}
