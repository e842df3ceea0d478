//! Presence (reference, section 3: `MISTATUS`).

use serde::{Deserialize, Serialize};

/// How available somebody is, as the person chose it or as others see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Not signed in, or not to be seen.
    Offline,
    /// Signed in and available.
    #[default]
    Online,
    /// Signed in, seen by others as `Offline`.
    Invisible,
    /// Does not want to be disturbed.
    Busy,
    /// Be right back.
    BeRightBack,
    /// No input for a while.
    Idle,
    /// Away.
    Away,
    /// On the phone.
    OnThePhone,
    /// Out to lunch.
    OutToLunch,
    /// Not known; also any name that this version does not know.
    #[serde(other)]
    Unknown,
}

impl Status {
    /// Every status that a person can choose (reference, section 2.4).
    pub const CHOICES: [Status; 8] = [
        Status::Online,
        Status::Invisible,
        Status::Busy,
        Status::BeRightBack,
        Status::Idle,
        Status::Away,
        Status::OnThePhone,
        Status::OutToLunch,
    ];

    /// The number of the reference.
    pub fn number(self) -> u32 {
        match self {
            Status::Unknown => 0,
            Status::Offline => 1,
            Status::Online => 2,
            Status::Invisible => 6,
            Status::Busy => 0x0a,
            Status::BeRightBack => 0x0e,
            Status::Idle => 0x12,
            Status::Away => 0x22,
            Status::OnThePhone => 0x32,
            Status::OutToLunch => 0x42,
        }
    }

    /// The name as it stands on the wire, for instance `BE_RIGHT_BACK`.
    pub fn name(self) -> &'static str {
        match self {
            Status::Unknown => "UNKNOWN",
            Status::Offline => "OFFLINE",
            Status::Online => "ONLINE",
            Status::Invisible => "INVISIBLE",
            Status::Busy => "BUSY",
            Status::BeRightBack => "BE_RIGHT_BACK",
            Status::Idle => "IDLE",
            Status::Away => "AWAY",
            Status::OnThePhone => "ON_THE_PHONE",
            Status::OutToLunch => "OUT_TO_LUNCH",
        }
    }

    /// The status of a name, whatever its case; `None` for anything a person cannot choose.
    pub fn chosen(name: &str) -> Option<Status> {
        Status::CHOICES.into_iter().find(|s| s.name().eq_ignore_ascii_case(name))
    }

    /// What others see: `Invisible` looks like `Offline`.
    pub fn seen(self) -> Status {
        match self {
            Status::Invisible => Status::Offline,
            Status::Unknown
            | Status::Offline
            | Status::Online
            | Status::Busy
            | Status::BeRightBack
            | Status::Idle
            | Status::Away
            | Status::OnThePhone
            | Status::OutToLunch => self,
        }
    }

    /// How available, most available highest: of several devices the most available counts (R30).
    pub fn availability(self) -> u8 {
        match self {
            Status::Online => 9,
            Status::Busy => 8,
            Status::OnThePhone => 7,
            Status::BeRightBack => 6,
            Status::OutToLunch => 5,
            Status::Away => 4,
            Status::Idle => 3,
            Status::Invisible => 2,
            Status::Unknown => 1,
            Status::Offline => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bit_two_means_signed_in() {
        for status in Status::CHOICES {
            assert_eq!(status.number() & 2, 2, "{status:?}");
            assert_eq!(Status::chosen(&status.name().to_lowercase()), Some(status));
            assert_eq!(serde_json::to_string(&status).unwrap(), format!("\"{}\"", status.name()));
        }
        assert_eq!(Status::chosen("OFFLINE"), None);
        assert_eq!(serde_json::from_str::<Status>("\"DANCING\"").unwrap(), Status::Unknown);
    }
}
