//! A person, signed in on this device.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use hither_proto::client::{Call, Client as Machine, Reply, SessionSnapshot, Setup};
use hither_wire::account::{self, Device, NewPassword, Registration};
use hither_wire::message::{Contact, ContactAction, Credential, Settings, SettingsChange};
use hither_wire::{Code, DeviceId, PersonName, SessionId, Status, limits};
use tokio::sync::{mpsc, oneshot};

use crate::driver::{Driver, Keep};
use crate::error::{ConnectError, Error, Refusal};
use crate::event::Events;
use crate::machine::{random_guid, setup};
use crate::renewal;
use crate::resume::ResumePoint;
use crate::session::Session;
use crate::shared::{CALLS_MAX, Handle, Shared};
use crate::transport::Target;

/// What the service's log shows of a client.
pub(crate) const PROGRAM: &str = concat!("hither-rust/", env!("CARGO_PKG_VERSION"));

/// A signed-in client. Clones are the same client.
///
/// It signs out when [`Client::sign_out`] is called, or when it, its clones, its [`Events`] and all
/// its [`Session`]s have been dropped. A lost connection is made again by itself.
#[derive(Clone)]
pub struct Client {
    handle: Arc<Handle>,
}

/// How to sign in; made by [`Client::builder`].
pub struct ClientBuilder {
    url: String,
    status: Option<Status>,
    device: Option<DeviceId>,
    point: Option<ResumePoint>,
    keep: Option<Keep>,
    authorities: Option<PathBuf>,
}

impl ClientBuilder {
    /// The presence to begin with; `ONLINE` if this is not called, or as it was when resuming.
    #[must_use]
    pub fn status(mut self, status: Status) -> Self {
        self.status = Some(status);
        self
    }

    /// This installation, the same every time; drawn anew if this is not called. Of two clients with
    /// the same device only the newer stays signed in.
    #[must_use]
    pub fn device(mut self, device: DeviceId) -> Self {
        self.device = Some(device);
        self
    }

    /// Goes on where an earlier process was, if the service still waits for it; the device is that of
    /// the point. Its live sessions come out of [`Client::take_restored`].
    #[must_use]
    pub fn resume(mut self, point: ResumePoint) -> Self {
        self.point = Some(point);
        self
    }

    /// Hands out a new [`ResumePoint`] whenever something has changed, before anything that depends
    /// on it leaves this process. Only what was kept is acknowledged to the service, so `keep` should
    /// be quick: it holds up the client.
    ///
    /// If it fails, the client goes on, and the service keeps what is not acknowledged; the next
    /// change is handed out again.
    #[must_use]
    pub fn persist(mut self, keep: impl FnMut(&ResumePoint) -> io::Result<()> + Send + 'static) -> Self {
        self.keep = Some(Box::new(keep));
        self
    }

    /// A file, in PEM, with certificates of authorities that are trusted besides the system's when the
    /// URL is `wss://`; without it, the one that `HITHER_CA_FILE` names, if there is any.
    #[must_use]
    pub fn root_certificates(mut self, file: impl Into<PathBuf>) -> Self {
        self.authorities = Some(file.into());
        self
    }

    /// Signs in with a password. Must be called in a tokio runtime.
    ///
    /// The first connection must succeed; later ones are made by themselves.
    pub async fn sign_in(self, user: &str, password: &str) -> Result<(Client, Events), ConnectError> {
        if password.len() > limits::PASSWORD_BYTES {
            let message = format!("a password has at most {} bytes", limits::PASSWORD_BYTES);
            return Err(too_long(message));
        }
        self.sign_in_by(user, Credential::Password(password.into())).await
    }

    /// Signs in with a token from an earlier sign-in of the same device. Must be called in a tokio
    /// runtime.
    pub async fn sign_in_with_token(self, user: &str, token: &str) -> Result<(Client, Events), ConnectError> {
        if token.len() > limits::TOKEN_BYTES {
            return Err(too_long(format!("a token has at most {} bytes", limits::TOKEN_BYTES)));
        }
        self.sign_in_by(user, Credential::Token(token.into())).await
    }

    /// Signs in with tokens of the product's own backend: `fresh` gets one whenever one is needed, at first
    /// and before each expires. If it fails later, it is asked again; the application learns of it by
    /// [`Event::TokenExpiring`](crate::Event::TokenExpiring) and, if no token comes in time,
    /// [`Event::Signout`](crate::Event::Signout). Must be called in a tokio runtime.
    pub async fn sign_in_with_tokens<F, T>(self, user: &str, mut fresh: F) -> Result<(Client, Events), ConnectError>
    where
        F: FnMut() -> T + Send + 'static,
        T: Future<Output = Result<String, Box<dyn std::error::Error + Send + Sync>>> + Send,
    {
        let token = fresh().await.map_err(ConnectError::Token)?;
        let (client, events) = self.sign_in_with_token(user, &token).await?;
        renewal::keep_fresh(&client.handle, fresh);
        Ok((client, events))
    }

