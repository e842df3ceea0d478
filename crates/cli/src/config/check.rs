//! What the values alone do not show: which belong together, and whether the files that they name are
//! there and right.

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use hither_service::keys::inspect_key_file;
use hither_service::{LockConfig, TlsError, TlsFiles, inspect_certificate, inspect_keys};

use super::layers::{Effective, Finding, Values};
use super::secrets;

/// A certificate that ends sooner should have been renewed.
const RENEWED_BEFORE: i64 = 14 * 24 * 60 * 60;
/// The longest file of keys.
const KEYS_BYTES: u64 = 1024 * 1024;

/// Everything that `serve` needs, but for what it finds out by starting: the store and its ports.
pub fn settings(settings: &Effective) -> Vec<Finding> {
    let mut check = Check { settings, findings: Vec::new() };
    check.service();
    check.tls("tls");
    check.tls("admin");
    check.admin();
    check.accounts();
    check.lock();
    check.audit();
    check.issuers();
    check.findings
}

/// The store's folder, which `serve` makes or opens.
pub fn store(settings: &Effective) -> Vec<Finding> {
    let mut check = Check { settings, findings: Vec::new() };
    if let Some(data) = settings.path("service", "data") {
        // The nearest folder that is there says whether the rest can be made.
        let there = data.ancestors().find(|folder| folder.as_os_str().is_empty() || folder.exists());
        let there = there.filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !there.is_dir() {
            check.error("service", "data", format!("{} is not a folder", there.display()));
        } else if !can_write(there) {
            check.error("service", "data", format!("this user cannot write in {}", there.display()));
        }
    }
    check.findings
}

struct Check<'a> {
    settings: &'a Effective,
    findings: Vec<Finding>,
}

impl Check<'_> {
    fn error(&mut self, section: &str, key: &str, what: impl fmt::Display) {
        let at = self.settings.source(section, key);
        self.findings.push(Finding::error(&at, format!("{section}.{key}: {what}")));
    }

    fn warn(&mut self, section: &str, key: &str, what: impl fmt::Display) {
        let at = self.settings.source(section, key);
        self.findings.push(Finding::warning(&at, format!("{section}.{key}: {what}")));
    }

    fn address(&self, section: &str, key: &str) -> Option<SocketAddr> {
        self.settings.text(section, key)?.parse().ok()
    }

    fn service(&mut self) {
        if self.settings.text("service", "data").is_none() {
            let what = "where the store is has to be said: --data DIR, HITHER_SERVICE_DATA, or data below [service]";
            self.error("service", "data", what);
        }
        let places = [("service", "listen"), ("service", "operations"), ("admin", "listen")];
        let mut taken: Vec<((&str, &str), SocketAddr)> = Vec::new();
        for (section, key) in places {
            let Some(address) = self.address(section, key).filter(|address| address.port() != 0) else { continue };
            if let Some((other, _)) = taken.iter().find(|(_, before)| *before == address) {
                self.error(section, key, format!("{address} is that of {}.{} already", other.0, other.1));
            }
            taken.push(((section, key), address));
        }
        if let Some(address) = self.address("service", "listen")
            && !address.ip().is_loopback()
            && self.settings.text("tls", "certificate").is_none()
            && self.settings.list("service", "proxies").is_empty()
        {
            let what = "passwords and data can be read on the way to this address, since TLS is not set up: set \
                        tls.certificate and tls.key, or proxies if a proxy in front speaks TLS";
            self.warn("service", "listen", what);
        }
        if self.address("service", "operations").is_some_and(|address| !address.ip().is_loopback()) {
            let what = "whoever reaches this address may read the service's numbers: let only your tools reach it";
            self.warn("service", "operations", what);
        }
    }

    /// A certificate and its key, both or none.
    fn tls(&mut self, section: &str) {
        let certificate = self.settings.path(section, "certificate");
        let key = self.settings.path(section, "key");
        match (certificate, key) {
            (None, None) => {}
            (Some(_), None) => self.error(section, "certificate", format!("{section}.key has to be set as well")),
            (None, Some(_)) => self.error(section, "key", format!("{section}.certificate has to be set as well")),
            (Some(certificate), Some(key)) => self.certificate(section, &TlsFiles { certificate, key }),
        }
    }

    fn certificate(&mut self, section: &str, files: &TlsFiles) {
        let validity = match inspect_certificate(files) {
            Ok(validity) => validity,
            Err(error) => {
                let key = if concerns_key(&error, files) { "key" } else { "certificate" };
                self.error(section, key, with_cause(&error));
                if key == "certificate" && !files.key.is_file() {
                    self.error(section, "key", format!("there is no file {}", files.key.display()));
                }
                return;
            }
        };
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
        let file = files.certificate.display();
        match validity {
            Some(validity) if validity.ends <= now => {
                self.warn(section, "certificate", format!("{file} has expired: clients refuse it"));
            }
            Some(validity) if validity.ends - now < RENEWED_BEFORE => {
                let days = (validity.ends - now) / (24 * 60 * 60);
                self.warn(section, "certificate", format!("{file} expires in {days} days: renew it"));
            }
            Some(validity) if validity.begins > now => {
                self.warn(section, "certificate", format!("{file} is not valid yet: clients refuse it"));
            }
            Some(_) | None => {}
        }
    }

    fn admin(&mut self) {
        let token = self.settings.path("admin", "token_file");
        let authorities = self.settings.path("admin", "client_ca");
        let has_tls = self.settings.text("admin", "certificate").is_some();
        if let Some(address) = self.address("admin", "listen") {
            if token.is_none() && authorities.is_none() {
                let what = "nobody could call this API: set admin.token_file or admin.client_ca";
                self.error("admin", "listen", what);
            }
            if !address.ip().is_loopback() && !has_tls {
                let what = "tokens can be read on the way to this address: set admin.certificate and admin.key";
                self.error("admin", "listen", what);
            }
        }
        if self.settings.text("admin", "listen").is_none() {
            for key in ["token_file", "client_ca"] {
                if self.settings.text("admin", key).is_some() {
                    self.warn("admin", key, "the API is off: admin.listen says where it is to be");
                }
            }
        }
        if let Some(why) = token.as_deref().and_then(secrets::token) {
            self.error("admin", "token_file", why);
        }
        if authorities.is_some() && !has_tls {
            let what = "clients can show a certificate over TLS only: set admin.certificate and admin.key";
            self.error("admin", "client_ca", what);
        }
        if let Some(why) = authorities.and_then(|file| unreadable(&file, "BEGIN CERTIFICATE")) {
            self.error("admin", "client_ca", why);
        }
    }

    fn accounts(&mut self) {
        if self.settings.is("accounts", "passwords") {
            return;
        }
        if self.settings.is("accounts", "registration") {
            let what = "accounts have passwords, and accounts.passwords is false: nobody could register";
            self.error("accounts", "registration", what);
        }
        if self.settings.issuers.is_empty() {
            let what = "nobody can sign in: there is no issuer of tokens either; see [[issuer]]";
            self.warn("accounts", "passwords", what);
        }
    }

    fn lock(&mut self) {
        let Some(data) = self.settings.path("service", "data") else { return };
        let (named, on) = (self.settings.path("lock", "key_file"), self.settings.is("lock", "enabled"));
        let lock = LockConfig { key_file: named.clone(), ..LockConfig::default() };
        // As long as the lock is off, a file that is not there can still be made by the first `hither key issue`.
        if !on && !named.is_some_and(|file| file.exists()) {
            return;
        }
        if let Err(error) = inspect_key_file(&data, &lock) {
            let key = if lock.key_file.is_some() { "key_file" } else { "enabled" };
            self.error("lock", key, with_cause(&error));
        }
    }

    fn audit(&mut self) {
        let file = self.settings.path("audit", "file").filter(|file| *file != Path::new("-"));
        let Some(file) = file else { return };
        let folder: PathBuf =
            file.parent().map(Path::to_owned).filter(|f| !f.as_os_str().is_empty()).unwrap_or(".".into());
        if file.is_dir() {
            self.error("audit", "file", format!("{} is a folder", file.display()));
        } else if !folder.is_dir() {
            self.error("audit", "file", format!("there is no folder {}", folder.display()));
        } else if !can_write(if file.exists() { &file } else { &folder }) {
            self.error("audit", "file", format!("this user cannot write {}", file.display()));
        }
    }

    fn issuers(&mut self) {
        let (mut names, mut claims, mut domains) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for values in &self.settings.issuers {
            let mut complain = |key: &str, what: String| {
                let at = if values.text(key).is_some() { values.source(key) } else { values.source.clone() };
                self.findings.push(Finding::error(&at, format!("issuer.{key}: {what}")));
            };
            for key in ["name", "issuer", "audience"] {
                if !values.mentions(key) {
                    complain(key, "every issuer needs one".to_owned());
                }
            }
            if let Some(name) = values.text("name").filter(|name| !names.insert(name.clone())) {
                complain("name", format!("there is a \"{name}\" already"));
            }
            if values.text("issuer").is_some_and(|issuer| !claims.insert(issuer)) {
                complain("issuer", "there is one with this issuer already".to_owned());
            }
            if values.text("domain").is_some_and(|domain| !domains.insert(domain.to_lowercase())) {
                complain("domain", "another issuer has this domain: its people belong to one".to_owned());
            }
            issuer_keys(values, complain);
        }
    }
}

