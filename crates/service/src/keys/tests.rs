//! Pairs in a real store, with a real key file.

use std::time::Duration;

use super::*;
use crate::store::Revoked;

/// What a judgement has done, on this thread.
pub mod work {
    use std::cell::Cell;

    thread_local! {
        static DONE: Cell<(u32, u32)> = const { Cell::new((0, 0)) };
    }

    pub fn opened() {
        DONE.with(|done| done.set((done.get().0 + 1, done.get().1)));
    }

    /// One HMAC, one MD5 and two comparisons.
    pub fn hashed_and_compared() {
        DONE.with(|done| done.set((done.get().0, done.get().1 + 1)));
    }

    pub fn take() -> (u32, u32) {
        DONE.take()
    }
}

const CHALLENGE: &str = "a challenge nobody could guess";
const CHESS: Guid = Guid(0x305D_86C6_6896_4099_91F5_CB7B_A773_3563);
const DAY: i64 = 24 * 3600;

struct World {
    folder: tempfile::TempDir,
    keychain: Keychain,
}

fn config(environment: Environment) -> LockConfig {
    LockConfig { environment, ..LockConfig::default() }
}

fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let keychain = Keychain::open_or_make(folder.path(), &LockConfig::default()).unwrap();
    World { folder, keychain }
}

fn new(environment: Environment, md5: bool, apps: Option<&[Guid]>) -> NewPair {
    NewPair { name: "Chess".into(), environment, md5, apps: apps.map(|apps| apps.iter().copied().collect()) }
}

fn hmac(key: &str) -> String {
    use hmac::{KeyInit as _, Mac as _};
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(CHALLENGE.as_bytes());
    hex(&mac.finalize().into_bytes())
}

fn md5(key: &str) -> String {
    use md5::Digest as _;
    hex(&md5::Md5::digest(format!("{CHALLENGE}{key}")))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

impl World {
    /// A pair that is kept: its id and its key.
    fn issue(&self, new: &NewPair) -> (AppId, String) {
        let draft = Draft::new(new).unwrap();
        self.keychain.keep(&draft).unwrap();
        (AppId::parse(&draft.pair().id).unwrap(), draft.key().expose().to_owned())
    }

    fn usual(&self) -> (AppId, String) {
        self.issue(&new(Environment::Production, false, None))
    }

    fn rotate(&self, id: &AppId, overlap: Duration) -> Result<String, KeyError> {
        let draft = self.keychain.draft_rotation(id, overlap)?;
        self.keychain.keep(&draft)?;
        Ok(draft.key().expose().to_owned())
    }

    fn judge(&self, id: &AppId, response: &str) -> Verdict {
        self.keychain.judge(id.as_str(), CHALLENGE, response).unwrap()
    }

    /// As another process sees the store.
    fn sql(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.folder.path().join("hither.sqlite")).unwrap()
    }
}

fn right() -> Verdict {
    Verdict::Right { apps: None }
}

#[test]
fn every_id_with_every_key_by_every_way() {
    let world = world();
    let (production, key) = world.usual();
    let (test, test_key) = world.issue(&new(Environment::Test, true, None));
    let (old, old_key) = world.issue(&new(Environment::Production, true, None));
    let (revoked, revoked_key) = world.issue(&new(Environment::Production, true, None));
    world.keychain.store.revoke_pair(revoked.as_str()).unwrap();
    let (bound, bound_key) = world.issue(&new(Environment::Production, false, Some(&[CHESS, Guid(7)])));
    let nobody = AppId::parse("APP-NOBODY").unwrap();
    let keys = [&key, &test_key, &old_key, &revoked_key, &bound_key];
    let wrong = Verdict::Wrong;
    for (id, own, by_hmac, by_md5, otherwise) in [
        (&production, &key, right(), wrong(Why::WrongResponse), Why::WrongResponse),
        (&old, &old_key, right(), right(), Why::WrongResponse),
        (&test, &test_key, wrong(Why::OtherEnvironment), wrong(Why::OtherEnvironment), Why::OtherEnvironment),
        (&revoked, &revoked_key, wrong(Why::Revoked), wrong(Why::Revoked), Why::Revoked),
        (
            &bound,
            &bound_key,
            Verdict::Right { apps: Some([CHESS, Guid(7)].into()) },
            wrong(Why::WrongResponse),
            Why::WrongResponse,
        ),
        (&nobody, &String::new(), wrong(Why::UnknownId), wrong(Why::UnknownId), Why::UnknownId),
    ] {
        for other in keys.into_iter().filter(|other| *other != own) {
            assert_eq!(world.judge(id, &hmac(other)), wrong(otherwise), "{id}");
            assert_eq!(world.judge(id, &md5(other)), wrong(otherwise), "{id}");
        }
        assert_eq!(world.judge(id, &hmac(own)), by_hmac, "{id}");
        assert_eq!(world.judge(id, &md5(own)), by_md5, "{id}");
    }
    // The service of the other environment, with the same store.
    let keychain = Keychain::open(world.folder.path(), &config(Environment::Test)).unwrap();
    let world = World { keychain, folder: world.folder };
    assert_eq!(world.judge(&test, &hmac(&test_key)), right());
    assert_eq!(world.judge(&production, &hmac(&key)), wrong(Why::OtherEnvironment));
}