    /// Makes an account with a code from the service's operator, and signs in to it. Whoever has the
    /// account already, with this password, is signed in. Must be called in a tokio runtime.
    pub async fn register(
        self,
        user: &str,
        password: &str,
        friendly_name: &str,
        code: &str,
    ) -> Result<(Client, Events), ConnectError> {
        if password.len() > limits::PASSWORD_BYTES || code.len() > limits::CODE_BYTES {
            let (password, code) = (limits::PASSWORD_BYTES, limits::CODE_BYTES);
            return Err(too_long(format!("a password has at most {password} bytes, a code {code}")));
        }
        let (password, friendly_name, code) = (password.into(), friendly_name.into(), code.into());
        let registration = Registration { password, friendly_name, code };
        self.sign_in_by(user, Credential::Registration(Box::new(registration))).await
    }

    async fn sign_in_by(self, name: &str, credential: Credential) -> Result<(Client, Events), ConnectError> {
        let ClientBuilder { url, status, device, point, keep, authorities } = self;
        let target = match Target::parse(&url) {
            Ok(target) => target,
            Err(what) => return Err(ConnectError::Url { url, what }),
        };
        let target = authorities.iter().fold(target, |target, file| target.trusting(file));
        let user = PersonName::parse(name)
            .map_err(|error| ConnectError::Name { name: name.to_owned(), what: error.to_string() })?;
        if let Some(of) = point.as_ref().map(ResumePoint::user).filter(|of| **of != user) {
            return Err(ConnectError::OtherPerson { of: of.clone() });
        }
        let setup = setup(Some(user), credential, device, PROGRAM);
        let setup = setup.map_err(|error| ConnectError::NoRandomness(error.into()))?;
        let setup = Setup { status, durable: keep.is_some(), ..setup };
        let machine = match point {
            Some(point) => Machine::restore(setup, point.0),
            None => Machine::new(setup),
        };
        Client::begin(machine, target, keep).await
    }
}

impl Client {
    /// Starts the task that drives the machine, and waits until it has signed in.
    pub(crate) async fn begin(
        machine: Machine,
        target: Target,
        keep: Option<Keep>,
    ) -> Result<(Client, Events), ConnectError> {
        let shared = Arc::new(Shared::new(machine, keep.is_some()));
        let (calls, commands) = mpsc::channel(CALLS_MAX);
        let (ready, signed_in) = oneshot::channel();
        let lost = || ConnectError::TimedOut { url: target.url().to_owned() };
        tokio::spawn(Driver::new(Arc::clone(&shared), target.clone(), keep, commands, ready).run());
        // The driver answers, unless the runtime goes away under it.
        signed_in.await.unwrap_or_else(|_| Err(lost()))?;
        let (user, friendly_name) = {
            let state = shared.lock();
            (state.machine.user().cloned(), state.machine.friendly_name().to_owned())
        };
        // Whoever has signed in has a name.
        let user = user.ok_or_else(lost)?;
        let handle = Arc::new(Handle { shared, calls, target, user, friendly_name });
        Ok((Client { handle: Arc::clone(&handle) }, Events::new(handle)))
    }

    /// What the client's parts have in common.
    pub(crate) fn handle(&self) -> &Arc<Handle> {
        &self.handle
    }

    /// Begins to sign in at a service, `wss://host/v1`, or `ws://host:port/v1` where nobody can listen in.
    pub fn builder(url: &str) -> ClientBuilder {
        ClientBuilder { url: url.to_owned(), status: None, device: None, point: None, keep: None, authorities: None }
    }

    /// Who is signed in. Through an [`Agent`](crate::Agent), who was when this program connected.
    pub fn user(&self) -> &PersonName {
        &self.handle.user
    }

    /// The person's name for others, "" if there is none.
    pub fn friendly_name(&self) -> &str {
        &self.handle.friendly_name
    }

    /// This installation.
    pub fn device(&self) -> DeviceId {
        self.handle.shared.lock().machine.device()
    }

    /// The session token with which this device can sign in the next time.
    pub fn token(&self) -> Option<String> {
        self.handle.shared.lock().machine.token().map(str::to_owned)
    }

    /// Where the service is; of an [`Agent`](crate::Agent), its socket.
    pub fn url(&self) -> &str {
        self.handle.target.url()
    }

    /// A new session in `READY`, under an id of its own (R27). That is this side's own affair, lock or
    /// no lock: what the lock refuses is the invitation. See [`Client::try_create_session`].
    ///
    /// # Panics
    ///
    /// If the system has no random numbers any more.
    pub fn create_session(&self) -> Session {
        #[expect(clippy::expect_used, reason = "signing in has had random numbers before; ids cannot do without")]
        let id = random_guid().expect("random numbers");
        self.handle.shared.change(|machine| machine.create(id));
        Session::new(Arc::clone(&self.handle), id)
    }

    /// The sessions that a [`ResumePoint`] has brought back; each is given once. Invitations that the
    /// application has not taken come as events instead.
    pub fn take_restored(&self) -> Vec<Session> {
        let ids = std::mem::take(&mut self.handle.shared.lock().restored);
        ids.into_iter().map(|id| Session::new(Arc::clone(&self.handle), id)).collect()
    }