fn issuer_keys(values: &Values, mut complain: impl FnMut(&str, String)) {
    match (values.text("keys_file"), values.text("jwks_url")) {
        // One that is wrong is complained of already.
        (None, None) if values.mentions("keys_file") || values.mentions("jwks_url") => {}
        (None, None) => complain("keys_file", "every issuer needs keys: set keys_file or jwks_url".to_owned()),
        (Some(_), Some(_)) => {
            complain("jwks_url", "keys come from one place: leave out keys_file or jwks_url".to_owned());
        }
        (Some(file), None) => {
            if let Err(why) = inspect_keys(Path::new(&file)) {
                complain("keys_file", format!("{file}: {why}"));
            }
        }
        (None, Some(_)) => {}
    }
}

/// Why a file cannot be what it should; `mark` stands in every one that can.
fn unreadable(file: &Path, mark: &str) -> Option<String> {
    let size = match std::fs::metadata(file) {
        Ok(found) => found.len(),
        Err(error) => return Some(format!("{} cannot be read: {error}", file.display())),
    };
    if size > KEYS_BYTES {
        return Some(format!("{} is longer than {} KiB", file.display(), KEYS_BYTES / 1024));
    }
    match std::fs::read_to_string(file) {
        Ok(text) if text.contains(mark) => None,
        Ok(_) => Some(format!("{} has no \"{mark}\" in it", file.display())),
        Err(error) => Some(format!("{} cannot be read: {error}", file.display())),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "an enum of the service, which may grow")]
fn concerns_key(error: &TlsError, files: &TlsFiles) -> bool {
    match error {
        TlsError::NoKey { .. } | TlsError::Public { .. } | TlsError::Mismatch { .. } => true,
        TlsError::Read { file, .. } | TlsError::TooLong { file } | TlsError::Pem { file, .. } => *file == files.key,
        _ => false,
    }
}

fn with_cause(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

#[cfg(unix)]
fn can_write(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok()
}

#[cfg(not(unix))]
fn can_write(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| !found.permissions().readonly())
}
