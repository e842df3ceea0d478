//! `SIGHUP`: the settings are read again, and those that can change do, all or none.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hither_service::Handle;

use crate::config::{Configured, Effective, Loaded, Sources};
use crate::log::Log;
use crate::serve::{notify, raise_file_limit};

/// What a service that runs has.
pub struct Running {
    pub from: Sources,
    pub settings: Effective,
    pub handle: Handle,
    pub log: Log,
    /// How long a stop is told before it happens.
    pub drain_ms: Arc<AtomicU64>,
}

/// Being asked to read the settings again: `SIGHUP`. Never comes true where there are no signals.
pub struct Hangup {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Hangup {
    /// Listens from now on: without that, the signal ends the process. Needs a runtime.
    pub fn new() -> Hangup {
        Hangup {
            #[cfg(unix)]
            signal: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok(),
        }
    }

    async fn wait(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending::<()>().await;
    }
}

impl Running {
    /// Reads the settings again whenever it is asked to.
    pub async fn run(mut self, mut hangup: Hangup) {
        loop {
            hangup.wait().await;
            notify::reloading();
            self.reload().await;
            notify::ready();
        }
    }

    async fn reload(&mut self) {
        let Loaded { settings: read, warnings, .. } = match self.from.load() {
            Ok(loaded) => loaded,
            Err(findings) => {
                for finding in findings.iter().filter(|finding| !finding.warning) {
                    tracing::error!(%finding, "a setting is wrong");
                }
                tracing::error!("the settings were not taken: those before stay");
                return;
            }
        };
        let (settings, waiting) = merged(&self.settings, read);
        let configured = Configured::of(&settings);
        raise_file_limit(configured.service.connections);
        if let Err(error) = self.handle.reload(configured.service).await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "the settings were not taken: those before stay");
            return;
        }
        self.drain_ms.store(configured.drain_ms, Ordering::Relaxed);
        if !self.log.change(&configured.log) {
            tracing::warn!("what is logged could not be changed");
        }
        for finding in warnings {
            tracing::warn!(%finding, "a setting should be looked at");
        }
        let changed: Vec<String> = self.settings.changed(&settings).iter().map(|setting| setting.name()).collect();
        tracing::info!(changed = changed.join(" "), "the settings were read again");
        if !waiting.is_empty() {
            tracing::warn!(
                settings = waiting.join(" "),
                "some settings have changed that count at the next start only"
            );
        }
        self.settings = settings;
    }
}

/// What was read, but with what the service was started with where that cannot change; and the names
/// of what would have changed there.
fn merged(running: &Effective, mut read: Effective) -> (Effective, Vec<String>) {
    // Whether TLS is spoken at all is decided at the start, and whether operators show certificates.
    let turned = |section: &str, key: &str| running.text(section, key).is_some() != read.text(section, key).is_some();
    let (tls, admin, clients) =
        (turned("tls", "certificate"), turned("admin", "certificate"), turned("admin", "client_ca"));
    let changed = running.changed(&read);
    let fixed = changed.into_iter().filter(|setting| match (setting.section, setting.key) {
        ("tls", _) => tls || !setting.live,
        ("admin", "certificate" | "key") => admin || !setting.live,
        ("admin", "client_ca") => clients || !setting.live,
        _ => !setting.live,
    });
    let fixed: Vec<_> = fixed.collect();
    let fixed = fixed.into_iter();
    let waiting = fixed.map(|setting| {
        read.keep(setting, running);
        setting.name()
    });
    let waiting = waiting.collect();
    (read, waiting)
}
