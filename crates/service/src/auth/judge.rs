//! The judging itself: each thread has one.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hither_proto::service::{Admitted, Input, Record};
use hither_wire::account::{NewPassword, Registration};
use hither_wire::message::{Credential, SignIn};
use hither_wire::{Code, DeviceId, Guid, PersonName};
use sha2::{Digest as _, Sha256};

use super::failures::{Failures, Target};
use super::line::Standing;
use super::verdict::{Refused, Why};
use super::{Job, Work};
use crate::audit::{Action, Actor, Audit, AuditEvent, CodeName, Means};
use crate::config::Live;
use crate::driver::Clock;
use crate::issuers::{Claims, Issuer, left_ms};
use crate::password;
use crate::store::{Registered, Store, StoreError};

/// What a thread works with.
pub struct Judge {
    /// For what may be lost if the power fails: see [`Store::open_for_tokens`].
    pub store: Store,
    /// For what may not: accounts and passwords.
    pub accounts: Store,
    pub config: Live,
    pub failures: Arc<Failures>,
    pub clock: Clock,
    /// A hash of nobody's password.
    pub nobody: Arc<str>,
    pub audit: Audit,
}

/// Refused, or the store failed.
enum Failed {
    Refused(Refused),
    Store(StoreError),
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Failed {
        Failed::Store(error)
    }
}

impl From<Refused> for Failed {
    fn from(refused: Refused) -> Failed {
        Failed::Refused(refused)
    }
}

impl Judge {
    /// Judges a job, and tells the audit.
    pub fn check(&self, job: Job) -> Input {
        let Job { conn, address, work } = job;
        match work {
            Work::SignIn { sign_in, client } => {
                let result = self.settled(self.check_sign_in(address, &sign_in, &client));
                let by = means(&sign_in.credential);
                let result = match result {
                    Ok(admitted) => {
                        let (person, device) = (admitted.record.name.clone(), admitted.device);
                        self.audit.tell(AuditEvent::SignedIn { person, device, address, by });
                        Ok(Box::new(admitted))
                    }
                    Err(refused) => Err(self.refused(refused, sign_in.user, address, by)),
                };
                Input::Authenticated { conn, result }
            }
            Work::NewPassword { ticket, owner, device, passwords } => {
                let result = self.settled(self.check_new_password(address, &owner, device, &passwords));
                let result = match result {
                    Ok(()) => {
                        self.administered(Action::PasswordChanged, &owner, address);
                        Ok(())
                    }
                    Err(refused) => Err(self.refused(refused, Some(owner), address, Means::Password)),
                };
                Input::PasswordChanged { ticket, result }
            }
            // Only what others have issued ends.
            work @ Work::Renew { .. } => {
                let refused = Refused::wrong("not-an-issuers-token");
                self.refuse_token(&Job { conn, address, work }, refused, Means::Token)
            }
        }
    }

    /// Whether somebody with a token may try, or was wrong too often.
    ///
    /// Whoever is signed in already gives one in peace: others at the address must not end their connection.
    pub fn may_try(&self, job: &Job) -> Result<(), Refused> {
        if matches!(job.work, Work::Renew { .. }) {
            return Ok(());
        }
        match self.failures.wait(job.address) {
            0 => Ok(()),
            wait_ms => Err(Refused::too_busy(wait_ms)),
        }
    }

