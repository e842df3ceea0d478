//! Notifications of the freedesktop specification, over the session bus.
//!
//! One task owns the connection and what is shown. Cards that are wanted are shown again when the
//! notification server comes back; a bus that is not there is tried again with growing pauses.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use tokio::time::sleep;
use zbus::zvariant::Value;
use zbus::{Connection, Message, connection};

use super::{Button, CARDS_MAX, Card, Desktop, PRESSED_MAX, Pressed, Subject, page};

/// Commands that wait for the task; a desktop that is so far behind shows nothing anyway.
const COMMANDS_MAX: usize = 256;
/// How long a server that hangs is waited for.
const ANSWER: Duration = Duration::from_secs(10);
/// The pauses between two tries to reach the bus.
const PAUSES: std::ops::RangeInclusive<u64> = 1..=60;
/// Characters of a title, and of a body.
const TITLE_CHARS: usize = 200;
const BODY_CHARS: usize = 1_000;
/// Lines of a body: the buttons below it must stay on the screen.
const BODY_LINES: usize = 8;
/// The person has put a notification away, as the specification counts.
const DISMISSED: u32 = 2;

#[zbus::proxy(
    interface = "org.freedesktop.Notifications",
    default_service = "org.freedesktop.Notifications",
    default_path = "/org/freedesktop/Notifications",
    gen_blocking = false
)]
trait Notifications {
    #[expect(clippy::too_many_arguments, reason = "the specification's")]
    fn notify(
        &self,
        app_name: &str,
        replaces_id: u32,
        app_icon: &str,
        summary: &str,
        body: &str,
        actions: &[&str],
        hints: HashMap<&str, &Value<'_>>,
        expire_timeout: i32,
    ) -> zbus::Result<u32>;
    fn close_notification(&self, id: u32) -> zbus::Result<()>;
    fn get_capabilities(&self) -> zbus::Result<Vec<String>>;
    fn get_server_information(&self) -> zbus::Result<(String, String, String, String)>;
}

/// The desktop of Linux.
#[derive(Debug)]
pub struct Linux {
    commands: mpsc::Sender<Command>,
    name: Arc<Mutex<Option<String>>>,
}

#[derive(Debug)]
enum Command {
    Show(Card),
    Withdraw(Subject),
}

impl Linux {
    /// Shows notifications on the session bus that the environment names. Must be called in a tokio
    /// runtime.
    pub fn start() -> (Linux, mpsc::Receiver<Pressed>) {
        Linux::start_at(None)
    }

    /// The same, on the bus at an address.
    pub fn start_at(address: Option<String>) -> (Linux, mpsc::Receiver<Pressed>) {
        let (commands, heard) = mpsc::channel(COMMANDS_MAX);
        let (pressed, events) = mpsc::channel(PRESSED_MAX);
        let name = Arc::default();
        let shown = Shown { wanted: BTreeMap::new(), ids: BTreeMap::new(), name: Arc::clone(&name), pressed };
        tokio::spawn(run(address, heard, shown));
        (Linux { commands, name }, events)
    }

    fn tell(&self, command: Command) {
        if self.commands.try_send(command).is_err() {
            tracing::warn!("the desktop is not told of a notification: too many wait");
        }
    }
}

impl Desktop for Linux {
    fn show(&mut self, card: Card) {
        self.tell(Command::Show(card));
    }

    fn withdraw(&mut self, subject: Subject) {
        self.tell(Command::Withdraw(subject));
    }

    fn open(&mut self, url: &str) {
        page::open(url);
    }

