//! The application registry (section 2.1 of the reference): which applications a person can be
//! invited into on this machine, and how each is started.
//!
//! The person's own entries stand in `applications.toml`, which `docs/applications.md` explains.
//! What packages install stands in folders of the system, one file for each application. Whatever
//! is wrong in a file is complained about and left out; the rest counts.

mod command;
mod drop_ins;
mod entry;
mod limits;
mod watch;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hither_wire::local::{Mode, Registration};
use hither_wire::message::Application;
use hither_wire::{Code, Guid};

pub use crate::document::{Complaint, Refused};
pub use watch::Watch;

use crate::document::{COMPLAINTS, ENTRIES, Fields, ListFile, Text, Trouble, shown, shown_path};
use crate::paths::Paths;

const HEADER: &str = r#"# The applications that you can be invited into. `hither app list` shows them all, with those that
# packages have installed. You can edit this file while the agent runs; your comments stay.
#
# [[application]]
# guid = "{305D86C6-6896-4099-91F5-CB7BA7733563}"  # the same on every machine; uuidgen draws one
# name = "Chess"                                   # what people see
# url = "https://example.org/chess"                # where others get it; may be left out
# program = "/usr/bin/chess"                       # the whole path, without arguments
# args = ["--session", "{session}"]                # may be left out; `{session}` is replaced
# mode = "session"                                 # or "launch-only" or "tunnelled"; may be left out
"#;

/// A registered application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// By what it is known on every machine.
    pub guid: Guid,
    /// What people see: at most 256 characters, none of them a control character.
    pub name: String,
    /// Where to get it: "", or an http or https URL of at most 256 characters.
    pub url: String,
    /// How it takes part in its sessions.
    pub mode: Mode,
    /// What is started: an absolute path. Whether it is still there shows when it is started.
    pub program: PathBuf,
    /// What it is given, with `{session}`, `{local}` and `{remote}` still to be replaced.
    pub args: Vec<String>,
    /// Who has registered it.
    pub origin: Origin,
}

/// Who has registered an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The person, or an application for the person.
    User,
    /// A package, with this file.
    System(PathBuf),
}

impl App {
    /// What others are told of it.
    pub fn application(&self) -> Application {
        Application {
            guid: self.guid,
            name: self.name.as_str().into(),
            url: self.url.as_str().into(),
            launch_only: self.mode == Mode::LaunchOnly,
        }
    }

    /// Program and arguments as one line, quoted: what `RegisterApplication` would split into the same.
    pub fn path(&self) -> String {
        command::join(&self.program, &self.args)
    }
}

/// Everything that is registered, as it is now.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// The applications; the person's own entries win over those of packages.
    pub apps: BTreeMap<Guid, App>,
    /// What is wrong with the files, at most a hundred.
    pub complaints: Vec<Complaint>,
}

/// The registry of a person. Cheap to clone; every call looks at the files anew.
#[derive(Clone, Debug)]
pub struct Registry(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: ListFile,
    config: PathBuf,
    drop_ins: Vec<PathBuf>,
}

impl Registry {
    /// Of these folders. Nothing is read or made yet.
    pub fn new(paths: &Paths) -> Registry {
        let file = ListFile::new(&paths.config, "applications", "application", HEADER);
        Registry(Arc::new(Inner { file, config: paths.config.clone(), drop_ins: paths.drop_ins.clone() }))
    }

    /// Reads all the files. Blocks on the disk.
    pub fn read(&self) -> Listing {
        let (mut apps, mut complaints) = match self.0.file.read() {
            Ok(Some(text)) => users(&text, self.0.file.path()),
            Ok(None) => Default::default(),
            Err(trouble) => (BTreeMap::new(), vec![trouble.problem().of(self.0.file.path())]),
        };
        complaints.extend(self.0.file.set_aside());
        for (guid, app) in drop_ins::read(&self.0.drop_ins, &mut complaints) {
            apps.entry(guid).or_insert(app);
        }
        complaints.truncate(COMPLAINTS);
        Listing { apps, complaints }
    }

    /// `RegisterApplication` (section 2.1). Blocks on the disk, and on other processes that are
    /// writing, at most ten seconds.
    ///
    /// Looked at in this order: `E_INVALIDARG` for whatever is malformed; `SR_APP_ALREADY_REGISTERED`
    /// if the person has an entry with this GUID, be it another one (an entry of a package does not
    /// count); `E_FAIL` if the program is not there or cannot be run; `REGDB_E_WRITEREGDB` if the file
    /// cannot be written, or is full.
    pub fn register(&self, registration: &Registration) -> Result<Guid, Refused> {
        let app = app_of(registration).map_err(Refused::malformed)?;
        // Looked at before there is a lock, for the order above: it may be that none can be had.
        if let Ok(Some(text)) = self.0.file.read() {
            self.must_be_new(&text, app.guid)?;
        }
        command::resolve(&app.program).map_err(|what| Refused::new(Code::E_FAIL, what))?;
        self.0.file.edit(|text| {
            self.must_be_new(text, app.guid)?;
            if text.entries().count() >= ENTRIES {
                let path = shown_path(self.0.file.path());
                return Err(Refused::unwritable(format!(
                    "{path} holds {ENTRIES} applications and takes no more: unregister some"
                )));
            }
            Ok(text.with(&entry::write(&app)))
        })?;
        Ok(app.guid)
    }

