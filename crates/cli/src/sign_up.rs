//! `hither sign-up`: an account of one's own, with a code from the operator.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use hither_wire::limits;

use crate::args::SignUpArgs;
use crate::failure::usage;
use crate::password;
use crate::sign_in::{Entrance, Proof, enter};

/// Makes the account, signs in to it, and keeps the token.
pub async fn run(args: &SignUpArgs) -> Result<ExitCode> {
    let SignUpArgs { user, service, name, code_file, password_file, keyring } = args;
    let stdin = |file: &Option<_>| file.as_deref() == Some(Path::new("-"));
    if stdin(code_file) && stdin(password_file) {
        return Err(usage("standard input can hold the code or the password, not both"));
    }
    let code = match code_file {
        Some(file) => password::code_from_file(file)?,
        None => password::ask_code()?,
    };
    let most = limits::CODE_BYTES;
    ensure!(code.len() <= most, "that is no registration code: it is longer than {most} bytes");
    let password = match password_file {
        Some(file) => password::from_file(file)?,
        None => password::ask_new(user.as_str(), "--password-file")?,
    };
    password::check_new(&password)?;
    let proof = Proof::Registration { password, friendly_name: name.clone(), code };
    enter(&Entrance { user, service, keyring }, &proof).await
}
