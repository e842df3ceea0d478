//! A client through an agent: it is somebody without saying who, knows which applications there are,
//! and is told what only an agent tells.

use hither_wire::local::{self, Launching};
use hither_wire::message::{Answer, Application, Credential, SignedIn};
use hither_wire::{Address, Code, Guid, ServerFrame, State};

use super::bench::{APP, Bench, CONNECTED, context, invitation, name, s, setup, signed_in};
use crate::client::{Call, Client, Event, Input, Output, Setup};

const GO: Guid = Guid(0x60);

/// What a client does that looks for the other end.
const TRYING: [&str; 2] = ["connect", "close"];

fn app(guid: Guid, name: &str) -> Application {
    Application { guid, name: name.into(), url: "https://get.example".into(), launch_only: false }
}

fn from_agent(applications: Vec<Application>) -> SignedIn {
    SignedIn { applications: Some(applications), ..signed_in(false, 0) }
}

/// Signed in at an agent where these applications are registered.
fn at_agent(applications: Vec<Application>) -> Bench {
    let mut bench = Bench::of(Client::new(Setup { user: None, credential: Credential::Local, ..setup(false, "k") }));
    bench.input(Input::Start);
    assert_eq!(bench.greet(), ["sign-in#2 local"]);
    assert_eq!(bench.sign_in_answer(from_agent(applications)), ["SignedIn"]);
    bench
}

fn tell(bench: &mut Bench, event: local::Event) -> Vec<String> {
    bench.input(Input::Frame(ServerFrame::Local(Box::new(event))))
}

fn ask(bench: &mut Bench, request: local::Request) -> Vec<String> {
    bench.call(Call::Agent(Box::new(request)))
}

fn launching() -> local::Request {
    local::Request::Launching { process: None, secret: None }
}

/// The answer that hands over session 1.
fn handed_over(re: u64) -> Answer {
    let launching = Launching {
        session: s(1),
        inviter: true,
        user: name("bob@x"),
        friendly_name: "Bob".into(),
        app: app(GO, "Go"),
        data: None,
        local: None,
        remote: Some(Address::parse("192.0.2.2").unwrap()),
    };
    Answer { agent: Some(local::Answer::Launching(Box::new(launching))), ..Answer::new(re, Code::S_OK) }
}

#[test]
fn the_agent_says_who_it_is() {
    let mut bench = at_agent(Vec::new());
    assert_eq!(bench.client.user(), Some(&name("alice@x")));
    bench.closed(None);
    bench.pass(10_000);
    assert_eq!(bench.greet(), ["sign-in#4 local ack=0"]);
    // Another person has signed in at the agent meanwhile.
    let lines = bench.sign_in_answer(SignedIn { user: name("carol@x"), ..from_agent(Vec::new()) });
    assert_eq!(lines, ["SignedIn"]);
    assert_eq!(bench.client.user(), Some(&name("carol@x")));
}

#[test]
fn the_address_of_a_session_is_the_machines() {
    let mut bench = at_agent(Vec::new());
    bench.client.create(s(1));
    assert_eq!(bench.client.session(s(1)).unwrap().local, Some(Address::parse("192.0.2.1").unwrap()));
    bench.closed(None);
    bench.pass(10_000);
    bench.greet();
    let address = Some(Address::parse("192.0.2.9").unwrap());
    bench.sign_in_answer(SignedIn { address: address.clone(), ..from_agent(Vec::new()) });
    assert_eq!(bench.client.session(s(1)).unwrap().local, address);
}

#[test]
fn only_what_is_registered_can_be_set_and_the_registrys_word_counts() {
    let long = "x".repeat(257);
    let only = Application { launch_only: true, ..app(GO, "Go") };
    let mut bench = at_agent(vec![app(Guid(0x61), &long), only.clone()]);
    bench.client.create(s(1));
    let set = |bench: &mut Bench, guid: Guid| {
        bench.client.set_application(s(1), &guid.to_string(), "mine", "").map_err(|refusal| refusal.code)
    };
    assert_eq!(set(&mut bench, Guid(0x61)), Err(Code::SR_APP_NOT_REGISTERED), "too long to be one");
    assert_eq!(set(&mut bench, Guid(0x62)), Err(Code::SR_APP_NOT_REGISTERED));
    set(&mut bench, GO).unwrap();
    let known = bench.client.session(s(1)).unwrap();
    assert_eq!((known.application, known.flags), (Some(only), 5), "SF_INVITER | SF_APP_INVITE_COMPATIBLE");

    let registered = local::Event::AppRegistered { app: app(Guid(0x62), "Draughts") };
    assert_eq!(tell(&mut bench, registered), ["AppRegistered 98"]);
    set(&mut bench, Guid(0x62)).unwrap();
    assert_eq!(tell(&mut bench, local::Event::AppUnregistered { guid: GO }), ["AppUnregistered 96"]);
    assert_eq!(set(&mut bench, GO), Err(Code::SR_APP_NOT_REGISTERED));
    // A newer sign-in says everything anew.
    bench.closed(None);
    bench.pass(10_000);
    bench.greet();
    bench.sign_in_answer(from_agent(vec![app(GO, "Go")]));
    set(&mut bench, GO).unwrap();
    assert_eq!(set(&mut bench, Guid(0x62)), Err(Code::SR_APP_NOT_REGISTERED));
}

#[test]
fn where_there_is_no_registry_every_application_can_be_set() {
    let mut bench = Bench::up();
    bench.client.create(s(1));
    bench.client.set_application(s(1), APP, "mine", "").unwrap();
    for event in [
        local::Event::Shutdown,
        local::Event::AppRegistered { app: app(GO, "Go") },
        local::Event::ReadyToLaunch { session: s(1) },
    ] {
        assert!(tell(&mut bench, event).is_empty(), "a service is no agent");
    }
}