    /// Lets somebody in whose issuer's token is good.
    pub fn admit_claims(&self, job: Job, (issuer, claims): (Issuer, Claims)) -> Input {
        let Job { conn, address, work } = job;
        let by = Means::Issuer(issuer.name);
        let named = match &work {
            Work::SignIn { sign_in, .. } => sign_in.user.clone(),
            Work::Renew { owner, .. } | Work::NewPassword { owner, .. } => Some(owner.clone()),
        };
        let result = self.settled(self.person_of(&issuer.iss, &claims, named.as_ref()));
        let result = match result {
            Ok(record) => Ok((record, left_ms(&claims))),
            Err(refused) => Err(self.refused(refused, Some(claims.person), address, by.clone())),
        };
        match work {
            Work::SignIn { sign_in, .. } => {
                let result = result.map(|(record, left)| {
                    let device = sign_in.device.unwrap_or_else(|| Guid(uuid::Uuid::new_v4().as_u128()));
                    let person = record.name.clone();
                    self.audit.tell(AuditEvent::SignedIn { person, device, address, by });
                    Box::new(Admitted { record, device, token: None, expires_ms: Some(left) })
                });
                Input::Authenticated { conn, result }
            }
            Work::Renew { ticket, .. } | Work::NewPassword { ticket, .. } => {
                Input::Renewed { ticket, result: result.map(|(_, left)| left) }
            }
        }
    }

    /// Refuses somebody whose token is not good.
    pub fn refuse_token(&self, job: &Job, refused: Refused, by: Means) -> Input {
        if matches!(refused.why, Why::Reason(_)) && refused.denied.code == Code::MSGR_E_INVALID_PASSWORD {
            self.failures.count(job.address);
        }
        self.refused(refused, job.name().cloned(), job.address, by);
        job.refuse(&refused)
    }

    /// The person of good claims, made if there is none yet.
    fn person_of(&self, iss: &str, claims: &Claims, named: Option<&PersonName>) -> Result<Record, Failed> {
        if named.is_some_and(|named| *named != claims.person) {
            return Err(Refused::wrong("token-of-another").into());
        }
        let Claims { person, friendly_name, contacts, .. } = claims;
        if self.store.is_disabled(person)? {
            return Err(Refused::wrong("disabled").into());
        }
        let kept = self.store.keep_person(iss, person, friendly_name.as_deref(), contacts.as_deref())?;
        kept.ok_or_else(|| Refused::wrong("person-of-somebody-else").into())
    }

    /// How much speaks for somebody with a password; or that they have to wait.
    pub fn standing(&self, job: &Job) -> Result<Standing, Refused> {
        let Some(name) = job.name() else { return Ok(Standing::Stranger) };
        let target = self.target(name, job.device()).map_err(|error| self.store_failed(&error))?;
        let wait_ms = self.failures.wait_for(job.address, &target);
        if wait_ms > 0 {
            self.throttled();
            return Err(Refused::too_busy(wait_ms));
        }
        match target.known {
            Some(_) => Ok(Standing::Known),
            None if self.failures.has_failed(job.address) => Ok(Standing::Doubtful),
            None => Ok(Standing::Stranger),
        }
    }

    /// Whose password it is that a device tries.
    fn target(&self, name: &PersonName, device: Option<DeviceId>) -> Result<Target, StoreError> {
        let known = match device {
            Some(device) => self.store.knows_device(name, device)?.then_some(device),
            None => None,
        };
        Ok(Target { person: name.clone(), known })
    }

    /// Somebody was refused because there were too many.
    pub fn throttled(&self) {
        self.audit.throttled();
    }

    fn refused(
        &self,
        refused: Refused,
        person: Option<PersonName>,
        address: IpAddr,
        by: Means,
    ) -> hither_proto::service::Denied {
        match refused.why {
            Why::TooMany => self.throttled(),
            Why::Reason(_) if !self.failures.may_tell(address) => self.throttled(),
            Why::Reason(why) => {
                tracing::debug!(why, "somebody was refused");
                let code = CodeName(refused.denied.code);
                self.audit.tell(AuditEvent::SignInRefused { person, address, by, code, why });
            }
        }
        refused.denied
    }

    fn administered(&self, action: Action, name: &PersonName, address: IpAddr) {
        let by = Actor::Person(address);
        self.audit.tell(AuditEvent::Administered { action, subject: name.to_string(), by });
    }

    fn settled<T>(&self, result: Result<T, Failed>) -> Result<T, Refused> {
        result.map_err(|failed| match failed {
            Failed::Refused(refused) => refused,
            Failed::Store(error) => self.store_failed(&error),
        })
    }