    /// `UnRegisterApplication` (section 2.1): takes every entry of the person's with this GUID out.
    ///
    /// `E_INVALIDARG`; `SR_APP_NOT_REGISTERED`, also if only a package has registered it;
    /// `REGDB_E_WRITEREGDB`.
    pub fn unregister(&self, guid: &str) -> Result<Guid, Refused> {
        let guid = limits::guid(guid).map_err(Refused::malformed)?;
        match self.0.file.read() {
            Ok(Some(text)) => self.must_be_there(&text, guid)?,
            Ok(None) => return Err(self.not_registered(None, guid)),
            Err(Trouble::Damaged(problem)) => {
                let complaint = problem.of(self.0.file.path());
                return Err(Refused::new(Code::SR_APP_NOT_REGISTERED, format!("nothing is registered; {complaint}")));
            }
            Err(Trouble::Unreadable(problem)) => {
                return Err(Refused::unwritable(problem.of(self.0.file.path()).to_string()));
            }
        }
        self.0.file.edit(|text| {
            self.must_be_there(text, guid)?;
            Ok(text.changed(&numbers(text, guid), None))
        })?;
        Ok(guid)
    }

    /// Watches the folders of the registry. Makes the person's if it is missing. Must be called on a
    /// runtime; fails if the system has no watches left.
    pub fn watch(&self) -> std::io::Result<Watch> {
        Watch::new(&self.0.config, &self.0.drop_ins)
    }

    fn must_be_new(&self, text: &Text, guid: Guid) -> Result<(), Refused> {
        let Some(app) = users(text, self.0.file.path()).0.remove(&guid) else { return Ok(()) };
        let message = format!("{guid} is registered already, as {}: unregister it first", shown(&app.name));
        Err(Refused::new(Code::SR_APP_ALREADY_REGISTERED, message))
    }

    fn must_be_there(&self, text: &Text, guid: Guid) -> Result<(), Refused> {
        let there = users(text, self.0.file.path()).0.contains_key(&guid);
        if there { Ok(()) } else { Err(self.not_registered(Some(text), guid)) }
    }

    /// Says where else the GUID stands.
    fn not_registered(&self, text: Option<&Text>, guid: Guid) -> Refused {
        let wrong = text.and_then(|text| {
            let number = *numbers(text, guid).first()?;
            let span = text.entries().nth(number)?.span()?;
            Some(text.line(&span))
        });
        let path = shown_path(self.0.file.path());
        let message = if let Some(line) = wrong {
            format!("{guid} is not registered: something is wrong with its entry, {path}:{line}; edit the file")
        } else if let Some(Origin::System(file)) = self.read().apps.remove(&guid).map(|app| app.origin) {
            let file = shown_path(&file);
            format!("{guid} is registered by a package, with {file}: only whoever looks after the system can remove it")
        } else {
            format!("{guid} is not registered: see `hither app list`")
        };
        Refused::new(Code::SR_APP_NOT_REGISTERED, message)
    }
}

/// What a registration asks for, if it is well formed.
fn app_of(registration: &Registration) -> Result<App, String> {
    let Registration { guid, name, url, path, flags, mode } = registration;
    let guid = limits::guid(guid)?;
    limits::name(name)?;
    limits::url(url)?;
    if *flags != 0 {
        return Err(format!("the flags are {flags}; they must be 0"));
    }
    let (program, args) = command::split(path)?;
    Ok(App {
        guid,
        name: name.as_ref().to_owned(),
        url: url.as_ref().to_owned(),
        mode: *mode,
        program,
        args,
        origin: Origin::User,
    })
}

/// The entries of the person's file, and what is wrong with others.
fn users(text: &Text, file: &Path) -> (BTreeMap<Guid, App>, Vec<Complaint>) {
    let mut apps: BTreeMap<Guid, App> = BTreeMap::new();
    let mut problems = text.strangers();
    for table in text.entries().take(ENTRIES) {
        let fields = Fields::new(text, table);
        match entry::read(fields, Origin::User) {
            Ok((app, remarks)) => {
                problems.extend(remarks);
                if let Some(first) = apps.get(&app.guid) {
                    let first = shown(&first.name);
                    let what = format!("{} stands here again, and {first} further up counts: keep one", app.guid);
                    problems.push(fields.problem(what));
                } else {
                    apps.insert(app.guid, app);
                }
            }
            Err(problem) => problems.push(problem),
        }
    }
    if let Some(table) = text.entries().nth(ENTRIES) {
        let what = format!("only {ENTRIES} applications are read: the others from here on do not count");
        problems.push(Fields::new(text, table).problem(what));
    }
    problems.sort_by_key(|problem| problem.line);
    (apps, problems.into_iter().map(|problem| problem.of(file)).collect())
}

/// Which entries have this GUID, also those with which something is wrong.
fn numbers(text: &Text, guid: Guid) -> Vec<usize> {
    let of = |table: &toml_edit::Table| table.get("guid")?.as_str().and_then(|text| Guid::parse(text).ok());
    text.entries().enumerate().filter(|(_, table)| of(table) == Some(guid)).map(|(number, _)| number).collect()
}
