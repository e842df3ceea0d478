//! People as the operator sees them: pages, disabling, and many contacts at a time.

use std::collections::{BTreeMap, BTreeSet};

use hither_proto::service::Record;
use hither_wire::{PersonName, limits};
use rusqlite::{OptionalExtension as _, Row, params};

use super::{Store, StoreError, check_friendly_name, now};

const COLUMNS: &str = "name, friendly_name, created, disabled, password_hash != '', issuer";

/// An account, for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Sign-in name.
    pub name: PersonName,
    /// Friendly name.
    pub friendly_name: String,
    /// When it was made, in seconds since 1970.
    pub created: i64,
    /// Since when it cannot sign in, in seconds since 1970; `None` if it can.
    pub disabled: Option<i64>,
    /// Whether there is a password to sign in with.
    pub has_password: bool,
    /// Whose tokens the person signs in with; `None` for an account of the service's own.
    pub issuer: Option<String>,
}

/// What changes of an account; `None` stays as it is.
#[derive(Clone, Default)]
pub struct PersonChange {
    /// Another friendly name.
    pub friendly_name: Option<String>,
    /// The hash of another password, "" for none; every token stops working.
    pub password_hash: Option<String>,
    /// Whether it is disabled; every token of one that is stops working.
    pub disabled: Option<bool>,
}

/// What has changed of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The account as it is now.
    pub person: Person,
    /// Whether it has another friendly name.
    pub renamed: bool,
    /// Whether it was enabled before, and is not any more.
    pub disabled: bool,
    /// Whether it was disabled before, and is not any more.
    pub enabled: bool,
}

/// What came of one of many contacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactOutcome {
    /// Stands in the list now.
    Added,
    /// Does not any more.
    Removed,
    /// It was so already.
    Unchanged,
    /// There is no such person.
    Unknown,
    /// Nobody is their own contact.
    Oneself,
    /// The list has [`limits::CONTACTS`] already.
    Full,
}

impl Store {
    /// Makes an account; `hash` is `None` for somebody who has no password.
    pub fn add_person(&self, name: &PersonName, friendly_name: &str, hash: Option<&str>) -> Result<Person, StoreError> {
        self.add_account(name, friendly_name, hash.unwrap_or_default())?;
        self.known(name)
    }

    /// One account.
    pub fn account(&self, name: &PersonName) -> Result<Option<Person>, StoreError> {
        let mut query = self.db.prepare_cached(&format!("SELECT {COLUMNS} FROM accounts WHERE name = ?"))?;
        let found = query.query_row([name.as_str()], person).optional()?;
        Ok(found.flatten())
    }

