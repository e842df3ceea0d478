//! What a person can type.

use std::fmt::Write as _;

use hither::message::{ContactAction, SettingsChange};
use hither::{Code, Guid, SessionId};

use crate::console::json::{invitations_from, status};
use crate::console::request::{Refusal, Request, parse_code};
use crate::console::sessions::Sessions;

/// A command with what follows it.
pub struct Command {
    pub name: &'static str,
    pub arguments: &'static str,
    pub help: &'static str,
}

/// What is shown at the start.
pub const FIRST_STEPS: &str = "To invite: create, application 1 GUID, invite 1 NAME@DOMAIN.";

const fn command(name: &'static str, arguments: &'static str, help: &'static str) -> Command {
    Command { name, arguments, help }
}

/// Every command. A session is named by its number; its id in braces does as well.
pub const COMMANDS: &[Command] = &[
    command("create", "", "makes a new session and numbers it"),
    command("application", "SESSION GUID [NAME]", "says what the session is for; any well-formed GUID"),
    command("address", "SESSION ADDRESS|none", "what the other side may learn as our address"),
    command("invite", "SESSION NAME@DOMAIN [DATA]", "invites somebody"),
    command("accept", "SESSION [DATA]", "accepts an invitation; `attach` comes next"),
    command("decline", "SESSION [DATA]", "declines an invitation"),
    command("ignore", "SESSION", "lets an invitation ring out"),
    command("attach", "SESSION", "says that the application is there: both attached is SS_CONNECTED"),
    command("context", "SESSION DATA", "sends context data: 300 UTF-16 units, five times"),
    command("cancel", "SESSION [HR] [DATA]", "ends a session; HR is a number such as 0x80004005"),
    command("get", "SESSION", "shows a session"),
    command("status", "STATUS", "one's own presence, for instance AWAY"),
    command("contacts", "", "lists the contacts"),
    command("add", "NAME@DOMAIN", "puts somebody into the contact list"),
    command("remove", "NAME@DOMAIN", "takes somebody out of the contact list"),
    command("block", "NAME@DOMAIN", "is offline for somebody, who cannot invite any more"),
    command("unblock", "NAME@DOMAIN", "undoes a block"),
    command(
        "settings",
        "[contacts|anyone] [show|hide]",
        "from whom invitations are taken; whether strangers see a decline",
    ),
    command("help", "[COMMAND]", "this list"),
    command("quit", "", "signs out and leaves"),
];

/// What a line means.
#[derive(Debug, PartialEq, Eq)]
pub enum Parsed {
    Request(Request),
    Wrong(Refusal),
    Help(String),
    Nothing,
}

/// Reads a line.
pub fn parse(line: &str, sessions: &Sessions) -> Parsed {
    let mut words = Words(line.trim());
    let Some(name) = words.next() else { return Parsed::Nothing };
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        return Parsed::Wrong(Refusal::invalid("there is no such command; `help` lists them"));
    };
    if command.name == "help" {
        return Parsed::Help(help(words.next()));
    }
    match request(command, &mut words, sessions) {
        Ok(request) => Parsed::Request(request),
        Err(refusal) => Parsed::Wrong(refusal),
    }
}

fn help(about: Option<&str>) -> String {
    let mut text = String::new();
    for Command { name, arguments, help } in COMMANDS.iter().filter(|one| about.is_none_or(|name| one.name == name)) {
        let usage = format!("{name} {arguments}");
        let _ = writeln!(text, "  {usage:<36} {help}");
    }
    if text.is_empty() { "there is no such command; `help` lists them".to_owned() } else { text }
}

fn request(command: &Command, words: &mut Words<'_>, sessions: &Sessions) -> Result<Request, Refusal> {
    let mut line = Arguments { command, words, sessions };
    let request = match command.name {
        "create" => Request::Create,
        "application" => {
            Request::Application { session: line.session()?, guid: line.need()?, name: line.rest(), url: String::new() }
        }
        "address" => Request::Address { session: line.session()?, address: Some(line.need()?).filter(|a| a != "none") },
        "invite" => Request::Invite { session: line.session()?, to: line.need()?, data: line.rest() },
        "accept" => Request::Accept { session: line.session()?, data: line.rest() },
        "decline" => Request::Decline { session: line.session()?, data: line.rest() },
        "ignore" => Request::Ignore { session: line.session()? },
        "attach" => Request::Attach { session: line.session()? },
        "context" => Request::Context { session: line.session()?, data: line.rest() },
        "cancel" => Request::Cancel { session: line.session()?, hr: line.code(), data: line.rest() },
        "get" => Request::Get { session: line.session()? },
        "status" => Request::Status { status: status(&line.need()?)? },
        "contacts" => Request::Contacts,
        "add" => Request::Contact { action: ContactAction::Add, who: line.need()? },
        "remove" => Request::Contact { action: ContactAction::Remove, who: line.need()? },
        "block" => Request::Contact { action: ContactAction::Block, who: line.need()? },
        "unblock" => Request::Contact { action: ContactAction::Unblock, who: line.need()? },
        "settings" => Request::Settings(line.settings()?),
        _ => Request::Quit,
    };
    line.end()?;
    Ok(request)
}

