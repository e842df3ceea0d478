//! The store on a real file.

use super::*;

fn name(text: &str) -> PersonName {
    PersonName::parse(text).unwrap()
}

fn store() -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    for who in ["alice@x", "bob@x"] {
        store.add_account(&name(who), who, "hash").unwrap();
    }
    (directory, store)
}

#[test]
fn accounts() {
    let (directory, store) = store();
    assert!(matches!(store.add_account(&name("alice@x"), "", "other"), Err(StoreError::Exists(_))));
    assert_eq!(store.password_hash(&name("ALICE@X")).unwrap().unwrap(), "hash", "the account is as it was");
    assert!(matches!(store.remove_account(&name("carol@x")), Err(StoreError::NotFound(_))));
    assert!(matches!(store.set_password(&name("carol@x"), "h"), Err(StoreError::NotFound(_))));
    let long = "x".repeat(129);
    assert!(matches!(store.add_account(&name("dave@x"), &long, "hash"), Err(StoreError::FriendlyName)));
    assert!(matches!(store.set_friendly_name(&name("bob@x"), &long), Err(StoreError::FriendlyName)));
    // Another process sees and changes the same.
    let other = Store::open(directory.path()).unwrap();
    other.set_friendly_name(&name("bob@x"), "Bob B.").unwrap();
    assert_eq!(&*store.record(&name("bob@x")).unwrap().unwrap().friendly_name, "Bob B.");
    other.remove_account(&name("bob@x")).unwrap();
    let names: Vec<String> = store.accounts().unwrap().into_iter().map(|account| account.name).collect();
    assert_eq!(names, ["alice@x"]);
}

#[test]
fn contacts_and_settings() {
    let (_directory, store) = store();
    let (alice, bob) = (name("alice@x"), name("bob@x"));
    let contact =
        |action, who: &PersonName| store.change(&alice, &Change::Contact { action, who: who.clone() }).unwrap();
    assert_eq!(contact(ContactAction::Add, &name("nobody@x")), Err(Code::MSGR_E_USER_NOT_FOUND));
    for _ in 0..2 {
        assert_eq!(contact(ContactAction::Add, &bob), Ok("bob@x".into()));
        assert_eq!(contact(ContactAction::Block, &bob), Ok("bob@x".into()));
    }
    let record = store.record(&alice).unwrap().unwrap();
    assert_eq!((record.contacts.len(), record.blocked.len()), (1, 1));
    contact(ContactAction::Remove, &bob).unwrap();
    contact(ContactAction::Unblock, &bob).unwrap();
    let record = store.record(&alice).unwrap().unwrap();
    assert_eq!((record.contacts.len(), record.blocked.len(), record.settings), (0, 0, Settings::default()));

    let anyone = SettingsChange { invitations: Some(InvitationsFrom::Anyone), show_declines: None };
    store.change(&alice, &Change::Settings(anyone)).unwrap().unwrap();
    let declines = SettingsChange { invitations: None, show_declines: Some(true) };
    store.change(&alice, &Change::Settings(declines)).unwrap().unwrap();
    let settings = store.record(&alice).unwrap().unwrap().settings;
    assert_eq!(settings, Settings { invitations: Some(InvitationsFrom::Anyone), show_declines: true });
}

#[test]
fn whoever_has_gone_is_not_found_but_can_be_taken_from_a_list() {
    let (_directory, store) = store();
    let (alice, bob) = (name("alice@x"), name("bob@x"));
    let contact = |owner, action| store.change(owner, &Change::Contact { action, who: bob.clone() }).unwrap();
    contact(&alice, ContactAction::Add).unwrap();
    contact(&alice, ContactAction::Block).unwrap();
    store.remove_account(&bob).unwrap();
    let record = store.record(&alice).unwrap().unwrap();
    assert_eq!((record.contacts.len(), record.blocked.len()), (0, 0));
    assert_eq!(contact(&alice, ContactAction::Add), Err(Code::MSGR_E_USER_NOT_FOUND));
    assert_eq!(contact(&alice, ContactAction::Block), Err(Code::MSGR_E_USER_NOT_FOUND));
    assert_eq!(contact(&alice, ContactAction::Remove), Ok("".into()));
    assert_eq!(contact(&alice, ContactAction::Unblock), Ok("".into()));

    // Whose own account was removed changes nothing any more, and is not told otherwise.
    let anyone = SettingsChange { invitations: Some(InvitationsFrom::Anyone), show_declines: None };
    assert_eq!(store.change(&bob, &Change::Settings(anyone)).unwrap(), Err(Code::MSGR_E_USER_NOT_FOUND));
    let add = Change::Contact { action: ContactAction::Add, who: alice };
    assert_eq!(store.change(&bob, &add).unwrap(), Err(Code::MSGR_E_USER_NOT_FOUND));
}

