//! Pairs that are rotated and revoked.

use super::*;
use crate::store::Revoked;

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
    let refused = world.rotate(&id, HOUR);
    assert!(matches!(refused, Err(KeyError::Rotating(_))));
    let third = world.rotate(&id, Duration::ZERO).unwrap();
    assert_eq!(at(0, &hmac(&second)), Verdict::Wrong(Why::Expired));
    assert_eq!(at(0, &hmac(&first)), Verdict::Wrong(Why::WrongResponse), "of a key before that nothing is left");
    assert_eq!(at(0, &hmac(&third)), right);
    let pair = world.keychain.store.pair(id.as_str()).unwrap().unwrap();
    assert_eq!(pair.keys.iter().map(|key| key.number).collect::<Vec<_>>(), [3, 2]);
    // The one before is over, so there is room for another.
    world.rotate(&id, HOUR).unwrap();
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
    let draft = world.keychain.draft_rotation(&id, Rotate::Next { overlap: Duration::ZERO }).unwrap();
    world.keychain.store.revoke_pair(id.as_str()).unwrap();
    assert!(matches!(world.keychain.keep(&draft), Err(KeyError::Revoked(_))));
    assert!(matches!(world.rotate(&id, Duration::ZERO), Err(KeyError::Revoked(_))));
    assert_eq!(world.judge(&id, &hmac(draft.key().expose())), Verdict::Wrong(Why::Revoked));
    // Of two who rotate at once, the second is told.
    let (id, first) = world.usual();
    let drafts = [0, 1].map(|_| world.keychain.draft_rotation(&id, Rotate::Next { overlap: HOUR }).unwrap());
    world.keychain.keep(&drafts[0]).unwrap();
    assert!(matches!(world.keychain.keep(&drafts[1]), Err(KeyError::Rotating(_))));
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

#[test]
fn a_new_key_that_was_lost_is_made_again() {
    let world = world();
    let (id, first) = world.usual();
    let again = |overlap| -> Result<String, KeyError> {
        let draft = world.keychain.draft_rotation(&id, Rotate::Again { overlap })?;
        world.keychain.keep(&draft)?;
        Ok(draft.key().expose().to_owned())
    };
    assert!(matches!(again(HOUR), Err(KeyError::NotRotating(_))), "there is one key only");
    let lost = world.rotate(&id, HOUR).unwrap();
    let found = again(2 * HOUR).unwrap();
    let at = |after, key: &str| world.keychain.judge_at(now() + after, id.as_str(), CHALLENGE, &hmac(key)).unwrap();
    assert_eq!(at(0, &lost), Verdict::Wrong(Why::WrongResponse));
    assert_eq!([at(0, &first), at(0, &found)], [right(), right()]);
    assert_eq!([at(7_000, &first), at(7_300, &first)], [right(), Verdict::Wrong(Why::Expired)], "from now on");
    let last = again(Duration::ZERO).unwrap();
    assert_eq!([at(0, &first), at(0, &last)], [Verdict::Wrong(Why::Expired), right()]);
    assert!(matches!(again(HOUR), Err(KeyError::NotRotating(_))), "the old one is over");
}

#[test]
fn a_lost_key_file_is_replaced_when_nothing_is_sealed_with_it() {
    let world = world();
    let (id, _) = world.usual();
    let path = LockConfig::default().key_file(world.folder.path());
    std::fs::remove_file(&path).unwrap();
    let anew = || Keychain::open_anew(world.folder.path(), &LockConfig::default());
    assert!(matches!(anew(), Err(KeyError::StillSealed)) && !path.exists());
    // Begun with the old one, and not kept yet.
    let (new, rotation) = (Draft::new(&new(Environment::Production, false, None)).unwrap(), id.clone());
    world.keychain.store.revoke_pair(id.as_str()).unwrap();
    let keychain = anew().unwrap();
    assert!(path.exists());
    assert!(matches!(world.keychain.keep(&new), Err(KeyError::File(KeyFileError::Another(_)))));
    assert!(matches!(world.rotate(&rotation, HOUR), Err(KeyError::Revoked(_))));
    keychain.keep(&new).unwrap();
    let response = hmac(new.key().expose());
    assert_eq!(keychain.judge(&new.pair().id, CHALLENGE, &response).unwrap(), right());
    // A service that has the old one unlocks nothing, and says that something is wrong.
    let stale = world.keychain.judge(&new.pair().id, CHALLENGE, &response);
    assert!(matches!(stale, Err(StoreError::Sealed(_))));
    assert!(matches!(anew(), Err(KeyError::StillSealed)));
}
