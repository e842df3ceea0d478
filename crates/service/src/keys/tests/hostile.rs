//! Whoever can write to the store, and whoever reads what is printed.

use super::*;

fn remember(db: &rusqlite::Connection) {
    let sql = "CREATE TEMP TABLE ids AS SELECT * FROM app_ids; CREATE TEMP TABLE keys AS SELECT * FROM app_keys";
    db.execute_batch(sql).unwrap();
}

fn restore(db: &rusqlite::Connection) {
    db.execute_batch(
        "DELETE FROM app_ids; INSERT INTO app_ids SELECT * FROM temp.ids;
         DELETE FROM app_keys; INSERT INTO app_keys SELECT * FROM temp.keys",
    )
    .unwrap();
}

#[test]
fn what_is_changed_in_the_store_opens_nothing() {
    let world = world();
    let (id, key) = world.issue(&new(Environment::Production, false, Some(&[CHESS])));
    world.rotate(&id, HOUR).unwrap();
    let response = hmac(&key);
    let right = world.judge(&id, &response);
    assert!(matches!(right, Verdict::Right { apps: Some(_) }));
    let db = world.sql();
    db.pragma_update(None, "ignore_check_constraints", true).unwrap();
    db.pragma_update(None, "foreign_keys", false).unwrap();
    remember(&db);
    for change in [
        "UPDATE app_ids SET md5 = 1",
        "UPDATE app_ids SET environment = 'test'",
        "UPDATE app_ids SET environment = 'tests'",
        "UPDATE app_ids SET apps = NULL",
        "UPDATE app_ids SET apps = ''",
        "UPDATE app_ids SET apps = lower(apps)",
        "UPDATE app_ids SET apps = apps || ' ' || apps",
        "UPDATE app_ids SET apps = '{00000000-0000-0000-0000-000000000001}'",
        "UPDATE app_ids SET name = 'Other'",
        "UPDATE app_ids SET created = created + 1",
        "UPDATE app_keys SET created = created + 1",
        "UPDATE app_keys SET number = number + 5",
        "UPDATE app_keys SET expires = NULL",
        "UPDATE app_keys SET expires = expires + 1",
        "UPDATE app_keys SET sealed = x''",
        "UPDATE app_keys SET sealed = zeroblob(1)",
        "UPDATE app_keys SET sealed = zeroblob(93)",
        "UPDATE app_keys SET sealed = zeroblob(1000000)",
        "UPDATE app_keys SET sealed = CAST(sealed || x'00' AS BLOB)",
        "UPDATE app_keys SET sealed = (SELECT sealed FROM app_keys k WHERE k.number != app_keys.number)",
        "UPDATE app_keys SET sealed = (SELECT sealed FROM app_seal)",
    ] {
        db.execute(&format!("{change} WHERE id = '{id}'"), []).unwrap();
        let changed = world.keychain.judge(id.as_str(), CHALLENGE, &response);
        assert!(!matches!(changed, Ok(Verdict::Right { .. })), "{change}: {changed:?}");
        restore(&db);
        assert_eq!(world.judge(&id, &response), right, "{change}");
    }
}

#[test]
fn a_pair_that_is_moved_to_the_other_environment_opens_there_neither() {
    let world = world();
    let (id, key) = world.usual();
    world.sql().execute("UPDATE app_ids SET environment = 'test'", []).unwrap();
    let there = Keychain::open(world.folder.path(), &config(Environment::Test)).unwrap();
    let verdict = there.judge(id.as_str(), CHALLENGE, &hmac(&key));
    assert!(matches!(verdict, Err(StoreError::Sealed(_))), "{verdict:?}");
}

#[test]
fn keys_in_each_others_place_do_not_open() {
    let world = world();
    // Alike in everything but their ids.
    let (one, one_key) = world.usual();
    let (two, two_key) = world.usual();
    let db = world.sql();
    db.pragma_update(None, "foreign_keys", false).unwrap();
    db.execute_batch(&format!(
        "UPDATE app_keys SET id = 'x' WHERE id = '{one}';
         UPDATE app_keys SET id = '{one}' WHERE id = '{two}';
         UPDATE app_keys SET id = '{two}' WHERE id = 'x';"
    ))
    .unwrap();
    for (id, key) in [(&one, &one_key), (&one, &two_key), (&two, &one_key), (&two, &two_key)] {
        let verdict = world.keychain.judge(id.as_str(), CHALLENGE, &hmac(key));
        assert!(matches!(verdict, Err(StoreError::Sealed(_))), "{verdict:?}");
    }
}

