//! What is logged: milestones and transitions, and nothing of what people say or who they are proved
//! to be by.

use std::io;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{GUID, service, session};

/// Everything that any service of this process logs.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Lines;

    fn make_writer(&'a self) -> Lines {
        self.clone()
    }
}

#[tokio::test]
async fn neither_secrets_nor_what_is_said_nor_addresses_of_people() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::INFO).with_writer(lines.clone());
    tracing::subscriber::set_global_default(subscriber.finish()).unwrap();

    let service = service().await;
    let mut alice = service.connect().await;
    alice.sign_in("alice@example.org", json!({"password": "a-guess-of-hers"})).await;
    let answer = alice.ask("sign-in", json!({"user": "alice@example.org", "password": "alice"})).await;
    let token = answer["signed_in"]["token"].as_str().unwrap().to_owned();
    let mut bob = service.signed_in("bob@example.org").await;
    let invite = json!({
        "session": session(77), "to": "bob@example.org", "attach": true, "address": "192.0.2.77:7777",
        "app": {"guid": GUID, "name": "an-app-of-theirs", "url": "https://where.example/it-is"},
        "data": {"text": "app-data-of-hers"},
    });
    assert_eq!(alice.outcome("invite", invite).await, "S_OK");
    bob.event("invitation").await;
    bob.outcome("accept", json!({"session": session(77), "attach": true})).await;
    alice.event("connected").await;
    let context = json!({"session": session(77), "data": {"text": "context-data-of-hers"}});
    assert_eq!(alice.outcome("context", context).await, "S_OK");
    alice.outcome("cancel", json!({"session": session(77), "data": {"text": "last-words-of-hers"}})).await;
    alice.send_text("rubbish-of-hers").await;
    assert_eq!(alice.closed().await, Some(4000));
    let port = bob.socket.get_ref().local_addr().unwrap().to_string();
    let mut again = service.connect().await;
    assert_eq!(again.sign_in("alice@example.org", json!({"token": token})).await["code"], 0);
    service.stop().await;

    let logged = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("serving") && logged.contains("stopped") && logged.contains("CONNECTED"), "{logged}");
    let secrets = ["of-hers", "of-theirs", "where.example", "192.0.2.77", &token, &port, "argon2"];
    for secret in secrets {
        assert!(!logged.contains(secret), "{secret} is in\n{logged}");
    }
}
