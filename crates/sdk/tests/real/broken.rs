//! Broken connections: within the grace nobody notices, beyond it both sides end the same way.

use hither::{Code, State};

use crate::proxy::Proxy;
use crate::world::{Person, World, connected};

#[tokio::test]
async fn within_the_grace_nobody_notices() {
    let world = World::new().await;
    let proxy = Proxy::new(&world.url).await;
    let mut alice = Person::at(&proxy.url, "alice").await;
    let mut bob = world.person("bob").await;
    let (mine, theirs) = connected(&mut alice, &mut bob).await;

    proxy.refuse(true);
    proxy.cut();
    assert_eq!(alice.line().await, "ConnectionLost MSGR_E_DISCONNECTED");
    theirs.send_context_data("while you were away").await.unwrap();
    // A call waits as long as the connection is down.
    let sending = mine.send_context_data("wait for me");
    let back = async {
        proxy.refuse(false);
        alice.lines(2).await
    };
    let (sent, told) = tokio::join!(sending, back);
    sent.unwrap();
    assert_eq!(told, ["Signin resumed", "ContextData while you were away"]);
    assert_eq!(bob.line().await, "ContextData wait for me");
}

#[tokio::test]
async fn beyond_the_grace_both_sides_end_the_same_way() {
    let world = World::with(|config| config.machine.grace_ms = 300).await;
    let proxy = Proxy::new(&world.url).await;
    let mut alice = Person::at(&proxy.url, "alice").await;
    let mut bob = world.person("bob").await;
    let (mine, theirs) = connected(&mut alice, &mut bob).await;

    proxy.refuse(true);
    proxy.cut();
    let failed = mine.send_context_data("never").await.unwrap_err();
    assert_eq!(failed.code(), Code::SR_CONTEXT_DATA_SEND_FAILURE);
    let told = [
        "ConnectionLost MSGR_E_DISCONNECTED",
        "SendError SR_CONTEXT_DATA_SEND_FAILURE",
        "CONNECTED>TERMINATED",
        "Termination SR_CONNECTION_FAILURE",
    ];
    assert_eq!(alice.lines(4).await, told);
    assert_eq!(bob.lines(2).await, ["CONNECTED>TERMINATED", "Termination SR_CONNECTION_FAILURE"]);
    assert_eq!((mine.state(), theirs.state()), (State::Terminated, State::Terminated));
    let at_once = alice.client.contacts().await.unwrap_err();
    assert_eq!(at_once.code(), Code::MSGR_E_DISCONNECTED);

    proxy.refuse(false);
    assert_eq!(alice.line().await, "Signin", "nothing to resume");
    connected(&mut alice, &mut bob).await;
}

#[tokio::test]
async fn a_service_that_was_started_again_knows_nothing() {
    let world = World::new().await;
    let proxy = Proxy::new(&world.url).await;
    let mut alice = Person::at(&proxy.url, "alice").await;
    let mut bob = Person::at(&proxy.url, "bob").await;
    let (mine, theirs) = connected(&mut alice, &mut bob).await;
    proxy.refuse(true);
    let data = world.stop().await;
    let world = World::on(data, |_| {}).await;
    proxy.lead_to(&world.url);
    proxy.refuse(false);
    for person in [&mut alice, &mut bob] {
        let told = person.until("Termination SR_CONNECTION_FAILURE").await;
        assert!(told.contains(&"Signin".to_owned()), "{told:?}");
        assert!(told[0].starts_with("ConnectionLost"), "{told:?}");
    }
    assert_eq!((mine.state(), theirs.state()), (State::Terminated, State::Terminated));
    connected(&mut alice, &mut bob).await;
}

#[tokio::test]
async fn a_token_that_does_not_work_any_more_ends_it() {
    let world = World::new().await;
    let proxy = Proxy::new(&world.url).await;
    let mut alice = Person::at(&proxy.url, "alice").await;
    let store = hither_service::Store::open(world.data.path()).unwrap();
    store.revoke_tokens(alice.client.user()).unwrap();
    proxy.cut();
    let told = ["ConnectionLost MSGR_E_DISCONNECTED", "Signout MSGR_E_INVALID_PASSWORD"];
    assert_eq!(alice.lines(2).await, told);
    assert!(alice.events.next().await.is_none());
}
