//! Finding the agent, and being somebody there without a name.

use std::os::unix::fs::chown;

use hither::{Agent, Code, ConnectError, Error, NextStep};
use hither_wire::message::{Answer, Credential, Request};

use crate::desk::{Desk, line, person};

#[tokio::test]
async fn nobody_says_who_he_is() {
    let desk = Desk::new();
    let connecting = async { Agent::builder().socket(desk.socket()).connect().await.unwrap() };
    let ((agent, mut events), (mut link, sign_in)) = tokio::join!(connecting, desk.program(false));
    assert!(sign_in.user.is_none() && sign_in.credential == Credential::Local && sign_in.status.is_none());
    assert_eq!((sign_in.device, sign_in.epoch), (Some(agent.device()), None));
    assert_eq!((agent.user(), agent.friendly_name(), agent.token()), (&person("alice"), "Alice", None));
    assert_eq!(agent.url(), desk.socket().to_str().unwrap());
    assert_eq!(line(&mut events).await, "Signin");

    // What a client does, it does through the agent as well.
    let (status, ()) = tokio::join!(agent.set_status(hither::Status::Away), async {
        let ask = link.asked().await;
        assert_eq!(ask.request, Request::SetStatus { status: hither::Status::Away });
        link.code(ask.id, Code::S_OK).await;
    });
    status.unwrap();

    let (left, ()) = tokio::join!(agent.sign_out(), async {
        let ask = link.asked().await;
        assert_eq!(ask.request, Request::SignOut { revoke: false });
        link.code(ask.id, Code::S_OK).await;
        link.left().await;
    });
    left.unwrap();
    assert_eq!(line(&mut events).await, "Signout S_OK");
    assert_eq!(line(&mut events).await, "over");
    assert_eq!(agent.set_status(hither::Status::Away).await, Err(Error::SignedOut));
}

#[tokio::test]
async fn whoever_drops_everything_leaves() {
    let desk = Desk::new();
    let (agent, events, mut link) = desk.agent().await;
    drop((agent, events));
    assert_eq!(link.asked().await.request, Request::SignOut { revoke: false });
}

#[tokio::test]
async fn without_an_agent_the_error_says_how_to_start_one() {
    let mut desk = Desk::new();
    desk.shut();
    let error = Agent::builder().socket(desk.socket()).connect().await.unwrap_err();
    assert!(matches!(&error, ConnectError::NoAgent { socket } if *socket == desk.socket()), "{error:?}");
    assert_eq!((error.code(), error.next_step()), (Code::MSGR_E_DISCONNECTED, NextStep::StartAgent));
    assert!(error.to_string().contains("`hither agent`"), "{error}");
}

#[tokio::test]
async fn another_users_agent_is_not_spoken_to() {
    let desk = Desk::new();
    if chown(desk.socket(), Some(65_534), None).is_err() {
        eprintln!("skipped: only root can give a socket away");
        return;
    }
    let error = Agent::builder().socket(desk.socket()).connect().await.unwrap_err();
    assert!(matches!(error, ConnectError::NotYours { .. }), "{error:?}");
    assert_eq!((error.code(), error.next_step()), (Code::E_FAIL, NextStep::ChangeRequest));
}

#[tokio::test]
async fn a_path_that_fits_no_socket() {
    let error = Agent::builder().socket(format!("/{}", "x".repeat(107))).connect().await.unwrap_err();
    assert!(matches!(error, ConnectError::Socket { .. }), "{error:?}");
    assert!(error.to_string().contains("107 bytes"), "{error}");
}

#[tokio::test]
async fn nobody_is_signed_in_at_the_agent() {
    let desk = Desk::new();
    let refusing = async {
        let mut link = desk.link().await;
        let (id, _) = link.sign_in().await;
        link.answer(Answer::refusal(id, Code::MSGR_E_NOT_LOGGED_ON, "run `hither sign-in`")).await;
    };
    let connecting = Agent::builder().socket(desk.socket()).connect();
    let (refused, ()) = tokio::join!(connecting, refusing);
    let error = refused.unwrap_err();
    assert_eq!((error.code(), error.next_step()), (Code::MSGR_E_NOT_LOGGED_ON, NextStep::SignIn));
    assert_eq!(error.to_string(), "run `hither sign-in`");
}

#[tokio::test]
async fn an_agent_that_sends_elsewhere_is_not_followed() {
    let desk = Desk::new();
    let elsewhere = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/v1", elsewhere.local_addr().unwrap());
    let redirecting = async {
        let mut link = desk.link().await;
        let (id, _) = link.sign_in().await;
        let redirect = Some(url.into_boxed_str());
        link.answer(Answer { redirect, ..Answer::new(id, Code::MSGR_E_SERVER_TOO_BUSY) }).await;
    };
    let connecting = Agent::builder().socket(desk.socket()).connect();
    let (refused, ()) = tokio::select! {
        both = async { tokio::join!(connecting, redirecting) } => both,
        _ = elsewhere.accept() => panic!("it was followed"),
    };
    let error = refused.unwrap_err();
    assert!(matches!(error, ConnectError::Broken { .. }), "{error:?}");
}
