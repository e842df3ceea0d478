//! A service on a free port, people who are signed in there, and their events as short lines.

use std::time::Duration;

use hither::{Client, Event, Events, Invitation, PersonName, Session, SessionId, State};
use hither_service::keys::{Judge, NoKeys};
use hither_service::{Handle, LockControl, PasswordCost, Server, ServiceConfig, Store, hash_password};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// Far longer than anything here takes: only a test that fails waits for it.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub const CHESS: &str = "{305D86C6-6896-4099-91F5-CB7BA7733563}";

/// Alice, Bob and Carol have each other as contacts. Everybody's password is their short name.
const PEOPLE: [&str; 3] = ["alice", "bob", "carol"];

pub struct World {
    pub data: tempfile::TempDir,
    pub url: String,
    pub config: ServiceConfig,
    pub handle: Handle,
    pub lock: LockControl,
    stop: oneshot::Sender<()>,
    running: tokio::task::JoinHandle<()>,
}

impl World {
    pub async fn new() -> World {
        World::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut ServiceConfig)) -> World {
        let data = tempfile::tempdir().unwrap();
        add_people(&data);
        World::on(data, change).await
    }

    /// With somebody who judges the responses of Lock and Key.
    pub async fn judged(judge: Box<dyn Judge>, change: impl FnOnce(&mut ServiceConfig)) -> World {
        let data = tempfile::tempdir().unwrap();
        add_people(&data);
        World::serve(data, judge, change).await
    }

    pub async fn on(data: tempfile::TempDir, change: impl FnOnce(&mut ServiceConfig)) -> World {
        World::serve(data, Box::new(NoKeys), change).await
    }

    async fn serve(data: tempfile::TempDir, judge: Box<dyn Judge>, change: impl FnOnce(&mut ServiceConfig)) -> World {
        let mut config = ServiceConfig::new("127.0.0.1:0".parse().unwrap(), data.path().to_owned());
        config.password_cost = PasswordCost::FOR_TESTS;
        change(&mut config);
        let server = Server::bind_with(config.clone(), judge).await.unwrap();
        let (url, handle, lock) = (server.url(), server.handle(), server.lock_control());
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(server.run(async move { drop(stopped.await) }));
        World { data, url, config, handle, lock, stop, running }
    }

    pub async fn stop(self) -> tempfile::TempDir {
        self.stop.send(()).unwrap();
        self.running.await.unwrap();
        self.data
    }

    pub async fn person(&self, who: &str) -> Person {
        Person::at(&self.url, who).await
    }
}

fn add_people(data: &tempfile::TempDir) {
    let store = Store::open(data.path()).unwrap();
    for who in PEOPLE {
        let hash = hash_password(who, PasswordCost::FOR_TESTS).unwrap();
        store.add_account(&name(who), who, &hash).unwrap();
    }
    for (owner, who) in PEOPLE.iter().flat_map(|owner| PEOPLE.map(|who| (owner, who))) {
        if *owner != who {
            let action = hither::ContactAction::Add;
            let change = hither_proto::service::Change::Contact { action, who: name(who) };
            store.change(&name(owner), &change).unwrap().unwrap();
        }
    }
}

pub fn name(who: &str) -> PersonName {
    PersonName::parse(&full(who)).unwrap()
}

pub fn full(who: &str) -> String {
    format!("{who}@example.org")
}

/// Somebody who is signed in.
pub struct Person {
    pub client: Client,
    pub events: Events,
}

impl Person {
    pub async fn at(url: &str, who: &str) -> Person {
        let name = full(who);
        let signing_in = Client::builder(url).sign_in(&name, who);
        let (client, events) = timeout(PATIENCE, signing_in).await.unwrap().unwrap();
        let mut person = Person { client, events };
        assert_eq!(person.line().await, "Signin");
        person
    }

    /// The next event but those about presence, and about the lock, which is off nearly everywhere here.
    pub async fn event(&mut self) -> Event {
        loop {
            let event = timeout(PATIENCE, self.events.next()).await.expect("an event in time").expect("an event");
            let beside = matches!(
                event,
                Event::ContactStatusChange { .. } | Event::LockEnable { .. } | Event::LockStatusChanged { .. }
            );
            if !beside {
                return event;
            }
        }
    }

    pub async fn line(&mut self) -> String {
        line(&self.event().await)
    }

    /// The next so many events.
    pub async fn lines(&mut self, count: usize) -> Vec<String> {
        let mut lines = Vec::new();
        for _ in 0..count {
            lines.push(self.line().await);
        }
        lines
    }

    /// Everything up to and with this event.
    pub async fn until(&mut self, last: &str) -> Vec<String> {
        let mut lines = vec![self.line().await];
        while lines.last().unwrap() != last {
            lines.push(self.line().await);
        }
        lines
    }

    pub async fn invitation(&mut self) -> Invitation {
        loop {
            if let Event::Invitation(invitation) = self.event().await {
                return invitation;
            }
        }
    }

    /// A session that can invite.
    pub fn game(&self) -> Session {
        let game = self.client.create_session();
        game.set_application(CHESS, "Chess", "https://chess.example").unwrap();
        game
    }
}

/// Alice's and Bob's sides of a session in CONNECTED, with their events taken.
pub async fn connected(alice: &mut Person, bob: &mut Person) -> (Session, Session) {
    let mine = alice.game();
    mine.invite("bob@example.org", "").await.unwrap();
    let theirs = bob.invitation().await.session;
    theirs.accept("").await.unwrap();
    let at = |person: &Person, id: SessionId| person.client.session(&id).unwrap().state;
    alice.until("ACCEPTED>CONNECTED").await;
    bob.until("ACCEPTED>CONNECTED").await;
    assert_eq!((at(alice, mine.id()), at(bob, mine.id())), (State::Connected, State::Connected));
    (mine, theirs)
}

/// An event without the names of things: tests here have one session at a time.
pub fn line(event: &Event) -> String {
    let short = |state: &State| state.name().trim_start_matches("SS_").to_owned();
    match event {
        Event::Signin { resumed: true, .. } => "Signin resumed".into(),
        Event::Signin { .. } => "Signin".into(),
        Event::Signout { code } => format!("Signout {code}"),
        Event::ConnectionLost { code } => format!("ConnectionLost {code}"),
        Event::Invitation(invitation) => format!("Invitation {} {}", invitation.from, invitation.data),
        Event::StateChanged { previous, state, .. } => format!("{}>{}", short(previous), short(state)),
        Event::Accepted { data, .. } => format!("Accepted {data}"),
        Event::Declined { data, .. } => format!("Declined {data}"),
        Event::Cancelled { data, reason: None, .. } => format!("Cancelled {data}"),
        Event::Cancelled { reason: Some(reason), .. } => format!("Cancelled {reason:?}"),
        Event::ContextData { data, .. } => format!("ContextData {data}"),
        Event::Termination { code, data, .. } => format!("Termination {code} {data}").trim_end().to_owned(),
        Event::SendError { code, .. } => format!("SendError {code}"),
        Event::Progress { stage, .. } => format!("Progress {}", stage.name()),
        Event::ContactStatusChange { who, status, .. } => format!("{who} {}", status.name()),
        other => format!("{other:?}"),
    }
}
