//! A notification server that the test plays itself, for what a real one does only now and then.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::OwnedValue;
use zbus::{Connection, connection, interface};

const PATH: &str = "/org/freedesktop/Notifications";
/// Longer than anything here takes; a test that waits so long has failed.
const LONG: Duration = Duration::from_secs(30);
/// The person has put a notification away, as the specification counts.
const DISMISSED: u32 = 2;

pub struct Server {
    connection: Connection,
    shown: mpsc::UnboundedReceiver<Shown>,
    closed: mpsc::UnboundedReceiver<u32>,
}

/// What the server was asked to show.
#[derive(Debug)]
pub struct Shown {
    /// The number that it got.
    pub id: u32,
    /// The number of what it is to replace, or 0.
    pub replaces: u32,
    pub body: String,
    pub actions: Vec<String>,
}

struct Notifications {
    capabilities: Vec<String>,
    last: AtomicU32,
    shown: mpsc::UnboundedSender<Shown>,
    closed: mpsc::UnboundedSender<u32>,
}

#[allow(clippy::needless_pass_by_value, clippy::unused_self, reason = "what is read from a message is owned")]
#[interface(name = "org.freedesktop.Notifications")]
impl Notifications {
    #[expect(clippy::too_many_arguments, reason = "the specification's")]
    fn notify(
        &self,
        app_name: &str,
        replaces: u32,
        app_icon: &str,
        summary: &str,
        body: String,
        actions: Vec<String>,
        hints: HashMap<String, OwnedValue>,
        expire_timeout: i32,
    ) -> u32 {
        assert_eq!((app_name, app_icon, expire_timeout), ("hither", "", 0));
        assert!(!summary.is_empty() && hints.contains_key("urgency") && hints.contains_key("category"));
        let id = if replaces == 0 { self.last.fetch_add(1, Ordering::Relaxed) + 1 } else { replaces };
        self.shown.send(Shown { id, replaces, body, actions }).unwrap();
        id
    }

    fn close_notification(&self, id: u32) {
        self.closed.send(id).unwrap();
    }

    fn get_capabilities(&self) -> Vec<String> {
        self.capabilities.clone()
    }

    fn get_server_information(&self) -> (&str, &str, &str, &str) {
        ("Played", "test", "1", "1.2")
    }

    #[zbus(signal)]
    async fn action_invoked(emitter: &SignalEmitter<'_>, id: u32, action_key: &str) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn notification_closed(emitter: &SignalEmitter<'_>, id: u32, reason: u32) -> zbus::Result<()>;
}

impl Server {
    /// A server with some capabilities, whose next number is the one after `last`.
    pub async fn start(bus: &str, can: &[&str], last: u32) -> Server {
        let ((shown_in, shown), (closed_in, closed)) = (mpsc::unbounded_channel(), mpsc::unbounded_channel());
        let capabilities = can.iter().map(|&name| name.to_owned()).collect();
        let played = Notifications { capabilities, last: AtomicU32::new(last), shown: shown_in, closed: closed_in };
        let builder = connection::Builder::address(bus).unwrap().serve_at(PATH, played).unwrap();
        let connection = builder.name("org.freedesktop.Notifications").unwrap().build().await.unwrap();
        Server { connection, shown, closed }
    }

    /// What it was asked to show next.
    pub async fn shown(&mut self) -> Shown {
        timeout(LONG, self.shown.recv()).await.unwrap().unwrap()
    }

    /// What it was asked to take away next.
    pub async fn closed(&mut self) -> u32 {
        timeout(LONG, self.closed.recv()).await.unwrap().unwrap()
    }

    /// Says that a button was pressed.
    pub async fn invoke(&self, id: u32, key: &str) {
        let emitter = SignalEmitter::new(&self.connection, PATH).unwrap();
        Notifications::action_invoked(&emitter, id, key).await.unwrap();
    }

    /// The same, and that the notification is gone.
    pub async fn press(&self, id: u32, key: &str) {
        self.invoke(id, key).await;
        let emitter = SignalEmitter::new(&self.connection, PATH).unwrap();
        Notifications::notification_closed(&emitter, id, DISMISSED).await.unwrap();
    }
}
