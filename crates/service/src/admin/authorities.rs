//! Whose clients may call: certificates of authorities in a file, which is read again when it changes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, RootCertStore, SignatureScheme};

/// The longest file that is read.
const FILE_BYTES: u64 = 256 * 1024;
/// Authorities in a file: an operator has one or two.
const MOST: usize = 64;

/// Why authorities cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthoritiesError {
    /// The file cannot be read.
    #[error("cannot read the authorities in {}", file.display())]
    Read {
        /// Which.
        file: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It holds something else.
    #[error("{} must hold 1 to {MOST} certificates of authorities, as PEM with BEGIN CERTIFICATE", .0.display())]
    NoAuthorities(PathBuf),
}

/// The authorities that count now.
#[derive(Debug)]
pub struct Authorities {
    verifier: RwLock<Arc<dyn ClientCertVerifier>>,
    /// Held until the verifier is exchanged: else what was read before could count after what was read later.
    source: Mutex<Source>,
}

#[derive(Debug)]
struct Source {
    file: PathBuf,
    /// What was in the file when it was last looked at, fit for use or not.
    seen: Option<Vec<u8>>,
}

/// What a file holds, fit for use.
pub struct AuthoritiesRead {
    source: Source,
    verifier: Arc<dyn ClientCertVerifier>,
}

impl AuthoritiesRead {
    /// Reads the file; it must be right.
    pub fn of(file: &Path) -> Result<AuthoritiesRead, AuthoritiesError> {
        let content = content(file)?;
        let verifier = verifier(file, &content)?;
        Ok(AuthoritiesRead { source: Source { file: file.to_owned(), seen: Some(content) }, verifier })
    }
}

impl Authorities {
    /// Reads the file; it must be right.
    pub fn open(file: &Path) -> Result<Authorities, AuthoritiesError> {
        let AuthoritiesRead { source, verifier } = AuthoritiesRead::of(file)?;
        Ok(Authorities { verifier: RwLock::new(verifier), source: Mutex::new(source) })
    }

    /// Uses what was read from now on; whether that is anything else.
    pub fn set(&self, read: AuthoritiesRead) -> bool {
        let mut source = self.source();
        let is_other = source.seen != read.source.seen;
        *source = read.source;
        self.use_now(read.verifier);
        is_other
    }

    /// Looks whether the file has changed. What is wrong is said once for each change; the authorities
    /// before stay then.
    pub fn refresh(&self) -> Result<bool, AuthoritiesError> {
        let mut source = self.source();
        let file = source.file.clone();
        let content = match content(&file) {
            Ok(content) if source.seen.as_ref() == Some(&content) => return Ok(false),
            Err(_) if source.seen.is_none() => return Ok(false),
            content => content,
        };
        source.seen = content.as_ref().ok().cloned();
        self.use_now(verifier(&file, &content?)?);
        Ok(true)
    }

    fn source(&self) -> std::sync::MutexGuard<'_, Source> {
        self.source.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn use_now(&self, verifier: Arc<dyn ClientCertVerifier>) {
        *self.verifier.write().unwrap_or_else(PoisonError::into_inner) = verifier;
    }

    fn now(&self) -> Arc<dyn ClientCertVerifier> {
        Arc::clone(&self.verifier.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Each handshake is judged by the authorities that count at that moment.
impl ClientCertVerifier for Authorities {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // Whoever comes knows its certificate; nobody is told whose are taken.
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.now().verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.now().verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.now().verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.now().supported_verify_schemes()
    }
}

fn verifier(file: &Path, content: &[u8]) -> Result<Arc<dyn ClientCertVerifier>, AuthoritiesError> {
    let none = || AuthoritiesError::NoAuthorities(file.to_owned());
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(content).take(MOST + 1).collect();
    let found = found.map_err(|_| none())?;
    if !(1..=MOST).contains(&found.len()) {
        return Err(none());
    }
    let mut roots = RootCertStore::empty();
    for certificate in found {
        roots.add(certificate).map_err(|_| none())?;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().map_err(|_| none())
}

fn content(file: &Path) -> Result<Vec<u8>, AuthoritiesError> {
    use std::io::Read as _;
    let failed = |source| AuthoritiesError::Read { file: file.to_owned(), source };
    let mut content = Vec::new();
    let mut reader = std::fs::File::open(file).map_err(failed)?.take(FILE_BYTES + 1);
    reader.read_to_end(&mut content).map_err(failed)?;
    if content.len() as u64 > FILE_BYTES {
        return Err(AuthoritiesError::NoAuthorities(file.to_owned()));
    }
    Ok(content)
}

#[cfg(test)]
pub mod tests {
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};

    use super::*;

    /// A new authority, in PEM.
    pub fn authority(name: &str) -> String {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
    }

    /// Many take longer to read than one: if both went on at once, the many would be done last.
    #[test]
    fn what_was_set_stays_though_the_file_before_is_being_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let (before, after) = (folder.path().join("before"), folder.path().join("after"));
        let many = authority("before").repeat(MOST);
        std::fs::write(&after, authority("after")).unwrap();
        for round in 0..20 {
            std::fs::write(&before, authority("first")).unwrap();
            let authorities = Authorities::open(&before).unwrap();
            std::fs::write(&before, &many).unwrap();
            std::thread::scope(|scope| {
                scope.spawn(|| authorities.refresh().unwrap());
                scope.spawn(|| authorities.set(AuthoritiesRead::of(&after).unwrap()));
            });
            let now = authorities.now();
            let names: Vec<&[u8]> = now.root_hint_subjects().iter().map(AsRef::as_ref).collect();
            assert!(names.len() == 1 && names[0].ends_with(b"after"), "round {round}");
        }
    }
}
