//! Requests that cross on the wire: the service orders them, and both parties end the same (R11).

use serde_json::{Value, json};

use crate::support::{Raw, TestService, service, service_with, session};

async fn ringing(service: &TestService, n: u64) -> (Raw, Raw) {
    let (mut alice, mut bob) =
        (service.signed_in("alice@example.org").await, service.signed_in("bob@example.org").await);
    assert_eq!(alice.invite(&session(n), "bob@example.org").await, "S_OK");
    bob.event("invitation").await;
    (alice, bob)
}

/// The ends that both were told: how, by whom and with what code.
async fn ends(alice: &mut Raw, bob: &mut Raw) -> [(Value, Value, Value); 2] {
    let line = |event: Value| (event["how"].clone(), event["by"].clone(), event["code"].clone());
    [line(alice.event("ended").await), line(bob.event("ended").await)]
}

#[tokio::test]
async fn accept_and_cancel_in_both_orders() {
    let service = service().await;
    let (mut alice, mut bob) = ringing(&service, 1).await;
    assert_eq!(bob.outcome("accept", json!({"session": session(1)})).await, "S_OK");
    assert_eq!(alice.outcome("cancel", json!({"session": session(1)})).await, "S_OK", "cancel after accept");
    let [first, second] = ends(&mut alice, &mut bob).await;
    assert_eq!((first.2, second.2), (json!(0x8100_060A_u32), json!(0x8100_060A_u32)));

    assert_eq!(alice.invite(&session(2), "bob@example.org").await, "S_OK");
    bob.event("invitation").await;
    assert_eq!(alice.outcome("cancel", json!({"session": session(2), "hr": 0})).await, "S_OK");
    assert_eq!(bob.outcome("accept", json!({"session": session(2)})).await, "SR_SESSION_STATE_INVALID");
    let [first, second] = ends(&mut alice, &mut bob).await;
    assert_eq!((first.1, second.1), (json!("local"), json!("remote")));
    service.stop().await;
}

#[tokio::test]
async fn accept_and_cancel_at_the_same_moment() {
    let service = service().await;
    let (mut alice, mut bob) =
        (service.signed_in("alice@example.org").await, service.signed_in("bob@example.org").await);
    for n in 1..=100 {
        // Sixty a minute for a pair: the two take turns.
        let (inviter, invitee, to) = if n % 2 == 0 {
            (&mut alice, &mut bob, "bob@example.org")
        } else {
            (&mut bob, &mut alice, "alice@example.org")
        };
        assert_eq!(inviter.invite(&session(n), to).await, "S_OK");
        invitee.event("invitation").await;
        let (cancelled, accepted) = tokio::join!(
            inviter.outcome("cancel", json!({"session": session(n)})),
            invitee.outcome("accept", json!({"session": session(n), "attach": true})),
        );
        assert_eq!(cancelled, "S_OK", "a cancel comes never too late for the other's accept");
        assert!(["S_OK", "SR_SESSION_STATE_INVALID"].contains(&accepted.as_str()), "{accepted}");
        let [first, second] = ends(inviter, invitee).await;
        assert_eq!((&first.0, &second.0), (&json!("cancelled"), &json!("cancelled")));
        assert_eq!((first.1, second.1), (json!("local"), json!("remote")));
        let connected = first.2 == json!(0x8100_0606_u32);
        let remote = if connected { 0x8100_0607_u32 } else { 0x8100_060A };
        assert_eq!(second.2, json!(remote));
        assert!(accepted == "S_OK" || !connected);
    }
    service.stop().await;
}

#[tokio::test]
async fn cancel_and_cancel() {
    let service = service().await;
    let (mut alice, mut bob) =
        (service.signed_in("alice@example.org").await, service.signed_in("bob@example.org").await);
    for n in 1..=30 {
        alice.connect_session(&mut bob, &session(n)).await;
        let (mine, theirs) = tokio::join!(
            alice.outcome("cancel", json!({"session": session(n)})),
            bob.outcome("cancel", json!({"session": session(n)})),
        );
        let mut outcomes = [mine.as_str(), theirs.as_str()];
        outcomes.sort_unstable();
        assert_eq!(outcomes, ["SR_SESSION_STATE_INVALID", "S_OK"], "one of them was first");
        let [first, second] = ends(&mut alice, &mut bob).await;
        let winner = if mine == "S_OK" { [&first, &second] } else { [&second, &first] };
        assert_eq!(winner[0].2, json!(0x8100_0606_u32));
        assert_eq!(winner[1].2, json!(0x8100_0607_u32));
    }
    service.stop().await;
}

#[tokio::test]
async fn decline_and_time_out() {
    // The decline first.
    let service = service().await;
    let (mut alice, mut bob) = ringing(&service, 1).await;
    assert_eq!(bob.outcome("decline", json!({"session": session(1), "data": {"text": "no"}})).await, "S_OK");
    let [first, second] = ends(&mut alice, &mut bob).await;
    assert_eq!(first, (json!("declined"), json!("remote"), json!(0x8100_0602_u32)));
    assert_eq!(second, (json!("declined"), json!("local"), json!(0x8100_0602_u32)));
    service.stop().await;
    // The time-out first.
    let service = service_with(|config| config.machine.ring_ms = 150).await;
    let (mut alice, mut bob) =
        (service.signed_in("alice@example.org").await, service.signed_in("bob@example.org").await);
    assert_eq!(alice.invite(&session(2), "bob@example.org").await, "S_OK");
    let end = bob.event("ended").await;
    assert_eq!((&end["how"], &end["code"]), (&json!("terminated"), &json!(0x8100_0609_u32)));
    assert_eq!(bob.outcome("decline", json!({"session": session(2)})).await, "SR_SESSION_STATE_INVALID");
    let end = alice.event("ended").await;
    assert_eq!((&end["how"], &end["code"]), (&json!("terminated"), &json!(0x8100_0609_u32)));
    // As close together as it goes: declined when the deadline comes, by this side's clock.
    for n in 3..=20 {
        let invited = tokio::time::Instant::now();
        assert_eq!(alice.invite(&session(n), "bob@example.org").await, "S_OK");
        bob.event("invitation").await;
        // sleep: the moment itself is what is tested; either order is right.
        tokio::time::sleep_until(invited + std::time::Duration::from_millis(149)).await;
        let outcome = bob.outcome("decline", json!({"session": session(n)})).await;
        let [first, second] = ends(&mut alice, &mut bob).await;
        assert_eq!((&first.0, &first.2), (&second.0, &second.2), "both were told the same");
        let expected = if outcome == "S_OK" { "declined" } else { "terminated" };
        assert_eq!(first.0, json!(expected));
    }
    service.stop().await;
}