#[test]
fn a_response_of_another_form_or_another_challenge_is_wrong() {
    let world = world();
    let (id, key) = world.issue(&new(Environment::Production, true, None));
    let (hmac, md5) = (hmac(&key), md5(&key));
    let long = "a".repeat(1 << 20);
    let (upper, spaced, cut) = (hmac.to_uppercase(), format!("{hmac} "), &hmac[..63]);
    let both = format!("{md5}{md5}");
    for response in ["", &upper, &spaced, cut, &md5.to_uppercase(), &key, &format!("0x{md5}"), &long, "\0"] {
        assert_eq!(world.judge(&id, response), Verdict::Wrong(Why::Malformed), "{response:.80}");
    }
    assert_eq!(world.judge(&id, &both), Verdict::Wrong(Why::WrongResponse));
    assert_eq!(world.judge(&id, &hmac[..32]), Verdict::Wrong(Why::WrongResponse));
    for challenge in ["", "a challenge nobody could gues", "a challenge nobody could guess\0"] {
        let verdict = world.keychain.judge(id.as_str(), challenge, &hmac).unwrap();
        assert_eq!(verdict, Verdict::Wrong(Why::WrongResponse), "{challenge:?}");
    }
    // What can be no id is unknown, however it looks.
    for text in ["", " ", &id.as_str().to_lowercase(), &format!("{id} "), "' OR 1=1 --", "%", &long, "\0", "APP-*"] {
        let verdict = world.keychain.judge(text, CHALLENGE, &hmac).unwrap();
        assert_eq!(verdict, Verdict::Wrong(Why::UnknownId), "{text:.80}");
    }
}

#[test]
fn whoever_tries_cannot_tell_by_the_work_what_was_wrong() {
    let world = world();
    let (known, key) = world.usual();
    let (old, old_key) = world.issue(&new(Environment::Production, true, Some(&[CHESS])));
    let (test, _) = world.issue(&new(Environment::Test, false, None));
    let (revoked, _) = world.usual();
    let (rotated, _) = world.usual();
    world.keychain.store.revoke_pair(revoked.as_str()).unwrap();
    world.rotate(&rotated, Duration::from_hours(1)).unwrap();
    let (hmac, long) = (hmac(&key), "x".repeat(10_000));
    work::take();
    for id in [known.as_str(), old.as_str(), test.as_str(), revoked.as_str(), rotated.as_str(), "APP-NO", "", &long] {
        for response in [hmac.as_str(), &md5(&old_key), "", &long, &"0".repeat(64), &"0".repeat(32)] {
            world.keychain.judge(id, CHALLENGE, response).unwrap();
            assert_eq!(work::take(), (2, 2), "{id:.80} {response:.80}");
        }
    }
}