    #[expect(clippy::unused_self, reason = "what has failed is this judge's store")]
    fn store_failed(&self, error: &StoreError) -> Refused {
        tracing::error!(error = error as &dyn std::error::Error, "the store failed during a sign-in");
        Refused::failed("the-store-failed")
    }

    fn check_sign_in(&self, address: IpAddr, sign_in: &SignIn, client: &str) -> Result<Admitted, Failed> {
        match (&sign_in.credential, &sign_in.user) {
            (Credential::Password(password), Some(name)) => {
                let proved = self.check_password(address, self.target(name, sign_in.device)?, password)?;
                self.admit(name, &proved, sign_in.device, client)
            }
            (Credential::Registration(registration), Some(name)) => {
                let proved = self.check_registration(address, name, registration)?;
                self.admit(name, &proved, sign_in.device, client)
            }
            (Credential::Token(token), _) => self.check_token(sign_in, token),
            // Over a network nobody is believed without one.
            (Credential::Local | Credential::Password(_) | Credential::Registration(_), _) => {
                Err(Refused::wrong("nothing-to-judge").into())
            }
        }
    }

    /// The hash of somebody's password, if this is it. Who does not exist costs the same work.
    fn check_password(&self, address: IpAddr, target: Target, password: &str) -> Result<String, Failed> {
        if !self.config.get().passwords {
            let message = "This service takes no passwords: sign in with a token of its operator's own accounts.";
            return Err(Refused::restricted("passwords-are-off", message).into());
        }
        // Somebody else at the same address, or with the same name, may have been wrong meanwhile.
        let wait_ms = self.failures.wait_for(address, &target);
        if wait_ms > 0 {
            return Err(Refused::too_busy(wait_ms).into());
        }
        let hash = self.store.password_hash(&target.person)?;
        let right = password::verify(password, hash.as_deref().unwrap_or(&self.nobody));
        let why = match (hash, right) {
            (Some(hash), true) => return Ok(hash),
            (Some(_), false) => "wrong-password",
            (None, _) if self.store.is_disabled(&target.person)? => "disabled",
            (None, _) => "no-such-person",
        };
        self.failures.count_for(address, target);
        Err(Refused::wrong(why).into())
    }

    /// Makes an account for whoever has a code, and gives the hash of its password; whoever has that
    /// account already signs in, so that a registration whose answer was lost can be said again.
    fn check_registration(
        &self,
        address: IpAddr,
        name: &PersonName,
        registration: &Registration,
    ) -> Result<String, Failed> {
        let Registration { password, friendly_name, code } = registration;
        let config = self.config.get();
        if !config.registration || !config.passwords {
            let message = "This service makes no accounts for those who ask: ask its operator for one.";
            return Err(Refused::restricted("registration-is-off", message).into());
        }
        let target = Target { person: name.clone(), known: None };
        let wait_ms = self.failures.wait_for(address, &target);
        if wait_ms > 0 {
            return Err(Refused::too_busy(wait_ms).into());
        }
        // As long as for nobody: the time tells no more than the answer.
        let there = self.store.password_hash(name)?;
        let right = password::verify(password, there.as_deref().unwrap_or(&self.nobody));
        if let Some(hash) = there.filter(|_| right) {
            return Ok(hash);
        }
        // People of an issuer's domain come with its tokens.
        let taken = config.issuers.iter().any(|issuer| issuer.owns(name));
        // Nothing is said of names to somebody without a code that counts.
        let fault = if taken { Some("name-of-an-issuers-domain") } else { self.store.code_fault(code, name)? };
        if let Some(why) = fault {
            self.failures.count_for(address, target);
            return Err(no_code(why).into());
        }
        password::check_new(password, name).map_err(|message| Refused::unfit("unfit-password", message))?;
        let hash = password::hash(password, config.password_cost).map_err(|_| Refused::failed("hashing-failed"))?;
        match self.accounts.register(name, friendly_name, &hash, code)? {
            Registered::Done => {
                // With which code, so that it can be told who has let it out of their hands.
                let (action, by) = (Action::Registered, Actor::Person(address));
                let subject = format!("{name} {}", Store::code_name(code));
                self.audit.tell(AuditEvent::Administered { action, subject, by });
                Ok(hash)
            }
            Registered::NoCode(why) => Err(no_code(why).into()),
            Registered::Exists => {
                self.failures.count_for(address, target);
                Err(Refused::wrong("name-is-taken").into())
            }
        }
    }

