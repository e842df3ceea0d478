//! Every state and every input, once against a table written by hand and once against a small model.

use proptest::prelude::*;

use super::*;

const APP: Guid = Guid(1);
const OTHER: Guid = Guid(2);

fn every_state() -> Vec<(&'static str, Lock)> {
    vec![
        ("disabled", Lock::Disabled),
        ("locked", Lock::Locked),
        ("drawing", Lock::Drawing { cookie: 7 }),
        ("pending", Lock::Pending { cookie: 7, challenge: "c".into(), until: 30 }),
        ("judging", Lock::Judging { cookie: 7, app_id: "a".into(), number: 5 }),
        ("failing", Lock::Failing { cookie: 7, until: 40 }),
        ("unlocked", Lock::Unlocked { app_id: "a".into(), apps: None }),
        ("failed", Lock::Failed),
    ]
}

fn every_move() -> Vec<(&'static str, Move)> {
    let judged = |number, judgement| Move::Judged { number, judgement, until: 60 };
    vec![
        ("request", Move::Request { cookie: 9 }),
        ("unasked", Move::Unasked),
        ("gone", Move::KeyGone { app_id: "a".into() }),
        ("other gone", Move::KeyGone { app_id: "b".into() }),
        ("drawn", Move::Drawn { challenge: Some("d".into()), until: 50 }),
        ("no randomness", Move::Drawn { challenge: None, until: 50 }),
        ("respond", Move::Respond { cookie: 7, app_id: "a".into(), number: 6 }),
        ("wrong cookie", Move::Respond { cookie: 8, app_id: "a".into(), number: 6 }),
        ("right", judged(5, Judgement::Right { apps: None })),
        ("wrong", judged(5, Judgement::Wrong)),
        ("busy", judged(5, Judgement::Not { code: Code::MSGR_E_SERVER_TOO_BUSY, retry_after_ms: Some(1) })),
        ("old right", judged(4, Judgement::Right { apps: None })),
        ("due", Move::Due),
        ("on", Move::Switch { on: true }),
        ("off", Move::Switch { on: false }),
    ]
}

/// Where each move leads from each state, in the order of [`every_move`]: a state, `=` for no change, or
/// the code of the refusal.
const TABLE: [(&str, [&str; 15]); 8] = [
    ("disabled", ["DISABLED", "=", "=", "=", "=", "=", "DISABLED", "DISABLED", "=", "=", "=", "=", "=", "locked", "="]),
    (
        "locked",
        ["drawing", "drawing", "=", "=", "=", "=", "LOCKED", "LOCKED", "=", "=", "=", "=", "=", "=", "disabled"],
    ),
    (
        "drawing",
        ["PENDING", "=", "=", "=", "pending", "locked", "PENDING", "PENDING", "=", "=", "=", "=", "=", "=", "disabled"],
    ),
    (
        "pending",
        ["PENDING", "=", "=", "=", "=", "=", "judging", "INVALIDARG", "=", "=", "=", "=", "failed", "=", "disabled"],
    ),
    (
        "judging",
        [
            "PENDING", "=", "drawing", "=", "=", "=", "PENDING", "PENDING", "unlocked", "failing", "locked", "=", "=",
            "=", "disabled",
        ],
    ),
    (
        "failing",
        ["PENDING", "=", "=", "=", "=", "=", "PENDING", "PENDING", "=", "=", "=", "=", "failed", "=", "disabled"],
    ),
    (
        "unlocked",
        [
            "ALREADY", "drawing", "drawing", "=", "=", "=", "ALREADY", "ALREADY", "=", "=", "=", "=", "=", "=",
            "disabled",
        ],
    ),
    ("failed", ["FAILED", "drawing", "=", "=", "=", "=", "FAILED", "FAILED", "=", "=", "=", "=", "=", "=", "disabled"]),
];

fn short(code: Code) -> &'static str {
    match code {
        Code::MSGR_E_API_DISABLED => "DISABLED",
        Code::MSGR_E_API_LOCKED => "LOCKED",
        Code::MSGR_E_API_PENDING_UNLOCK => "PENDING",
        Code::MSGR_E_API_ALREADY_UNLOCKED => "ALREADY",
        Code::MSGR_E_API_UNLOCK_FAILED => "FAILED",
        Code::E_INVALIDARG => "INVALIDARG",
        other => panic!("{other}"),
    }
}

