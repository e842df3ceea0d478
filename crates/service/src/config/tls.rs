//! Where the certificate and the key of TLS are.

use std::path::PathBuf;

/// Two files in PEM, read at start and again when they change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain of certificates, the service's own first.
    pub certificate: PathBuf,
    /// Its private key (PKCS#8, PKCS#1 or SEC1), which others on the machine cannot read.
    pub key: PathBuf,
}