#[test]
fn while_an_id_is_rotated_both_keys_count() {
    let world = world();
    let (id, first) = world.issue(&new(Environment::Production, true, Some(&[CHESS])));
    let second = world.rotate(&id, Duration::from_hours(24)).unwrap();
    assert_ne!(first, second);
    let right = Verdict::Right { apps: Some([CHESS].into()) };
    let at =
        |after: i64, response: &str| world.keychain.judge_at(now() + after, id.as_str(), CHALLENGE, response).unwrap();
    for response in [hmac(&first), md5(&first), hmac(&second), md5(&second)] {
        assert_eq!(at(0, &response), right);
    }
    assert_eq!(at(DAY - 10, &hmac(&first)), right);
    assert_eq!(at(DAY + 10, &hmac(&first)), Verdict::Wrong(Why::Expired));
    assert_eq!(at(DAY + 10, &md5(&first)), Verdict::Wrong(Why::Expired));
    assert_eq!(at(10_000 * DAY, &hmac(&second)), right);
    assert_eq!(at(DAY + 10, &hmac("other")), Verdict::Wrong(Why::WrongResponse));

    // A third would end one of the two unasked.
    let refused = world.rotate(&id, Duration::from_hours(1));
    assert!(matches!(refused, Err(KeyError::Rotating(_, seconds)) if (DAY - 60..=DAY).contains(&seconds)));
    let third = world.rotate(&id, Duration::ZERO).unwrap();
    assert_eq!(at(0, &hmac(&second)), Verdict::Wrong(Why::Expired));
    assert_eq!(at(0, &hmac(&first)), Verdict::Wrong(Why::WrongResponse), "of a key before that nothing is left");
    assert_eq!(at(0, &hmac(&third)), right);
    let pair = world.keychain.store.pair(id.as_str()).unwrap().unwrap();
    assert_eq!(pair.keys.iter().map(|key| key.number).collect::<Vec<_>>(), [3, 2]);
    // The one before is over, so there is room for another.
    world.rotate(&id, Duration::from_hours(1)).unwrap();
    assert_eq!(at(0, &hmac(&third)), right);
}

#[test]
fn what_cannot_be_rotated_says_why() {
    let world = world();
    let nobody = AppId::parse("APP-NOBODY").unwrap();
    let said = world.rotate(&nobody, Duration::ZERO).unwrap_err().to_string();
    assert!(said.contains("APP-NOBODY") && said.contains("hither key list"), "{said}");
    let (id, _) = world.usual();
    assert!(matches!(world.rotate(&id, Duration::from_hours(367 * 24)), Err(KeyError::Overlap)));
    // Revoked between the making of the key and its keeping.
    let draft = world.keychain.draft_rotation(&id, Duration::ZERO).unwrap();
    world.keychain.store.revoke_pair(id.as_str()).unwrap();
    assert!(matches!(world.keychain.keep(&draft), Err(KeyError::Revoked(_))));
    assert!(matches!(world.rotate(&id, Duration::ZERO), Err(KeyError::Revoked(_))));
    assert_eq!(world.judge(&id, &hmac(draft.key().expose())), Verdict::Wrong(Why::Revoked));
    // Of two who rotate at once, the second is told.
    let (id, first) = world.usual();
    let drafts = [0, 1].map(|_| world.keychain.draft_rotation(&id, Duration::from_hours(1)).unwrap());
    world.keychain.keep(&drafts[0]).unwrap();
    assert!(matches!(world.keychain.keep(&drafts[1]), Err(KeyError::Rotating(..))));
    assert_eq!(world.judge(&id, &hmac(&first)), right());
    assert_eq!(world.judge(&id, &hmac(drafts[0].key().expose())), right());
    assert_eq!(world.judge(&id, &hmac(drafts[1].key().expose())), Verdict::Wrong(Why::WrongResponse));
}