fn kind(lock: &Lock) -> &'static str {
    match lock {
        Lock::Disabled => "disabled",
        Lock::Locked => "locked",
        Lock::Drawing { .. } => "drawing",
        Lock::Pending { .. } => "pending",
        Lock::Judging { .. } => "judging",
        Lock::Failing { .. } => "failing",
        Lock::Unlocked { .. } => "unlocked",
        Lock::Failed => "failed",
    }
}

#[test]
fn every_state_and_every_move() {
    for ((name, lock), (row, expected)) in every_state().into_iter().zip(TABLE) {
        assert_eq!(name, row);
        for ((what, step), expected) in every_move().into_iter().zip(expected) {
            let mut after = lock.clone();
            let result = after.handle(step);
            let outcome = match &result {
                Err(code) => short(*code),
                Ok(_) if after == lock => "=",
                Ok(_) => kind(&after),
            };
            assert_eq!(outcome, expected, "{name}: {what}");
            if result.is_err() {
                assert_eq!(after, lock, "{name}: a refused {what} changes nothing");
            }
            let effects = result.unwrap_or_default();
            let told = effects.iter().any(|effect| matches!(effect, Effect::Status { .. }));
            assert_eq!(told, after.status() != lock.status(), "{name}: {what}: each change is told, and only a change");
            let ends = effects.iter().filter(|effect| matches!(effect, Effect::Result { .. })).count();
            let over = lock.status() == LockStatus::PendingResult && after.status() != LockStatus::PendingResult;
            assert_eq!(ends, usize::from(over), "{name}: {what}: each try has one result");
        }
    }
}

/// The whole policy, as the reference and R31 have it: requesting, responding, using.
#[test]
fn the_policy_is_the_reference() {
    let allowed = Code::S_OK;
    let expected = [
        (LockStatus::NotInitialized, [Code::MSGR_E_API_NOTINITIALIZED; 3]),
        (LockStatus::Initialized, [allowed, Code::MSGR_E_API_LOCKED, Code::MSGR_E_API_LOCKED]),
        (LockStatus::PendingResult, [Code::MSGR_E_API_PENDING_UNLOCK, allowed, Code::MSGR_E_API_LOCKED]),
        (LockStatus::Unlocked, [Code::MSGR_E_API_ALREADY_UNLOCKED, Code::MSGR_E_API_ALREADY_UNLOCKED, allowed]),
        (
            LockStatus::UnlockFailed,
            [Code::MSGR_E_API_UNLOCK_FAILED, Code::MSGR_E_API_UNLOCK_FAILED, Code::MSGR_E_API_LOCKED],
        ),
        (LockStatus::Disabled, [Code::MSGR_E_API_DISABLED, Code::MSGR_E_API_DISABLED, allowed]),
    ];
    assert_eq!(expected.map(|(status, _)| status), LockStatus::ALL);
    for (status, codes) in expected {
        let outcomes =
            [Call::Request, Call::Respond, Call::Use].map(|call| policy(status, call).err().unwrap_or(allowed));
        assert_eq!(outcomes, codes, "{status}");
    }
}

#[test]
fn a_whole_try() {
    let status = |error| Effect::Status { error, retry_after_ms: None };
    let mut lock = Lock::new(true);
    assert_eq!(lock.permits(APP), Err(Code::MSGR_E_API_LOCKED));
    assert_eq!(lock.handle(Move::Request { cookie: 7 }), Ok(vec![status(None), Effect::Draw]));
    let drawn = Move::Drawn { challenge: Some("c".into()), until: 30 };
    assert_eq!(lock.handle(drawn), Ok(vec![Effect::Challenge { cookie: 7, challenge: "c".into() }]));
    assert_eq!(lock.deadline(), Some(30));
    let respond = Move::Respond { cookie: 7, app_id: "a".into(), number: 1 };
    assert_eq!(lock.handle(respond), Ok(vec![Effect::Judge { challenge: "c".into() }]));
    assert_eq!((lock.deadline(), lock.permits(APP)), (None, Err(Code::MSGR_E_API_LOCKED)));
    let right = Judgement::Right { apps: Some([APP].into()) };
    let judged = Move::Judged { number: 1, judgement: right, until: 99 };
    assert_eq!(lock.handle(judged), Ok(vec![Effect::Result { cookie: 7, ok: true }, status(None)]));
    assert_eq!((lock.permits(APP), lock.permits(OTHER)), (Ok(()), Err(Code::MSGR_E_API_LOCKED)));
    assert_eq!(Lock::new(false).permits(OTHER), Ok(()));
}

