//! The settings of the service as flags. The defaults are those of the service itself.

use clap::builder::RangedU64ValueParser;
use clap::{Args, ValueEnum, value_parser};
use hither::InvitationsFrom;
use hither_service::{Allowance, MachineConfig, ServiceConfig};

/// Times, limits and policies of a service.
#[derive(Debug, Args)]
#[command(next_help_heading = "Settings")]
pub struct Settings {
    /// From whom people take invitations who have not chosen themselves
    #[arg(long, value_name = "FROM", default_value = "contacts")]
    invitations: Policy,
    /// A web page's origin that may connect, for instance `https://play.example.org`; `*` is any
    #[arg(long = "origin", value_name = "ORIGIN")]
    origins: Vec<String>,
    #[command(flatten)]
    times: Times,
    #[command(flatten)]
    limits: Limits,
}

/// From whom people take invitations. Without a text for each, the help stays short.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Policy {
    Contacts,
    Anyone,
}

/// How long things may take.
#[derive(Debug, Args)]
#[command(next_help_heading = "Times, in seconds")]
struct Times {
    /// How long an invitation rings
    #[arg(long, value_name = "SECONDS", value_parser = seconds(), default_value_t = machine().ring_ms / 1000)]
    ring: u64,
    /// How long an accepted session may take to be connected
    #[arg(long, value_name = "SECONDS", value_parser = seconds(), default_value_t = machine().connect_ms / 1000)]
    connect: u64,
    /// How long a connected session may last
    #[arg(long, value_name = "SECONDS", value_parser = seconds(), default_value_t = machine().longest_ms / 1000)]
    longest: u64,
    /// How long a device that lost its connection is waited for
    #[arg(long, value_name = "SECONDS", value_parser = seconds(), default_value_t = machine().grace_ms / 1000)]
    grace: u64,
    /// How long a connection may take to sign in
    #[arg(long, value_name = "SECONDS", value_parser = seconds(), default_value_t = machine().sign_in_ms / 1000)]
    sign_in: u64,
    /// Silence after which a client is pinged
    #[arg(long, value_name = "SECONDS", value_parser = seconds(), default_value_t = machine().keepalive_ms / 1000)]
    keepalive: u64,
}

/// How much there may be; reaching a limit is answered with a code of the reference.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
struct Limits {
    /// Connections altogether
    #[arg(long, value_name = "N", value_parser = count(), default_value_t = service().connections as u64)]
    connections: u64,
    /// Connections from one address
    #[arg(long, value_name = "N", value_parser = count(), default_value_t = service().connections_per_address as u64)]
    connections_per_address: u64,
    /// Bytes of a frame from a client; what the protocol needs at least
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(16_384..1 << 24),
          default_value_t = machine().frame_bytes)]
    frame_bytes: u64,
    /// Seconds that a client may leave unread what it is sent
    #[arg(long, value_name = "SECONDS", value_parser = seconds(), default_value_t = service().unread_ms / 1000)]
    unread: u64,
    /// Days after which a session token that has not been used stops working
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500),
          default_value_t = service().token_days)]
    token_days: u32,
    /// Session tokens of one account; the one unused for longest makes room
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000),
          default_value_t = service().tokens_per_account)]
    tokens_per_account: u32,
    /// Bytes that wait to be sent on one connection
    #[arg(long, value_name = "BYTES", value_parser = count(), default_value_t = service().unsent_bytes as u64)]
    unsent_bytes: u64,
    /// Events of a device that wait to be acknowledged
    #[arg(long, value_name = "N", value_parser = count(), default_value_t = machine().events_pending as u64)]
    events_pending: u64,
    /// Devices of a person that are signed in at a time
    #[arg(long, value_name = "N", value_parser = count(), default_value_t = machine().devices_per_person as u64)]
    devices_per_person: u64,
    /// Sessions that a person is in at a time
    #[arg(long, value_name = "N", value_parser = count(), default_value_t = machine().sessions_per_person as u64)]
    sessions_per_person: u64,
    /// Invitations of one person to another that ring at a time
    #[arg(long, value_name = "N", value_parser = count(), default_value_t = machine().ringing_per_pair as u64)]
    ringing_per_pair: u64,
    /// Invitations of one person to another in a minute, at least 60
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(60..),
        default_value_t = machine().invitations_per_minute)]
    invitations_per_minute: u32,
    /// Wrong passwords from one address in quick succession
    #[arg(long, value_name = "N", value_parser = count(), default_value_t = service().failures_per_address.burst)]
    failures_per_address: u64,
    /// Wrong passwords for one name in quick succession
    #[arg(long, value_name = "N", value_parser = count(), default_value_t = service().failures_per_name.burst)]
    failures_per_name: u64,
}