#[test]
fn a_revoked_pair_stays_revoked_and_its_keys_are_gone() {
    let world = world();
    let (id, key) = world.usual();
    assert!(world.keychain.living(id.as_str()).unwrap());
    assert_eq!(world.judge(&id, &hmac(&key)), right());
    // By somebody who needs no key file.
    let other = Store::open(world.folder.path()).unwrap();
    assert_eq!(other.revoke_pair("APP-NOBODY").unwrap(), None);
    assert_eq!(other.revoke_pair(id.as_str()).unwrap(), Some(Revoked::Now));
    assert_eq!(world.judge(&id, &hmac(&key)), Verdict::Wrong(Why::Revoked), "at once");
    assert!(!world.keychain.living(id.as_str()).unwrap());
    assert!(matches!(other.revoke_pair(id.as_str()).unwrap(), Some(Revoked::Before(at)) if at <= now()));
    let pair = other.pair(id.as_str()).unwrap().unwrap();
    assert!(pair.revoked.is_some() && pair.keys.is_empty());
    // Whoever writes to the store without a key file cannot bring it back.
    world.sql().execute("UPDATE app_ids SET revoked = NULL, revocation = NULL", []).unwrap();
    assert_eq!(world.judge(&id, &hmac(&key)), Verdict::Wrong(Why::WrongResponse));
    assert!(!world.keychain.living(id.as_str()).unwrap());
}

#[test]
fn revocations_are_told_while_the_service_runs() {
    let world = world();
    let ids: Vec<AppId> = (0..4).map(|_| world.usual().0).collect();
    world.keychain.store.revoke_pair(ids[0].as_str()).unwrap();
    let mut revocations = Revocations::open(world.folder.path()).unwrap();
    assert!(revocations.poll().unwrap().is_empty(), "what was before is not told");
    let revoke = |nth: usize| {
        let other = Store::open(world.folder.path()).unwrap();
        other.revoke_pair(ids[nth].as_str()).unwrap();
        ids[nth].as_str().into()
    };
    let one: Box<str> = revoke(1);
    assert_eq!(revocations.poll().unwrap(), std::slice::from_ref(&one));
    let two = revoke(2);
    assert_eq!(revocations.poll().unwrap(), [one, two.clone()], "told twice");
    assert_eq!(revocations.poll().unwrap(), [two]);
    assert!(revocations.poll().unwrap().is_empty());
    // Other changes are no revocations.
    world.rotate(&ids[3], Duration::ZERO).unwrap();
    world.usual();
    assert!(revocations.poll().unwrap().is_empty());
    // And the clock does not matter.
    world.sql().execute("UPDATE app_ids SET revoked = 9999999999 WHERE revoked IS NOT NULL", []).unwrap();
    let three = revoke(3);
    assert_eq!(revocations.poll().unwrap(), [three]);
}

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
    let (other, other_key) = world.usual();
    world.rotate(&id, Duration::from_hours(1)).unwrap();
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
    // Rows of two pairs in each other's place.
    db.execute_batch(&format!(
        "UPDATE app_keys SET id = 'x' WHERE id = '{id}' AND number = 1;
         UPDATE app_keys SET id = '{id}', number = 1 WHERE id = '{other}';
         UPDATE app_keys SET id = '{other}' WHERE id = 'x';"
    ))
    .unwrap();
    for (id, key) in [(&id, &key), (&id, &other_key), (&other, &key), (&other, &other_key)] {
        let verdict = world.keychain.judge(id.as_str(), CHALLENGE, &hmac(key));
        assert!(!matches!(verdict, Ok(Verdict::Right { .. })), "{verdict:?}");
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
fn the_key_file_that_was_first_is_the_only_one() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let at = |name: &str| LockConfig { key_file: Some(elsewhere.path().join(name)), ..LockConfig::default() };
    let (one, two) = (at("one"), at("two"));
    let missing = Keychain::open(folder.path(), &one).unwrap_err();
    assert!(matches!(&missing, KeyError::File(KeyFileError::Missing(path)) if path.ends_with("one")), "{missing}");
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "nothing was made");
    Keychain::open_or_make(folder.path(), &one).unwrap();
    file::make(&two.key_file(folder.path())).unwrap();
    for open in [Keychain::open, Keychain::open_or_make] {
        let another = open(folder.path(), &two).unwrap_err();
        assert!(matches!(&another, KeyError::File(KeyFileError::Another(path)) if path.ends_with("two")), "{another}");
        assert!(open(folder.path(), &one).is_ok());
        // It is not made anew where something is sealed.
        let missing = open(folder.path(), &at("three")).unwrap_err();
        assert!(matches!(missing, KeyError::File(KeyFileError::Missing(_))), "{missing}");
    }
    // The store copied to somewhere else, with a key file of its own.
    let copied = tempfile::tempdir().unwrap();
    std::fs::copy(folder.path().join("hither.sqlite"), copied.path().join("hither.sqlite")).unwrap();
    assert!(Keychain::open_or_make(copied.path(), &two).is_err());
}