#[test]
fn a_failure_costs_time_and_is_told_then() {
    let mut lock = Lock::Judging { cookie: 7, app_id: "a".into(), number: 1 };
    let wrong = Move::Judged { number: 1, judgement: Judgement::Wrong, until: 40 };
    assert_eq!(lock.handle(wrong), Ok(Vec::new()), "not a word yet");
    assert_eq!((lock.deadline(), lock.status()), (Some(40), LockStatus::PendingResult));
    let error = Some(Code::MSGR_E_API_UNLOCK_FAILED);
    let told = vec![Effect::Result { cookie: 7, ok: false }, Effect::Status { error, retry_after_ms: None }];
    assert_eq!(lock.handle(Move::Due), Ok(told));
}

fn any_move() -> impl Strategy<Value = Move> {
    let judgement = prop_oneof![
        Just(Judgement::Right { apps: None }),
        Just(Judgement::Wrong),
        Just(Judgement::Not { code: Code::E_FAIL, retry_after_ms: None }),
    ];
    let id = || prop_oneof![Just("a"), Just("b")];
    prop_oneof![
        (1..3_u32).prop_map(|cookie| Move::Request { cookie }),
        Just(Move::Unasked),
        id().prop_map(|app_id| Move::KeyGone { app_id: app_id.into() }),
        (any::<bool>(), 0..9_u64).prop_map(|(some, until)| Move::Drawn { challenge: some.then(|| "c".into()), until }),
        (0..3_u32, id(), 0..3_u64).prop_map(|(cookie, app_id, number)| Move::Respond {
            cookie,
            app_id: app_id.into(),
            number
        }),
        (0..3_u64, judgement, 0..9_u64).prop_map(|(number, judgement, until)| Move::Judged {
            number,
            judgement,
            until
        }),
        Just(Move::Due),
        any::<bool>().prop_map(|on| Move::Switch { on }),
    ]
}

/// What somebody who only hears the events knows.
#[derive(Debug, PartialEq)]
struct Heard {
    status: LockStatus,
    /// The cookie of a try that has no result yet.
    trying: Option<u32>,
}

proptest! {
    /// Whoever hears every event knows how the lock stands; it opens by nothing but a right judgement of
    /// the response to the last challenge, and stays open until the service wants another.
    #[test]
    fn the_events_tell_everything(moves in prop::collection::vec(any_move(), 0..40)) {
        let mut lock = Lock::new(true);
        let mut heard = Heard { status: LockStatus::Initialized, trying: None };
        let mut responded = None;
        for what in moves {
            let before = lock.status();
            let Ok(effects) = lock.handle(what.clone()) else { continue };
            if let (Move::Respond { number, .. }, true) = (&what, lock.status() == LockStatus::PendingResult) {
                responded = Some(*number);
            }
            for effect in effects {
                match effect {
                    Effect::Status { .. } => heard.status = lock.status(),
                    Effect::Challenge { cookie, .. } => heard.trying = Some(cookie),
                    Effect::Result { ok, .. } => {
                        heard.trying = None;
                        prop_assert_eq!(ok, matches!(lock, Lock::Unlocked { .. }));
                    }
                    Effect::Draw => responded = None,
                    Effect::Judge { .. } => prop_assert!(heard.trying.is_some()),
                }
            }
            prop_assert_eq!(heard.status, lock.status());
            let open = matches!(heard.status, LockStatus::Unlocked | LockStatus::Disabled);
            prop_assert_eq!(lock.permits(APP).is_ok(), open);
            if heard.status != LockStatus::PendingResult {
                prop_assert_eq!(heard.trying, None);
            }
            if before != LockStatus::Unlocked && heard.status == LockStatus::Unlocked {
                let Move::Judged { number, judgement: Judgement::Right { .. }, .. } = what else {
                    return Err(TestCaseError::fail(format!("opened by {what:?}")));
                };
                prop_assert_eq!(Some(number), responded);
            }
        }
    }
}
