//! Pairs in a real store, with a real key file.

use std::time::Duration;

use super::*;

mod changing;
mod hostile;

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
const HOUR: Duration = Duration::from_hours(1);

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
        let draft = self.keychain.draft_rotation(id, Rotate::Next { overlap })?;
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
    world.rotate(&rotated, HOUR).unwrap();
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
    assert_eq!(world.keychain.store.pairs().unwrap().len(), 1);
    let sql = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 9999)
               INSERT INTO app_ids (id, name, environment, md5, created) SELECT n, 'n', 'test', 0, 0 FROM n";
    world.sql().execute(sql, []).unwrap();
    let draft = Draft::new(&named("one too many")).unwrap();
    assert!(matches!(world.keychain.keep(&draft), Err(KeyError::TooMany)));
    world.keychain.store.revoke_pair("77").unwrap();
    world.keychain.keep(&draft).unwrap();
}

/// Whoever issues and revokes in a loop does not fill the disk.
#[test]
fn of_revoked_pairs_the_oldest_go_and_of_living_ones_none() {
    let world = world();
    let (living, _) = world.usual();
    let revoked = |from: i64, to: i64, at: i64| {
        let sql = "WITH RECURSIVE n (n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM n WHERE n < ?2)
                   INSERT INTO app_ids (id, name, environment, md5, created, revoked, revocation)
                   SELECT n, 'n', 'test', 0, 0, ?3, n FROM n";
        world.sql().execute(sql, [from, to, at]).unwrap();
    };
    let there = |id: &str| world.keychain.store.pair(id).unwrap().is_some();
    revoked(1, 1_000, 0);
    world.usual();
    assert!(there("1"), "as many as are kept");
    revoked(1_001, 1_003, now());
    world.usual();
    assert_eq!([1, 2, 3, 4].map(|n| there(&n.to_string())), [false, false, false, true]);
    assert!(there(living.as_str()));
    revoked(1_004, 2_500, now());
    world.usual();
    assert!(!there("1000") && there("1001"), "nobody may have heard of those yet");
    assert_eq!(world.keychain.store.last_revocation().unwrap(), 2_500);
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
