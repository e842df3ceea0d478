//! `hither sign-up`: an account with a code, and the sign-in that is kept.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use hither::Client;
use hither_agent::credentials::{Account, Credentials};

use crate::agent::keeping;
use crate::args::SignUpArgs;
use crate::failure::say;
use crate::sign_in::{replaced, tell_agent};
use crate::terminal::{escape, show};
use crate::{password, remote};

/// Makes the account, and keeps the token.
pub async fn run(args: &SignUpArgs) -> Result<ExitCode> {
    let credentials = Credentials::new(&remote::paths()?, keeping(&args.keyring));
    let before = credentials.load().unwrap_or_else(|error| {
        say(format_args!("the sign-in that was kept cannot be read, and is replaced: {error}"));
        None
    });
    let code = match &args.code_file {
        Some(file) => password::from_file(file)?,
        None => password::ask_code()?,
    };
    let password = match &args.password_file {
        Some(file) => password::from_file(file)?,
        None => password::ask_new(args.user.as_str())?,
    };
    let account = register(args, &password, code.trim()).await?;
    let place = credentials.save(&account).context("there is an account now, but its token cannot be kept")?;
    show(&format!("signed up as {} at {}", escape(account.user.as_str()), escape(&account.service)))?;
    show(&format!("the token is kept in {}", escape(&place.to_string())))?;
    tell_agent().await?;
    if let Some(before) = before {
        replaced(&before).await?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn register(args: &SignUpArgs, password: &str, code: &str) -> Result<Account> {
    let (client, _events) = Client::builder(&args.service)
        .register(args.user.as_str(), password, &args.name, code)
        .await
        .map_err(|error| {
            let code = error.code();
            anyhow::Error::from(error).context(code)
        })
        .with_context(|| format!("cannot sign up as {} at {}", args.user, args.service))?;
    let token = client.token().context("the service gave no token to keep")?;
    let account =
        Account { user: client.user().clone(), service: args.service.clone(), token, device: client.device() };
    // Only this connection goes; the token is for the agent's.
    client.sign_out().await.context("cannot leave the service again")?;
    Ok(account)
}
