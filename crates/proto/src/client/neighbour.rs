//! What only an agent tells: which applications are registered on its machine, what it is about to
//! start, that it goes away.

use std::collections::BTreeMap;

use hither_wire::message::Application;
use hither_wire::{Code, Guid, limits, local, text};

use super::Client;
use super::port::{Event, Refusal};

/// Registered applications that are kept, far more than a machine has.
const APPLICATIONS: usize = 10_000;

/// What is known of the agent at the other end.
#[derive(Debug, Default)]
pub(super) struct Neighbour {
    applications: BTreeMap<Guid, Application>,
    leaving: Leaving,
}

/// Whether the application knows that the agent is gone.
#[derive(Debug, Default, PartialEq, Eq)]
enum Leaving {
    #[default]
    No,
    Told,
}

impl Neighbour {
    pub fn new(applications: Vec<Application>) -> Neighbour {
        let bounded = applications.into_iter().filter(is_bounded).take(APPLICATIONS);
        Neighbour { applications: bounded.map(|app| (app.guid, app)).collect(), leaving: Leaving::No }
    }

    /// The application as it is registered (R12).
    pub fn registered(&self, guid: Guid) -> Result<&Application, Refusal> {
        self.applications.get(&guid).ok_or_else(|| Refusal::new(Code::SR_APP_NOT_REGISTERED))
    }

    /// `OnAppShutdown`, once until the agent is back.
    pub fn gone(&mut self) -> Option<Event> {
        let told = std::mem::replace(&mut self.leaving, Leaving::Told);
        (told == Leaving::No).then_some(Event::AppShutdown)
    }

    fn set(&mut self, app: Application) {
        if is_bounded(&app) && (self.applications.len() < APPLICATIONS || self.applications.contains_key(&app.guid)) {
            self.applications.insert(app.guid, app);
        }
    }
}

impl Client {
    /// An event of an agent. A service tells none, and from it none counts.
    pub(super) fn told_by_agent(&mut self, told: local::Event) {
        let Some(neighbour) = &mut self.neighbour else { return };
        let known = |id| self.sessions.get(id).is_some();
        let event = match told {
            local::Event::ReadyToLaunch { session } if known(session) => Event::ReadyToLaunch { session },
            local::Event::BeforeLaunch { session, question, .. } if known(session) => {
                Event::BeforeAppLaunch { session, question }
            }
            local::Event::AppNotPresent { session, name, url }
                if known(session) && is_bounded_text(&name) && is_bounded_text(&url) =>
            {
                Event::AppNotPresent { session, name, url }
            }
            local::Event::AppRegistered { app } => {
                let guid = app.guid;
                neighbour.set(app);
                Event::AppRegistered { guid }
            }
            local::Event::AppUnregistered { guid } => {
                neighbour.applications.remove(&guid);
                Event::AppUnregistered { guid }
            }
            local::Event::Shutdown => match neighbour.gone() {
                Some(event) => event,
                None => return,
            },
            local::Event::ReadyToLaunch { .. }
            | local::Event::BeforeLaunch { .. }
            | local::Event::AppNotPresent { .. }
            | local::Event::Launch { .. }
            | local::Event::Service { .. } => return,
        };
        self.emit(event);
    }
}

fn is_bounded(app: &Application) -> bool {
    is_bounded_text(&app.name) && is_bounded_text(&app.url)
}

fn is_bounded_text(text: &str) -> bool {
    text::fits(text, limits::APP_NAME_UNITS.max(limits::APP_URL_UNITS))
}