    fn describe(&self) -> Option<String> {
        self.name.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What is wanted on the screen, and what the server has made of it.
struct Shown {
    wanted: BTreeMap<Subject, Card>,
    ids: BTreeMap<u32, Subject>,
    name: Arc<Mutex<Option<String>>>,
    pressed: mpsc::Sender<Pressed>,
}

/// What a server can do.
#[derive(Clone, Copy, Debug, Default)]
struct Server {
    actions: bool,
    markup: bool,
}

async fn run(address: Option<String>, mut commands: mpsc::Receiver<Command>, mut shown: Shown) {
    let mut pause = *PAUSES.start();
    loop {
        if let Ok(connection) = connect(address.as_deref()).await {
            pause = *PAUSES.start();
            match on_bus(&connection, &mut commands, &mut shown).await {
                Ok(()) => return,
                Err(error) => tracing::debug!(%error, "the session bus is gone"),
            }
            // Another server may have given the same numbers to others' notifications.
            shown.ids.clear();
            shown.rename(None).await;
        }
        let waiting = sleep(Duration::from_secs(pause));
        tokio::pin!(waiting);
        loop {
            tokio::select! {
                () = &mut waiting => break,
                command = commands.recv() => match command {
                    Some(command) => drop(shown.want(command)),
                    None => return,
                },
            }
        }
        pause = (2 * pause).min(*PAUSES.end());
    }
}

async fn connect(address: Option<&str>) -> zbus::Result<Connection> {
    let builder = match address {
        Some(address) => connection::Builder::address(address)?,
        None => connection::Builder::session()?,
    };
    builder.method_timeout(ANSWER).build().await
}

/// Serves one connection; `Ok` when nobody wants to show anything any more.
async fn on_bus(
    connection: &Connection,
    commands: &mut mpsc::Receiver<Command>,
    shown: &mut Shown,
) -> zbus::Result<()> {
    let proxy = NotificationsProxy::new(connection).await?;
    // One stream for all: some servers say that a card was pressed and then that it was put away, and
    // only the order tells an answer from none.
    let mut signals = proxy.inner().receive_all_signals().await?;
    let mut owners = proxy.inner().receive_owner_changed().await?;
    let mut server = shown.meet(&proxy).await;
    loop {
        tokio::select! {
            biased;
            signal = signals.next() => {
                let Some(signal) = signal else { return Err(zbus::Error::InvalidReply) };
                shown.hear(&signal).await;
            }
            owner = owners.next() => {
                if owner.is_none() {
                    return Err(zbus::Error::InvalidReply);
                }
                shown.ids.clear();
                server = shown.meet(&proxy).await;
            }
            command = commands.recv() => {
                let Some(command) = command else {
                    shown.take_away(&proxy).await;
                    return Ok(());
                };
                let changed = shown.want(command);
                shown.carry_out(&proxy, server, changed).await;
            }
        }
    }
}

impl Shown {
    /// Notes what is wanted, and says what has changed by it.
    fn want(&mut self, command: Command) -> Option<Subject> {
        match command {
            Command::Show(card) => {
                let subject = card.subject;
                let room = self.wanted.len() < CARDS_MAX || self.wanted.contains_key(&subject);
                if room {
                    self.wanted.insert(subject, card);
                }
                room.then_some(subject)
            }
            Command::Withdraw(subject) => self.wanted.remove(&subject).map(|_| subject),
        }
    }

    /// A server is there, or is not: finds out what it is, and shows what is wanted.
    async fn meet(&mut self, proxy: &NotificationsProxy<'_>) -> Server {
        let Ok((name, _, version, _)) = proxy.get_server_information().await else {
            self.rename(None).await;
            return Server::default();
        };
        let capabilities = proxy.get_capabilities().await.unwrap_or_default();
        let has = |wanted: &str| capabilities.iter().any(|capability| capability == wanted);
        let server = Server { actions: has("actions"), markup: has("body-markup") };
        self.rename(Some(clean(&format!("{name} {version}"), TITLE_CHARS))).await;
        for subject in self.wanted.keys().copied().collect::<Vec<_>>() {
            self.carry_out(proxy, server, Some(subject)).await;
        }
        server
    }

    async fn rename(&mut self, name: Option<String>) {
        let before = {
            let mut known = self.name.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *known, name.clone())
        };
        if before != name {
            drop(self.pressed.send(Pressed::Changed).await);
        }
    }

    /// Makes the screen say what is wanted of a subject.
    async fn carry_out(&mut self, proxy: &NotificationsProxy<'_>, server: Server, subject: Option<Subject>) {
        let Some(subject) = subject else { return };
        let id = self.ids.iter().find(|(_, shown)| **shown == subject).map(|(id, _)| *id);
        let Some(card) = self.wanted.get(&subject) else {
            if let Some(id) = id {
                self.ids.remove(&id);
                drop(proxy.close_notification(id).await);
            }
            return;
        };
        match notify(proxy, server, card, id.unwrap_or(0)).await {
            Ok(new) => {
                self.ids.retain(|_, shown| *shown != subject);
                self.ids.insert(new, subject);
            }
            Err(error) => tracing::debug!(%error, "a notification was not shown"),
        }
    }

    /// Nobody is there any more to take an answer.
    async fn take_away(&mut self, proxy: &NotificationsProxy<'_>) {
        for (id, _) in std::mem::take(&mut self.ids) {
            drop(proxy.close_notification(id).await);
        }
    }

    /// A signal of the server; one that does not read as the specification says means nothing.
    async fn hear(&mut self, signal: &Message) {
        let header = signal.header();
        let Some(name) = header.member() else { return };
        let body = signal.body();
        match name.as_str() {
            "ActionInvoked" => {
                if let Ok((id, key)) = body.deserialize::<(u32, &str)>() {
                    self.invoked(id, key).await;
                }
            }
            "NotificationClosed" => {
                if let Ok((id, reason)) = body.deserialize::<(u32, u32)>() {
                    self.closed(id, reason).await;
                }
            }
            _ => {}
        }
    }

    async fn invoked(&mut self, id: u32, key: &str) {
        let Some(subject) = self.ids.get(&id).copied() else { return };
        let Some(card) = self.wanted.get(&subject) else { return };
        let Some(button) = card.buttons.iter().copied().find(|button| button.key() == key) else { return };
        self.ids.remove(&id);
        self.wanted.remove(&subject);
        drop(self.pressed.send(Pressed::Button { subject, button }).await);
    }

    async fn closed(&mut self, id: u32, reason: u32) {
        let Some(subject) = self.ids.remove(&id) else { return };
        if reason == DISMISSED {
            self.wanted.remove(&subject);
            drop(self.pressed.send(Pressed::Dismissed { subject }).await);
        }
    }
}

async fn notify(proxy: &NotificationsProxy<'_>, server: Server, card: &Card, id: u32) -> zbus::Result<u32> {
    let keys = |button: &Button| [button.key(), button.label()];
    let actions: Vec<&str> = card.buttons.iter().flat_map(keys).collect();
    let actions = if server.actions { actions } else { Vec::new() };
    let (urgency, category) = (Value::U8(if card.urgent { 2 } else { 1 }), Value::from("im.received"));
    let hints = HashMap::from([("urgency", &urgency), ("category", &category)]);
    let (title, body) = (clean(&card.title, TITLE_CHARS), body(server, card));
    proxy.notify("hither", id, "", &title, &body, &actions, hints, 0).await
}

/// The body as the server understands it: markup, or plain text.
fn body(server: Server, card: &Card) -> String {
    let mut body = clean_lines(&card.body, BODY_CHARS);
    let commands: Vec<&str> = card.buttons.iter().copied().filter_map(command).collect();
    if !server.actions && !commands.is_empty() {
        body = format!("{body}\nAnswer in a terminal: {}.", commands.join(", "));
    }
    if server.markup {
        body = body.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    }
    body
}

/// What does in a terminal what a button does, if anything.
fn command(button: Button) -> Option<&'static str> {
    match button {
        Button::Accept => Some("hither accept"),
        Button::Decline => Some("hither decline"),
        Button::Invite => Some("hither invite"),
        Button::Get | Button::No => None,
    }
}