/// At most a year, so that no sum of times overflows.
fn seconds() -> RangedU64ValueParser<u64> {
    value_parser!(u64).range(1..=31_536_000)
}

/// Something, but no more than any machine could hold.
fn count() -> RangedU64ValueParser<u64> {
    value_parser!(u64).range(1..=1_000_000_000)
}

fn machine() -> MachineConfig {
    MachineConfig::default()
}

fn service() -> ServiceConfig {
    ServiceConfig::new(([127, 0, 0, 1], 0).into(), std::path::PathBuf::new())
}

impl Settings {
    /// Puts the settings into the service's configuration.
    pub fn apply(self, config: &mut ServiceConfig) {
        config.origins = self.origins;
        config.machine.invitations = match self.invitations {
            Policy::Contacts => InvitationsFrom::Contacts,
            Policy::Anyone => InvitationsFrom::Anyone,
        };
        self.times.apply(&mut config.machine);
        self.limits.apply(config);
    }
}

impl Times {
    fn apply(&self, machine: &mut MachineConfig) {
        machine.ring_ms = self.ring * 1000;
        machine.connect_ms = self.connect * 1000;
        machine.longest_ms = self.longest * 1000;
        machine.grace_ms = self.grace * 1000;
        machine.sign_in_ms = self.sign_in * 1000;
        machine.keepalive_ms = self.keepalive * 1000;
    }
}

impl Limits {
    fn apply(&self, config: &mut ServiceConfig) {
        // The parser has bounded every number far below what an address can count.
        let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        config.connections = size(self.connections);
        config.connections_per_address = size(self.connections_per_address);
        config.machine.frame_bytes = self.frame_bytes;
        config.unread_ms = self.unread * 1000;
        config.token_days = self.token_days;
        config.tokens_per_account = self.tokens_per_account;
        config.unsent_bytes = size(self.unsent_bytes);
        config.machine.events_pending = size(self.events_pending);
        config.machine.devices_per_person = size(self.devices_per_person);
        config.machine.sessions_per_person = size(self.sessions_per_person);
        config.machine.ringing_per_pair = size(self.ringing_per_pair);
        config.machine.invitations_per_minute = self.invitations_per_minute;
        config.failures_per_address = Allowance { burst: self.failures_per_address, ..config.failures_per_address };
        config.failures_per_name = Allowance { burst: self.failures_per_name, ..config.failures_per_name };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        settings: Settings,
    }

    fn configured(arguments: &[&str]) -> ServiceConfig {
        let mut config = service();
        Line::parse_from([&["serve"], arguments].concat()).settings.apply(&mut config);
        config
    }

    #[test]
    fn without_flags_the_defaults_are_those_of_the_service() {
        assert_eq!(format!("{:?}", configured(&[])), format!("{:?}", service()));
    }

    #[test]
    fn every_flag_counts() {
        let flags = [
            "--invitations anyone --origin https://a --origin https://b --ring 1 --connect 2 --longest 3 --grace 4",
            "--sign-in 5 --keepalive 6 --connections 7 --connections-per-address 8 --unsent-bytes 9",
            "--events-pending 10 --devices-per-person 11 --sessions-per-person 12 --ringing-per-pair 13",
            "--invitations-per-minute 61 --failures-per-address 14 --failures-per-name 15",
            "--frame-bytes 16385 --unread 16 --token-days 17 --tokens-per-account 18",
        ]
        .join(" ");
        let config = configured(&flags.split(' ').collect::<Vec<_>>());
        let machine = &config.machine;
        assert_eq!((machine.ring_ms, machine.connect_ms, machine.longest_ms), (1000, 2000, 3000));
        assert_eq!((machine.grace_ms, machine.sign_in_ms, machine.keepalive_ms), (4000, 5000, 6000));
        assert_eq!((config.connections, config.connections_per_address, config.unsent_bytes), (7, 8, 9));
        assert_eq!((machine.events_pending, machine.devices_per_person, machine.sessions_per_person), (10, 11, 12));
        assert_eq!((machine.ringing_per_pair, machine.invitations_per_minute), (13, 61));
        assert_eq!((machine.frame_bytes, config.unread_ms), (16_385, 16_000));
        assert_eq!((config.token_days, config.tokens_per_account), (17, 18));
        assert_eq!((config.failures_per_address.burst, config.failures_per_name.burst), (14, 15));
        assert_eq!((machine.invitations, config.origins.len()), (InvitationsFrom::Anyone, 2));
    }

    #[test]
    fn out_of_range() {
        for flags in
            [["--ring", "0"], ["--ring", "31536001"], ["--invitations-per-minute", "59"], ["--connections", "0"]]
        {
            assert!(Line::try_parse_from([&["serve"], &flags[..]].concat()).is_err(), "{flags:?}");
        }
    }
}
