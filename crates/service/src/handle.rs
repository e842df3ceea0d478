//! What can be changed while a service runs.

use std::sync::Arc;

use hither_proto::service::{Input, Whom};
use tokio::sync::{mpsc, watch};

use crate::admin::{AdminError, AdminLocks};
use crate::audit::{Action, Actor, Audit, AuditEvent};
use crate::config::{AdminConfig, Live, ServiceConfig};
use crate::driver::Note;
use crate::gate::Gate;
use crate::keys::{KeyError, Keychain};
use crate::lock::JudgeSlot;
use crate::metrics::Metrics;
use crate::server::with_lock;
use crate::tls::{Tls, TlsError, TlsRead};

/// Why other settings cannot be taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReloadError {
    /// The certificate or its key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The keys of Lock and Key cannot be had.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The operator's API cannot be served so.
    #[error(transparent)]
    Admin(#[from] AdminError),
}

/// Changes a service that runs. Clones are the same service's.
#[derive(Clone)]
pub struct Handle {
    pub(crate) config: Live,
    pub(crate) inbox: mpsc::Sender<Note>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) judge: JudgeSlot,
    pub(crate) audit: Audit,
    pub(crate) admin: Option<AdminLocks>,
    pub(crate) drain: watch::Sender<bool>,
}

impl Handle {
    /// Takes other settings, all or none: an error leaves everything as it was. Nobody is dropped:
    /// connections and sessions that there are keep the times and sizes with which they began, and a
    /// lower limit keeps out only who comes next.
    ///
    /// Where the service listens, where its store is, whether it speaks TLS at all and what a password
    /// costs stay as they are; so does everything else that is decided at the start.
    pub async fn reload(&self, config: ServiceConfig) -> Result<(), ReloadError> {
        let running = self.config.get();
        // What can fail comes first.
        let keys = match &config.lock {
            Some(lock) if config.lock != running.lock => Some(Keychain::open(&running.data, lock)?),
            Some(_) | None => None,
        };
        let files = self.tls.as_ref().and(config.tls.clone().or_else(|| running.tls.clone()));
        let certificate = files.as_ref().map(TlsRead::of).transpose()?;
        // It is on or off, and where it is, from the start.
        let (admin, admin_read) = match (&self.admin, &running.admin, &config.admin) {
            (Some(locks), Some(running), Some(admin)) => {
                let admin = AdminConfig { listen: running.listen, ..admin.clone() };
                let read = locks.read(&admin)?;
                (Some(admin), Some(read))
            }
            (_, running, _) => (running.clone(), None),
        };
        // Nothing fails any more.
        if let (Some(tls), Some(read)) = (&self.tls, certificate) {
            if tls.set(read) {
                self.tell(Action::CertificateLoaded);
            }
            tls.ends().into_iter().for_each(|at| self.metrics.certificate_ends(at));
        }
        if let (Some(locks), Some(read)) = (&self.admin, admin_read) {
            locks.set(read, &self.audit);
        }
        let config = ServiceConfig {
            admin,
            listen: running.listen,
            operations: running.operations,
            data: running.data.clone(),
            password_cost: running.password_cost,
            tls: files,
            ..config
        };
        self.gate.set(config.connections, config.connections_per_address);
        if let Some(keys) = keys {
            self.judge.set(Box::new(keys));
        }
        let machine = Box::new(with_lock(&config));
        // A pair is good for one environment: what another has unlocked is proved anew.
        let environment = |config: &ServiceConfig| config.lock.as_ref().map(|lock| lock.environment);
        let moved = environment(&running).is_some_and(|before| environment(&config).is_some_and(|now| now != before));
        let turned = (config.lock.is_some() != running.lock.is_some()).then_some(config.lock.is_some());
        self.config.set(config);
        self.tell(Action::Configured);
        if let Some(on) = turned {
            drop(self.inbox.send(Note::Input(Input::Lock { on })).await);
        }
        if moved {
            drop(self.inbox.send(Note::Input(Input::Challenge(Whom::Everybody))).await);
        }
        // A driver that has stopped needs no settings.
        drop(self.inbox.send(Note::Input(Input::Configured(machine))).await);
        Ok(())
    }

    fn tell(&self, action: Action) {
        self.audit.tell(AuditEvent::Administered { action, subject: String::new(), by: Actor::Service });
    }

    /// Says on `/readyz` that the service takes no clients any more, though it still does: whoever
    /// sends clients here has time to notice before the service stops.
    pub fn drain(&self) {
        self.drain.send_replace(true);
    }
}
