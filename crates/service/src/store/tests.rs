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
fn tokens() {
    let (_directory, store) = store();
    let alice = name("alice@x");
    let device = hither_wire::Guid(7);
    store.add_token(b"one", &alice, device).unwrap();
    assert_eq!(store.use_token(b"one").unwrap(), Some((alice.clone(), device.to_string())));
    assert_eq!(store.use_token(b"two").unwrap(), None);
    store.add_token(b"two", &alice, device).unwrap();
    assert_eq!(store.use_token(b"one").unwrap(), None, "a device has one token");
    store.change(&alice, &Change::RevokeTokens { device }).unwrap().unwrap();
    assert_eq!(store.use_token(b"two").unwrap(), None);

    for n in 0..40_u8 {
        store.add_token(&[n], &alice, hither_wire::Guid(u128::from(n))).unwrap();
    }
    let alive = (0..40_u8).filter(|n| store.use_token(&[*n]).unwrap().is_some()).count();
    assert_eq!(alive, TOKENS_PER_ACCOUNT as usize);
    store.db.execute("UPDATE tokens SET last_used = last_used - 91 * 24 * 3600", []).unwrap();
    assert!((0..40_u8).all(|n| store.use_token(&[n]).unwrap().is_none()), "unused for too long");

    store.add_token(b"three", &alice, device).unwrap();
    store.set_password(&alice, "new").unwrap();
    assert_eq!(store.use_token(b"three").unwrap(), None, "a new password signs everybody out");
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
