#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use hither_wire::Guid;
use tempfile::TempDir;

use super::keyring::Up;
use super::*;

/// A keyring in memory, which can be made to refuse or to hang.
#[derive(Debug, Default)]
struct Fake {
    entries: Mutex<BTreeMap<String, String>>,
    mood: Mutex<Mood>,
    changed: Condvar,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mood {
    #[default]
    Fine,
    Refusing,
    Hanging,
    /// It has answered, and now waits for the person.
    Asking,
    Failing,
}

impl Fake {
    fn put(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
        self.changed.notify_all();
    }

    fn names(&self) -> Vec<String> {
        self.entries.lock().unwrap().keys().cloned().collect()
    }

    fn enter(&self, up: Up<'_>) -> Result<(), String> {
        let mut mood = self.mood.lock().unwrap();
        if *mood == Mood::Asking {
            up();
        }
        mood = self.changed.wait_while(mood, |mood| matches!(mood, Mood::Hanging | Mood::Asking)).unwrap();
        let mood = *mood;
        assert!(mood != Mood::Failing, "this library is broken");
        if mood == Mood::Fine { Ok(()) } else { Err("no".to_owned()) }
    }
}

impl Keyring for Fake {
    fn get(&self, name: &str, up: Up<'_>) -> Result<Option<String>, String> {
        self.enter(up)?;
        Ok(self.entries.lock().unwrap().get(name).cloned())
    }

    fn set(&self, name: &str, label: &str, secret: &str, up: Up<'_>) -> Result<(), String> {
        self.enter(up)?;
        assert!(label.starts_with("Hither: ") && !label.contains(secret));
        self.entries.lock().unwrap().insert(name.to_owned(), secret.to_owned());
        Ok(())
    }

    fn delete(&self, name: &str, up: Up<'_>) -> Result<(), String> {
        self.enter(up)?;
        self.entries.lock().unwrap().remove(name);
        Ok(())
    }
}

struct Place {
    _home: TempDir,
    fake: Arc<Fake>,
    credentials: Credentials,
}

impl Place {
    fn new(keeping: Keeping) -> Place {
        let home = TempDir::new().unwrap();
        let fake = Arc::new(Fake::default());
        let file = Paths::below(home.path()).config.join(FILE);
        let credentials = Credentials { file, keeping, keyring: fake.clone() };
        Place { _home: home, fake, credentials }
    }

    fn text(&self) -> String {
        fs::read_to_string(self.credentials.file()).unwrap()
    }

