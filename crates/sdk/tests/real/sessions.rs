//! Whole sessions, and the refusals that the reference names.

use hither::{Attach, Code, Error, NextStep, Role, Stage, State};

use crate::world::{CHESS, World, connected};

fn code<T>(outcome: Result<T, Error>) -> Code {
    outcome.map_or_else(|error| error.code(), |_| Code::S_OK)
}

#[tokio::test]
async fn from_the_invitation_to_the_end() {
    let world = World::new().await;
    let (mut alice, mut bob) = (world.person("alice").await, world.person("bob").await);
    let game = alice.game();
    assert_eq!(game.state(), State::Ready);
    game.set_local_address(Some("192.0.2.1:5000")).unwrap();
    game.invite("bob@example.org", "white or black?").await.unwrap();
    assert_eq!(game.state(), State::Invitation, "when a call returns, its events are there");
    assert_eq!(alice.line().await, "READY>INVITATION");

    let invitation = bob.invitation().await;
    assert_eq!((invitation.from.as_str(), invitation.friendly_name.as_str()), ("alice@example.org", "alice"));
    assert_eq!((invitation.data.as_str(), &*invitation.application.name), ("white or black?", "Chess"));
    assert!((50_000..=60_000).contains(&invitation.ring_ms), "{}", invitation.ring_ms);
    let theirs = invitation.session;
    assert_eq!(theirs.id(), game.id());
    assert_eq!(theirs.snapshot().remote, None, "not before consent");
    theirs.attach_on_answer(false);
    theirs.progress(Stage::Launching, None).await.unwrap();
    theirs.accept("black").await.unwrap();
    assert_eq!(bob.line().await, "INVITATION>ACCEPTED");
    assert_eq!(theirs.attach().await.unwrap(), Attach::Done);
    assert_eq!(theirs.attach().await.unwrap(), Attach::Already);
    assert_eq!(bob.line().await, "ACCEPTED>CONNECTED");
    let told = alice.until("ACCEPTED>CONNECTED").await;
    let expected = [
        "Progress delivered",
        "Progress launching",
        "INVITATION>ACCEPTED",
        "Accepted black",
        "Progress attached",
        "ACCEPTED>CONNECTED",
    ];
    assert_eq!(told, expected);

    let (mine, other) = (game.snapshot(), theirs.snapshot());
    assert_eq!((mine.role, mine.flags, mine.attached), (Role::Inviter, 1, true));
    assert_eq!((other.role, other.flags, other.attached), (Role::Invitee, 2, true));
    assert_eq!(other.remote.unwrap().as_str(), "192.0.2.1:5000");
    assert_eq!(mine.remote.unwrap().as_str(), "127.0.0.1", "its own, unless it says otherwise");
    assert_eq!(mine.user.unwrap().as_str(), "bob@example.org");

    game.send_context_data("here").await.unwrap();
    assert_eq!(bob.line().await, "ContextData here");
    theirs.send_context_data("there").await.unwrap();
    assert_eq!(alice.line().await, "ContextData there");
    assert_eq!(game.snapshot().context.as_deref(), Some("there"));

    theirs.cancel(Code::S_OK, "thanks").await.unwrap();
    let mine = ["CONNECTED>CANCELLED", "CANCELLED>TERMINATED", "Termination SR_SESSION_CANCELLED_LOCAL thanks"];
    assert_eq!(bob.lines(3).await, mine);
    let other = [
        "CONNECTED>CANCELLED",
        "Cancelled thanks",
        "CANCELLED>TERMINATED",
        "Termination SR_SESSION_CANCELLED_REMOTE thanks",
    ];
    assert_eq!(alice.lines(4).await, other);
    assert_eq!(alice.client.session(&game.id()).unwrap().state, State::Terminated);

    alice.client.sign_out().await.unwrap();
    assert_eq!(alice.line().await, "Signout S_OK");
    assert!(alice.events.next().await.is_none());
}

