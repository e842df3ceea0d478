//! An agent that goes away: for a moment, for good, or comes back knowing nothing.

use hither::{Code, Error, NextStep, Session, State};
use hither_wire::local::{self, Request};
use hither_wire::message::{Event as Told, SessionLimits};

use crate::desk::{CHESS, Desk, EPOCH, Link, chess, line};

/// An invitation on its way through the agent, and its answer.
async fn invited(agent: &hither::Agent, link: &mut Link) -> Session {
    let game = agent.create_session();
    game.set_application(CHESS, "", "").unwrap();
    let (done, ()) = tokio::join!(game.invite("bob@example.org", ""), async {
        let ask = link.asked().await;
        assert_eq!(ask.request.name(), "invite");
        let invited = Told::Invited { session: game.id(), ring_ms: 60_000, limits: SessionLimits::REFERENCE };
        link.event(invited).await;
        link.code(ask.id, Code::S_OK).await;
    });
    done.unwrap();
    game
}

#[tokio::test]
async fn an_agent_that_is_back_in_time_is_not_missed() {
    let mut desk = Desk::new();
    let (agent, mut events, mut link) = desk.agent().await;
    let game = invited(&agent, &mut link).await;
    assert_eq!(line(&mut events).await, "READY>INVITATION");

    desk.shut();
    drop(link);
    assert_eq!(line(&mut events).await, "ConnectionLost MSGR_E_DISCONNECTED");
    // A call waits as long as the agent is away.
    let cancelling = game.cancel(Code::S_OK, "");
    let back = async {
        desk.open();
        let (mut link, sign_in) = desk.program(true).await;
        assert_eq!((sign_in.device, sign_in.epoch), (Some(agent.device()), Some(EPOCH)));
        assert_eq!(link.ack, Some(1), "what it has seen is not said again");
        let ask = link.asked().await;
        assert_eq!(ask.request.name(), "cancel");
        link.code(ask.id, Code::S_OK).await;
        link
    };
    let (cancelled, mut link) = tokio::join!(cancelling, back);
    cancelled.unwrap();
    assert_eq!(line(&mut events).await, "Signin resumed");
    link.after(1);
    link.event(Told::Accepted { session: game.id(), data: None, address: None, material: None }).await;
    assert_eq!(line(&mut events).await, "INVITATION>ACCEPTED");
}

#[tokio::test]
async fn beyond_the_grace_the_sessions_are_over() {
    let mut desk = Desk::new();
    let (agent, mut events, mut link) = desk.agent().await;
    let game = invited(&agent, &mut link).await;
    assert_eq!(line(&mut events).await, "READY>INVITATION");
    desk.shut();
    drop(link);
    assert_eq!(line(&mut events).await, "ConnectionLost MSGR_E_DISCONNECTED");

    // From here on nothing but time passes.
    tokio::time::pause();
    let before = tokio::time::Instant::now();
    let error = game.cancel(Code::S_OK, "").await.unwrap_err();
    assert!(before.elapsed().as_millis() > u128::from(desk.grace_ms / 2), "it has waited");
    assert_eq!(error, Error::AgentGone(Code::SR_CANCEL_SEND_FAILURE));
    assert_eq!((error.code(), error.next_step()), (Code::SR_CANCEL_SEND_FAILURE, NextStep::StartAgent));
    for told in [
        "SendError SR_CANCEL_SEND_FAILURE",
        "INVITATION>TERMINATED",
        "Termination SR_CONNECTION_FAILURE",
        "AppShutdown",
    ] {
        assert_eq!(line(&mut events).await, told);
    }
    assert_eq!(game.state(), State::Terminated);
    let at_once = agent.contacts().await.unwrap_err();
    assert_eq!(at_once, Error::AgentGone(Code::MSGR_E_DISCONNECTED));
}

#[tokio::test]
async fn an_agent_that_is_back_too_late_begins_anew() {
    let mut desk = Desk::new();
    desk.grace_ms = 1;
    let (_agent, mut events, link) = desk.agent().await;
    desk.shut();
    drop(link);
    assert_eq!(line(&mut events).await, "ConnectionLost MSGR_E_DISCONNECTED");
    assert_eq!(line(&mut events).await, "AppShutdown");
    desk.open();
    let (_link, sign_in) = desk.program(false).await;
    assert_eq!(sign_in.epoch, None);
    assert_eq!(line(&mut events).await, "Signin");
}

#[tokio::test]
async fn an_agent_that_stops_says_so() {
    let desk = Desk::new();
    let (_agent, mut events, mut link) = desk.agent().await;
    link.tell(local::Event::Shutdown).await;
    link.tell(local::Event::Shutdown).await;
    link.close(1001).await;
    assert_eq!(line(&mut events).await, "AppShutdown");
    assert_eq!(line(&mut events).await, "ConnectionLost MSGR_E_SERVER_SHUTDOWN");
    let (mut link, _) = desk.program(true).await;
    assert_eq!(line(&mut events).await, "Signin resumed");
    link.tell(local::Event::Shutdown).await;
    assert_eq!(line(&mut events).await, "AppShutdown", "once more, as it was back");
}

#[tokio::test]
async fn an_agent_that_was_started_anew_is_told_what_the_program_is() {
    let desk = Desk::new();
    let (agent, mut events, mut link) = desk.agent().await;
    let serve = Request::Serve { application: chess().guid };
    let (done, ()) = tokio::join!(agent.serve(CHESS), async {
        let (id, request) = link.asked_local().await;
        assert_eq!(request, serve);
        link.code(id, Code::S_OK).await;
    });
    done.unwrap();
    for (resumed, signed_in) in [(true, "Signin resumed"), (false, "Signin")] {
        drop(link);
        assert_eq!(line(&mut events).await, "ConnectionLost MSGR_E_DISCONNECTED");
        (link, _) = desk.program(resumed).await;
        assert_eq!(line(&mut events).await, signed_in);
        if !resumed {
            let (id, request) = link.asked_local().await;
            assert_eq!(request, serve);
            link.code(id, Code::S_OK).await;
        }
        // Nothing else was said.
        let (done, ()) = tokio::join!(agent.reply(1, true), async {
            let (id, request) = link.asked_local().await;
            assert_eq!(request, Request::Reply { question: 1, yes: true });
            link.code(id, Code::S_OK).await;
        });
        done.unwrap();
    }
}

#[tokio::test]
async fn a_newer_program_under_the_same_device_takes_its_place() {
    let desk = Desk::new();
    let (agent, mut events, link) = desk.agent().await;
    link.close(4003).await;
    assert_eq!(line(&mut events).await, "Signout MSGR_E_ALREADY_LOGGED_ON");
    assert_eq!(agent.reply(1, true).await, Err(Error::SignedOut));
}
