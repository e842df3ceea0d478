//! The service's settings that decide something. Each has a default and a documented answer when
//! its limit is reached.

use hither_wire::limits;
use hither_wire::message::InvitationsFrom;

/// Settings of the service machine. Times in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// How long an invitation rings (R16); longer wishes are cut to this.
    pub ring_ms: u64,
    /// How long an accepted session may take to be connected (R16).
    pub connect_ms: u64,
    /// How long a session may last once connected (R16).
    pub longest_ms: u64,
    /// How long an application may take to be installed (R15).
    pub install_ms: u64,
    /// How long a device that lost its connection is waited for (R17).
    pub grace_ms: u64,
    /// How long a connection may take to sign in.
    pub sign_in_ms: u64,
    /// The service's ping after this much silence; told in `hello`.
    pub keepalive_ms: u64,
    /// The longest frame that is taken, in bytes, told in `hello`: close code 1009 beyond.
    pub frame_bytes: u64,
    /// Unacknowledged events for each device, the room reserved for ends of sessions included.
    /// When they are used up: `E_OUTOFMEMORY` to who sends (R6).
    pub events_pending: usize,
    /// Devices of a person that are signed in at a time: `MSGR_E_TOO_MANY_SESSIONS` at sign-in.
    pub devices_per_person: usize,
    /// Sessions that a person is in at a time: `MSGR_E_TOO_MANY_SESSIONS`.
    pub sessions_per_person: usize,
    /// Invitations of one person to another that ring at a time: `MSGR_E_TOO_MANY_SESSIONS` (R18).
    pub ringing_per_pair: usize,
    /// Invitations of one person to another in a minute, at least 60 (R18):
    /// `MSGR_E_TOO_MANY_SESSIONS`.
    pub invitations_per_minute: u32,
    /// From whom people take invitations who have not chosen themselves (R32).
    pub invitations: InvitationsFrom,
    /// Whether Lock and Key is on (section 2.3): then who has not unlocked is refused with
    /// `MSGR_E_API_LOCKED`.
    pub lock: bool,
    /// How long a challenge can be answered; then the lock is `UNLOCKFAILED`.
    pub answer_ms: u64,
    /// How long a wrong response is kept from the one who gave it.
    pub failure_ms: u64,
    /// Applications behind one device that have locks of their own: `E_OUTOFMEMORY` to `challenge`.
    pub objects_per_device: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            ring_ms: 60_000,
            connect_ms: 60_000,
            longest_ms: 24 * 60 * 60 * 1000,
            install_ms: 10 * 60 * 1000,
            grace_ms: 30_000,
            sign_in_ms: 10_000,
            keepalive_ms: 30_000,
            frame_bytes: limits::CLIENT_FRAME_BYTES as u64,
            events_pending: 512,
            devices_per_person: 8,
            sessions_per_person: 64,
            ringing_per_pair: 8,
            invitations_per_minute: 60,
            invitations: InvitationsFrom::Contacts,
            lock: false,
            answer_ms: 30_000,
            failure_ms: 1_000,
            objects_per_device: 64,
        }
    }
}
