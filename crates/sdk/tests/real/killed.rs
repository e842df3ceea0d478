//! A process that is killed, and another one that goes on where it was.

use std::path::{Path, PathBuf};

use hither::{Client, Code, ConnectError, ResumePoint, Session, State};
use tokio::runtime::Runtime;

use crate::world::{Person, World, connected, full};

/// A process of Alice's: killed, its connection breaks and nothing of it is heard any more.
struct Process {
    runtime: Runtime,
    alice: Person,
}

impl Process {
    /// Starts with what is in the file, and keeps it there.
    async fn start(url: &str, file: &Path) -> Process {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (url, keep) = (url.to_owned(), file.to_owned());
        let signing_in = runtime.spawn(async move {
            let mut builder = Client::builder(&url);
            if let Some(point) = ResumePoint::load(&keep).unwrap() {
                builder = builder.resume(point);
            }
            let builder = builder.persist(move |point| point.save(&keep));
            let (client, events) = builder.sign_in(&full("alice"), "alice").await.unwrap();
            Person { client, events }
        });
        let alice = signing_in.await.unwrap();
        Process { runtime, alice }
    }

    /// Handles of a dead process do nothing.
    fn kill(self) -> Person {
        self.runtime.shutdown_background();
        self.alice
    }
}

fn place(world: &World) -> PathBuf {
    world.data.path().join("alice.state")
}

/// Waits until what was told has been kept as taken: then asking for more has been seen.
async fn settled(alice: &mut Person, file: &Path) {
    let asking = async {
        alice.events.next().await;
    };
    let kept = async {
        while std::fs::read_to_string(file).is_ok_and(|text| !text.contains(r#""events":[]"#)) {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = asking => panic!("nothing more was expected"),
        () = kept => {}
    }
}

#[tokio::test]
async fn an_inviter_goes_on_in_every_state() {
    let world = World::new().await;
    let file = place(&world);
    let mut bob = world.person("bob").await;
    let mut process = Process::start(&world.url, &file).await;
    assert_eq!(process.alice.line().await, "Signin");
    let game = process.alice.game();
    let id = game.id();
    game.invite("bob@example.org", "").await.unwrap();
    let theirs = bob.invitation().await.session;
    process.alice.until("READY>INVITATION").await;

    // In INVITATION: what happens meanwhile is told to the next process.
    let dead = process.kill();
    theirs.accept("yes").await.unwrap();
    bob.until("ACCEPTED>CONNECTED").await;
    let mut process = Process::start(&world.url, &file).await;
    let told = process.alice.until("ACCEPTED>CONNECTED").await;
    let session: Vec<_> = told.iter().filter(|line| !line.starts_with("Progress")).collect();
    assert!(session.starts_with(&[&"Signin resumed".to_owned()]) || session[0] == "READY>INVITATION", "{told:?}");
    assert_eq!(session[session.len() - 3..], ["INVITATION>ACCEPTED", "Accepted yes", "ACCEPTED>CONNECTED"]);
    let mut restored = process.alice.client.take_restored();
    assert_eq!(restored.iter().map(Session::id).collect::<Vec<_>>(), [id]);
    assert!(process.alice.client.take_restored().is_empty(), "each is given once");
    let game = restored.remove(0);
    assert_eq!(game.snapshot().user.unwrap().as_str(), "bob@example.org");
    drop(dead);

    // In CONNECTED: context data go on, and none comes twice.
    game.send_context_data("one").await.unwrap();
    theirs.send_context_data("two").await.unwrap();
    assert_eq!(process.alice.line().await, "ContextData two");
    settled(&mut process.alice, &file).await;
    let dead = process.kill();
    theirs.send_context_data("three").await.unwrap();
    let mut process = Process::start(&world.url, &file).await;
    assert_eq!(process.alice.lines(2).await, ["Signin resumed", "ContextData three"]);
    let game = process.alice.client.take_restored().remove(0);
    assert_eq!(game.state(), State::Connected);
    game.send_context_data("four").await.unwrap();
    assert_eq!(bob.lines(2).await, ["ContextData one", "ContextData four"]);
    game.cancel(Code::S_OK, "").await.unwrap();
    bob.until("Termination SR_SESSION_CANCELLED_REMOTE").await;
    drop(dead);
    process.runtime.shutdown_background();
}

#[tokio::test]
async fn an_invitee_goes_on() {
    let world = World::new().await;
    let file = place(&world);
    let mut bob = world.person("bob").await;
    let process = Process::start(&world.url, &file).await;
    let game = bob.game();
    game.invite("alice@example.org", "come").await.unwrap();
    // The invitation has arrived, and nobody has taken it: the next process rings.
    while process.alice.client.session(&game.id()).is_none() {
        tokio::task::yield_now().await;
    }
    let dead = process.kill();
    let mut process = Process::start(&world.url, &file).await;
    let invitation = process.alice.invitation().await;
    assert_eq!((invitation.session.id(), invitation.data.as_str()), (game.id(), "come"));
    assert!(invitation.ring_ms <= 60_000);
    assert!(process.alice.client.take_restored().is_empty(), "it came as an event");
    invitation.session.accept("").await.unwrap();
    bob.until("ACCEPTED>CONNECTED").await;
    invitation.session.forget();
    drop(dead);
    process.runtime.shutdown_background();
}

#[tokio::test]
async fn a_process_that_does_not_come_back_is_lost() {
    let world = World::with(|config| config.machine.grace_ms = 300).await;
    let file = place(&world);
    let mut bob = world.person("bob").await;
    let mut process = Process::start(&world.url, &file).await;
    let (mine, theirs) = connected(&mut process.alice, &mut bob).await;
    let dead = process.kill();
    assert_eq!(bob.lines(2).await, ["CONNECTED>TERMINATED", "Termination SR_CONNECTION_FAILURE"]);
    assert_eq!(theirs.state(), State::Terminated);
    let mut process = Process::start(&world.url, &file).await;
    let told = process.alice.until("Termination SR_CONNECTION_FAILURE").await;
    assert!(told.contains(&"Signin".to_owned()), "{told:?}");
    drop((dead, mine));
    process.runtime.shutdown_background();
}

#[tokio::test]
async fn the_file() {
    let world = World::new().await;
    let file = place(&world);
    assert_eq!(ResumePoint::load(&file).unwrap(), None);
    let (client, events) = {
        let keep = file.clone();
        let builder = Client::builder(&world.url).persist(move |point| point.save(&keep));
        builder.sign_in("alice@example.org", "alice").await.unwrap()
    };
    let point = ResumePoint::load(&file).unwrap().unwrap();
    assert_eq!((point.user(), point.device()), (client.user(), client.device()));
    assert_eq!(point.token().map(str::to_owned), client.token());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "there is a token in it");
    }
    let other = Client::builder(&world.url).resume(point.clone()).sign_in("bob@example.org", "bob").await.unwrap_err();
    assert!(matches!(other, ConnectError::OtherPerson { .. }), "{other}");
    let token = point.token().unwrap().to_owned();
    drop((client, events));
    let builder = Client::builder(&world.url).resume(point);
    let (again, _events) = builder.sign_in_with_token("alice@example.org", &token).await.unwrap();
    assert!(again.contacts().await.is_ok());
    std::fs::write(&file, "rubbish").unwrap();
    assert!(ResumePoint::load(&file).unwrap_err().to_string().contains("remove it"));
}