    fn switch(&mut self, keeping: Keeping) {
        self.credentials.keeping = keeping;
    }
}

fn account(user: &str) -> Account {
    let user = PersonName::parse(user).unwrap();
    Account { user, service: "wss://hither.example/v1".into(), device: Guid(9), token: "the-token".into() }
}

#[test]
fn a_token_in_the_keyring_is_not_in_the_file() {
    for keeping in [Keeping::Automatic, Keeping::Keyring] {
        let place = Place::new(keeping);
        let ann = account("ann@example.org");
        assert!(place.credentials.load().unwrap().is_none());
        assert_eq!(place.credentials.save(&ann).unwrap(), Kept::Keyring);
        assert!(!place.text().contains("the-token") && place.text().contains("token-in = \"keyring\""));
        assert_eq!(place.credentials.load().unwrap().unwrap(), ann);
        let name = "ann@example.org wss://hither.example/v1 {00000000-0000-0000-0000-000000000009}";
        assert_eq!(place.fake.names(), [name]);
        place.credentials.remove().unwrap();
        assert!(place.fake.names().is_empty() && place.credentials.load().unwrap().is_none());
        place.credentials.remove().unwrap();
    }
}

#[test]
fn a_token_in_the_file_is_not_in_the_keyring() {
    for (keeping, mood) in [(Keeping::File, Mood::Hanging), (Keeping::Automatic, Mood::Refusing)] {
        let place = Place::new(keeping);
        place.fake.put(mood);
        let ann = account("ann@example.org");
        let kept = place.credentials.save(&ann).unwrap();
        assert_eq!(kept, Kept::File(place.credentials.file().to_owned()));
        assert!(kept.to_string().ends_with("account.toml, which only you can read"), "{kept}");
        assert!(place.text().contains("token = \"the-token\""));
        assert_eq!(place.credentials.load().unwrap().unwrap(), ann);
        assert!(place.fake.names().is_empty());
        place.credentials.remove().unwrap();
        assert!(place.credentials.load().unwrap().is_none());
    }
}

#[test]
fn a_keyring_that_must_be_there() {
    let place = Place::new(Keeping::Keyring);
    for mood in [Mood::Refusing, Mood::Failing] {
        place.fake.put(mood);
        let refused = place.credentials.save(&account("ann@example.org")).unwrap_err();
        assert!(matches!(refused, CredentialsError::Keyring(_)), "{refused:?}");
        assert!(!place.credentials.file().exists());
    }
}

#[test]
fn nothing_is_left_of_the_sign_in_before() {
    let mut place = Place::new(Keeping::Automatic);
    place.credentials.save(&account("ann@example.org")).unwrap();
    place.credentials.save(&account("ann@example.org")).unwrap();
    assert_eq!(place.fake.names().len(), 1);
    place.credentials.save(&account("bob@example.org")).unwrap();
    assert_eq!(place.fake.names().len(), 1);
    assert!(place.fake.names()[0].starts_with("bob@example.org "));
    place.switch(Keeping::File);
    place.credentials.save(&account("bob@example.org")).unwrap();
    assert_eq!(place.fake.names().len(), 1, "a keyring that is switched off is not asked");
    place.switch(Keeping::Automatic);
    place.credentials.save(&account("bob@example.org")).unwrap();
    place.fake.put(Mood::Refusing);
    place.credentials.save(&account("carl@example.org")).unwrap();
    assert_eq!(place.credentials.load().unwrap().unwrap().user.as_str(), "carl@example.org");
}

#[test]
fn a_keyring_that_does_not_give_the_token() {
    let mut place = Place::new(Keeping::Automatic);
    let ann = account("ann@example.org");
    place.credentials.save(&ann).unwrap();
    let before = place.text();
    place.fake.put(Mood::Refusing);
    assert!(matches!(place.credentials.load().unwrap_err(), CredentialsError::Keyring(_)));
    place.fake.put(Mood::Fine);
    place.switch(Keeping::File);
    let off = place.credentials.load().unwrap_err();
    assert!(matches!(off, CredentialsError::KeyringOff(_)), "{off:?}");
    place.switch(Keeping::Automatic);
    assert_eq!(place.credentials.load().unwrap().unwrap(), ann);
    place.fake.entries.lock().unwrap().values_mut().for_each(|token| token.push('\n'));
    assert!(matches!(place.credentials.load().unwrap_err(), CredentialsError::Damaged { .. }));
    place.fake.entries.lock().unwrap().clear();
    assert!(matches!(place.credentials.load().unwrap_err(), CredentialsError::NoToken));
    assert_eq!(place.text(), before);
    place.fake.put(Mood::Refusing);
    assert!(matches!(place.credentials.remove().unwrap_err(), CredentialsError::Keyring(_)));
    assert!(place.credentials.load().unwrap().is_none(), "signed out all the same");
}

#[test]
fn a_damaged_file_is_named_and_left_alone() {
    let place = Place::new(Keeping::File);
    place.credentials.save(&account("ann@example.org")).unwrap();
    for text in ["", "rubbish", "user = \"ann@example.org\"\n", &place.text().replace("the-token", "a\\u0000b")] {
        fs::write(place.credentials.file(), text).unwrap();
        let refused = place.credentials.load().unwrap_err();
        assert!(matches!(refused, CredentialsError::Damaged { .. }), "{refused:?}");
        assert!(refused.to_string().contains("account.toml: ") && refused.to_string().contains("sign in again"));
        assert_eq!(place.text(), text);
    }
    place.credentials.save(&account("bob@example.org")).unwrap();
    assert_eq!(place.credentials.load().unwrap().unwrap().user.as_str(), "bob@example.org");
    fs::write(place.credentials.file(), "rubbish").unwrap();
    place.credentials.remove().unwrap();
    assert!(place.credentials.load().unwrap().is_none());
}

#[test]
fn what_is_no_sign_in_is_not_stored() {
    let place = Place::new(Keeping::File);
    let ann = account("ann@example.org");
    let longest = Account { token: "x".repeat(4_096), service: "y".repeat(2_048), ..ann.clone() };
    place.credentials.save(&longest).unwrap();
    assert_eq!(place.credentials.load().unwrap().unwrap(), longest);
    for (token, service) in
        [("", "s"), ("a\nb", "s"), (&"x".repeat(4_097), "s"), ("t", ""), ("t", "a\u{1b}"), ("t", &"y".repeat(2_049))]
    {
        let wrong = Account { token: token.into(), service: service.into(), ..ann.clone() };
        assert!(matches!(place.credentials.save(&wrong).unwrap_err(), CredentialsError::Invalid(_)));
    }
    assert_eq!(place.credentials.load().unwrap().unwrap(), longest);
}

#[test]
fn a_token_is_not_shown() {
    let shown = format!("{:?}", account("ann@example.org"));
    assert!(shown.contains("ann@example.org") && !shown.contains("the-token"), "{shown}");
}

const MOMENT: Patience = Patience { answer: Duration::from_millis(30), person: Duration::ZERO };

#[test]
fn a_keyring_that_hangs_is_not_waited_for_and_not_asked_for_ever() {
    let fake = Arc::new(Fake::default());
    let keyring: Arc<dyn Keyring> = fake.clone();
    fake.put(Mood::Hanging);
    let get = |patience| keyring::ask(&keyring, patience, |keyring, up| keyring.get("name", up));
    for _ in 0..4 {
        assert_eq!(get(MOMENT).unwrap_err(), "it does not answer");
    }
    assert_eq!(get(Patience::LONG).unwrap_err(), "it has not answered for some time", "at once");
    fake.put(Mood::Fine);
    let until = Instant::now() + Duration::from_secs(30);
    while get(Patience::SHORT).is_err() {
        assert!(Instant::now() < until);
        std::thread::yield_now();
    }
}

#[test]
fn a_person_who_is_asked_has_time() {
    let fake = Arc::new(Fake::default());
    let keyring: Arc<dyn Keyring> = fake.clone();
    fake.put(Mood::Asking);
    let get = |patience| keyring::ask(&keyring, patience, |keyring, up| keyring.get("name", up));
    assert_eq!(get(MOMENT).unwrap_err(), "it does not answer", "where nobody is to be asked");
    let patience = Patience { person: Duration::from_secs(30), ..MOMENT };
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| get(patience));
        // sleep: it is the time of the first wait that must go by
        std::thread::sleep(MOMENT.answer * 3);
        fake.put(Mood::Fine);
        assert_eq!(asked.join().unwrap(), Ok(None));
    });
}