#[test]
fn what_nobody_would_issue_is_refused() {
    let world = world();
    let named = |name: &str| NewPair { name: name.into(), ..new(Environment::Test, false, None) };
    for name in ["", " ", "a\nb", "\u{1b}[2J", &"n".repeat(129)] {
        assert!(matches!(Draft::new(&named(name)), Err(KeyError::Name)), "{name:?}");
    }
    let many: Vec<Guid> = (0..65).map(Guid).collect();
    for apps in [&[][..], &many] {
        let refused = Draft::new(&new(Environment::Test, false, Some(apps)));
        assert!(matches!(refused, Err(KeyError::Apps)));
    }
    let (id, key) = world.issue(&new(Environment::Production, false, Some(&many[..64])));
    assert!(matches!(world.judge(&id, &hmac(&key)), Verdict::Right { apps: Some(apps) } if apps.len() == 64));
    let draft = Draft::new(&named("one too many")).unwrap();
    assert!(!world.keychain.store.add_pair(draft.pair(), 1).unwrap());
    assert_eq!(world.keychain.store.pairs().unwrap().len(), 1);
}

#[test]
fn a_use_is_noted_now_and_then_and_waits_for_nobody() {
    let world = world();
    let (id, key) = world.usual();
    let used = || world.keychain.store.pair(id.as_str()).unwrap().unwrap().last_used;
    world.judge(&id, &hmac("other"));
    assert_eq!(used(), None);
    // Somebody else is writing, and does not let go.
    let db = world.sql();
    let writing = rusqlite::Transaction::new_unchecked(&db, rusqlite::TransactionBehavior::Immediate).unwrap();
    assert_eq!(world.judge(&id, &hmac(&key)), right());
    assert_eq!(used(), None);
    writing.rollback().unwrap();
    let judged = |after: i64| {
        world.keychain.judge_at(1_000_000 + after, id.as_str(), CHALLENGE, &hmac(&key)).unwrap();
        used().unwrap() - 1_000_000
    };
    assert_eq!([judged(0), judged(3_599), judged(3_601), judged(3_602)], [0, 0, 3_601, 3_601]);
    assert_eq!(judged(-DAY), -DAY, "a clock that was wrong");
}

#[test]
fn no_key_is_in_what_is_printed_for_debugging_or_in_the_store() {
    let world = world();
    let (id, key) = world.issue(&new(Environment::Production, true, Some(&[CHESS])));
    let draft = world.keychain.draft_rotation(&id, Duration::ZERO).unwrap();
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

#[test]
fn threads_that_judge_issue_and_revoke_at_once() {
    let world = world();
    let (kept, kept_key) = world.usual();
    let (ended, ended_key) = world.usual();
    let path = world.folder.path();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let keychain = Keychain::open(path, &LockConfig::default()).unwrap();
                let mut revoked = false;
                while !revoked {
                    assert_eq!(keychain.judge(kept.as_str(), CHALLENGE, &hmac(&kept_key)).unwrap(), right());
                    let verdict = keychain.judge(ended.as_str(), CHALLENGE, &hmac(&ended_key)).unwrap();
                    revoked = verdict == Verdict::Wrong(Why::Revoked);
                    assert!(revoked || verdict == right(), "{verdict:?}");
                }
                assert_ne!(keychain.judge(ended.as_str(), CHALLENGE, &hmac(&ended_key)).unwrap(), right());
            });
        }
        scope.spawn(|| {
            let keychain = Keychain::open(path, &LockConfig::default()).unwrap();
            for _ in 0..20 {
                keychain.keep(&Draft::new(&new(Environment::Test, false, None)).unwrap()).unwrap();
            }
            keychain.store.revoke_pair(ended.as_str()).unwrap();
        });
    });
    assert_eq!(world.keychain.store.pairs().unwrap().len(), 22);
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
        secrets.push(world.rotate(&id, Duration::from_hours(1)).unwrap());
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
