//! A person with a whole agent loop: fake desktop, fake programs, the service in memory, a stopped
//! clock. Registry, rules, sign-in and memory are real files.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use hither_agent::apps::Registry;
use hither_agent::controller::{Controller, Ending, Event, NewLink, Programs, System};
use hither_agent::credentials::{Account, Credentials, Keeping};
use hither_agent::desktop::Pressed;
use hither_agent::desktop::fake::{FakeDesktop, FakeHandle};
use hither_agent::launch::{Order, Process};
use hither_agent::paths::Paths;
use hither_ipc::{ClientEnd, Heard};
use hither_wire::local::Registration;
use hither_wire::message::{Ask, ClientFrame, ServerFrame};
use hither_wire::{Guid, SessionId, decode_local};
use tempfile::TempDir;
use tokio::io::DuplexStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::service::{FakeService, name};

/// What signs a person in at the service.
pub const TOKEN: &str = "pK2l8m0cQf3u6sVh1yZt4bXa7wEo9dRj5nGi";
pub const GAME: &str = "{305D86C6-6896-4099-91F5-CB7BA7733563}";

/// What the fake programs did, and how to end them.
#[derive(Default)]
pub struct Started {
    pub orders: Vec<Order>,
    endings: HashMap<u32, oneshot::Sender<String>>,
}

struct FakePrograms {
    started: Arc<Mutex<Started>>,
    told: mpsc::UnboundedSender<Order>,
}

impl Programs for FakePrograms {
    fn start(&mut self, order: &Order) -> Result<Process, String> {
        if order.args.iter().any(|arg| arg == "--broken") {
            return Err("no such program".into());
        }
        let mut started = self.started.lock().unwrap();
        started.orders.push(order.clone());
        drop(self.told.send(order.clone()));
        Ok(Process { pid: 1_000 + u32::try_from(started.orders.len()).unwrap(), started: 1 })
    }

    fn exited(&mut self, _: SessionId, process: Process) -> Ending {
        let (end, ended) = oneshot::channel();
        self.started.lock().unwrap().endings.insert(process.pid, end);
        Box::pin(async move {
            match ended.await {
                Ok(why) => why,
                Err(_) => std::future::pending().await,
            }
        })
    }

    fn belongs(&self, pid: u32, to: Process) -> bool {
        pid == to.pid
    }

    fn keep(&mut self, _: &[SessionId]) {}
}

pub struct Desk {
    pub user: &'static str,
    pub folder: TempDir,
    service: FakeService,
    pub desktop: FakeHandle,
    pub started: Arc<Mutex<Started>>,
    orders: mpsc::UnboundedReceiver<Order>,
    pub events: mpsc::Sender<Event>,
    running: JoinHandle<()>,
}

impl Desk {
    /// A person who is signed in and has the game.
    pub fn new(user: &'static str, service: &FakeService) -> Desk {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths::below(folder.path());
        let device = Guid(u128::from(user.as_bytes()[0]));
        let account = Account { user: name(user), service: "ws://nowhere/v1".into(), device, token: TOKEN.into() };
        Credentials::new(&paths, Keeping::File).save(&account).unwrap();
        let desk = Desk::started(user, folder, service);
        desk.register("");
        desk
    }

    fn started(user: &'static str, folder: TempDir, service: &FakeService) -> Desk {
        let paths = Paths::below(folder.path());
        let (desktop, handle, mut pressed) = FakeDesktop::new();
        let started = Arc::new(Mutex::new(Started::default()));
        let (told, orders) = mpsc::unbounded_channel();
        let programs = FakePrograms { started: Arc::clone(&started), told };
        let system =
            System { dial: service.dial(), desktop: Box::new(desktop), programs: Box::new(programs), pair: None };
        let controller = Controller::new(&paths, Credentials::new(&paths, Keeping::File), system);
        let events = controller.events();
        let pass_on = events.clone();
        tokio::spawn(async move {
            while let Some(pressed) = pressed.recv().await {
                let _: &Pressed = &pressed;
                drop(pass_on.send(Event::Pressed(pressed)).await);
            }
        });
        let running = tokio::spawn(controller.run());
        Desk { user, folder, service: service.clone(), desktop: handle, started, orders, events, running }
    }

    pub fn paths(&self) -> Paths {
        Paths::below(self.folder.path())
    }

    /// Registers the game, with arguments.
    pub fn register(&self, args: &str) {
        let program = self.program();
        fs::write(&program, "").unwrap();
        fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let registration = Registration {
            guid: GAME.into(),
            name: "Game".into(),
            url: "https://game.example/get".into(),
            path: format!("{} {{session}} {args}", program.display()).into(),
            ..Registration::default()
        };
        Registry::new(&self.paths()).register(&registration).unwrap();
    }

    pub fn unregister(&self) {
        Registry::new(&self.paths()).unregister(GAME).unwrap();
    }

    fn program(&self) -> PathBuf {
        self.folder.path().join("game")
    }

    /// Says that files have changed, as the watch would.
    pub async fn look(&self) {
        self.events.send(Event::FilesChanged).await.unwrap();
    }

    /// The next program that is started.
    pub async fn order(&mut self) -> Order {
        self.orders.recv().await.unwrap()
    }

    /// Ends a started program.
    pub fn end(&self, process: u32, why: &str) {
        let end = self.started.lock().unwrap().endings.remove(&process).unwrap();
        end.send(why.into()).unwrap();
    }

    /// A local connection.
    pub async fn link(&self, process: u32) -> Local {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let new = NewLink { stream: Box::new(theirs), process: Some(process) };
        self.events.send(Event::Linked(new)).await.unwrap();
        let mut local = Local { end: ClientEnd::new(ours), told: Vec::new() };
        local.ask(r#"{"id":1,"do":"hello","versions":[1]}"#).await;
        local
    }

    /// The agent is killed, and another one started.
    pub fn killed(self) -> Desk {
        self.running.abort();
        let Desk { user, folder, service, .. } = self;
        Desk::started(user, folder, &service)
    }
}

/// An application's or a tool's end.
pub struct Local {
    end: ClientEnd<DuplexStream>,
    pub told: Vec<String>,
}

impl Local {
    /// Asks, and gives the answer as JSON; what comes before it is kept in `told`.
    pub async fn ask(&mut self, frame: &str) -> serde_json::Value {
        let ClientFrame { ack, ask } = decode_local(frame).unwrap();
        let Ask { id, .. } = *ask.as_ref().unwrap();
        self.end.send(&ClientFrame { ack, ask });
        loop {
            match self.end.next(true).await {
                Heard::Frame(ServerFrame::Answer(answer)) if answer.re == id => {
                    return serde_json::to_value(*answer).unwrap();
                }
                Heard::Frame(frame) => self.told.push(frame.encode()),
                other => panic!("{frame} is answered with {other:?}"),
            }
        }
    }

    /// Waits until something with this text has been told, and gives it.
    pub async fn until(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self.told.iter().position(|told| told.contains(text)) {
                let told = self.told[at].clone();
                self.told.drain(..=at);
                return told;
            }
            match self.end.next(true).await {
                Heard::Frame(frame) => self.told.push(frame.encode()),
                other => panic!("{other:?} instead of {text}"),
            }
        }
    }
}
