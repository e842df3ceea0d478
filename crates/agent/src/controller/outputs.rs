//! Carrying out what the machine wants.

use hither_proto::agent::{Input, Launch, Output, Press, Ticket};
use hither_proto::client::Output as ClientOutput;
use hither_wire::local::Registration;
use hither_wire::{Code, SessionId};
use tokio::sync::mpsc;

use super::{Controller, Event};
use crate::cards;
use crate::desktop::Subject;
use crate::launch::{Order, Process};
use crate::service::Call;
use crate::uri::Link;

/// Links that wait for the person's word.
const LINKS_MAX: usize = 16;

impl Controller {
    /// Carries out one output; what follows at once is given to the machine next.
    pub(super) fn carry_out(&mut self, output: Output) -> Vec<Input> {
        match output {
            Output::Save => match self.state.save(&self.agent.memory()) {
                Ok(()) => {
                    let recovered = self.unwritten.take().is_some();
                    return recovered.then(|| self.shell()).into_iter().chain([Input::Saved]).collect();
                }
                // Said once, and shown to whoever asks for the status, until it succeeds again.
                Err(error) if self.unwritten.is_none() => {
                    tracing::error!(%error, "the agent's memory cannot be written");
                    let what =
                        format!("what goes on is not kept ({error}): make room for {}", self.paths.state.display());
                    self.unwritten = Some(what.into());
                    return vec![self.shell()];
                }
                Err(_) => {}
            },
            Output::Service(output) => self.service_wants(output),
            Output::Send { link, frame } => return self.say(link, frame).into_iter().collect(),
            Output::Close { link, code } => {
                self.end_link(link, code);
                return vec![Input::Unlinked { link }];
            }
            Output::Ring(ringing) => self.system.desktop.show(cards::ringing(&ringing)),
            Output::Quiet { session } => {
                self.system.desktop.withdraw(Subject::Ringing(session));
                self.system.desktop.withdraw(Subject::Missing(session));
            }
            Output::Missing { session, app } => self.system.desktop.show(cards::missing(session, &app)),
            Output::Open { url } => self.system.desktop.open(&url),
            Output::Link { ticket, session, uri } => {
                let result = self.ask_about(session, &uri);
                return vec![Input::Linking { ticket, result }];
            }
            Output::Register { ticket, registration } => self.register(ticket, *registration),
            Output::Unregister { ticket, guid } => {
                let registry = self.registry.clone();
                self.write(ticket, move || registry.unregister(&guid));
            }
            Output::Trace { ticket, process, among } => {
                let session =
                    among.into_iter().find(|(_, started)| self.system.programs.belongs(process, of(*started)));
                return vec![Input::Traced { ticket, session: session.map(|(session, _)| session) }];
            }
            Output::Launch(launch) => {
                let session = launch.session;
                let result = self.launch(&launch);
                return vec![Input::Launched { session, result }];
            }
            Output::Watch { session, process } => self.watch(session, of(process)),
            Output::Prove { cookie, challenge } => {
                let response = self.system.pair.as_ref().map(|pair| pair.respond(cookie, &challenge));
                return response.map(|response| Input::Proved(Box::new(response))).into_iter().collect();
            }
            Output::Reload => {
                self.read_sign_in();
                return self.files();
            }
            Output::SignedOut => {
                self.forget_account();
                return vec![self.shell()];
            }
            Output::Stop => self.stopped = true,
        }
        Vec::new()
    }

    fn service_wants(&mut self, output: ClientOutput) {
        match output {
            ClientOutput::Connect { redirect } => {
                let service = self.account.as_ref().map(|account| account.service.clone()).unwrap_or_default();
                let (url, redirected_by) = match redirect {
                    Some(url) => (String::from(url), Some(service)),
                    None => (service, None),
                };
                let (say, frames) = mpsc::unbounded_channel();
                self.calls += 1;
                self.service = Some(say);
                let events = self.events.clone();
                (self.system.dial)(Call { number: self.calls, url, redirected_by, frames, events });
            }
            ClientOutput::Send(frame) => {
                if let Some(service) = &self.service {
                    // A connection that is gone says so by itself.
                    drop(service.send(frame));
                }
            }
            ClientOutput::Close => self.service = None,
            // The machine keeps these to itself.
            ClientOutput::Save | ClientOutput::Event(_) | ClientOutput::Return { .. } | ClientOutput::Stopped(_) => {}
        }
    }

