//! The whole agent: one for each person on a machine, until it is told to stop.

use std::path::PathBuf;

use hither_ipc::{Accepted, BindError, Listener};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Duration, timeout};

use crate::apps::Registry;
use crate::controller::{Controller, Event, NewLink, System};
use crate::credentials::{Credentials, Keeping};
use crate::desktop::{Desktop, Pressed};
use crate::instance::{Instance, InstanceError};
use crate::launch::Launcher;
use crate::pair::Pair;
use crate::paths::Paths;

/// How the agent is to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it keeps what.
    pub paths: Paths,
    /// Whether it shows notifications, where the desktop can.
    pub notifications: bool,
    /// Where it keeps the sign-in.
    pub keeping: Keeping,
    /// With which it unlocks the service's lock for the person's tools, if there is one.
    pub pair: Option<Pair>,
}

/// Why there is no agent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// There is one already, perhaps with this process id.
    #[error("an agent runs already{}", .0.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    Running(Option<u32>),
    /// It cannot be made sure that there is one agent only.
    #[error(transparent)]
    Instance(InstanceError),
    /// Its socket cannot be made.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The system does not tell it when to stop.
    #[error("the system does not let this process hear its signals")]
    Signals(#[source] std::io::Error),
}

/// How long a desktop may take to put the cards away when the agent stops.
const LEAVE: Duration = Duration::from_secs(2);

/// A running agent's socket is ready.
pub type Ready = Box<dyn FnOnce(PathBuf) + Send>;

/// Runs until a signal, or a tool, stops it. `ready` is told the socket when applications can connect.
pub async fn run(options: Options, ready: Ready) -> Result<(), RunError> {
    let Options { paths, notifications, keeping, pair } = options;
    let _one = match Instance::take(&paths) {
        Ok(instance) => instance,
        Err(InstanceError::Running(pid)) => return Err(RunError::Running(pid)),
        Err(error) => return Err(RunError::Instance(error)),
    };
    let listener = Listener::bind(&paths.socket())?;
    let (desktop, pressed) = desktop(notifications);
    let system = System {
        dial: crate::service::dial(),
        desktop,
        programs: Box::new(Launcher::new(paths.state.join("launched"))),
        pair,
    };
    let controller = Controller::new(&paths, Credentials::new(&paths, keeping), system);
    let events = controller.events();
    let desktop_gone = tokio::spawn(pass_on(pressed, events.clone()));
    let tasks = [
        tokio::spawn(watch_files(Registry::new(&paths), events.clone())),
        tokio::spawn(stop_on_signal(events.clone())?),
    ];
    ready(listener.path().to_path_buf());
    let links = tokio::spawn(accept(listener, events));
    controller.run().await;
    links.abort();
    for task in tasks {
        task.abort();
    }
    // The cards are taken away: nobody is there to take an answer.
    drop(timeout(LEAVE, desktop_gone).await);
    Ok(())
}

fn desktop(notifications: bool) -> (Box<dyn Desktop>, mpsc::Receiver<Pressed>) {
    if notifications { crate::desktop::start() } else { crate::desktop::none() }
}

async fn pass_on(mut pressed: mpsc::Receiver<Pressed>, events: mpsc::Sender<Event>) {
    while let Some(pressed) = pressed.recv().await {
        // Without a loop to tell, this only waits for the desktop to be gone.
        drop(events.send(Event::Pressed(pressed)).await);
    }
}

async fn watch_files(registry: Registry, events: mpsc::Sender<Event>) {
    let mut watch = match registry.watch() {
        Ok(watch) => watch,
        Err(error) => return tracing::warn!(%error, "changes of files by hand are not noticed"),
    };
    loop {
        watch.changed().await;
        if events.send(Event::FilesChanged).await.is_err() {
            return;
        }
    }
}

fn stop_on_signal(events: mpsc::Sender<Event>) -> Result<impl Future<Output = ()> + Send, RunError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(RunError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(RunError::Signals)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        drop(events.send(Event::Stop).await);
    })
}

async fn accept(listener: Listener, events: mpsc::Sender<Event>) {
    loop {
        match listener.accept().await {
            Ok(Accepted { stream, peer }) => {
                let new = NewLink { stream: Box::new(stream), process: peer.pid };
                if events.send(Event::Linked(new)).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "a local connection could not be taken");
                // Out of files, most likely: others have to close theirs first.
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}
