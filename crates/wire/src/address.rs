//! A session's address: an IP address, optionally with a port (reference, `LocalAddress`; R14).

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::code::Code;
use crate::limits;
use crate::text;

/// An address as its owner wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Address(Box<str>);

/// Why a text is no address (R14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressError {
    /// Over 30 characters, and no IPv6 literal.
    TooLong,
    /// Shorter text that is no address.
    Malformed,
}

impl Address {
    /// Reads an address: `192.0.2.1`, `192.0.2.1:5000`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:5000`.
    pub fn parse(text: &str) -> Result<Address, AddressError> {
        if is_address(text) {
            return Ok(Address(text.into()));
        }
        if text::fits(text, limits::ADDRESS_CHARS) { Err(AddressError::Malformed) } else { Err(AddressError::TooLong) }
    }

    /// The address as its owner wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_address(text: &str) -> bool {
    // No valid literal is longer than this, so longer text need not be read.
    const LONGEST: usize = "[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255%4294967295]:65535".len();
    text.len() <= LONGEST
        && (text.parse::<IpAddr>().is_ok()
            || text.parse::<SocketAddr>().is_ok()
            || text
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'))
                .is_some_and(|inner| inner.parse::<Ipv6Addr>().is_ok()))
}

impl AddressError {
    /// The reference's code for this.
    pub fn code(self) -> Code {
        match self {
            AddressError::TooLong => Code::E_OUTOFMEMORY,
            AddressError::Malformed => Code::E_INVALIDARG,
        }
    }
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AddressError::TooLong => "an address that is no IPv6 literal has at most 30 characters",
            AddressError::Malformed => "not an IP address, optionally with a port",
        })
    }
}

impl std::error::Error for AddressError {}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Address::parse(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        for good in [
            "192.0.2.1",
            "192.0.2.1:5000",
            "::1",
            "[::1]",
            "[::1]:80",
            "[fe80::1%2]:80",
            "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
            "[2001:0db8:1111:2222:3333:4444:5555:6666]:65535",
        ] {
            assert_eq!(Address::parse(good).unwrap().as_str(), good);
        }
        for short in ["", "host", "192.0.2.1:", "192.0.2.1:70000", "192.0.2.256", "[192.0.2.1]", "::1:", " ::1"] {
            assert_eq!(Address::parse(short), Err(AddressError::Malformed), "{short}");
        }
        assert_eq!(Address::parse(&"1".repeat(30)), Err(AddressError::Malformed));
        assert_eq!(Address::parse(&"1".repeat(31)), Err(AddressError::TooLong));
        assert_eq!(Address::parse(&"1".repeat(100_000)), Err(AddressError::TooLong));
    }
}
