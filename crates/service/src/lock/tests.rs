use std::time::Duration;

use super::*;
use crate::audit::AuditTo;
use crate::config::ServiceConfig;
use crate::keys::{LockConfig, Why};
use crate::store::StoreError;

/// Everybody's right response is `right`.
struct Keys;

impl Judge for Keys {
    fn judge(&self, _app_id: &str, _challenge: &str, response: &str) -> Result<Verdict, StoreError> {
        Ok(if response == "right" { Verdict::Right { apps: None } } else { Verdict::Wrong(Why::WrongResponse) })
    }
}

fn job(address: u8, person: &str, response: &str) -> Job {
    let response = Response { app_id: "chess".into(), response: response.into(), cookie: 1 };
    let person = PersonName::parse(&format!("{person}@example.org")).unwrap();
    Job {
        ticket: Ticket(1),
        person,
        address: [192, 0, 2, address].into(),
        challenge: "c".into(),
        response: Box::new(response),
    }
}

fn door() -> Door {
    let two = Allowance { burst: 2, each_ms: 1_000 };
    let lock = LockConfig { failures_per_address: two, failures_per_person: two, ..LockConfig::default() };
    let config = ServiceConfig::new(([127, 0, 0, 1], 0).into(), "nowhere".into());
    let config = Live::new(ServiceConfig { lock: Some(lock), ..config });
    let (audit, _) = Audit::start(&AuditTo::Stderr).unwrap();
    let judge = JudgeSlot::new(Box::new(Keys));
    Door { config, clock: Clock::start(), audit, judge, failures: Mutex::default() }
}

#[tokio::test(start_paused = true)]
async fn the_door_is_shut_to_an_address_and_to_a_person_for_a_while() {
    let door = door();
    for _ in 0..2 {
        assert_eq!(door.judge(&job(1, "mallory", "wrong")), Judgement::Wrong);
    }
    assert_eq!(door.judge(&job(1, "alice", "right")), busy(1_000), "from this address nobody is judged");
    assert_eq!(door.judge(&job(2, "mallory", "right")), busy(1_000), "nor for this person");
    assert_eq!(door.judge(&job(2, "alice", "right")), Judgement::Right { apps: None }, "others go on");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(door.judge(&job(1, "mallory", "right")), Judgement::Right { apps: None });
}

#[tokio::test]
async fn when_too_many_wait_the_next_is_told_when_to_come_back() {
    let (jobs, _waiting) = mpsc::channel(1);
    let locks = Locks { jobs, door: Arc::new(door()) };
    assert!(locks.submit(job(1, "mallory", "right")).is_none());
    let Some(Input::Judged { judgement, .. }) = locks.submit(job(1, "mallory", "right")) else { panic!("refused") };
    assert_eq!(judgement, busy(RETRY_MS));
}

#[test]
fn challenges_are_long_and_different() {
    let (one, other) = (draw().unwrap(), draw().unwrap());
    assert_ne!(one, other);
    assert_eq!(one.len(), 43);
    assert!(one.len() <= hither_wire::limits::CHALLENGE_BYTES);
}
