//! The thread at which tokens of issuers are judged. It waits for nothing but its own queue: keys are
//! fetched by threads of their own, and whoever needs one that is being fetched is put aside.

use std::collections::HashMap;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, SystemTime};

use hither_proto::service::Input;
use tokio::sync::mpsc;

use super::keys::{Key, read};
use super::source::{Look, Source};
use super::token::{self, Claims, Said};
use super::{Issuer, KeysFrom, fetch};
use crate::audit::Means;
use crate::auth::{Job, Judge, RETRY_MS, Refused};
use crate::driver::Note;
use crate::server::StartError;

/// Jobs that wait for the thread.
const WAITING: usize = 1024;
/// Jobs that are put aside for the keys of one issuer.
const ASIDE: usize = 256;
/// The longest file of keys.
const FILE_BYTES: u64 = 256 * 1024;
/// How often a file of keys is looked at, in milliseconds.
const LOOK_MS: u64 = 2_000;

/// The way to the thread.
#[derive(Debug)]
pub struct Desk {
    work: SyncSender<Work>,
}

#[derive(Debug)]
enum Work {
    Judge(Job),
    /// Nobody hands in anything any more.
    Stop,
    /// A fetch has ended.
    Fetched {
        iss: String,
        from: KeysFrom,
        keys: Result<Vec<Key>, String>,
    },
}

/// What is known of one issuer.
#[derive(Debug)]
struct Known {
    /// Where the keys come from: from elsewhere they do not count.
    from: KeysFrom,
    source: Source,
    aside: Vec<Job>,
    /// Of a file: its text, and when it was looked at.
    file: Option<(String, u64)>,
}

struct Clerk {
    judge: Judge,
    inbox: mpsc::Sender<Note>,
    work: SyncSender<Work>,
    known: HashMap<String, Known>,
}

impl Desk {
    /// Starts the thread; it ends when the service does.
    pub fn start(judge: Judge, inbox: mpsc::Sender<Note>) -> Result<Desk, StartError> {
        let (work, queue) = sync_channel(WAITING);
        let clerk = Clerk { judge, inbox, work: work.clone(), known: HashMap::new() };
        let run = move || clerk.run(&queue);
        std::thread::Builder::new().name("issuers".to_owned()).spawn(run).map_err(StartError::Thread)?;
        Ok(Desk { work })
    }

    /// Hands in a job with a token, which is answered into the driver's inbox; gives it back if too many
    /// wait.
    pub fn submit(&self, job: Job) -> Option<Job> {
        match self.work.try_send(Work::Judge(job)) {
            Err(TrySendError::Full(Work::Judge(job)) | TrySendError::Disconnected(Work::Judge(job))) => Some(job),
            Ok(()) | Err(_) => None,
        }
    }
}

/// The thread holds a way to itself, for what it has fetched: it has to be told.
impl Drop for Desk {
    fn drop(&mut self) {
        drop(self.work.try_send(Work::Stop));
    }
}

impl Clerk {
    fn run(mut self, queue: &Receiver<Work>) {
        while !self.inbox.is_closed() {
            // Whoever could not be told, because the queue was full, finds the service gone.
            let Ok(work) = queue.recv_timeout(Duration::from_millis(LOOK_MS)) else { continue };
            match work {
                Work::Stop => return,
                Work::Judge(job) => self.job(job, None),
                Work::Fetched { iss, from, keys } => self.fetched(&iss, &from, keys),
            }
        }
    }

    /// Judges a job, or puts it aside. `fetched` says how the fetch has ended that it waited for.
    fn job(&mut self, job: Job, fetched: Option<bool>) {
        match self.look(&job, fetched) {
            Ok(Some(claims)) => {
                let answer = self.judge.admit_claims(job, claims);
                self.answer(answer);
            }
            Ok(None) => self.put_aside(job),
            Err(refused) => {
                let answer = self.judge.refuse_token(&job, refused, self.said_to_be(&job));
                self.answer(answer);
            }
        }
    }

    /// By whom a token says that it is, if that is one whom the service believes.
    fn said_to_be(&self, job: &Job) -> Means {
        let said = job.token().and_then(|token| token::read(token).ok());
        let config = self.judge.config.get();
        let issuer = said.and_then(|said| config.issuers.iter().find(|issuer| issuer.iss == said.iss));
        Means::Issuer(issuer.map(|issuer| issuer.name.clone()).unwrap_or_default())
    }

    /// What the token says if it is good, with its issuer; `None` if its key is being fetched.
    fn look(&mut self, job: &Job, fetched: Option<bool>) -> Result<Option<(Issuer, Claims)>, Refused> {
        self.judge.may_try(job)?;
        let token = job.token().ok_or(Refused::wrong("nothing-to-judge"))?;
        let said = token::read(token).map_err(Refused::wrong)?;
        let config = self.judge.config.get();
        let issuer = config.issuers.iter().find(|issuer| issuer.iss == said.iss);
        let issuer = issuer.ok_or(Refused::wrong("token-of-an-unknown-issuer"))?;
        let keys = match &issuer.keys {
            KeysFrom::File(file) => self.keys_of_file(issuer, file, &said),
            KeysFrom::Url(url) => match self.keys_of_url(issuer, url, &said, fetched)? {
                Some(keys) => keys,
                None => return Ok(None),
            },
        };
        let now = now();
        let mut wrong = "token-with-an-unknown-key";
        for key in &keys {
            match token::judge(issuer, &config.issuers, key, now, token) {
                Ok(claims) => return Ok(Some((issuer.clone(), claims))),
                Err(why) => wrong = why,
            }
        }
        Err(Refused::wrong(wrong))
    }

