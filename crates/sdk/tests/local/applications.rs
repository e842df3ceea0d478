//! The registry, as an application sees it, and the application that a program is.

use hither::{Agent, Application, Code, Error, Event, Guid, Mode, Registration};
use hither_wire::local::{self, Request};
use hither_wire::message::{Answer, Event as Told, Invitation, SessionLimits};

use crate::desk::{CHESS, Desk, GO, PATIENCE, address, chess, fresh, line, person};

#[tokio::test]
async fn only_registered_applications_can_be_invited_into() {
    let desk = Desk::new();
    let (agent, mut events, mut link) = desk.agent().await;
    let game = agent.create_session();
    let code = |guid: &str| game.set_application(guid, "mine", "https://mine.example").map_err(|error| error.code());
    assert_eq!(code(GO), Err(Code::SR_APP_NOT_REGISTERED));
    assert_eq!(code("chess"), Err(Code::E_INVALIDARG));
    assert_eq!(code(&format!("{CHESS} x")), Err(Code::E_OUTOFMEMORY));
    code(CHESS).unwrap();
    assert_eq!(game.snapshot().application, Some(chess()), "the registry's word counts");
    assert_eq!(game.snapshot().local, Some(address("192.0.2.1")), "the machine's address");

    let go = Application { guid: Guid::parse(GO).unwrap(), name: "Go".into(), url: "".into(), launch_only: true };
    link.tell(local::Event::AppRegistered { app: go.clone() }).await;
    assert_eq!(line(&mut events).await, format!("AppRegistered {GO}"));
    code(GO).unwrap();
    assert_eq!(game.snapshot().application, Some(go));
    link.tell(local::Event::AppUnregistered { guid: chess().guid }).await;
    assert_eq!(line(&mut events).await, format!("AppUnRegistered {CHESS}"));
    assert_eq!(code(CHESS), Err(Code::SR_APP_NOT_REGISTERED));
}

#[tokio::test]
async fn registering() {
    let desk = Desk::new();
    let (agent, _events, mut link) = desk.agent().await;
    let expected = Registration {
        guid: CHESS.into(),
        name: "Chess".into(),
        url: "https://chess.example".into(),
        path: "/usr/bin/chess --play".into(),
        flags: 7,
        mode: Mode::Session,
    };
    let Registration { guid, name, url, path, .. } = &expected;
    let (done, ()) = tokio::join!(agent.register_application(guid, name, url, path, 7), async {
        let (id, request) = link.asked_local().await;
        assert_eq!(request, Request::Register(Box::new(expected.clone())), "as it was given: the registry judges it");
        link.answer(Answer::refusal(id, Code::E_INVALIDARG, "flags must be 0")).await;
    });
    let error = done.unwrap_err();
    assert_eq!((error.code(), error.to_string().as_str()), (Code::E_INVALIDARG, "flags must be 0"));

    let tunnelled = Registration { mode: Mode::Tunnelled, flags: 0, ..expected.clone() };
    let (done, ()) = tokio::join!(agent.register(&tunnelled), async {
        let (id, request) = link.asked_local().await;
        assert_eq!(request, Request::Register(Box::new(tunnelled.clone())));
        link.code(id, Code::S_OK).await;
    });
    done.unwrap();

    let (done, ()) = tokio::join!(agent.unregister_application("chess"), async {
        let (id, request) = link.asked_local().await;
        assert_eq!(request, Request::Unregister { guid: "chess".into() });
        link.code(id, Code::SR_APP_NOT_REGISTERED).await;
    });
    assert_eq!(done.unwrap_err().code(), Code::SR_APP_NOT_REGISTERED);
}