    /// At most so many accounts by name, behind one, and whether there are more.
    pub fn account_page(&self, after: Option<&PersonName>, most: usize) -> Result<(Vec<Person>, bool), StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM accounts WHERE name > ? ORDER BY name LIMIT ?");
        let mut query = self.db.prepare_cached(&sql)?;
        let one_more = i64::try_from(most.saturating_add(1)).unwrap_or(i64::MAX);
        let rows = query.query_map(params![after.map_or("", PersonName::as_str), one_more], person)?;
        let mut people: Vec<Person> = rows.filter_map(Result::transpose).collect::<Result<_, _>>()?;
        let more = people.len() > most;
        people.truncate(most);
        Ok((people, more))
    }

    /// How many accounts there are.
    pub fn account_count(&self) -> Result<u64, StoreError> {
        let count: i64 = self.db.query_row("SELECT count(*) FROM accounts", [], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// Changes an account: all of it, or nothing.
    pub fn change_account(&self, name: &PersonName, change: &PersonChange) -> Result<Changed, StoreError> {
        let transaction = self.writing()?;
        let before = self.known(name)?;
        if let Some(friendly_name) = &change.friendly_name {
            check_friendly_name(friendly_name)?;
            let sql = "UPDATE accounts SET friendly_name = ? WHERE name = ?";
            self.db.execute(sql, params![friendly_name, name.as_str()])?;
        }
        if let Some(hash) = &change.password_hash {
            if let Some(issuer) = before.issuer {
                return Err(StoreError::OfIssuer(before.name, issuer));
            }
            self.db.execute("UPDATE accounts SET password_hash = ? WHERE name = ?", params![hash, name.as_str()])?;
        }
        if let Some(disabled) = change.disabled {
            // Whoever is disabled already stays so since then.
            let since = disabled.then(|| before.disabled.unwrap_or_else(now));
            self.db.execute("UPDATE accounts SET disabled = ? WHERE name = ?", params![since, name.as_str()])?;
        }
        if change.password_hash.is_some() || change.disabled == Some(true) {
            self.revoke(name)?;
        }
        let person = self.known(name)?;
        transaction.commit()?;
        Ok(Changed {
            renamed: person.friendly_name != before.friendly_name,
            disabled: person.disabled.is_some() && before.disabled.is_none(),
            enabled: person.disabled.is_none() && before.disabled.is_some(),
            person,
        })
    }

    /// Every token of an account stops working.
    pub fn revoke_tokens(&self, name: &PersonName) -> Result<(), StoreError> {
        let transaction = self.writing()?;
        self.known(name)?;
        self.revoke(name)?;
        Ok(transaction.commit()?)
    }

    /// Makes these the contacts of an account, and no others. One line for each of them, and for each
    /// that was taken out.
    pub fn put_contacts(
        &self,
        owner: &PersonName,
        wanted: &BTreeSet<PersonName>,
    ) -> Result<BTreeMap<PersonName, ContactOutcome>, StoreError> {
        self.edit_contacts(owner, |before| before.iter().filter(|who| !wanted.contains(who)).cloned().collect(), wanted)
    }

    /// Takes contacts out of a list and puts others in. One line for each of them.
    pub fn patch_contacts(
        &self,
        owner: &PersonName,
        add: &BTreeSet<PersonName>,
        remove: &BTreeSet<PersonName>,
    ) -> Result<BTreeMap<PersonName, ContactOutcome>, StoreError> {
        self.edit_contacts(owner, |_| remove.clone(), add)
    }

    fn edit_contacts(
        &self,
        owner: &PersonName,
        remove: impl FnOnce(&BTreeSet<PersonName>) -> BTreeSet<PersonName>,
        add: &BTreeSet<PersonName>,
    ) -> Result<BTreeMap<PersonName, ContactOutcome>, StoreError> {
        let transaction = self.writing()?;
        let record = self.record(owner)?.ok_or_else(|| StoreError::NotFound(owner.clone()))?;
        let mut contacts: BTreeSet<PersonName> = record.contacts.into_keys().collect();
        let mut outcomes = BTreeMap::new();
        // Out comes first: it makes room.
        for who in remove(&contacts) {
            let was_there = contacts.remove(&who);
            if was_there {
                let sql = "DELETE FROM contacts WHERE owner = ? AND who = ?";
                self.db.execute(sql, params![owner.as_str(), who.as_str()])?;
            }
            outcomes.insert(who, if was_there { ContactOutcome::Removed } else { ContactOutcome::Unchanged });
        }
        for who in add {
            let outcome = if who == owner {
                ContactOutcome::Oneself
            } else if contacts.contains(who) {
                ContactOutcome::Unchanged
            } else if self.account(who)?.is_none() {
                ContactOutcome::Unknown
            } else if contacts.len() >= limits::CONTACTS {
                ContactOutcome::Full
            } else {
                let sql = "INSERT INTO contacts (owner, who) VALUES (?, ?)";
                self.db.execute(sql, params![owner.as_str(), who.as_str()])?;
                contacts.insert(who.clone());
                ContactOutcome::Added
            };
            outcomes.insert(who.clone(), outcome);
        }
        transaction.commit()?;
        Ok(outcomes)
    }

    /// Both lists of a person.
    pub fn lists(&self, owner: &PersonName) -> Result<Record, StoreError> {
        self.record(owner)?.ok_or_else(|| StoreError::NotFound(owner.clone()))
    }

    fn known(&self, name: &PersonName) -> Result<Person, StoreError> {
        self.account(name)?.ok_or_else(|| StoreError::NotFound(name.clone()))
    }

    fn revoke(&self, name: &PersonName) -> Result<(), StoreError> {
        self.db.execute("DELETE FROM tokens WHERE account = ?", [name.as_str()])?;
        Ok(())
    }

    /// Whether somebody is kept from signing in, whatever they prove it with.
    pub(crate) fn is_disabled(&self, name: &PersonName) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM accounts WHERE name = ? AND disabled IS NOT NULL)";
        Ok(self.db.prepare_cached(sql)?.query_row([name.as_str()], |row| row.get(0))?)
    }

    /// Lets somebody sign in, or not any more; every token of somebody who cannot stops working. For
    /// whoever works on the store beside the service, which notices at the next sign-in.
    pub fn set_disabled(&self, name: &PersonName, disabled: bool) -> Result<(), StoreError> {
        self.change_account(name, &PersonChange { disabled: Some(disabled), ..PersonChange::default() }).map(drop)
    }
}

