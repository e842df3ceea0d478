//! The agent's loop with a fake desktop, a service in memory that speaks the real protocol, and a
//! stopped clock: time passes only where everybody waits for it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]
#![allow(clippy::panic, clippy::wildcard_enum_match_arm, reason = "a test names what it expects")]

mod desk;
mod service;

use desk::{Desk, GAME, Local};
use hither_agent::desktop::{Button, Subject};
use hither_wire::Guid;
use service::FakeService;
use tokio::time::{Duration, Instant};

const S: &str = "{00000000-0000-0000-0000-000000000005}";

async fn tool(desk: &Desk) -> Local {
    let mut tool = desk.link(1).await;
    tool.ask(r#"{"id":2,"do":"person","watch":true}"#).await;
    tool
}

/// Alice's tool invites Bob, as soon as both are signed in.
async fn start(alice: &Desk, bob: &Desk) -> Local {
    for desk in [alice, bob] {
        signed_in(desk).await;
        desk.look().await;
    }
    let mut tool = tool(alice).await;
    let frame = format!(
        r#"{{"id":3,"do":"start","session":"{S}","to":"bob@x","application":"{GAME}","data":{{"text":"a game?"}}}}"#
    );
    assert_eq!(tool.ask(&frame).await["code"], 0);
    tool
}

async fn signed_in(desk: &Desk) {
    let mut tool = tool(desk).await;
    loop {
        let status = tool.ask(r#"{"id":3,"do":"agent"}"#).await;
        if status["agent"]["status"]["connected"] == true {
            return;
        }
        tool.until(r#""connected":true"#).await;
    }
}

/// A started program takes its session over.
async fn program(desk: &mut Desk) -> Local {
    let order = desk.order().await;
    assert_eq!(order.args[0], "{session}", "the launcher replaces it");
    let process = 1_000 + u32::try_from(desk.started.lock().unwrap().orders.len()).unwrap();
    let mut program = desk.link(process).await;
    program.ask(r#"{"id":2,"do":"sign-in"}"#).await;
    let answer = program.ask(r#"{"id":3,"do":"launching"}"#).await;
    assert_eq!(answer["agent"]["launching"]["session"], S, "{answer}");
    program
}

#[tokio::test(start_paused = true)]
async fn from_the_ring_to_the_end() {
    let service = FakeService::start();
    let (mut alice, mut bob) = (Desk::new("alice@x", &service), Desk::new("bob@x", &service));
    start(&alice, &bob).await;
    let card = bob.desktop.next_card().await;
    assert_eq!((card.subject, card.urgent), (Subject::Ringing(Guid(5)), true));
    assert!(card.title.contains("alice@x") && card.title.contains("Game") && card.body.contains("a game?"), "{card:?}");
    bob.desktop.press(card.subject, Button::Accept);
    let mut bobs = program(&mut bob).await;
    let mut alices = program(&mut alice).await;
    bobs.until("\"connected\"").await;
    alices.until("\"connected\"").await;
    assert_eq!(bob.desktop.cards(), [], "it has stopped ringing");
    let answer =
        alices.ask(&format!(r#"{{"id":4,"key":"c","do":"context","session":"{S}","data":{{"text":"hello"}}}}"#)).await;
    assert_eq!(answer["code"], 0);
    bobs.until("hello").await;
    bobs.ask(&format!(r#"{{"id":5,"key":"e","do":"cancel","session":"{S}"}}"#)).await;
    alices.until("\"ended\"").await;
}

#[tokio::test(start_paused = true)]
async fn an_unanswered_ring_stops_by_the_services_clock() {
    let service = FakeService::start();
    let (alice, bob) = (Desk::new("alice@x", &service), Desk::new("bob@x", &service));
    let mut tool = start(&alice, &bob).await;
    bob.desktop.next_card().await;
    let before = Instant::now();
    let ended = tool.until("\"ended\"").await;
    assert!(ended.contains(&hither_wire::Code::SR_SESSION_TIMEOUT.0.to_string()), "{ended}");
    assert_eq!(before.elapsed().as_secs(), 60);
    assert_eq!(bob.desktop.cards(), []);
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_is_asked_for_and_goes_on_when_it_is_there() {
    let service = FakeService::start();
    let (alice, mut bob) = (Desk::new("alice@x", &service), Desk::new("bob@x", &service));
    bob.unregister();
    let mut tool = start(&alice, &bob).await;
    let card = bob.desktop.next_card().await;
    assert!(card.body.contains("not installed"), "{card:?}");
    bob.desktop.press(card.subject, Button::Accept);
    let card = bob.desktop.next_card().await;
    assert_eq!(card.subject, Subject::Missing(Guid(5)));
    assert_eq!(bob.desktop.opened(), [""; 0], "never without a yes");
    bob.desktop.press(card.subject, Button::Get);
    tool.until("installing").await;
    let mut bobs_tool = self::tool(&bob).await;
    bobs_tool.ask(r#"{"id":3,"do":"sessions"}"#).await;
    assert_eq!(bob.desktop.opened(), ["https://game.example/get"]);
    // Longer than it would have rung, by another process that registers the game.
    tokio::time::advance(Duration::from_mins(5)).await;
    bob.register("");
    bob.look().await;
    program(&mut bob).await;
    tool.until("accepted").await;
}

#[tokio::test(start_paused = true)]
async fn a_program_that_does_not_run_ends_the_session_with_its_words() {
    for how in 0..3 {
        let service = FakeService::start();
        let (alice, mut bob) = (Desk::new("alice@x", &service), Desk::new("bob@x", &service));
        if how == 0 {
            bob.unregister();
            bob.register("--broken");
        }
        let mut tool = start(&alice, &bob).await;
        let mut bobs = self::tool(&bob).await;
        let card = bob.desktop.next_card().await;
        bob.desktop.press(card.subject, Button::Accept);
        if how > 0 {
            bob.order().await;
        }
        let words = match how {
            0 => "no such program",
            1 => {
                bobs.until("\"launched\"").await;
                bob.end(1_001, "it ended with status 1; it said: no display");
                "no display"
            }
            _ => "did not attach",
        };
        let why = bobs.until("launch-failed").await;
        assert!(why.contains(words), "{why}");
        let ended = tool.until("\"ended\"").await;
        assert!(ended.contains(&hither_wire::Code::SR_APPLICATION_LAUNCH_FAILED.0.to_string()), "{ended}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_killed_agent_goes_on_where_it_was() {
    let service = FakeService::start();
    let (mut alice, bob) = (Desk::new("alice@x", &service), Desk::new("bob@x", &service));
    start(&alice, &bob).await;
    bob.desktop.next_card().await;
    let kept = std::fs::read_to_string(bob.paths().state.join("agent.json")).unwrap();
    assert!(kept.contains("bob@x") && !kept.contains(desk::TOKEN), "the token is kept where sign-ins are: {kept}");
    let mut bob = bob.killed();
    let card = bob.desktop.next_card().await;
    assert_eq!(card.subject, Subject::Ringing(Guid(5)), "it rings again");
    bob.desktop.press(card.subject, Button::Accept);
    bob.order().await;
    let mut bob = bob.killed();
    signed_in(&bob).await;
    assert!(bob.started.lock().unwrap().orders.is_empty(), "it is not started twice");
    let mut bobs = bob.link(1_001).await;
    let signed_in = bobs.ask(r#"{"id":2,"do":"sign-in","device":"{00000000-0000-0000-0000-000000000009}"}"#).await;
    let epoch = signed_in["signed_in"]["epoch"].as_u64().unwrap();
    bobs.ask(r#"{"id":3,"do":"launching"}"#).await;
    let mut alices = program(&mut alice).await;
    bobs.until("\"connected\"").await;
    bob = bob.killed();
    let mut bobs = bob.link(1_001).await;
    let again = format!(
        r#"{{"id":2,"ack":1,"do":"sign-in","device":"{{00000000-0000-0000-0000-000000000009}}","epoch":{epoch}}}"#
    );
    assert_eq!(bobs.ask(&again).await["signed_in"]["resumed"], true);
    alices.ask(&format!(r#"{{"id":4,"key":"c","do":"context","session":"{S}","data":{{"text":"still here"}}}}"#)).await;
    bobs.until("still here").await;
}

#[tokio::test(start_paused = true)]
async fn the_service_goes_away_and_comes_back() {
    let service = FakeService::start();
    let (alice, bob) = (Desk::new("alice@x", &service), Desk::new("bob@x", &service));
    let mut tool = start(&alice, &bob).await;
    bob.desktop.next_card().await;
    service.away(true);
    tool.until(r#""connected":false"#).await;
    service.away(false);
    tool.until(r#""connected":true"#).await;
    let sessions = tool.ask(r#"{"id":9,"do":"sessions"}"#).await;
    assert_eq!(sessions["agent"]["sessions"][0]["state"], "SS_INVITATION", "{sessions}");
    service.away(true);
    let ended = tool.until("\"ended\"").await;
    assert!(ended.contains(&hither_wire::Code::SR_CONNECTION_FAILURE.0.to_string()), "{ended}");
}

#[tokio::test(start_paused = true)]
async fn a_link_acts_after_a_yes_only() {
    let service = FakeService::start();
    let (alice, bob) = (Desk::new("alice@x", &service), Desk::new("bob@x", &service));
    for desk in [&alice, &bob] {
        signed_in(desk).await;
        desk.look().await;
    }
    let mut tool = tool(&alice).await;
    let link = |uri: &str| format!(r#"{{"id":7,"do":"link","session":"{S}","uri":"{uri}"}}"#);
    for hostile in [
        "javascript:alert(1)",
        "hither:invite/bob@x/../../etc",
        "hither:accept/{}",
        "hither:accept/{00000000-0000-0000-0000-000000000099}",
    ] {
        let answer = tool.ask(&link(hostile)).await;
        assert_eq!(answer["name"], "E_INVALIDARG", "{hostile} {answer}");
    }
    assert_eq!(alice.desktop.cards(), []);
    let guid = GAME.replace('{', "%7B").replace('}', "%7D");
    for button in [Button::No, Button::Invite] {
        let answer = tool.ask(&link(&format!("hither:invite/bob@x/{guid}"))).await;
        assert_eq!(answer["code"], 0, "{answer}");
        let card = alice.desktop.next_card().await;
        assert!(card.title.contains("bob@x") && card.title.contains("Game"), "{card:?}");
        alice.desktop.press(card.subject, button);
    }
    let card = bob.desktop.next_card().await;
    assert_eq!(card.subject, Subject::Ringing(Guid(5)));
}

#[tokio::test(start_paused = true)]
async fn rubbish_on_the_socket_closes_that_connection_and_no_other() {
    let service = FakeService::start();
    let alice = Desk::new("alice@x", &service);
    signed_in(&alice).await;
    let mut tool = tool(&alice).await;
    for rubbish in [vec![0xff; 100], vec![b'x'; 100_000], b"{}\n".to_vec(), b"{\"do\":\"stop\"}\n".to_vec()] {
        let (mut ours, theirs) = tokio::io::duplex(4096);
        let new = hither_agent::controller::NewLink { stream: Box::new(theirs), process: None };
        alice.events.send(hither_agent::controller::Event::Linked(new)).await.unwrap();
        drop(tokio::io::AsyncWriteExt::write_all(&mut ours, &rubbish).await);
        drop(tokio::io::AsyncWriteExt::write_all(&mut ours, b"\n").await);
        let mut rest = Vec::new();
        drop(tokio::io::AsyncReadExt::read_to_end(&mut ours, &mut rest).await);
        assert!(String::from_utf8_lossy(&rest).contains("\"close\":"), "{rest:?}");
    }
    assert_eq!(tool.ask(r#"{"id":9,"do":"sessions"}"#).await["code"], 0);
}

#[tokio::test(start_paused = true)]
async fn a_memory_that_cannot_be_written_is_complained_of_until_it_can() {
    let service = FakeService::start();
    let alice = Desk::new("alice@x", &service);
    signed_in(&alice).await;
    let mut tool = tool(&alice).await;
    let state = alice.paths().state;
    std::fs::remove_dir_all(&state).unwrap();
    std::fs::write(&state, "").unwrap();
    let complaints = async |tool: &mut Local, status: &str| {
        tool.ask(&format!(r#"{{"id":3,"do":"status","status":"{status}"}}"#)).await;
        let answer = tool.ask(r#"{"id":4,"do":"agent"}"#).await;
        answer["agent"]["status"]["complaints"].to_string()
    };
    let said = complaints(&mut tool, "AWAY").await;
    assert!(said.contains("is not kept") && said.contains("make room"), "{said}");
    std::fs::remove_file(&state).unwrap();
    let said = complaints(&mut tool, "ONLINE").await;
    assert!(!said.contains("is not kept"), "{said}");
}