const LIFE: Duration = Duration::from_hours(90 * 24);

fn device(n: u8) -> hither_wire::DeviceId {
    hither_wire::Guid(u128::from(n))
}

fn age_tokens(store: &Store, days: i64) {
    store.db.execute("UPDATE tokens SET last_used = last_used - ? * 24 * 3600", [days]).unwrap();
}

#[test]
fn a_token_is_of_one_device_until_it_is_revoked() {
    let (_directory, store) = store();
    let alice = name("alice@x");
    assert!(store.add_token(b"one", (&alice, "hash"), device(7), "", 32).unwrap());
    assert_eq!(store.use_token(b"one", LIFE).unwrap(), Some((alice.clone(), device(7).to_string())));
    assert_eq!(store.use_token(b"two", LIFE).unwrap(), None);
    assert!(store.add_token(b"two", (&alice, "hash"), device(7), "", 32).unwrap());
    assert_eq!(store.use_token(b"one", LIFE).unwrap(), None, "a device has one token");
    store.change(&alice, &Change::RevokeTokens { device: device(7) }).unwrap().unwrap();
    assert_eq!(store.use_token(b"two", LIFE).unwrap(), None);

    assert!(store.add_token(b"three", (&alice, "hash"), device(7), "", 32).unwrap());
    store.set_password(&alice, "new").unwrap();
    assert_eq!(store.use_token(b"three", LIFE).unwrap(), None, "a new password signs everybody out");
}

#[test]
fn a_password_that_was_changed_meanwhile_proves_nothing() {
    let (_directory, store) = store();
    let alice = name("alice@x");
    let add = |token: &[u8], proved: &str, n| store.add_token(token, (&alice, proved), device(n), "", 32).unwrap();
    assert!(add(b"here", "hash", 1) && add(b"there", "hash", 2));
    assert!(store.change_password((&alice, "hash"), "new", device(1)).unwrap());
    let lives = |token: &[u8]| store.use_token(token, LIFE).unwrap().is_some();
    assert!(lives(b"here") && !lives(b"there"), "the others are signed out");
    // Both had found the old password right, a moment ago.
    assert!(!add(b"late", "hash", 1) && !lives(b"late"));
    assert!(lives(b"here"), "what was there is as it was");
    assert!(!store.change_password((&alice, "hash"), "newer", device(2)).unwrap());
    assert!(!store.change_password((&name("nobody@x"), "hash"), "newer", device(2)).unwrap());
    assert_eq!(store.password_hash(&alice).unwrap().as_deref(), Some("new"));
    assert!(lives(b"here") && add(b"again", "new", 2));
}

#[test]
fn of_too_many_tokens_the_one_unused_for_longest_goes() {
    let (_directory, store) = store();
    let alice = name("alice@x");
    for n in 0..4 {
        assert!(store.add_token(&[n], (&alice, "hash"), device(n), "", 3).unwrap());
        assert!(store.use_token(&[n], LIFE).unwrap().is_some(), "the new one is never the one that goes");
        age_tokens(&store, 1);
        store.use_token(&[1], LIFE).unwrap();
    }
    let alive: Vec<u8> = (0..4).filter(|n| store.use_token(&[*n], LIFE).unwrap().is_some()).collect();
    assert_eq!(alive, [1, 2, 3]);
}

