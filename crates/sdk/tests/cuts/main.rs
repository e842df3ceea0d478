//! The connection breaks in the middle of a session, at every frame, in every way: neither
//! application notices (R17).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test names what it expects")]

mod proxy;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hither::{Client, Event, Events, Session, State};
use hither_service::{PasswordCost, Server, ServiceConfig, Store, hash_password};
use hither_wire::PersonName;
use hither_wire::message::InvitationsFrom;
use proxy::{Fault, Kind, Way};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Only a test that fails waits for it.
const PATIENCE: Duration = Duration::from_mins(3);

const GUID: &str = "{305D86C6-6896-4099-91F5-CB7BA7733563}";

async fn service(data: &tempfile::TempDir) -> SocketAddr {
    let store = Store::open(data.path()).unwrap();
    let password = hash_password("pw", PasswordCost::FOR_TESTS).unwrap();
    for number in 0..400 {
        for who in ["alice", "bob"] {
            store.add_account(&PersonName::parse(&format!("{who}{number}@x")).unwrap(), "", &password).unwrap();
        }
    }
    let mut config = ServiceConfig::new("127.0.0.1:0".parse().unwrap(), data.path().to_owned());
    config.password_cost = PasswordCost::FOR_TESTS;
    config.machine.invitations = InvitationsFrom::Anyone;
    let server = Server::bind(config).await.unwrap();
    let address = server.local_addr();
    tokio::spawn(server.run(std::future::pending()));
    address
}

async fn sign_in(address: SocketAddr, who: &str) -> (Client, Events) {
    Client::builder(&format!("ws://{address}/v1")).sign_in(who, "pw").await.unwrap()
}

/// What an application sees of its session, as lines; not what concerns the connection alone.
fn line(event: &Event) -> Option<String> {
    Some(match event {
        Event::StateChanged { previous, state, .. } => format!("{previous} -> {state}"),
        Event::Accepted { data, .. } => format!("accepted {data}"),
        Event::ContextData { data, .. } => format!("context {data}"),
        Event::Cancelled { data, .. } => format!("cancelled {data}"),
        Event::Termination { code, data, .. } => format!("over {code} {data}"),
        Event::SendError { code, .. } => format!("send error {code}"),
        Event::Invitation(invitation) => format!("invited by {}", invitation.data),
        _ => return None,
    })
}

/// How often a connection was lost and resumed, in all runs.
static RESUMED: AtomicUsize = AtomicUsize::new(0);

async fn until(events: &mut Events, lines: &mut Vec<String>, stop: impl Fn(&Event) -> bool) -> Event {
    loop {
        let event = timeout(PATIENCE, events.next()).await.expect("an event in time").expect("an event");
        lines.extend(line(&event));
        if matches!(event, Event::Signin { resumed: true, .. }) {
            RESUMED.fetch_add(1, Ordering::Relaxed);
        }
        if stop(&event) {
            return event;
        }
    }
}

fn is_state(event: &Event, wanted: State) -> bool {
    matches!(event, Event::StateChanged { state, .. } if *state == wanted)
}

async fn send_three(session: &Session, who: &str) {
    for number in 1..=3 {
        session.send_context_data(&format!("{who} {number}")).await.unwrap();
    }
}

/// A whole session; what Alice saw, and what Bob saw.
async fn hold(number: usize, alice: SocketAddr, bob: SocketAddr) -> [Vec<String>; 2] {
    let (alice, mut alice_events) = sign_in(alice, &format!("alice{number}@x")).await;
    let (_bob, mut bob_events) = sign_in(bob, &format!("bob{number}@x")).await;
    let (mut alice_lines, mut bob_lines) = (Vec::new(), Vec::new());

    let session = alice.create_session();
    session.set_application(GUID, "Chess", "").unwrap();
    session.invite(&format!("bob{number}@x"), "alice").await.unwrap();
    let event = until(&mut bob_events, &mut bob_lines, |event| matches!(event, Event::Invitation(_))).await;
    let Event::Invitation(invitation) = event else { unreachable!() };
    let theirs = invitation.session;
    theirs.accept("yes").await.unwrap();
    until(&mut alice_events, &mut alice_lines, |event| is_state(event, State::Connected)).await;
    until(&mut bob_events, &mut bob_lines, |event| is_state(event, State::Connected)).await;

    tokio::join!(send_three(&session, "alice"), send_three(&theirs, "bob"));
    let third = |event: &Event| matches!(event, Event::ContextData { data, .. } if data.ends_with('3'));
    until(&mut alice_events, &mut alice_lines, third).await;
    until(&mut bob_events, &mut bob_lines, third).await;

    session.cancel(hither::Code::S_OK, "bye").await.unwrap();
    let over = |event: &Event| matches!(event, Event::Termination { .. });
    until(&mut alice_events, &mut alice_lines, over).await;
    until(&mut bob_events, &mut bob_lines, over).await;
    [alice_lines, bob_lines]
}

/// More frames than a session has either way, signing in included.
const FRAMES: usize = 18;

// Half a minute: where one way stays open, a client waits ten seconds for an answer before it gives up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_wherever_the_connection_breaks() {
    let data = tempfile::tempdir().unwrap();
    let service = service(&data).await;
    let expected = hold(399, service, service).await;
    assert_eq!(expected[0].iter().filter(|line| line.starts_with("context")).count(), 3, "{expected:?}");

    let mut faults = Vec::new();
    for kind in [Kind::CutBefore, Kind::CutWithin, Kind::CutAfter, Kind::HalfClose, Kind::Delay] {
        for way in [Way::ToService, Way::ToClient] {
            // The first two frames each way greet and sign in: there a failure is told at once.
            faults.extend((3..=FRAMES).map(|frame| Fault { way, frame, kind }));
        }
    }
    let mut waiting: Vec<_> =
        faults.into_iter().flat_map(|fault| [(fault, true), (fault, false)]).enumerate().collect();
    let mut runs = JoinSet::new();
    loop {
        while runs.len() < 64
            && let Some((number, (fault, at_inviter))) = waiting.pop()
        {
            let expected = expected.clone();
            runs.spawn(async move {
                let through = proxy::start(service, Some(fault)).await;
                let (alice, bob) = if at_inviter { (through, service) } else { (service, through) };
                let seen = timeout(PATIENCE, hold(number, alice, bob)).await;
                let seen = seen.unwrap_or_else(|_| panic!("{fault:?}, at the inviter: {at_inviter}: never ends"));
                assert_eq!(seen, expected, "{fault:?}, at the inviter: {at_inviter}");
            });
        }
        match runs.join_next().await {
            Some(run) => run.unwrap(),
            None => break,
        }
    }
    // Or the proxy broke nothing.
    let resumed = RESUMED.load(Ordering::Relaxed);
    assert!(resumed > 80, "resumed {resumed} times");
}