#[tokio::test]
async fn decline_ignore_and_time_out() {
    let world = World::new().await;
    let (mut alice, mut bob) = (world.person("alice").await, world.person("bob").await);
    let game = alice.game();
    game.invite("bob@example.org", "").await.unwrap();
    bob.invitation().await.session.decline("no").await.unwrap();
    assert_eq!(bob.until("Termination SR_INVITATION_DECLINED no").await.len(), 3);
    let told = alice.until("Termination SR_INVITATION_DECLINED no").await;
    assert!(told.ends_with(&[
        "INVITATION>DECLINED".into(),
        "Declined no".into(),
        "DECLINED>TERMINATED".into(),
        "Termination SR_INVITATION_DECLINED no".into()
    ]));

    let game = alice.game();
    game.set_ring_time(std::time::Duration::from_millis(200)).unwrap();
    game.invite("bob@example.org", "").await.unwrap();
    let invitation = bob.invitation().await;
    assert!(invitation.ring_ms <= 200);
    invitation.session.ignore().await.unwrap();
    assert_eq!(bob.lines(2).await, ["INVITATION>TERMINATED", "Termination SR_SESSION_TIMEOUT"]);
    alice.until("Termination SR_SESSION_TIMEOUT").await;
    assert_eq!(code(invitation.session.accept("").await), Code::SR_SESSION_STATE_INVALID);
}

#[tokio::test]
async fn context_data_have_their_limits() {
    let world = World::new().await;
    let (mut alice, mut bob) = (world.person("alice").await, world.person("bob").await);
    let (mine, theirs) = connected(&mut alice, &mut bob).await;
    assert_eq!(code(mine.send_context_data("").await), Code::E_INVALIDARG);
    assert_eq!(code(mine.send_context_data(&"x".repeat(301)).await), Code::SR_CONTEXT_DATA_OVER_LIMIT);
    let astral = "\u{1F600}".repeat(150);
    for data in [&"x".repeat(300), &astral, "\0", "4", "5"] {
        mine.send_context_data(data).await.unwrap();
        assert_eq!(bob.line().await, format!("ContextData {data}"));
    }
    assert_eq!(code(mine.send_context_data("6").await), Code::SR_CONTEXT_DATA_OVER_LIMIT, "the service counts");
    theirs.send_context_data("the other party's own five").await.unwrap();
    assert_eq!(alice.line().await, "ContextData the other party's own five");
}

#[tokio::test]
async fn refusals() {
    let world = World::new().await;
    let (mut alice, mut bob) = (world.person("alice").await, world.person("bob").await);
    let game = alice.client.create_session();
    assert_eq!(code(game.invite("bob@example.org", "").await), Code::SR_APP_NOT_SPECIFIED);
    assert_eq!(code(game.set_application("chess", "", "")), Code::E_INVALIDARG);
    assert_eq!(code(game.set_application(&format!("{CHESS}  "), "", "")), Code::E_OUTOFMEMORY);
    game.set_application(CHESS, "", "").unwrap();
    assert_eq!(code(game.invite("bob", "").await), Code::E_INVALIDARG);
    assert_eq!(code(game.invite("bob@example.org", &"x".repeat(257)).await), Code::E_INVALIDARG);
    assert_eq!(code(game.invite("alice@example.org", "").await), Code::SR_INVITED_SELF);
    assert_eq!(code(game.invite("nobody@example.org", "").await), Code::MSGR_E_USER_NOT_FOUND);
    let refused = game.invite("carol@example.org", "").await.unwrap_err();
    assert_eq!(refused.code(), Code::MSGR_E_NOT_LOGGED_ON);
    assert!(refused.to_string().contains("the person is not there"), "{refused}");
    assert_eq!(game.state(), State::Ready, "and can still invite");
    for outcome in [game.accept("").await, game.decline("").await, game.ignore().await] {
        assert_eq!(code(outcome), Code::SR_NOT_INVITEE);
    }
    assert_eq!(code(game.cancel(Code::S_OK, "").await), Code::SR_SESSION_STATE_INVALID);
    assert_eq!(code(game.send_context_data("x").await), Code::SR_NOT_VALID_FOR_APP_INVITE);

    game.invite("bob@example.org", "").await.unwrap();
    assert_eq!(code(game.invite("bob@example.org", "").await), Code::SR_SESSION_NOT_READY);
    assert_eq!(code(game.set_application(CHESS, "", "")), Code::SR_SESSION_NOT_READY);
    assert_eq!(code(game.set_local_address(None)), Code::SR_SESSION_NOT_READY);
    let theirs = bob.invitation().await.session;
    assert_eq!(code(theirs.invite("alice@example.org", "").await), Code::SR_NOT_INVITER);
    assert_eq!(code(theirs.accept(&"x".repeat(257)).await), Code::E_INVALIDARG);
    // An invitee's cancel of an invitation is a decline.
    theirs.cancel(Code::E_FAIL, "later").await.unwrap();
    bob.until("Termination SR_INVITATION_DECLINED later").await;
    alice.until("Termination SR_INVITATION_DECLINED later").await;
}

