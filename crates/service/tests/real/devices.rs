//! Several devices of one person.

use serde_json::json;

use crate::support::{service, session};

#[tokio::test]
async fn the_first_answer_wins_and_the_others_are_told_why() {
    let service = service().await;
    let mut alice = service.signed_in("alice@example.org").await;
    let mut bobs = Vec::new();
    for _ in 0..3 {
        bobs.push(service.signed_in("bob@example.org").await);
    }
    for (n, request, how, reason) in
        [(1, "accept", "accepted", "accepted_elsewhere"), (2, "decline", "ended", "declined_elsewhere")]
    {
        assert_eq!(alice.invite(&session(n), "bob@example.org").await, "S_OK");
        for bob in &mut bobs {
            bob.event("invitation").await;
        }
        assert_eq!(bobs[1].outcome(request, json!({"session": session(n)})).await, "S_OK");
        bobs[1].event(how).await;
        alice.event(how).await;
        for at in [0, 2] {
            let end = bobs[at].event("ended").await;
            assert_eq!((&end["how"], &end["reason"]), (&json!("cancelled"), &json!(reason)));
            assert_eq!(end["code"], json!(0x8100_0607_u32));
            for late in ["accept", "decline", "attach", "cancel"] {
                let outcome = bobs[at].outcome(late, json!({"session": session(n)})).await;
                assert_eq!(outcome, "SR_SESSION_STATE_INVALID", "{late}");
            }
        }
    }
    service.stop().await;
}

#[tokio::test]
async fn two_accepts_at_the_same_moment_a_thousand_times() {
    let service = crate::support::service_with(|config| config.machine.invitations_per_minute = 10_000).await;
    let mut alice = service.signed_in("alice@example.org").await;
    let mut desk = service.signed_in("bob@example.org").await;
    let mut phone = service.signed_in("bob@example.org").await;
    let mut wins = [0, 0];
    for n in 1..=1_000 {
        assert_eq!(alice.invite(&session(n), "bob@example.org").await, "S_OK");
        desk.event("invitation").await;
        phone.event("invitation").await;
        let accept = json!({"session": session(n), "attach": true});
        let (first, second) = if n % 2 == 0 {
            tokio::join!(desk.outcome("accept", accept.clone()), phone.outcome("accept", accept))
        } else {
            let (second, first) = tokio::join!(phone.outcome("accept", accept.clone()), desk.outcome("accept", accept));
            (first, second)
        };
        let (winner, loser) = match (first.as_str(), second.as_str()) {
            ("S_OK", "SR_SESSION_STATE_INVALID") => (&mut desk, &mut phone),
            ("SR_SESSION_STATE_INVALID", "S_OK") => (&mut phone, &mut desk),
            both => panic!("exactly one wins: {both:?}"),
        };
        wins[usize::from(first != "S_OK")] += 1;
        winner.event("connected").await;
        assert_eq!(loser.event("ended").await["reason"], "accepted_elsewhere");
        assert_eq!(alice.outcome("cancel", json!({"session": session(n), "ack": alice.seq})).await, "S_OK");
        winner.event("ended").await;
        for bob in [&mut desk, &mut phone] {
            let ack = bob.seq;
            bob.send_text(json!({"ack": ack}).to_string()).await;
        }
    }
    assert!(wins[0] > 0 && wins[1] > 0, "both came first at times: {wins:?}");
    service.stop().await;
}
