//! Proxies in front, and for whom they connect.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use ipnet::IpNet;

/// Where a proxy says for whom it connects; each appends whom it has seen itself.
pub const HEADER: &str = "X-Forwarded-For";

/// One address or a network of them, as in `127.0.0.1` or `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

/// What is neither an address nor a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an address (127.0.0.1) or a network (10.0.0.0/8) is needed")]
pub struct NetworkError;

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Network, NetworkError> {
        let net = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).map_err(|_| NetworkError)?;
        Ok(Network(net))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether an address is a proxy's.
pub fn is_trusted(proxies: &[Network], address: IpAddr) -> bool {
    let address = address.to_canonical();
    proxies.iter().any(|network| network.0.contains(&address))
}

/// For whom a proxy connects, from its headers in their order: the last address that is not a proxy's
/// itself. What stands before that anybody can have written. `None` if nothing can be read.
pub fn client<'a>(proxies: &[Network], headers: impl DoubleEndedIterator<Item = &'a str>) -> Option<IpAddr> {
    let mut nearest = None;
    for entry in headers.rev().flat_map(|header| header.rsplit(',')) {
        let Some(address) = address(entry.trim()) else { break };
        nearest = Some(address);
        if !is_trusted(proxies, address) {
            break;
        }
    }
    nearest
}

/// Some add the port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(texts: &[&str]) -> Vec<Network> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn addresses_and_networks() {
        for text in ["127.0.0.1", "10.0.0.0/8", "::1", "fd00::/8", "10.1.2.3/8"] {
            assert!(text.parse::<Network>().is_ok(), "{text}");
        }
        for text in ["", "localhost", "10.0.0.0/33", "10.0.0", "10.0.0.0/-1", "127.0.0.1:80", "0x7f.1", "1.2.3.4/ 8"] {
            assert_eq!(text.parse::<Network>(), Err(NetworkError), "{text}");
        }
        let proxies = networks(&["127.0.0.1", "10.0.0.0/8", "fd00::/8"]);
        for (address, trusted) in [
            ("127.0.0.1", true),
            ("127.0.0.2", false),
            ("10.255.0.1", true),
            ("::ffff:10.0.0.1", true),
            ("::ffff:11.0.0.1", false),
            ("fd12::1", true),
            ("2001:db8::1", false),
        ] {
            assert_eq!(is_trusted(&proxies, address.parse().unwrap()), trusted, "{address}");
        }
        assert!(!is_trusted(&[], "127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn the_last_that_is_no_proxy() {
        let proxies = networks(&["127.0.0.1", "10.0.0.0/8"]);
        for (headers, expected) in [
            (&["198.51.100.7"][..], Some("198.51.100.7")),
            // Whoever connects to the first proxy can have written everything but the last.
            (&["192.0.2.9, 198.51.100.7"], Some("198.51.100.7")),
            (&["192.0.2.9, 198.51.100.7,10.0.0.2 , 127.0.0.1"], Some("198.51.100.7")),
            (&["192.0.2.9", "198.51.100.7, 10.0.0.2", "10.0.0.3"], Some("198.51.100.7")),
            (&["10.0.0.9, 10.0.0.2"], Some("10.0.0.9")),
            (&["rubbish, 198.51.100.7"], Some("198.51.100.7")),
            (&["198.51.100.7, rubbish"], None),
            (&["198.51.100.7, , 10.0.0.2"], Some("10.0.0.2")),
            (&["unknown"], None),
            (&[""], None),
            (&[], None),
            (&["198.51.100.7:4711"], Some("198.51.100.7")),
            (&["[2001:db8::7]:4711"], Some("2001:db8::7")),
            (&["[2001:db8::7]"], Some("2001:db8::7")),
            (&["2001:db8::7"], Some("2001:db8::7")),
            (&["::ffff:10.0.0.2"], Some("::ffff:10.0.0.2")),
        ] {
            let found = client(&proxies, headers.iter().copied());
            assert_eq!(found, expected.map(|address| address.parse().unwrap()), "{headers:?}");
        }
    }
}
