//! The session that has started a process.

use hither::{Agent, Code, Error, Launched, SessionId, State};
use hither_wire::local::{self, Launching, Request};
use hither_wire::message::{Answer, Data, Event as Told};

use crate::desk::{Desk, Link, address, chess, fresh, line, person};

pub fn launching(session: SessionId) -> Launching {
    Launching {
        session,
        inviter: false,
        user: person("bob"),
        friendly_name: "Bob".into(),
        app: chess(),
        data: Data::text("white"),
        local: Some(address("192.0.2.1")),
        remote: Some(address("192.0.2.2:5000")),
    }
}

/// Hands over a session, as an agent does.
pub async fn hand_over(link: &mut Link, id: u64, session: SessionId) {
    let agent = Some(local::Answer::Launching(Box::new(launching(session))));
    link.answer(Answer { agent, ..Answer::new(id, Code::S_OK) }).await;
}

async fn launched(agent: &Agent, link: &mut Link, session: SessionId) -> Launched {
    let (launched, ()) = tokio::join!(agent.launching_session(), async {
        let (id, request) = link.asked_local().await;
        assert_eq!(request, Request::Launching { process: None, secret: None });
        hand_over(link, id, session).await;
    });
    launched.unwrap()
}

#[tokio::test]
async fn the_session_is_taken_over_and_becomes_connected_by_an_event() {
    let desk = Desk::new();
    let (agent, mut events, mut link) = desk.agent().await;
    let id = fresh();
    let Launched { session, data, inviter, user, friendly_name, .. } = launched(&agent, &mut link, id).await;
    assert_eq!((session.id(), data.as_str(), inviter), (id, "white", false));
    assert_eq!((user, friendly_name.as_str()), (person("bob"), "Bob"));
    let known = session.snapshot();
    assert_eq!((known.state, known.attached, known.remote), (State::Accepted, true, None));
    assert_eq!((known.application, known.user), (Some(chess()), Some(person("bob"))));

    link.event(Told::Connected { session: id }).await;
    assert_eq!(line(&mut events).await, "ACCEPTED>CONNECTED");
    assert_eq!(session.snapshot().remote, Some(address("192.0.2.2:5000")));
    let (sent, ()) = tokio::join!(session.send_context_data("hello"), async {
        let ask = link.asked().await;
        assert!(ask.key.is_some());
        link.code(ask.id, Code::S_OK).await;
    });
    sent.unwrap();

    drop(session);
    let ask = link.asked().await;
    assert!(matches!(ask.request, hither_wire::Request::Cancel { session, .. } if session == id), "{ask:?}");
}

#[tokio::test]
async fn no_session_has_started_this_process() {
    let desk = Desk::new();
    let (agent, _events, mut link) = desk.agent().await;
    let (none, ()) = tokio::join!(agent.launching_session(), async {
        let (id, _) = link.asked_local().await;
        link.answer(Answer::refusal(id, Code::E_FAIL, "no session has started this process")).await;
    });
    assert_eq!(none.unwrap_err().code(), Code::E_FAIL);
    let (none, ()) = tokio::join!(agent.launching_session(), async {
        let (id, _) = link.asked_local().await;
        link.code(id, Code::S_OK).await;
    });
    assert!(matches!(none, Err(Error::Refused(refusal)) if refusal.code == Code::E_FAIL));
}

#[tokio::test]
async fn another_process_is_asked_for_by_its_number() {
    let desk = Desk::new();
    let (agent, _events, mut link) = desk.agent().await;
    for (process, asked) in [(1, Some(1)), (std::process::id(), None)] {
        let (none, ()) = tokio::join!(agent.launching_session_of(process), async {
            let (id, request) = link.asked_local().await;
            assert_eq!(request, Request::Launching { process: asked, secret: None });
            link.code(id, Code::E_FAIL).await;
        });
        assert_eq!(none.unwrap_err().code(), Code::E_FAIL);
    }
}