#[tokio::test]
async fn launch_only_sessions_take_no_context_data() {
    let world = World::new().await;
    let (mut alice, mut bob) = (world.person("alice").await, world.person("bob").await);
    let game = alice.game();
    game.set_launch_only(true).unwrap();
    game.invite("bob@example.org", "").await.unwrap();
    let invitation = bob.invitation().await;
    assert!(invitation.application.launch_only);
    invitation.session.accept("").await.unwrap();
    bob.until("ACCEPTED>CONNECTED").await;
    alice.until("ACCEPTED>CONNECTED").await;
    assert_eq!((game.snapshot().flags, invitation.session.snapshot().flags), (5, 6));
    for side in [&game, &invitation.session] {
        assert_eq!(code(side.send_context_data("x").await), Code::SR_NOT_VALID_FOR_APP_INVITE);
    }
}

#[tokio::test]
async fn three_devices_and_one_answer() {
    let world = World::new().await;
    let mut alice = world.person("alice").await;
    let mut devices = [world.person("bob").await, world.person("bob").await, world.person("bob").await];
    let game = alice.game();
    game.invite("bob@example.org", "").await.unwrap();
    let mut rung = Vec::new();
    for device in &mut devices {
        rung.push(device.invitation().await.session);
    }
    // All three at once: the service chooses.
    let answers = futures_util::future::join_all(rung.iter().map(|session| session.accept(""))).await;
    let winners: Vec<usize> = (0..3).filter(|n| answers[*n].is_ok()).collect();
    assert_eq!(winners.len(), 1, "{answers:?}");
    for (n, device) in devices.iter_mut().enumerate() {
        if winners.contains(&n) {
            assert_eq!(device.lines(2).await, ["INVITATION>ACCEPTED", "ACCEPTED>CONNECTED"]);
        } else {
            let elsewhere = [
                "INVITATION>CANCELLED",
                "Cancelled AcceptedElsewhere",
                "CANCELLED>TERMINATED",
                "Termination SR_SESSION_CANCELLED_REMOTE",
            ];
            assert_eq!(device.lines(4).await, elsewhere);
        }
    }
    let told = alice.until("ACCEPTED>CONNECTED").await;
    assert_eq!(told.iter().filter(|line| *line == "INVITATION>ACCEPTED").count(), 1, "{told:?}");
}

#[tokio::test]
async fn an_application_that_takes_no_events_fills_the_services_queue() {
    let world = World::with(|config| config.machine.events_pending = 16).await;
    let (mut alice, mut bob) = (world.person("alice").await, world.person("bob").await);
    let mut sessions = Vec::new();
    for _ in 0..3 {
        sessions.push(connected(&mut alice, &mut bob).await);
    }
    // Bob takes no more.
    let mut sent = Vec::new();
    let refused = loop {
        let (mine, _theirs) = &sessions[sent.len() / 5];
        let data = sent.len().to_string();
        match mine.send_context_data(&data).await {
            Ok(()) => sent.push(data),
            Err(error) => break error,
        }
    };
    assert_eq!(refused.code(), Code::E_OUTOFMEMORY);
    assert!(matches!(refused.next_step(), NextStep::RetryAfter(_)), "{refused}");
    assert!((4..=12).contains(&sent.len()), "the ends of three sessions have their room reserved: {sent:?}");
    for data in &sent {
        assert_eq!(bob.line().await, format!("ContextData {data}"));
    }
    // They were taken: soon there is room again.
    while let Err(error) = sessions[2].0.send_context_data("again").await {
        assert_eq!(error.code(), Code::E_OUTOFMEMORY);
        tokio::task::yield_now().await;
    }
    assert_eq!(bob.line().await, "ContextData again");
}
