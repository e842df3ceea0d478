//! Signing in: with a password, or with what a state file has kept.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use hither::{Client, ClientBuilder, Code, ConnectError, Events, PersonName, ResumePoint};

use crate::args::ConsoleArgs;
use crate::failure::usage;
use crate::password;

/// Everything that is needed to sign in.
pub struct SignIn {
    service: String,
    user: PersonName,
    state: Option<PathBuf>,
    point: Option<ResumePoint>,
    proof: Proof,
}

/// What proves who it is.
enum Proof {
    Password(String),
    /// The token of the state file; the password, if one was given, should the token not do.
    Token(String, Option<String>),
}

impl SignIn {
    /// Reads the state file and the password, or asks for the password.
    pub fn prepare(args: &ConsoleArgs) -> Result<SignIn> {
        let point = match &args.state {
            Some(file) => {
                ResumePoint::load(file).with_context(|| format!("cannot read the state file {}", file.display()))?
            }
            None => None,
        };
        if let Some(point) = &point {
            ensure!(
                *point.user() == args.user,
                "the state file is that of {}: give another file to --state, or remove it",
                point.user()
            );
        }
        let password = match &args.password_file {
            Some(file) if file.as_os_str() == "-" => {
                return Err(usage("standard input is for requests: give a file to --password-file"));
            }
            Some(file) => Some(password::from_file(file)?),
            None => None,
        };
        let token = point.as_ref().and_then(ResumePoint::token).map(str::to_owned);
        let proof = match (token, password) {
            (Some(token), password) => Proof::Token(token, password),
            (None, Some(password)) => Proof::Password(password),
            (None, None) => Proof::Password(password::ask(args.user.as_str())?),
        };
        Ok(SignIn { service: args.service.clone(), user: args.user.clone(), state: args.state.clone(), point, proof })
    }

    /// Signs in.
    pub async fn perform(&self) -> Result<(Client, Events), ConnectError> {
        let user = self.user.as_str();
        match &self.proof {
            Proof::Password(password) => self.builder().sign_in(user, password).await,
            Proof::Token(token, password) => match (self.builder().sign_in_with_token(user, token).await, password) {
                (Err(error), Some(password)) if error.code() == Code::MSGR_E_INVALID_PASSWORD => {
                    self.builder().sign_in(user, password).await
                }
                (outcome, _) => outcome,
            },
        }
    }

    fn builder(&self) -> ClientBuilder {
        let mut builder = Client::builder(&self.service);
        if let Some(point) = &self.point {
            builder = builder.resume(point.clone());
        }
        if let Some(file) = self.state.clone() {
            builder = builder.persist(move |point| point.save(&file));
        }
        builder
    }

    /// Signing out leaves nothing to go on with.
    pub fn forget_state(&self) -> Result<()> {
        let Some(file) = &self.state else { return Ok(()) };
        match fs::remove_file(file) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove the state file {}", file.display()))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }
}