    fn check_new_password(
        &self,
        address: IpAddr,
        owner: &PersonName,
        device: DeviceId,
        passwords: &NewPassword,
    ) -> Result<(), Failed> {
        let proved = self.check_password(address, self.target(owner, Some(device))?, &passwords.old)?;
        password::check_new(&passwords.new, owner).map_err(|message| Refused::unfit("unfit-password", message))?;
        let cost = self.config.get().password_cost;
        let hash = password::hash(&passwords.new, cost).map_err(|_| Refused::failed("hashing-failed"))?;
        if self.accounts.change_password((owner, &proved), &hash, device)? {
            Ok(())
        } else {
            Err(Refused::wrong("password-changed-meanwhile").into())
        }
    }

    /// Somebody who has proved it by a password gets a token.
    fn admit(
        &self,
        name: &PersonName,
        proved: &str,
        device: Option<DeviceId>,
        client: &str,
    ) -> Result<Admitted, Failed> {
        let device = device.unwrap_or_else(|| Guid(uuid::Uuid::new_v4().as_u128()));
        let Some(token) = new_token() else {
            tracing::error!("the system has no randomness: nobody can sign in with a password");
            return Err(Refused::failed("no-randomness").into());
        };
        let most = self.config.get().tokens_per_account;
        if !self.store.add_token(&hash_of(&token), (name, proved), device, client, most)? {
            return Err(Refused::wrong("password-changed-meanwhile").into());
        }
        // Read only now: to read it for a wrong password would take longer than for nobody, and tell
        // them apart.
        let record = self.store.record(name)?.ok_or(Refused::wrong("no-such-person"))?;
        Ok(Admitted { record, device, token: Some(token.into()), expires_ms: None })
    }

    /// A token names the person and the device by itself; who names others is refused.
    fn check_token(&self, sign_in: &SignIn, token: &str) -> Result<Admitted, Failed> {
        let config = self.config.get();
        let life = Duration::from_hours(u64::from(config.token_days) * 24);
        let used = self.store.use_token(&hash_of(token), life)?;
        let (name, device) = used.ok_or(Refused::wrong("no-such-token"))?;
        let device: DeviceId = Guid::parse(&device).map_err(|_| Refused::wrong("no-such-token"))?;
        if sign_in.user.as_ref().is_some_and(|user| *user != name) || sign_in.device.is_some_and(|own| own != device) {
            return Err(Refused::wrong("token-of-another").into());
        }
        if !config.passwords {
            let message = "This service takes no passwords: sign in with a token of its operator's own accounts.";
            return Err(Refused::restricted("passwords-are-off", message).into());
        }
        let record = self.store.record(&name)?.ok_or(Refused::wrong("no-such-person"))?;
        Ok(Admitted { record, device, token: None, expires_ms: None })
    }
}

/// Nobody is told what is wrong with a code.
fn no_code(why: &'static str) -> Refused {
    let message = "The registration code does not count, or not for this name: ask the operator for another one.";
    Refused::restricted(why, message)
}

fn means(credential: &Credential) -> Means {
    match credential {
        Credential::Password(_) => Means::Password,
        Credential::Registration(_) => Means::Registration,
        Credential::Token(_) => Means::Token,
        Credential::Local => Means::Nothing,
    }
}

/// 32 random bytes: long enough that one round of SHA-256 keeps it. `None` if the system has no
/// randomness.
fn new_token() -> Option<String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

fn hash_of(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}
