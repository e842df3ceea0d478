//! What can be changed while a service runs.

use std::sync::Arc;

use hither_proto::service::Input;
use tokio::sync::{mpsc, watch};

use crate::config::{Live, ServiceConfig};
use crate::driver::Note;
use crate::gate::Gate;
use crate::metrics::Metrics;
use crate::tls::{Tls, TlsError};

/// Changes a service that runs. Clones are the same service's.
#[derive(Clone)]
pub struct Handle {
    pub(crate) config: Live,
    pub(crate) inbox: mpsc::Sender<Note>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) drain: watch::Sender<bool>,
}

impl Handle {
    /// Takes other settings, all or none: an error leaves everything as it was. Nobody is dropped:
    /// connections and sessions that there are keep the times and sizes with which they began, and a
    /// lower limit keeps out only who comes next.
    ///
    /// Where the service listens, where its store is, whether it speaks TLS at all and what a password
    /// costs stay as they are; so does everything else that is decided at the start.
    pub async fn reload(&self, config: ServiceConfig) -> Result<(), TlsError> {
        let running = self.config.get();
        let files = self.tls.as_ref().and(config.tls.clone().or_else(|| running.tls.clone()));
        if let (Some(tls), Some(files)) = (&self.tls, &files) {
            tls.set_files(files)?;
            tls.ends().into_iter().for_each(|at| self.metrics.certificate_ends(at));
        }
        let config = ServiceConfig {
            listen: running.listen,
            operations: running.operations,
            data: running.data.clone(),
            password_cost: running.password_cost,
            tls: files,
            ..config
        };
        self.gate.set(config.connections, config.connections_per_address);
        let machine = Box::new(config.machine.clone());
        self.config.set(config);
        // A driver that has stopped needs no settings.
        drop(self.inbox.send(Note::Input(Input::Configured(machine))).await);
        Ok(())
    }

    /// Says on `/readyz` that the service takes no clients any more, though it still does: whoever
    /// sends clients here has time to notice before the service stops.
    pub fn drain(&self) {
        self.drain.send_replace(true);
    }
}