#[test]
fn no_byte_of_a_sealed_key_can_be_changed_or_left_out() {
    let world = world();
    let (id, key) = world.usual();
    let response = hmac(&key);
    let db = world.sql();
    let sealed: Vec<u8> = db.query_row("SELECT sealed FROM app_keys", [], |row| row.get(0)).unwrap();
    assert_eq!(sealed.len(), 1 + 24 + 52 + 16);
    let put = |sealed: &[u8]| db.execute("UPDATE app_keys SET sealed = ?", [sealed]).unwrap();
    for at in 0..sealed.len() {
        for bit in [1, 0x80] {
            let mut changed = sealed.clone();
            changed[at] ^= bit;
            put(&changed);
            let verdict = world.keychain.judge(id.as_str(), CHALLENGE, &response);
            assert!(matches!(&verdict, Err(StoreError::Sealed(of)) if **of == *id.as_str()), "{at}: {verdict:?}");
        }
        put(&sealed[..at]);
        assert!(world.keychain.judge(id.as_str(), CHALLENGE, &response).is_err(), "{at}");
    }
    put(&sealed);
    assert_eq!(world.judge(&id, &response), right());
}

#[test]
fn no_key_is_in_what_is_printed_for_debugging_or_in_the_store() {
    let world = world();
    let (id, key) = world.issue(&new(Environment::Production, true, Some(&[CHESS])));
    let draft = world.keychain.draft_rotation(&id, Rotate::Next { overlap: Duration::ZERO }).unwrap();
    let path = LockConfig::default().key_file(world.folder.path());
    let line = std::fs::read_to_string(path).unwrap();
    let pair = world.keychain.store.pair(id.as_str()).unwrap();
    let candidates = [0, 1].map(|nth| world.keychain.candidate(pair.as_ref(), nth, now()).key);
    let printed = format!("{:?} {draft:?} {pair:?} {candidates:?}", world.keychain);
    for secret in [&key, draft.key().expose(), line.trim(), &hex(&pair.as_ref().unwrap().keys[0].sealed)] {
        assert!(!printed.contains(secret), "{printed}");
    }
    world.rotate(&id, Duration::ZERO).unwrap();
    for file in std::fs::read_dir(world.folder.path()).unwrap().map(|entry| entry.unwrap().path()) {
        let bytes = std::fs::read(&file).unwrap();
        let found = bytes.windows(key.len()).any(|window| window == key.as_bytes());
        assert!(!found, "{}", file.display());
    }
}

/// A log that is kept.
#[derive(Clone, Default)]
struct Log(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn no_key_is_in_a_log_or_an_error() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let mut secrets = Vec::new();
    let mut errors = String::new();
    tracing::subscriber::with_default(subscriber, || {
        let world = world();
        let (id, key) = world.usual();
        let db = world.sql();
        let writing = rusqlite::Transaction::new_unchecked(&db, rusqlite::TransactionBehavior::Immediate).unwrap();
        world.judge(&id, &hmac(&key));
        world.judge(&id, &hmac("other"));
        writing.rollback().unwrap();
        secrets.extend([hmac(&key), CHALLENGE.to_owned(), key]);
        secrets.push(world.rotate(&id, HOUR).unwrap());
        db.execute("UPDATE app_keys SET sealed = CAST(sealed || x'00' AS BLOB)", []).unwrap();
        let unreadable = world.keychain.judge(id.as_str(), CHALLENGE, &secrets[0]).unwrap_err();
        let rotated = world.rotate(&id, Duration::ZERO).unwrap_err();
        errors = format!("{unreadable} {unreadable:?} {rotated} {rotated:?}");
        assert!(errors.contains(id.as_str()), "{errors}");
        let line = std::fs::read_to_string(LockConfig::default().key_file(world.folder.path())).unwrap();
        secrets.push(line.trim().to_owned());
    });
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("was not noted"), "it is a log: {log}");
    for secret in secrets {
        assert!(!log.contains(&secret) && !errors.contains(&secret), "{log} {errors}");
    }
}