/// Whether a character does something else than stand there: it moves a cursor, breaks a line, or
/// turns around the text after it, so that it reads as another's words.
fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// One line, at most so many characters.
fn clean(text: &str, max: usize) -> String {
    clean_lines(text, max).replace('\n', " ")
}

/// At most so many characters, nothing that steers but line breaks.
fn clean_lines(text: &str, max: usize) -> String {
    let kept: String = text.chars().map(|c| if steers(c) && c != '\n' { ' ' } else { c }).take(max + 1).collect();
    let mut lines: Vec<&str> = kept.splitn(BODY_LINES + 1, '\n').collect();
    let cut = lines.len() > BODY_LINES || kept.chars().count() > max;
    lines.truncate(BODY_LINES);
    let shown: String = lines.join("\n").chars().take(max).collect();
    if cut { format!("{shown}…") } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_say_is_text() {
        let card = Card {
            subject: Subject::Link(1),
            title: "a\n<b>b</b>\u{1b}[2J\u{202e}\u{2028}".into(),
            body: format!("<a href='x'>&amp;\n\u{7}{}", "x".repeat(100_000)),
            buttons: vec![Button::Accept, Button::Decline],
            urgent: true,
        };
        assert_eq!(clean(&card.title, TITLE_CHARS), "a <b>b</b> [2J  ");
        let marked = body(Server { actions: true, markup: true }, &card);
        assert!(marked.starts_with("&lt;a href='x'&gt;&amp;amp;\n x") && marked.ends_with("x…"), "{marked:.60}");
        assert!(marked.chars().count() < BODY_CHARS + 40);
        let long = Card { body: "<i>\n".repeat(50_000), ..card.clone() };
        assert_eq!(body(Server { actions: true, markup: false }, &long), format!("{}<i>…", "<i>\n".repeat(7)));
        let plain = body(Server { actions: false, markup: false }, &card);
        assert!(plain.starts_with("<a href='x'>&amp;\n x") && plain.ends_with("hither accept, hither decline."));
    }
}