/// `None` for a row whose name is none: nobody can sign in by it.
fn person(row: &Row<'_>) -> rusqlite::Result<Option<Person>> {
    let name: String = row.get(0)?;
    let Ok(name) = PersonName::parse(&name) else { return Ok(None) };
    Ok(Some(Person {
        name,
        friendly_name: row.get(1)?,
        created: row.get(2)?,
        disabled: row.get(3)?,
        has_password: row.get(4)?,
        issuer: row.get(5)?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> PersonName {
        PersonName::parse(text).unwrap()
    }

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        for who in ["a@x", "b@x", "c@x"] {
            store.add_person(&name(who), who, Some("hash")).unwrap();
        }
        (folder, store)
    }

    fn set(names: &[&str]) -> BTreeSet<PersonName> {
        names.iter().map(|text| name(text)).collect()
    }

    #[test]
    fn pages_meet_without_a_gap() {
        let (_folder, store) = store();
        let page = |after: Option<&str>, most| {
            let (people, more) = store.account_page(after.map(name).as_ref(), most).unwrap();
            (people.into_iter().map(|person| person.name.to_string()).collect::<Vec<_>>(), more)
        };
        assert_eq!(page(None, 2), (vec!["a@x".into(), "b@x".into()], true));
        assert_eq!(page(Some("b@x"), 2), (vec!["c@x".into()], false));
        assert_eq!(page(Some("b@w"), 3), page(Some("a@x"), 3), "a place that is nobody's is a place too");
        assert_eq!(store.account_count().unwrap(), 3);
    }

    #[test]
    fn who_is_disabled_has_no_password_and_no_token_and_keeps_the_rest() {
        let (_folder, store) = store();
        assert!(store.add_token(b"1", (&name("a@x"), "hash"), hither_wire::Guid(1), "", 8).unwrap());
        let off = PersonChange { disabled: Some(true), ..PersonChange::default() };
        let changed = store.change_account(&name("a@x"), &off).unwrap();
        assert!(changed.disabled && !changed.enabled && !changed.renamed && changed.person.disabled.is_some());
        assert_eq!(store.password_hash(&name("a@x")).unwrap(), None);
        let life = std::time::Duration::from_hours(1);
        assert_eq!(store.use_token(b"1", life).unwrap(), None);
        // Nor does one come in between.
        assert!(!store.add_token(b"2", (&name("a@x"), "hash"), hither_wire::Guid(1), "", 8).unwrap());
        assert!(!store.change_account(&name("a@x"), &off).unwrap().disabled, "it was so already");
        store.set_disabled(&name("a@x"), false).unwrap();
        assert_eq!(store.password_hash(&name("a@x")).unwrap().as_deref(), Some("hash"));
        assert!(store.use_token(b"1", life).unwrap().is_none(), "tokens do not come back");
    }

    #[test]
    fn somebody_without_a_password() {
        let (_folder, store) = store();
        assert!(!store.add_person(&name("d@x"), "", None).unwrap().has_password);
        assert_eq!(store.password_hash(&name("d@x")).unwrap(), None);
        assert!(matches!(store.add_person(&name("d@x"), "", None), Err(StoreError::Exists(_))));
    }

    #[test]
    fn a_change_is_whole_or_not_at_all() {
        let (_folder, store) = store();
        let change = PersonChange { disabled: Some(true), friendly_name: Some("x".repeat(129)), ..Default::default() };
        assert!(matches!(store.change_account(&name("a@x"), &change), Err(StoreError::FriendlyName)));
        assert_eq!(store.account(&name("a@x")).unwrap().unwrap().disabled, None);
        assert!(matches!(store.change_account(&name("z@x"), &change), Err(StoreError::NotFound(_))));
    }

    #[test]
    fn people_of_an_issuer_get_no_password_and_stay_signed_in() {
        let (_folder, store) = store();
        store.keep_person("shop", &name("i@x"), None, None).unwrap();
        for hash in ["hash", ""] {
            let change = PersonChange {
                password_hash: Some(hash.to_owned()),
                friendly_name: Some("I".to_owned()),
                ..Default::default()
            };
            assert!(matches!(store.change_account(&name("i@x"), &change), Err(StoreError::OfIssuer(..))));
        }
        let person = store.account(&name("i@x")).unwrap().unwrap();
        assert_eq!((person.has_password, &*person.friendly_name), (false, ""), "nothing of it");
    }

    #[test]
    fn many_contacts_each_with_its_outcome() {
        use ContactOutcome::{Added, Oneself, Removed, Unchanged, Unknown};
        let (_folder, store) = store();
        let a = name("a@x");
        let done = store.put_contacts(&a, &set(&["a@x", "b@x", "z@x"])).unwrap();
        assert_eq!(done.into_values().collect::<Vec<_>>(), [Oneself, Added, Unknown]);
        let done = store.put_contacts(&a, &set(&["c@x"])).unwrap();
        assert_eq!(done.into_values().collect::<Vec<_>>(), [Removed, Added]);
        let done = store.patch_contacts(&a, &set(&["b@x", "c@x"]), &set(&["z@x"])).unwrap();
        assert_eq!(done.into_values().collect::<Vec<_>>(), [Added, Unchanged, Unchanged]);
        assert_eq!(store.lists(&a).unwrap().contacts.into_keys().collect::<BTreeSet<_>>(), set(&["b@x", "c@x"]));
        assert!(matches!(store.put_contacts(&name("z@x"), &set(&[])), Err(StoreError::NotFound(_))));
    }

    #[test]
    fn a_list_has_its_limit() {
        let (_folder, store) = store();
        let many: BTreeSet<PersonName> = (0..=limits::CONTACTS).map(|n| name(&format!("p{n}@x"))).collect();
        for who in &many {
            store.add_person(who, "", None).unwrap();
        }
        let done = store.patch_contacts(&name("a@x"), &many, &set(&[])).unwrap();
        let full = done.values().filter(|outcome| **outcome == ContactOutcome::Full).count();
        assert_eq!((full, store.lists(&name("a@x")).unwrap().contacts.len()), (1, limits::CONTACTS));
    }
}
