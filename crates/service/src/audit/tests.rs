#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use serde_json::Value;

use super::*;

fn started() -> AuditEvent {
    AuditEvent::ServiceStarted { version: "1" }
}

fn read(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "whole lines only");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_event_is_one_object_on_one_line_with_its_time() {
    let directory = tempfile::tempdir().unwrap();
    let (audit, writer) = Audit::start(&AuditTo::in_data(directory.path())).unwrap();
    let person = PersonName::parse("alice@example.org").unwrap();
    let address = IpAddr::from([192, 0, 2, 1]);
    let (code, why) = (CodeName(Code::MSGR_E_INVALID_PASSWORD), "wrong-password");
    audit.tell(AuditEvent::SignInRefused { person: Some(person), address, by: Means::Password, code, why });
    let by = Actor::Api(Caller { address, certificate: Some(Fingerprint::of(b"abc")) });
    let subject = "odd\n\"name\"".to_owned();
    audit.tell(AuditEvent::Administered { action: Action::KeyIssued, subject, by });
    audit.throttled();
    audit.throttled();
    drop(audit);
    writer.join().unwrap();
    let lines = read(&directory.path().join(FILE));
    let time = lines[0]["time"].as_str().unwrap();
    assert!(time.ends_with('Z') && time.len() == "2026-01-01T00:00:00.000Z".len(), "{time}");
    assert_eq!((lines[0]["event"].as_str(), lines[0]["by"].as_str()), (Some("sign-in-refused"), Some("password")));
    assert_eq!(lines[0]["code"], "MSGR_E_INVALID_PASSWORD");
    let api = &lines[1]["by"]["api"];
    assert_eq!((&lines[1]["subject"], &api["address"]), (&"odd\n\"name\"".into(), &"192.0.2.1".into()));
    assert_eq!(api["certificate"], "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!((&lines[2]["event"], &lines[2]["count"]), (&"throttled".into(), &2.into()));
    assert_eq!(lines.len(), 3);
}

#[test]
fn a_command_writes_beside_the_service() {
    let directory = tempfile::tempdir().unwrap();
    let (audit, writer) = Audit::start(&AuditTo::in_data(directory.path())).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..100).for_each(|_| tell_now(directory.path(), &started()).unwrap()));
            scope.spawn(|| (0..100).for_each(|_| audit.tell(started())));
        }
    });
    drop(audit);
    writer.join().unwrap();
    assert_eq!(read(&directory.path().join(FILE)).len(), 800);
}

#[test]
fn whoever_tells_does_not_wait_and_what_is_lost_is_counted() {
    let (events, waiting) = sync_channel(1);
    let audit = Audit { events, counts: Arc::default() };
    for _ in 0..5 {
        audit.tell(started());
    }
    let counts = Arc::clone(&audit.counts);
    drop(audit);
    let directory = tempfile::tempdir().unwrap();
    let to = AuditTo::in_data(directory.path());
    write(File::open(&to).unwrap(), &waiting, &counts);
    let lines = read(&directory.path().join(FILE));
    assert_eq!((lines.len(), &lines[1]["event"], &lines[1]["count"]), (2, &"lost".into(), &4.into()));
}

#[test]
fn it_is_private_moves_on_when_it_is_moved_away_and_does_not_grow_without_bound() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(FILE);
    let mut file = File::open(&AuditTo::in_data(directory.path())).unwrap();
    file.append_bounded("{}\n").unwrap();
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions()) & 0o777, 0o600);
    std::fs::rename(&path, directory.path().join("away")).unwrap();
    file.append_bounded("{}\n").unwrap();
    assert_eq!(read(&path).len(), 1);
    for _ in 0..file::KEPT + 3 {
        std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(file::BYTES).unwrap();
        file.append_bounded("{}\n").unwrap();
    }
    assert_eq!(read(&path).len(), 1);
    let kept = std::fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(kept, file::KEPT as usize + 2, "the present one, those put aside, and the one moved away");
}

#[test]
fn where_it_cannot_be_written_is_said_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    assert!(Audit::start(&AuditTo::File(directory.path().join("none").join(FILE))).is_err());
}

#[test]
fn it_ends_when_it_is_told_to_though_others_could_still_tell_it_something() {
    let directory = tempfile::tempdir().unwrap();
    let (audit, writer) = Audit::start(&AuditTo::in_data(directory.path())).unwrap();
    let other = audit.clone();
    audit.tell(started());
    audit.end();
    writer.join().unwrap();
    other.tell(started());
    other.end();
    assert_eq!(read(&directory.path().join(FILE)).len(), 1);
}