    fn register(&self, ticket: Ticket, registration: Registration) {
        let registry = self.registry.clone();
        self.write(ticket, move || registry.register(&registration));
    }

    /// The registry may have to wait for others that write it.
    fn write<T: Send + 'static>(
        &self,
        ticket: Ticket,
        write: impl FnOnce() -> Result<T, crate::apps::Refused> + Send + 'static,
    ) {
        let events = self.events.clone();
        tokio::task::spawn_blocking(move || {
            let result = write().map(drop).map_err(|refused| (refused.code, refused.message));
            drop(events.blocking_send(Event::Written { ticket, result }));
        });
    }

    fn launch(&mut self, launch: &Launch) -> Result<(hither_proto::agent::Process, Box<str>), String> {
        let listing = self.registry.read();
        let app = listing.apps.get(&launch.application).ok_or("the application is not registered on this machine")?;
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|_| "the system gives no random numbers")?;
        let secret = format!("{:032x}", u128::from_be_bytes(bytes));
        let order = Order {
            session: launch.session,
            program: app.program.clone(),
            args: app.args.clone(),
            socket: self.paths.socket(),
            secret: secret.clone(),
            local: launch.local.as_ref().map(ToString::to_string),
            remote: launch.remote.as_ref().map(ToString::to_string),
        };
        let process = self.system.programs.start(&order)?;
        tracing::info!(session = %launch.session, process = process.pid, "launched {}", app.program.display());
        self.watch(launch.session, process);
        Ok((hither_proto::agent::Process { id: process.pid, started: process.started }, secret.into()))
    }

    fn watch(&mut self, session: SessionId, process: Process) {
        if self.watched.insert(session, process) == Some(process) {
            return;
        }
        let (events, exited) = (self.events.clone(), self.system.programs.exited(session, process));
        tokio::spawn(async move {
            let why = exited.await;
            drop(events.send(Event::Exited { process, session, why }).await);
        });
    }

    /// A link acts only after the person's yes.
    fn ask_about(&mut self, session: SessionId, uri: &str) -> Result<(), (Code, String)> {
        let refused = |code: Code, message: &str| (code, message.to_owned());
        let link = Link::parse(uri).map_err(|error| (Code::E_INVALIDARG, error.to_string()))?;
        if self.system.desktop.describe().is_none() {
            return Err(refused(
                Code::E_FAIL,
                "nothing here can ask you: open the link in a terminal with `hither open`",
            ));
        }
        if self.asked.len() >= LINKS_MAX {
            return Err(refused(Code::MSGR_E_TOO_MANY_SESSIONS, "too many links wait for your word"));
        }
        self.asked_ever += 1;
        let number = self.asked_ever;
        let (card, press) = match link {
            Link::Accept { session } => {
                let rings = self.agent.ringing(session);
                let Some((from, app)) = rings else {
                    return Err(refused(Code::E_INVALIDARG, "no invitation with this id rings here"));
                };
                (cards::link_accepts(number, from, app), Press::Accept(session))
            }
            Link::Invite { to, app: application, data } => {
                let listing = self.registry.read();
                let Some(app) = listing.apps.get(&application) else {
                    return Err((Code::SR_APP_NOT_REGISTERED, Code::SR_APP_NOT_REGISTERED.advice().to_owned()));
                };
                let name = if app.name.is_empty() { application.to_string() } else { app.name.clone() };
                let card = cards::link_invites(number, &to, &name, &data);
                (card, Press::Invite { session, to, application, data: data.into() })
            }
        };
        self.asked.insert(number, press);
        self.system.desktop.show(card);
        Ok(())
    }

    fn forget_account(&mut self) {
        if let Err(error) = self.credentials.remove() {
            tracing::error!(error = &error as &dyn std::error::Error, "the stored sign-in cannot be removed");
        }
        self.account = None;
    }
}

fn of(process: hither_proto::agent::Process) -> Process {
    Process { pid: process.id, started: process.started }
}