/// The words that follow a command.
struct Arguments<'a, 'l> {
    command: &'a Command,
    words: &'a mut Words<'l>,
    sessions: &'a Sessions,
}

impl Arguments<'_, '_> {
    fn need(&mut self) -> Result<String, Refusal> {
        self.words.next().map(str::to_owned).ok_or_else(|| self.usage())
    }

    fn session(&mut self) -> Result<SessionId, Refusal> {
        let word = self.need()?;
        match word.parse() {
            Ok(number) => self
                .sessions
                .by_number(number)
                .ok_or_else(|| Refusal::invalid(format!("there is no session {number}; `create` makes one"))),
            Err(_) => Guid::parse(&word).map_err(|_| self.usage()),
        }
    }

    /// The next word, if it is a code.
    fn code(&mut self) -> Code {
        let code = self.words.peek().and_then(|word| parse_code(word).ok());
        if code.is_some() {
            self.words.next();
        }
        code.unwrap_or(Code::S_OK)
    }

    /// Everything else, with its inner spaces.
    fn rest(&mut self) -> String {
        std::mem::take(&mut self.words.0).to_owned()
    }

    fn settings(&mut self) -> Result<SettingsChange, Refusal> {
        let mut change = SettingsChange::default();
        while let Some(word) = self.words.next() {
            match word {
                "show" => change.show_declines = Some(true),
                "hide" => change.show_declines = Some(false),
                _ => change.invitations = Some(invitations_from(word)?),
            }
        }
        Ok(change)
    }

    fn end(&mut self) -> Result<(), Refusal> {
        if self.words.peek().is_none() { Ok(()) } else { Err(self.usage()) }
    }

    fn usage(&self) -> Refusal {
        let Command { name, arguments, .. } = self.command;
        Refusal::invalid(format!("usage: {name} {arguments}").trim_end())
    }
}

/// Words with single or many spaces between them.
struct Words<'l>(&'l str);

impl<'l> Words<'l> {
    fn peek(&self) -> Option<&'l str> {
        self.0.split_whitespace().next()
    }

    fn next(&mut self) -> Option<&'l str> {
        let (word, rest) = self.0.split_once(char::is_whitespace).unwrap_or((self.0, ""));
        self.0 = rest.trim_start();
        (!word.is_empty()).then_some(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: &str = "{305D86C6-6896-4099-91F5-CB7BA7733563}";

    fn parsed(line: &str) -> Parsed {
        parse(line, &Sessions::default())
    }

    fn refused(line: &str) -> String {
        let Parsed::Wrong(refusal) = parsed(line) else { panic!("{line} is taken") };
        refusal.message
    }

    #[test]
    fn commands() {
        let session = Guid::parse(S).unwrap();
        for (line, request) in [
            ("create", Request::Create),
            (
                &format!("invite {S}  bob@example.org   a  b "),
                Request::Invite { session, to: "bob@example.org".to_owned(), data: "a  b".to_owned() },
            ),
            (&format!("cancel {S} -1 bye"), Request::Cancel { session, hr: Code(0xffff_ffff), data: "bye".to_owned() }),
            (&format!("cancel {S} bye 1"), Request::Cancel { session, hr: Code::S_OK, data: "bye 1".to_owned() }),
            (&format!("address {S} none"), Request::Address { session, address: None }),
            (&format!("accept {S}"), Request::Accept { session, data: String::new() }),
            (
                "block bob@example.org",
                Request::Contact { action: ContactAction::Block, who: "bob@example.org".to_owned() },
            ),
            ("quit", Request::Quit),
        ] {
            assert_eq!(parsed(line), Parsed::Request(request), "{line}");
        }
        assert_eq!(parsed("  "), Parsed::Nothing);
        assert!(matches!(parsed("help invite"), Parsed::Help(text) if text.contains("NAME@DOMAIN")));
    }

    #[test]
    fn every_command_has_a_meaning_of_its_own() {
        for command in COMMANDS.iter().filter(|command| !matches!(command.name, "quit" | "help")) {
            let line = format!("{} {S} {S} x", command.name);
            assert_ne!(parsed(&line), Parsed::Request(Request::Quit), "{line}");
            assert_ne!(parsed(command.name), Parsed::Request(Request::Quit), "{}", command.name);
        }
    }

    #[test]
    fn wrong_lines_are_explained() {
        assert_eq!(refused("dance"), "there is no such command; `help` lists them");
        assert_eq!(refused("accept"), "usage: accept SESSION [DATA]");
        assert_eq!(refused("accept 7"), "there is no session 7; `create` makes one");
        assert_eq!(refused("create now"), "usage: create");
        assert!(refused("status dancing").contains("AWAY"));
    }
}