    /// What is known of a session: of one that goes on, or of the last 1,000 that ended (R27).
    pub fn session(&self, id: &SessionId) -> Option<SessionSnapshot> {
        self.handle.shared.lock().machine.session(*id)
    }

    /// Chooses this device's presence; of several devices the most available counts (R30).
    pub async fn set_status(&self, status: Status) -> Result<(), Error> {
        self.handle.perform(Call::SetStatus(status)).await
    }

    /// The contact list, with whom is blocked.
    pub async fn contacts(&self) -> Result<Vec<Contact>, Error> {
        Ok(match self.handle.call(Call::Contacts).await? {
            Reply::Contacts(contacts) => contacts,
            Reply::Done
            | Reply::Already
            | Reply::Devices(_)
            | Reply::Contact(_)
            | Reply::Settings(_)
            | Reply::Agent(_) => Vec::new(),
        })
    }

    /// Changes the contact list, and gives the line that was changed if it is still there.
    pub async fn contact(&self, action: ContactAction, who: &str) -> Result<Option<Contact>, Error> {
        Ok(match self.handle.call(Call::Contact { action, who: who.into() }).await? {
            Reply::Contact(contact) => contact,
            Reply::Done
            | Reply::Already
            | Reply::Devices(_)
            | Reply::Contacts(_)
            | Reply::Settings(_)
            | Reply::Agent(_) => None,
        })
    }

    /// Changes the settings, and gives them all; with nothing to change, only gives them.
    pub async fn settings(&self, change: SettingsChange) -> Result<Settings, Error> {
        Ok(match self.handle.call(Call::Settings(change)).await? {
            Reply::Settings(settings) => settings,
            Reply::Done
            | Reply::Already
            | Reply::Devices(_)
            | Reply::Contacts(_)
            | Reply::Contact(_)
            | Reply::Agent(_) => Settings::default(),
        })
    }

    /// Changes the person's password, which must have 8 to 512 bytes. Every other device is signed out;
    /// this one stays, with its token.
    pub async fn change_password(&self, old: &str, new: &str) -> Result<(), Error> {
        let passwords = NewPassword { old: old.into(), new: new.into() };
        self.handle.perform(Call::Account(Box::new(account::Request::Password(passwords)))).await
    }

    /// Gives another token of the product's own backend, for the same person, in place of one that expires:
    /// on [`Event::TokenExpiring`](crate::Event::TokenExpiring). Sessions go on. If the connection is
    /// down, the next sign-in uses it.
    pub async fn renew(&self, token: &str) -> Result<(), Error> {
        let token = account::Token(token.into());
        self.handle.perform(Call::Account(Box::new(account::Request::Renew(token)))).await
    }

    /// The person's devices: this one first, then those that are signed in, then the others that have a
    /// token, the last used first; at most 256.
    pub async fn devices(&self) -> Result<Vec<Device>, Error> {
        Ok(match self.handle.call(Call::Account(Box::new(account::Request::Devices))).await? {
            Reply::Devices(devices) => devices,
            Reply::Done
            | Reply::Already
            | Reply::Contacts(_)
            | Reply::Contact(_)
            | Reply::Settings(_)
            | Reply::Agent(_) => Vec::new(),
        })
    }

    /// Signs a device of the person out for good: its token stops working, its sessions end. To sign out
    /// this one use [`Client::sign_out`].
    pub async fn remove_device(&self, device: DeviceId) -> Result<(), Error> {
        self.handle.perform(Call::Account(Box::new(account::Request::RemoveDevice { device }))).await
    }

    /// Signs out, after everything that was called before. Live sessions are lost to both sides:
    /// cancel them first. Through an [`Agent`](crate::Agent) this only leaves the agent, which stays
    /// signed in.
    pub async fn sign_out(&self) -> Result<(), Error> {
        self.leave(false).await
    }

    /// [`Client::sign_out`], and the session token of this device stops working too. If the connection
    /// is down, nothing reaches the service, and the token stays as it was.
    pub async fn sign_out_and_revoke(&self) -> Result<(), Error> {
        self.leave(true).await
    }

    async fn leave(&self, revoke: bool) -> Result<(), Error> {
        match self.handle.perform(Call::SignOut { revoke }).await {
            Err(Error::SignedOut) => Ok(()),
            outcome => outcome,
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("user", self.user()).field("url", &self.url()).finish_non_exhaustive()
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").field("url", &self.url).finish_non_exhaustive()
    }
}

fn too_long(message: String) -> ConnectError {
    ConnectError::Refused(Refusal::because(Code::E_INVALIDARG, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_may_go_to_another_thread() {
        fn assert_send<T: Send>() {}
        fn assert_sync<T: Sync>() {}
        assert_send::<(ClientBuilder, Client, Session, Events, crate::Event)>();
        assert_sync::<(Client, Session, Events, crate::Event)>();
    }
}
