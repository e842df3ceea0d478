//! The audit: who signed in, who was refused, which keys were used, what was administered. One JSON
//! object a line, apart from the log, for people who have to answer for a service later.
//!
//! No secret, no app data and no context data can be in it: no event has a place for them. Whoever has
//! something to tell does not wait: a thread writes, and if it cannot keep up, it says how much is
//! missing. A refusal because of too many refusals is counted, not told: who guesses passwords does not
//! fill the disk.

mod file;

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hither_wire::{Code, DeviceId, PersonName};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use file::File;

/// The name of the file in the data directory.
const FILE: &str = "audit.jsonl";
/// Events that wait to be written; more are counted as lost.
const WAITING: usize = 4096;
/// How often what is only counted is told.
const COUNTED_EVERY: Duration = Duration::from_secs(10);

/// Where the audit is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditTo {
    /// Into a file, which is kept below a size: see [`AuditTo::in_data`].
    File(PathBuf),
    /// To standard error, for whoever collects it there.
    Stderr,
}

impl AuditTo {
    /// The file of a data directory, `audit.jsonl`. Older ones stand beside it as `audit.jsonl.1` and so
    /// on, eight of 32 MiB.
    pub fn in_data(data: &Path) -> AuditTo {
        AuditTo::File(data.join(FILE))
    }
}

/// What is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum AuditEvent {
    /// The service takes clients.
    ServiceStarted {
        /// Which version.
        version: &'static str,
    },
    /// The service has stopped in good order.
    ServiceStopped,
    /// Somebody has proved who they are.
    SignedIn {
        /// Who.
        person: PersonName,
        /// On which device.
        device: DeviceId,
        /// From where.
        address: IpAddr,
        /// By what.
        by: Means,
    },
    /// Somebody has not.
    SignInRefused {
        /// Who was named, if anybody.
        #[serde(skip_serializing_if = "Option::is_none")]
        person: Option<PersonName>,
        /// From where.
        address: IpAddr,
        /// By what.
        by: Means,
        /// What the client was told.
        code: CodeName,
        /// What it was not told.
        why: &'static str,
    },
    /// An application has unlocked the API with its key.
    Unlocked {
        /// Whose application asks.
        person: PersonName,
        /// With which pair.
        app_id: String,
        /// From where.
        address: IpAddr,
    },
    /// An application has not.
    UnlockRefused {
        /// Whose application asks.
        person: PersonName,
        /// With which pair.
        app_id: String,
        /// From where.
        address: IpAddr,
        /// What it was not told.
        why: &'static str,
    },
    /// Something was changed that is not a person's everyday business.
    Administered {
        /// What.
        action: Action,
        /// Of whom or what: a sign-in name, the ID of a pair, a session.
        #[serde(skip_serializing_if = "String::is_empty")]
        subject: String,
        /// By whom.
        by: Actor,
    },
    /// So many were refused unseen since the last line of this kind, because there were too many.
    Throttled {
        /// How many.
        count: u64,
    },
    /// So many events could not be written.
    Lost {
        /// How many.
        count: u64,
    },
}

/// What proves who somebody is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Means {
    /// The password of an account.
    Password,
    /// A registration code.
    Registration,
    /// A session token of this service.
    Token,
    /// A token of another issuer.
    Issuer(String),
    /// None was given that this service takes.
    Nothing,
}

/// What was administered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Action {
    /// An account was made.
    AccountAdded,
    /// An account was removed.
    AccountRemoved,
    /// An account can sign in no more.
    AccountDisabled,
    /// An account can sign in again.
    AccountEnabled,
    /// A password was changed.
    PasswordChanged,
    /// A friendly name was changed.
    Renamed,
    /// Every session token of a person stopped working.
    SignedOutEverywhere,
    /// A device's session token stopped working.
    DeviceRemoved,
    /// A contact list was changed from outside.
    ContactsChanged,
    /// A pair was issued.
    KeyIssued,
    /// A pair was revoked.
    KeyRevoked,
    /// A pair got a new key.
    KeyRotated,
    /// A code to register with was issued.
    CodeIssued,
    /// A code to register with was revoked.
    CodeRevoked,
    /// Somebody made an account with a code.
    Registered,
    /// A session was ended from outside.
    SessionEnded,
    /// Somebody could not prove to be the operator.
    OperatorRefused,
    /// The settings of the running service were changed.
    Configured,
    /// The service took a new certificate; the operator's API, if that is named.
    CertificateLoaded,
    /// The operator's API took other authorities: whose clients they are, may use it from now on.
    AuthoritiesLoaded,
}

