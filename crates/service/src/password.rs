//! Passwords: Argon2id, stored as PHC strings, which carry their own parameters.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use hither_wire::{PersonName, limits};

use crate::config::PasswordCost;

/// Why a password cannot be taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// Empty.
    #[error("the password is empty")]
    Empty,
    /// Too long to hash.
    #[error("the password is longer than {} bytes", limits::PASSWORD_BYTES)]
    TooLong,
    /// Hashing failed.
    #[error("the password cannot be hashed: {0}")]
    Hash(String),
}

/// The PHC string of a password, with a fresh salt.
pub fn hash(password: &str, cost: PasswordCost) -> Result<String, PasswordError> {
    if password.is_empty() {
        return Err(PasswordError::Empty);
    }
    if password.len() > limits::PASSWORD_BYTES {
        return Err(PasswordError::TooLong);
    }
    let failed = |error: &dyn std::fmt::Display| PasswordError::Hash(error.to_string());
    let params = Params::new(cost.memory_kib, cost.passes, 1, None).map_err(|error| failed(&error))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash: PasswordHash = argon2.hash_password(password.as_bytes()).map_err(|error| failed(&error))?;
    Ok(hash.to_string())
}

/// Whether somebody may choose this password: length counts, and that it is not among the first that
/// are tried. Says what is wrong with it.
pub fn check_new(password: &str, name: &PersonName) -> Result<(), &'static str> {
    // The most common of those that are long enough, in lists of passwords that were stolen.
    const COMMON: [&str; 24] = [
        "12345678",
        "123456789",
        "1234567890",
        "password",
        "password1",
        "password123",
        "passw0rd",
        "qwertyuiop",
        "qwerty123",
        "1q2w3e4r",
        "1qaz2wsx",
        "11111111",
        "00000000",
        "87654321",
        "abcd1234",
        "iloveyou",
        "sunshine",
        "princess",
        "football",
        "baseball",
        "superman",
        "trustno1",
        "letmein1",
        "changeme",
    ];
    let lower = password.to_lowercase();
    let local = name.as_str().split('@').next().unwrap_or_default();
    if password.len() < limits::NEW_PASSWORD_BYTES {
        Err("The new password is shorter than 8 bytes: take a longer one.")
    } else if lower == name.as_str() || lower == local || COMMON.contains(&&*lower) {
        Err("The new password is one of the first that anybody would try: take another one.")
    } else {
        Ok(())
    }
}

/// Whether a password is the one of a PHC string. Whoever asks for somebody who does not exist
/// passes a string of nobody, so that the work is the same.
pub fn verify(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_fits() {
        let hash = hash("correct horse", PasswordCost::FOR_TESTS).unwrap();
        assert!(verify("correct horse", &hash));
        assert!(!verify("correct horse ", &hash) && !verify("", &hash) && !verify("correct horse", "rubbish"));
        assert_ne!(hash, super::hash("correct horse", PasswordCost::FOR_TESTS).unwrap(), "salted");
    }

    #[test]
    fn odd_passwords() {
        assert!(matches!(hash("", PasswordCost::FOR_TESTS), Err(PasswordError::Empty)));
        assert!(hash(&"x".repeat(512), PasswordCost::FOR_TESTS).is_ok());
        assert!(matches!(hash(&"x".repeat(513), PasswordCost::FOR_TESTS), Err(PasswordError::TooLong)));
    }
}