#[tokio::test]
async fn texts_that_fit_no_frame_are_not_said() {
    let desk = Desk::new();
    let (agent, _events, mut link) = desk.agent().await;
    // The longest that are said take the most of a frame.
    let (long, longest) = ("\u{1}".repeat(513), "\u{1}".repeat(512));
    let code = |outcome: Result<(), Error>| outcome.unwrap_err().code();
    assert_eq!(code(agent.register_application(&long, "", "", "/x", 0).await), Code::E_INVALIDARG);
    assert_eq!(code(agent.register_application(CHESS, &long, "", "/x", 0).await), Code::E_INVALIDARG);
    assert_eq!(code(agent.register_application(CHESS, "", &long, "/x", 0).await), Code::E_INVALIDARG);
    assert_eq!(code(agent.register_application(CHESS, "", "", &long, 0).await), Code::E_INVALIDARG);
    assert_eq!(code(agent.unregister_application(&long).await), Code::E_INVALIDARG);
    let (done, ()) = tokio::join!(agent.register_application(&longest, &longest, &longest, &longest, 0), async {
        let (id, _) = link.asked_local().await;
        link.code(id, Code::E_INVALIDARG).await;
    });
    assert_eq!(code(done), Code::E_INVALIDARG);
}

#[tokio::test]
async fn a_program_says_what_it_is() {
    let desk = Desk::new();
    let serving = async {
        let (mut link, _) = desk.program(false).await;
        let (id, request) = link.asked_local().await;
        assert_eq!(request, Request::Serve { application: chess().guid });
        link.code(id, Code::S_OK).await;
    };
    let connecting = Agent::builder().socket(desk.socket()).application(CHESS).connect();
    tokio::join!(connecting, serving).0.unwrap();

    let refusing = async {
        let (mut link, _) = desk.program(false).await;
        let (id, _) = link.asked_local().await;
        link.code(id, Code::SR_APP_NOT_REGISTERED).await;
    };
    let connecting = Agent::builder().socket(desk.socket()).application(GO).connect();
    let refused = tokio::join!(connecting, refusing).0.unwrap_err();
    assert_eq!(refused.code(), Code::SR_APP_NOT_REGISTERED);

    let connecting = Agent::builder().socket(desk.socket()).application("go").connect();
    let refused = tokio::join!(connecting, desk.program(false)).0.unwrap_err();
    assert_eq!(refused.code(), Code::E_INVALIDARG);
}

#[tokio::test]
async fn a_program_handles_an_invitation_itself() {
    let desk = Desk::new();
    let (agent, mut events, mut link) = desk.agent().await;
    let invitation = Invitation {
        session: fresh(),
        from: person("bob"),
        friendly_name: "Bob".into(),
        app: chess(),
        data: None,
        material: None,
        ring_ms: 60_000,
        limits: SessionLimits::REFERENCE,
        question: Some(41),
    };
    link.event(Told::Invitation(Box::new(invitation.clone()))).await;
    let event = tokio::time::timeout(PATIENCE, events.next()).await.unwrap();
    let Some(Event::Invitation(shown)) = event else { panic!("{event:?}") };
    assert_eq!((shown.session.id(), shown.question), (invitation.session, Some(41)));
    replied(&agent, &mut link, 41, true, Code::S_OK).await;

    let session = invitation.session;
    link.tell(local::Event::ReadyToLaunch { session }).await;
    link.tell(local::Event::BeforeLaunch { session, question: 42, within_ms: 2_000 }).await;
    assert_eq!(line(&mut events).await, "ReadyToLaunch");
    assert_eq!(line(&mut events).await, "BeforeAppLaunch 42");
    replied(&agent, &mut link, 42, false, Code::S_FALSE).await;

    link.tell(local::Event::AppNotPresent { session, name: "Chess".into(), url: "https://x".into() }).await;
    assert_eq!(line(&mut events).await, "AppNotPresent Chess https://x");
}

async fn replied(agent: &Agent, link: &mut crate::desk::Link, question: u64, yes: bool, code: Code) {
    let (done, ()) = tokio::join!(agent.reply(question, yes), async {
        let (id, request) = link.asked_local().await;
        assert_eq!(request, Request::Reply { question, yes });
        link.code(id, code).await;
    });
    done.unwrap();
}
