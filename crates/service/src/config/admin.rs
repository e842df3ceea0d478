//! The operator's HTTP API: where it listens, and who may use it.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::TlsFiles;

/// The settings of the operator's HTTP API. A caller must have the token if there is a file of one, and
/// a certificate if there are authorities: both, if there are both. One of the two must be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminConfig {
    /// Where it listens; port 0 takes a free one. Without TLS only on an address of this machine itself.
    pub listen: SocketAddr,
    /// The file with the token that callers send, 32 printable characters at least; read again when it
    /// changes.
    pub token_file: Option<PathBuf>,
    /// Authorities whose clients may call, in PEM; needs `tls`. Read again when it changes.
    pub client_ca: Option<PathBuf>,
    /// Its certificate and key; without them it is served in plain text.
    pub tls: Option<TlsFiles>,
}
