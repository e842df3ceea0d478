//! Contacts, presence and settings.

use hither::{Code, ContactAction, Event, InvitationsFrom, Settings, SettingsChange, Status};
use tokio::time::timeout;

use crate::proxy::Proxy;
use crate::world::{PATIENCE, Person, World};

/// The next event that is about presence.
async fn presence(person: &mut Person) -> String {
    loop {
        let event = timeout(PATIENCE, person.events.next()).await.unwrap().unwrap();
        if let Event::ContactStatusChange { who, status, .. } = event {
            return format!("{who} {}", status.name());
        }
    }
}

#[tokio::test]
async fn presence_is_told_when_it_changes() {
    let world = World::new().await;
    let proxy = Proxy::new(&world.url).await;
    let bob = world.person("bob").await;
    let mut alice = Person::at(&proxy.url, "alice").await;
    assert_eq!(presence(&mut alice).await, "bob@example.org ONLINE");
    bob.client.set_status(Status::Away).await.unwrap();
    assert_eq!(presence(&mut alice).await, "bob@example.org AWAY");
    bob.client.set_status(Status::Invisible).await.unwrap();
    assert_eq!(presence(&mut alice).await, "bob@example.org OFFLINE");
    bob.client.set_status(Status::Away).await.unwrap();
    assert_eq!(presence(&mut alice).await, "bob@example.org AWAY");

    // What changes while she is away is told when she is back, and nothing else.
    proxy.refuse(true);
    proxy.cut();
    assert_eq!(alice.line().await, "ConnectionLost MSGR_E_DISCONNECTED");
    let carol = world.person("carol").await;
    proxy.refuse(false);
    assert_eq!(presence(&mut alice).await, "carol@example.org ONLINE");
    drop(carol);
    assert_eq!(presence(&mut alice).await, "carol@example.org OFFLINE");
    assert_eq!(bob.client.set_status(Status::Offline).await.unwrap_err().code(), Code::E_INVALIDARG);
}

#[tokio::test]
async fn the_contact_list() {
    let world = World::new().await;
    let alice = world.person("alice").await.client;
    let names = |contacts: Vec<hither::Contact>| contacts.iter().map(|c| c.who.to_string()).collect::<Vec<_>>();
    assert_eq!(names(alice.contacts().await.unwrap()), ["bob@example.org", "carol@example.org"]);
    let blocked = alice.contact(ContactAction::Block, "bob@example.org").await.unwrap().unwrap();
    assert!(blocked.blocked && blocked.listed);
    assert_eq!(alice.contact(ContactAction::Remove, "carol@example.org").await.unwrap(), None);
    assert_eq!(names(alice.contacts().await.unwrap()), ["bob@example.org"]);
    let again = alice.contact(ContactAction::Add, "bob@example.org").await.unwrap_err();
    assert_eq!(again.code(), Code::MSGR_E_ALREADY_IN_LIST);
    let nobody = alice.contact(ContactAction::Add, "nobody@example.org").await.unwrap_err();
    assert_eq!(nobody.code(), Code::MSGR_E_USER_NOT_FOUND);
}

#[tokio::test]
async fn settings() {
    let world = World::new().await;
    let alice = world.person("alice").await.client;
    assert_eq!(alice.settings(SettingsChange::default()).await.unwrap(), Settings::default());
    let anyone = SettingsChange { invitations: Some(InvitationsFrom::Anyone), show_declines: None };
    let changed = alice.settings(anyone).await.unwrap();
    assert_eq!(changed.invitations, Some(InvitationsFrom::Anyone));
    assert_eq!(alice.settings(SettingsChange::default()).await.unwrap(), changed);
}
