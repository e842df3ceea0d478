//! A certificate and its key, read from files and found to belong together.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use sha2::{Digest as _, Sha256};

use super::{Validity, validity};
use crate::config::TlsFiles;

/// The longest file that is read: a chain has a few kilobytes.
const FILE_BYTES: u64 = 256 * 1024;
/// Certificates of a chain: more would make each handshake long.
const CHAIN: usize = 16;

/// Why a certificate and its key cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}", file.display())]
    Read {
        /// Which.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file is longer than any certificate or key.
    #[error("{} is longer than {} KiB: it is no certificate and no key", file.display(), FILE_BYTES / 1024)]
    TooLong {
        /// Which.
        file: PathBuf,
    },
    /// A file is not PEM.
    #[error("{} cannot be read as PEM", file.display())]
    Pem {
        /// Which.
        file: PathBuf,
        /// Why.
        #[source]
        source: pem::Error,
    },
    /// There is no certificate in the file.
    #[error("{} has no certificate: PEM with BEGIN CERTIFICATE is needed", file.display())]
    NoCertificate {
        /// Which.
        file: PathBuf,
    },
    /// There are too many.
    #[error("{} has more than {CHAIN} certificates: it has to hold the service's own chain, not a store of roots", file.display())]
    TooMany {
        /// Which.
        file: PathBuf,
    },
    /// There is no key in the file.
    #[error("{} has no private key: PEM with BEGIN PRIVATE KEY is needed, without a passphrase", file.display())]
    NoKey {
        /// Which.
        file: PathBuf,
    },
    /// Everybody on the machine may read the key.
    #[error("{} can be read by everybody on this machine: chmod o= it, and take another key", file.display())]
    Public {
        /// Which.
        file: PathBuf,
    },
    /// The key is another certificate's.
    #[error("the key in {} is not that of the first certificate in {}", key.display(), certificate.display())]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// Certificate or key are of a kind that cannot be used.
    #[error("{} and {} cannot be used for TLS", certificate.display(), key.display())]
    Unusable {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why.
        #[source]
        source: rustls::Error,
    },
    /// TLS cannot be set up at all.
    #[error("TLS cannot be set up")]
    Setup(#[source] rustls::Error),
}

/// What was in both files; tells one content from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp([u8; 32]);

/// What the files hold.
pub struct Found {
    pub key: CertifiedKey,
    pub stamp: Stamp,
    pub validity: Option<Validity>,
}

/// What is in the files now.
pub fn stamp(files: &TlsFiles) -> Result<Stamp, TlsError> {
    Ok(stamp_of(&content(&files.certificate)?, &content(&files.key)?))
}

/// Reads both files.
pub fn read(files: &TlsFiles, provider: &CryptoProvider) -> Result<Found, TlsError> {
    let TlsFiles { certificate, key } = files;
    let chain_pem = content(certificate)?;
    is_private(key)?;
    let key_pem = content(key)?;
    let stamp = stamp_of(&chain_pem, &key_pem);
    let chain = chain(certificate, &chain_pem)?;
    let validity = chain.first().and_then(|own| validity::of(own));
    let private = PrivateKeyDer::from_pem_slice(&key_pem).map_err(|source| {
        let file = key.clone();
        if matches!(source, pem::Error::NoItemsFound) {
            TlsError::NoKey { file }
        } else {
            TlsError::Pem { file, source }
        }
    })?;
    let key = CertifiedKey::from_der(chain, private, provider).map_err(|source| {
        let (certificate, key) = (certificate.clone(), key.clone());
        if matches!(source, rustls::Error::InconsistentKeys(_)) {
            TlsError::Mismatch { certificate, key }
        } else {
            TlsError::Unusable { certificate, key, source }
        }
    })?;
    Ok(Found { key, stamp, validity })
}

fn chain(file: &Path, text: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).take(CHAIN + 1).collect();
    let chain = chain.map_err(|source| TlsError::Pem { file: file.to_owned(), source })?;
    match chain.len() {
        0 => Err(TlsError::NoCertificate { file: file.to_owned() }),
        1..=CHAIN => Ok(chain),
        _ => Err(TlsError::TooMany { file: file.to_owned() }),
    }
}

fn content(file: &Path) -> Result<Vec<u8>, TlsError> {
    let failed = |source| TlsError::Read { file: file.to_owned(), source };
    let mut content = Vec::new();
    let mut reader = File::open(file).map_err(failed)?.take(FILE_BYTES + 1);
    reader.read_to_end(&mut content).map_err(failed)?;
    if content.len() as u64 > FILE_BYTES {
        return Err(TlsError::TooLong { file: file.to_owned() });
    }
    Ok(content)
}

fn stamp_of(certificate: &[u8], key: &[u8]) -> Stamp {
    let mut hash = Sha256::new();
    hash.update((certificate.len() as u64).to_le_bytes());
    hash.update(certificate);
    hash.update(key);
    Stamp(hash.finalize().into())
}

#[cfg(unix)]
fn is_private(key: &Path) -> Result<(), TlsError> {
    use std::os::unix::fs::PermissionsExt as _;
    let found = std::fs::metadata(key).map_err(|source| TlsError::Read { file: key.to_owned(), source })?;
    // A group may have it: that is how Debian's `ssl-cert` is meant.
    if found.permissions().mode() & 0o007 != 0 {
        return Err(TlsError::Public { file: key.to_owned() });
    }
    Ok(())
}

#[cfg(not(unix))]
fn is_private(_key: &Path) -> Result<(), TlsError> {
    Ok(())
}
