//! What is dropped is tidied up: sessions, invitations, futures, clients.

use std::pin::pin;

use futures_util::FutureExt as _;
use hither::{Code, Event, State, Status};
use tokio::time::timeout;

use crate::world::{PATIENCE, World, connected};

#[tokio::test]
async fn a_session_that_is_dropped_is_cancelled() {
    let world = World::new().await;
    let (mut alice, mut bob) = (world.person("alice").await, world.person("bob").await);
    let game = alice.game();
    game.invite("bob@example.org", "").await.unwrap();
    let invitation = bob.invitation().await;
    drop(game);
    bob.until("Termination SR_CANCEL_BEFORE_CONNECT").await;
    assert_eq!(invitation.session.state(), State::Terminated);
    alice.until("Termination SR_CANCEL_BEFORE_CONNECT").await;

    let (_mine, theirs) = connected(&mut alice, &mut bob).await;
    drop(theirs);
    alice.until("Termination SR_SESSION_CANCELLED_REMOTE").await;
    bob.until("Termination SR_SESSION_CANCELLED_LOCAL").await;

    // One that never invited leaves nothing behind.
    let id = alice.game().id();
    assert_eq!(alice.client.session(&id), None);
}

#[tokio::test]
async fn an_invitation_that_is_dropped_rings_out() {
    let world = World::with(|config| config.machine.ring_ms = 300).await;
    let (mut alice, mut bob) = (world.person("alice").await, world.person("bob").await);
    let game = alice.game();
    game.invite("bob@example.org", "").await.unwrap();
    drop(bob.invitation().await);
    alice.until("Termination SR_SESSION_TIMEOUT").await;
    bob.until("Termination SR_SESSION_TIMEOUT").await;
}

#[tokio::test]
async fn a_session_that_is_forgotten_goes_on() {
    let world = World::new().await;
    let (mut alice, mut bob) = (world.person("alice").await, world.person("bob").await);
    let (mine, theirs) = connected(&mut alice, &mut bob).await;
    let id = mine.id();
    mine.forget();
    theirs.send_context_data("still there?").await.unwrap();
    assert_eq!(alice.line().await, "ContextData still there?");
    assert_eq!(alice.client.session(&id).unwrap().state, State::Connected);
    let unused = alice.game();
    let id = unused.id();
    unused.forget();
    assert_eq!(alice.client.session(&id), None);
}

#[tokio::test]
async fn a_call_whose_future_is_dropped_is_made_once() {
    let world = World::new().await;
    let (mut alice, mut bob) = (world.person("alice").await, world.person("bob").await);
    let (mine, _theirs) = connected(&mut alice, &mut bob).await;
    {
        let mut sending = pin!(mine.send_context_data("once"));
        assert!(sending.as_mut().now_or_never().is_none(), "it has begun");
    }
    mine.send_context_data("twice").await.unwrap();
    assert_eq!(bob.lines(2).await, ["ContextData once", "ContextData twice"]);
    // The same of waiting for an event.
    {
        let mut waiting = pin!(bob.events.next());
        assert!(waiting.as_mut().now_or_never().is_none());
    }
    mine.send_context_data("thrice").await.unwrap();
    assert_eq!(bob.line().await, "ContextData thrice");
}

#[tokio::test]
async fn a_client_that_nobody_holds_signs_out() {
    let world = World::new().await;
    let (mut alice, mut bob) = (world.person("alice").await, world.person("bob").await);
    let (mine, theirs) = connected(&mut alice, &mut bob).await;
    drop((bob, theirs));
    // Far sooner than the grace: first the session is cancelled, then Bob is gone.
    let told = alice.until("Termination SR_SESSION_CANCELLED_REMOTE").await;
    assert!(told.contains(&"Cancelled ".to_owned()), "{told:?}");
    loop {
        let event = alice.events.next().await.unwrap();
        if let Event::ContactStatusChange { status: Status::Offline, .. } = event {
            break;
        }
    }
    assert_eq!(mine.state(), State::Terminated);
}

#[tokio::test]
async fn without_its_events_a_client_takes_whatever_comes() {
    let change = |config: &mut hither_service::ServiceConfig| {
        config.machine.events_pending = 16;
        config.machine.invitations_per_minute = u32::MAX;
    };
    let world = World::with(change).await;
    let (mut alice, bob) = (world.person("alice").await, world.person("bob").await);
    drop(bob.events);
    // So Bob's queue at the service, which is full in between, has room again.
    for _ in 0..12 {
        let game = alice.game();
        let inviting = async {
            while let Err(error) = game.invite("bob@example.org", "").await {
                assert_eq!(error.code(), Code::MSGR_E_TOO_MANY_SESSIONS);
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, inviting).await.unwrap();
        drop(game);
        alice.until("Termination SR_CANCEL_BEFORE_CONNECT").await;
    }
    assert!(bob.client.contacts().await.is_ok());
}
