//! A started application: a process of its own, which has only its environment to go by.

use std::process::Stdio;

use hither::{Code, Session};
use hither_wire::local::Request;
use hither_wire::message::Event as Told;
use tokio::process::Command;
use tokio::time::timeout;

use crate::desk::{Desk, PATIENCE, fresh, line};
use crate::launching::hand_over;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Not a test: what the started process does.
#[tokio::test]
async fn the_application() {
    if std::env::var_os("HITHER_LAUNCH").is_none() {
        return;
    }
    let (launched, agent, mut events) = Session::launching().await.unwrap();
    assert_eq!(line(&mut events).await, "Signin");
    assert_eq!(line(&mut events).await, "ACCEPTED>CONNECTED");
    launched.session.cancel(Code::S_OK, &launched.data).await.unwrap();
    agent.sign_out().await.unwrap();
}

#[tokio::test]
async fn it_finds_its_session() {
    let desk = Desk::new();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "started::the_application", "--nocapture"]).kill_on_drop(true);
    command.env("HITHER_SOCKET", desk.socket()).env("HITHER_LAUNCH", SECRET).stdout(Stdio::null());
    let mut application = command.spawn().unwrap();

    let (mut link, _) = desk.program(false).await;
    assert_eq!(link.peer.pid, application.id());
    let (id, request) = link.asked_local().await;
    assert_eq!(request, Request::Launching { process: None, secret: Some(SECRET.into()) });
    let session = fresh();
    hand_over(&mut link, id, session).await;
    link.event(Told::Connected { session }).await;
    for name in ["cancel", "sign-out"] {
        let ask = link.asked().await;
        assert_eq!(ask.request.name(), name);
        link.code(ask.id, Code::S_OK).await;
    }
    assert!(timeout(PATIENCE, application.wait()).await.unwrap().unwrap().success());
}