/// Who has administered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Actor {
    /// Whoever may write to the data directory, with a command.
    Command,
    /// Whoever may use the operator's HTTP API.
    Api(Caller),
    /// The person whom it concerns.
    Person(IpAddr),
    /// The service.
    Service,
}

/// Who has called the operator's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Caller {
    /// From where.
    pub address: IpAddr,
    /// With which certificate, if one had to be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Fingerprint>,
}

/// The SHA-256 of a certificate, by which one is told from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of a certificate in DER.
    pub fn of(certificate: &[u8]) -> Fingerprint {
        Fingerprint(Sha256::digest(certificate).into())
    }
}

/// In hexadecimal, as `openssl x509 -fingerprint -sha256` has it, but for the colons and the case.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A code by its name, or its number where it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeName(pub Code);

impl Serialize for CodeName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.name() {
            Some(name) => serializer.serialize_str(name),
            None => serializer.collect_str(&format_args!("{:#010x}", self.0.0)),
        }
    }
}

/// Tells the audit; cheap to clone.
#[derive(Clone, Debug)]
pub struct Audit {
    /// What to write; `None` is the end.
    events: SyncSender<Option<AuditEvent>>,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    throttled: AtomicU64,
    lost: AtomicU64,
}

impl Audit {
    /// Starts the thread that writes; it ends, with everything written, when the last [`Audit`] is gone or
    /// after [`Audit::end`].
    pub fn start(to: &AuditTo) -> io::Result<(Audit, JoinHandle<()>)> {
        let file = File::open(to)?;
        let (sender, events) = sync_channel(WAITING);
        let counts = Arc::new(Counts::default());
        let audit = Audit { events: sender, counts: Arc::clone(&counts) };
        let writer =
            std::thread::Builder::new().name("audit".to_owned()).spawn(move || write(file, &events, &counts))?;
        Ok((audit, writer))
    }

    /// Tells one event; never waits.
    pub fn tell(&self, event: AuditEvent) {
        if self.events.try_send(Some(event)).is_err() {
            self.counts.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Ends the thread once it has written what was told before; what is told later is lost. Waits for
    /// room to say so.
    pub fn end(&self) {
        // A thread that has ended needs no end.
        drop(self.events.send(None));
    }

    /// Counts somebody who was refused because there were too many.
    pub fn throttled(&self) {
        self.counts.throttled.fetch_add(1, Ordering::Relaxed);
    }
}

/// Writes one event into the audit of a data directory at once: for commands that work on the store
/// beside the service, or without it.
pub fn tell_now(data: &Path, event: &AuditEvent) -> io::Result<()> {
    File::open(&AuditTo::in_data(data))?.append(&line(event))
}

fn write(mut file: File, events: &Receiver<Option<AuditEvent>>, counts: &Counts) {
    let mut told = Instant::now();
    let mut failing = false;
    loop {
        let (first, mut ended) = match events.recv_timeout(COUNTED_EVERY) {
            Ok(event) => (Some(event), false),
            Err(RecvTimeoutError::Timeout) => (None, false),
            Err(RecvTimeoutError::Disconnected) => (None, true),
        };
        let mut lines = String::new();
        for event in first.into_iter().chain(events.try_iter().take(WAITING)) {
            match event {
                Some(event) => lines.push_str(&line(&event)),
                None => ended = true,
            }
        }
        if ended || told.elapsed() >= COUNTED_EVERY {
            told = Instant::now();
            lines.push_str(&counted(counts));
        }
        let lost = lines.lines().count() as u64;
        if let Err(error) = file.append_bounded(&lines) {
            counts.lost.fetch_add(lost, Ordering::Relaxed);
            if !failing {
                tracing::error!(%error, "the audit cannot be written; what is missing is counted");
            }
            failing = true;
        } else {
            failing = false;
        }
        if ended {
            return;
        }
    }
}

/// What was only counted since the last time, as lines.
fn counted(counts: &Counts) -> String {
    let mut lines = String::new();
    let throttled = counts.throttled.swap(0, Ordering::Relaxed);
    if throttled > 0 {
        lines.push_str(&line(&AuditEvent::Throttled { count: throttled }));
    }
    let lost = counts.lost.swap(0, Ordering::Relaxed);
    if lost > 0 {
        lines.push_str(&line(&AuditEvent::Lost { count: lost }));
    }
    lines
}

fn line(event: &AuditEvent) -> String {
    #[derive(Serialize)]
    struct Line<'a> {
        time: String,
        #[serde(flatten)]
        event: &'a AuditEvent,
    }
    let time = format!("{:.3}", jiff::Timestamp::now());
    // Text, numbers and names: nothing in it can fail to be JSON.
    let mut line = serde_json::to_string(&Line { time, event }).unwrap_or_default();
    line.push('\n');
    line
}

#[cfg(test)]
mod tests;
