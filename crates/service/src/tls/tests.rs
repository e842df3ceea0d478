//! Certificates on disk, made here.

use std::path::Path;

use super::*;

/// Writes a certificate for `localhost` and its key; gives the certificate.
pub fn write(folder: &Path) -> TlsFiles {
    let files = TlsFiles { certificate: folder.join("certificate.pem"), key: folder.join("key.pem") };
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(&files.certificate, made.cert.pem()).unwrap();
    write_key(&files.key, &made.signing_key.serialize_pem());
    files
}

fn write_key(file: &Path, text: &str) {
    std::fs::write(file, text).unwrap();
    set_mode(file, 0o600);
}

fn set_mode(file: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn shown(tls: &Tls) -> Vec<u8> {
    tls.certificates.shown.read().unwrap().cert[0].to_vec()
}

#[test]
fn what_is_wrong_with_the_files_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    let files = write(folder.path());
    let key = std::fs::read_to_string(&files.key).unwrap();
    let says = |part: &str| {
        let error = inspect(&files).unwrap_err();
        assert!(error.to_string().contains(part), "{part}: {error}");
    };
    assert!(inspect(&files).unwrap().unwrap().ends > 0);
    set_mode(&files.key, 0o644);
    says("everybody");
    set_mode(&files.key, 0o640);
    assert!(inspect(&files).is_ok());
    write_key(&files.key, &std::fs::read_to_string(write(other.path()).key).unwrap());
    says("is not that of the first certificate");
    write_key(&files.key, "");
    says("has no private key");
    write_key(&files.key, &key[..key.len() / 2]);
    says("cannot be read as PEM");
    write_key(&files.key, &"x".repeat(300_000));
    says("longer than");
    std::fs::remove_file(&files.key).unwrap();
    says("cannot read");
    write_key(&files.key, &key);
    std::fs::write(&files.certificate, &key).unwrap();
    says("has no certificate");
}

#[tokio::test(start_paused = true)]
async fn a_new_certificate_is_taken_and_a_broken_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let files = write(folder.path());
    let tls = Arc::new(Tls::open(&files).unwrap());
    let first = shown(&tls);
    let (told, mut ends) = tokio::sync::mpsc::unbounded_channel();
    let watching = tokio::spawn(watch(Arc::clone(&tls), move |at| told.send(at).unwrap()));
    write(folder.path());
    assert!(ends.recv().await.is_some());
    let second = shown(&tls);
    assert_ne!(first, second);
    watching.abort();

    assert!(!tls.refresh().unwrap(), "nothing has changed");
    let key = std::fs::read(&files.key).unwrap();
    write_key(&files.key, "no key");
    assert!(tls.refresh().is_err());
    assert!(!tls.refresh().unwrap(), "said once");
    assert_eq!(shown(&tls), second);
    std::fs::remove_file(&files.key).unwrap();
    assert!(tls.refresh().is_err());
    assert!(!tls.refresh().unwrap(), "said once");
    write_key(&files.key, str::from_utf8(&key).unwrap());
    assert!(tls.refresh().unwrap());
    assert_eq!(shown(&tls), second);
}

/// At every moment of a look at long files, others are set.
#[test]
fn what_was_set_stays_though_the_files_before_are_being_looked_at() {
    const ROUNDS: u32 = 40;
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let after = write(two.path());
    for round in 0..ROUNDS {
        let before = write(one.path());
        let tls = Tls::open(&before).unwrap();
        write(one.path());
        let chain = std::fs::read_to_string(&before.certificate).unwrap();
        std::fs::write(&before.certificate, "padding\n".repeat(25_000) + &chain).unwrap();
        let began = std::time::Instant::now();
        drop(TlsRead::of(&before).unwrap());
        let moment = began.elapsed() * 2 * round / ROUNDS;
        let read = TlsRead::of(&after).unwrap();
        let expected = read.found.key.cert[0].to_vec();
        std::thread::scope(|scope| {
            scope.spawn(|| tls.refresh().unwrap());
            let began = std::time::Instant::now();
            while began.elapsed() < moment {
                std::hint::spin_loop();
            }
            tls.set(read);
        });
        assert_eq!(shown(&tls), expected, "round {round}");
    }
}