#[test]
fn what_an_agent_tells_of_a_session() {
    let mut bench = at_agent(Vec::new());
    let ready = |n| local::Event::ReadyToLaunch { session: s(n) };
    let before = |n| local::Event::BeforeLaunch { session: s(n), question: 41, within_ms: 2_000 };
    let missing = |n, url: &str| local::Event::AppNotPresent { session: s(n), name: "Go".into(), url: url.into() };
    bench.event(&invitation("S1"));
    assert_eq!(tell(&mut bench, ready(1)), ["ReadyToLaunch s1"]);
    assert_eq!(tell(&mut bench, before(1)), ["BeforeAppLaunch s1 ?41"]);
    assert_eq!(tell(&mut bench, missing(1, "https://x")), ["AppNotPresent s1 Go https://x"]);
    for event in [ready(2), before(2), missing(2, "https://x"), missing(1, &"x".repeat(257))] {
        assert!(tell(&mut bench, event).is_empty());
    }
    let stage = hither_wire::message::Stage::Launched;
    assert!(tell(&mut bench, local::Event::Launch { session: s(1), stage, why: None }).is_empty(), "for tools");
    assert!(tell(&mut bench, local::Event::Service { connected: false, code: None }).is_empty(), "for tools");
}

#[test]
fn a_question_comes_with_the_invitation() {
    let mut client = at_agent(Vec::new()).client;
    let asked = invitation("S1").replace("S1", &s(1).to_string()).replacen('"', "\"question\":41,\"", 1);
    let frame = hither_wire::decode_server(&format!(r#"{{"seq":1,{asked}}}"#)).unwrap();
    client.handle(0, Input::Frame(frame));
    let told = client.poll_output();
    assert!(matches!(told, Some(Output::Event(Event::Invitation { question: Some(41), .. }))), "{told:?}");
}

#[test]
fn a_session_that_has_started_this_process_is_taken_over() {
    let mut bench = at_agent(Vec::new());
    assert_eq!(ask(&mut bench, launching()), ["launching#3"]);
    let lines = bench.answer(handed_over(3));
    assert!(lines.len() == 1 && lines[0].starts_with("return 1 Agent(Launching"), "{lines:?}");
    let known = bench.client.session(s(1)).unwrap();
    assert_eq!((known.state, known.attached, known.remote.clone()), (State::Accepted, true, None));
    assert_eq!((known.flags, known.local, known.application), (1, None, Some(app(GO, "Go"))));
    assert_eq!(bench.call(context(1, "early")), ["return 2 SR_NOT_VALID_FOR_APP_INVITE"]);
    assert_eq!(bench.call(Call::Attach { session: s(1) }), ["return 3 Already"]);

    assert_eq!(bench.event(CONNECTED), ["StateChanged s1 ACCEPTED>CONNECTED"]);
    assert!(bench.client.session(s(1)).unwrap().remote.is_some());
    ask(&mut bench, launching());
    bench.answer(handed_over(bench.id));
    assert_eq!(bench.state(1), State::Connected, "asked again, it is as it was");
}

#[test]
fn what_must_not_be_done_twice_has_a_key() {
    let mut bench = at_agent(Vec::new());
    let guid = || "{}".into();
    let once = [
        (local::Request::Register(Box::default()), "register#3 key=k-1"),
        (local::Request::Unregister { guid: guid() }, "unregister#4 key=k-2"),
        (local::Request::Serve { application: GO }, "serve#5"),
        (local::Request::Reply { question: 1, yes: true }, "reply#6"),
        (local::Request::Agent, "agent#7"),
    ];
    for (request, line) in once {
        assert_eq!(ask(&mut bench, request), [line]);
    }
    assert_eq!(bench.code(3, Code::SR_APP_ALREADY_REGISTERED), ["return 1 SR_APP_ALREADY_REGISTERED"]);
    assert_eq!(bench.code(4, Code::S_OK), ["return 2 Done"]);
    assert_eq!(bench.code(5, Code::S_FALSE), ["return 3 Already"]);
}

#[test]
fn an_agent_that_goes_away_says_so_once() {
    let mut bench = at_agent(Vec::new());
    assert_eq!(tell(&mut bench, local::Event::Shutdown), ["AppShutdown"]);
    assert!(tell(&mut bench, local::Event::Shutdown).is_empty());
    assert_eq!(bench.closed(Some(1001)), ["ConnectionLost MSGR_E_SERVER_SHUTDOWN"]);
    bench.pass(10_000);
    bench.greet();
    bench.sign_in_answer(from_agent(Vec::new()));
    assert_eq!(tell(&mut bench, local::Event::Shutdown), ["AppShutdown"], "it was back");
}

#[test]
fn an_agent_that_does_not_come_back_is_gone() {
    let mut bench = at_agent(Vec::new());
    bench.event(&invitation("S1"));
    bench.closed(None);
    ask(&mut bench, launching());
    let told: Vec<String> = bench.pass(30_000).into_iter().filter(|line| !TRYING.contains(&&**line)).collect();
    assert_eq!(
        told,
        [
            "StateChanged s1 INVITATION>TERMINATED",
            "Termination s1 SR_CONNECTION_FAILURE",
            "return 1 MSGR_E_DISCONNECTED",
            "AppShutdown"
        ]
    );
    assert_eq!(ask(&mut bench, launching()), ["return 2 MSGR_E_DISCONNECTED"], "at once");
}
