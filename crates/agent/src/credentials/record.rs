//! What stands in `account.toml`.

use hither_wire::{DeviceId, Guid, PersonName};
use toml_edit::{DocumentMut, value};

const HEADER: &str = "\
# Who is signed in on this machine: `hither sign-in` writes this file, `hither sign-out` removes it.
# Whoever has the token can be you at the service: keep it to yourself.
";

/// The longest URL of a service.
pub const SERVICE_BYTES: usize = 2_048;

/// The file's contents.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    pub user: PersonName,
    pub service: String,
    pub device: DeviceId,
    pub token: Token,
}

/// Where the token is.
#[derive(Clone, PartialEq, Eq)]
pub enum Token {
    Here(String),
    Keyring,
}

impl Record {
    /// Says what is wrong without saying what stands there, which may be a token. What is not known is
    /// left to later versions.
    pub fn parse(text: &str) -> Result<Record, String> {
        let document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            format!("line {} is no TOML", before.matches('\n').count() + 1)
        })?;
        let field = |name: &str| {
            let text = document.get(name).and_then(|item| item.as_str());
            text.ok_or_else(|| format!("`{name}` is missing, or no text"))
        };
        let user = PersonName::parse(field("user")?).map_err(|_| "`user` is no sign-in name, name@domain")?;
        let device = Guid::parse(field("device")?).map_err(|_| "`device` is no GUID")?;
        let token = match field("token-in")? {
            "file" => Token::Here(field("token")?.to_owned()),
            "keyring" => Token::Keyring,
            _ => return Err("`token-in` is neither \"keyring\" nor \"file\"".to_owned()),
        };
        Ok(Record { user, service: field("service")?.to_owned(), device, token })
    }

    pub fn text(&self) -> String {
        let mut document = DocumentMut::new();
        let mut put = |name: &str, text: &str| document.insert(name, value(text));
        put("user", self.user.as_str());
        put("service", &self.service);
        put("device", &self.device.to_string());
        match &self.token {
            Token::Keyring => put("token-in", "keyring"),
            Token::Here(token) => {
                put("token-in", "file");
                put("token", token)
            }
        };
        format!("{HEADER}{document}")
    }

    /// By what the keyring knows the token. The device stands in it because a person may have several
    /// agents on one machine, each in a home of its own.
    pub fn name_in_keyring(&self) -> String {
        format!("{} {} {}", self.user, self.service, self.device)
    }

    /// What a person reads who looks into the keyring.
    pub fn label(&self) -> String {
        format!("Hither: {} at {}", self.user, self.service)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
    use super::*;
    use proptest::prelude::*;

    const FINE: &str = "user = \"ann@example.org\"\nservice = \"wss://hither.example\"\n\
        device = \"{305D86C6-6896-4099-91F5-CB7BA7733563}\"\ntoken-in = \"file\"\ntoken = \"secret\"\n";

    proptest! {
        #[test]
        fn what_is_written_can_be_read(service in "\\PC{1,40}", token in "(?s:.{0,40})", device: u128, here: bool) {
            let user = PersonName::parse("ann\"'\\@example.org").unwrap();
            let token = if here { Token::Here(token) } else { Token::Keyring };
            let record = Record { user, service, device: Guid(device), token };
            prop_assert!(Record::parse(&record.text()).unwrap() == record);
        }

        #[test]
        fn nothing_panics_on_rubbish(text in "(?s:.{0,200})") {
            drop(Record::parse(&text));
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_the_token() {
        assert!(Record::parse(FINE).is_ok_and(|record| record.token == Token::Here("secret".into())));
        assert!(Record::parse(&format!("{FINE}later = 1\n")).is_ok());
        for (from, to, expected) in [
            ("user", "usr", "`user` is missing, or no text"),
            ("ann@example.org", "ann", "`user` is no sign-in name, name@domain"),
            ("{305D", "{305", "`device` is no GUID"),
            ("\"file\"", "\"cloud\"", "`token-in` is neither \"keyring\" nor \"file\""),
            ("token = \"secret\"", "token = 7", "`token` is missing, or no text"),
            ("token = \"secret\"", "token = \"secret", "line 5 is no TOML"),
            ("service = ", "service secret ", "line 2 is no TOML"),
        ] {
            let Err(what) = Record::parse(&FINE.replace(from, to)) else { panic!("{from} {to}") };
            assert_eq!(what, expected);
        }
    }
}