#[test]
fn a_token_lives_as_long_as_it_is_used() {
    let (_directory, store) = store();
    assert!(store.add_token(b"one", (&name("alice@x"), "hash"), device(7), "", 32).unwrap());
    for _ in 0..3 {
        age_tokens(&store, 89);
        assert!(store.use_token(b"one", LIFE).unwrap().is_some());
    }
    age_tokens(&store, 91);
    assert!(store.use_token(b"one", LIFE).unwrap().is_none(), "unused for too long");
}

#[cfg(unix)]
#[test]
fn nobody_else_can_look_into_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("a/b");
    let _store = Store::open(&data).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    let files: Vec<_> = std::fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 3, "the database and what SQLite keeps beside it: {files:?}");
    assert!(files.iter().all(|file| mode(file) == 0o600), "{files:?}");
}

#[test]
fn damage_in_the_middle_is_found_and_the_file_is_named() {
    let (directory, store) = store();
    let transaction = store.db.unchecked_transaction().unwrap();
    for n in 0..2_000 {
        store.add_account(&name(&format!("p{n}@x")), "", "hash").unwrap();
    }
    transaction.commit().unwrap();
    drop(store);
    let file = directory.path().join(FILE);
    let mut bytes = std::fs::read(&file).unwrap();
    assert!(bytes.len() > 20 * 4096, "the log was written back");
    bytes[4 * 4096..20 * 4096].fill(0x5a);
    std::fs::write(&file, &bytes).unwrap();
    let said = Store::open(directory.path()).unwrap_err();
    assert!(matches!(said, StoreError::Damaged { .. }), "{said}");
    assert!(said.to_string().contains(FILE), "{said}");
}

#[test]
fn what_is_answered_is_on_the_disk() {
    let (_directory, store) = store();
    let synchronous: i64 = store.db.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap();
    assert_eq!(synchronous, 2, "FULL");
}

#[test]
fn a_store_of_a_newer_hither_is_named_and_left_alone() {
    let (directory, store) = store();
    store.db.pragma_update(None, "user_version", 99).unwrap();
    drop(store);
    let said = Store::open(directory.path()).unwrap_err().to_string();
    assert!(said.contains(FILE) && said.contains("99") && said.contains("update hither"), "{said}");
}

#[test]
fn what_cannot_be_opened_is_said_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join(FILE);
    std::fs::write(&file, "this is no database, it is a letter to somebody else entirely").unwrap();
    let error = Store::open(directory.path()).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("this is no database"));
    assert!(matches!(Store::open(&file), Err(StoreError::Open { .. })));
}

#[test]
fn people_of_an_issuer_are_made_when_they_come_and_belong_to_it() {
    let (_directory, store) = store();
    let name = |text: &str| PersonName::parse(text).unwrap();
    let (anna, bert) = (name("anna@shop.example"), name("bert@shop.example"));
    let carl = name("carl@elsewhere.example");
    let known = [(&bert, true), (&carl, false)].map(|(who, own)| crate::issuers::Contact { who: who.clone(), own });
    let record = store.keep_person("shop", &anna, Some("Anna"), Some(&known)).unwrap().unwrap();
    assert_eq!((&*record.friendly_name, record.contacts.len()), ("Anna", 1), "others are not made");
    assert!(store.keep_person("club", &carl, None, None).unwrap().is_some(), "nor taken");
    assert!(matches!(store.set_password(&anna, "hash"), Err(StoreError::OfIssuer(..))));
    assert_eq!(store.password_hash(&anna).unwrap(), None);
    assert!(store.keep_person("club", &anna, None, None).unwrap().is_none());
    assert!(store.keep_person("club", &bert, None, None).unwrap().is_none(), "made as a contact");
    let again = store.keep_person("shop", &anna, None, None).unwrap().unwrap();
    assert_eq!((&*again.friendly_name, again.contacts.len()), ("Anna", 1), "what is not said stays");
    assert_eq!(store.keep_person("shop", &anna, Some("A"), Some(&[])).unwrap().unwrap().contacts.len(), 0);
}

#[test]
fn many_that_open_a_new_store_at_once_all_succeed() {
    for _ in 0..40 {
        let directory = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| Store::open(directory.path()).unwrap());
            }
        });
    }
}