    fn keys_of_url(
        &mut self,
        issuer: &Issuer,
        url: &str,
        said: &Said,
        fetched: Option<bool>,
    ) -> Result<Option<Vec<Key>>, Refused> {
        let now = self.judge.clock.now();
        let known = self.known(issuer);
        let full = known.aside.len() >= ASIDE;
        match (known.source.look(said, now), fetched) {
            (Look::Keys { keys, fetch }, _) => {
                if fetch {
                    self.fetch(issuer, url);
                }
                Ok(Some(keys))
            }
            // The endpoint is away: what was known counts on.
            (_, Some(false)) if !known.source.all(said).is_empty() => Ok(Some(known.source.all(said))),
            // It was fetched for this one: what is not there now is not there.
            (_, Some(true)) => Err(Refused::wrong("token-with-an-unknown-key")),
            (_, Some(false)) => Err(Refused::failed("keys-cannot-be-fetched").after(known.source.next_ms(now))),
            (Look::Wait { fetch }, None) => {
                if fetch {
                    self.fetch(issuer, url);
                }
                if full { Err(Refused::too_busy(RETRY_MS)) } else { Ok(None) }
            }
            // Perhaps it is there by then.
            (Look::Unknown { retry_ms }, None) => Err(Refused::too_busy(retry_ms)),
        }
    }

    fn keys_of_file(&mut self, issuer: &Issuer, file: &Path, said: &Said) -> Vec<Key> {
        let now = self.judge.clock.now();
        let name = issuer.name.clone();
        let known = self.known(issuer);
        if known.file.as_ref().is_none_or(|(_, at)| now >= at + LOOK_MS) {
            let text = read_file(file);
            let before = known.file.take().map(|(text, _)| text);
            match text {
                Ok(text) if before.as_ref() == Some(&text) => known.file = Some((text, now)),
                Ok(text) => {
                    match read(&text) {
                        Some(keys) => known.source.set(keys),
                        None => {
                            tracing::error!(issuer = name, "its file has no key that can be used: those before stay");
                        }
                    }
                    known.file = Some((text, now));
                }
                Err(error) => {
                    tracing::error!(issuer = name, %error, "its file of keys cannot be read: those before stay");
                    known.file = Some((before.unwrap_or_default(), now));
                }
            }
        }
        known.source.all(said)
    }

    fn known(&mut self, issuer: &Issuer) -> &mut Known {
        let fresh = || Known { from: issuer.keys.clone(), source: Source::default(), aside: Vec::new(), file: None };
        let known = self.known.entry(issuer.iss.clone()).or_insert_with(fresh);
        if known.from != issuer.keys {
            let aside = std::mem::take(&mut known.aside);
            *known = Known { aside, ..fresh() };
        }
        known
    }

    fn put_aside(&mut self, job: Job) {
        let iss = job.token().and_then(|token| token::read(token).ok()).map(|said| said.iss);
        if let Some(known) = iss.and_then(|iss| self.known.get_mut(&iss)) {
            known.aside.push(job);
        }
    }

    fn fetch(&self, issuer: &Issuer, url: &str) {
        let (iss, url, from, work) = (issuer.iss.clone(), url.to_owned(), issuer.keys.clone(), self.work.clone());
        let run = move || {
            let keys = fetch::fetch(&url);
            // Waits for room: without this answer nothing would ever be fetched again.
            drop(work.send(Work::Fetched { iss, from, keys }));
        };
        if let Err(error) = std::thread::Builder::new().name("keys".to_owned()).spawn(run) {
            let (iss, from) = (issuer.iss.clone(), issuer.keys.clone());
            drop(self.work.try_send(Work::Fetched { iss, from, keys: Err(error.to_string()) }));
        }
    }

    fn fetched(&mut self, iss: &str, from: &KeysFrom, keys: Result<Vec<Key>, String>) {
        let now = self.judge.clock.now();
        let Some(known) = self.known.get_mut(iss) else { return };
        if let Err(error) = &keys {
            let before = known.source.count();
            tracing::error!(issuer = iss, error, before, "its keys could not be fetched: those from before stay");
        }
        let fetched = keys.is_ok() && known.from == *from;
        known.source.fetched(keys.ok().filter(|_| fetched), now);
        for job in std::mem::take(&mut known.aside) {
            self.job(job, Some(fetched));
        }
        let config = self.judge.config.get();
        self.known.retain(|iss, _| config.issuers.iter().any(|issuer| issuer.iss == *iss));
    }

    fn answer(&self, answer: Input) {
        drop(self.inbox.blocking_send(Note::Input(answer)));
    }
}

fn read_file(file: &Path) -> std::io::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    std::fs::File::open(file)?.take(FILE_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// How long claims still count, in milliseconds.
pub fn left_ms(claims: &Claims) -> u64 {
    claims.left(now()).saturating_mul(1_000)
}
