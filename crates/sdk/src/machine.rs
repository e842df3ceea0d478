//! What a machine of `hither-proto` has not by itself: time and random numbers.

use hither_proto::Millis;
use hither_proto::client::Setup;
use hither_wire::message::Credential;
use hither_wire::{DeviceId, Guid, PersonName};
use tokio::time::Instant;

/// The machine's time: milliseconds since 1970, but never backwards, whatever happens to the
/// system's clock meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    start_ms: Millis,
}

impl Clock {
    /// A clock that begins with the system's time.
    pub fn start() -> Clock {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Clock { start: Instant::now(), start_ms: u64::try_from(since.as_millis()).unwrap_or(0) }
    }

    /// What time it is.
    pub fn now(&self) -> Millis {
        let passed = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.start_ms.saturating_add(passed)
    }

    /// When it will be `at`.
    pub fn instant(&self, at: Millis) -> Instant {
        // A time too far to be told is as good as never.
        const NEVER: std::time::Duration = std::time::Duration::from_hours(24 * 365);
        let after = std::time::Duration::from_millis(at.saturating_sub(self.start_ms));
        self.start + after.min(NEVER)
    }
}

/// A random UUID, version 4.
pub fn random_guid() -> Result<Guid, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    let random = u128::from_be_bytes(bytes);
    let version = 0x4 << 76;
    let variant = 0x2 << 62;
    Ok(Guid(random & !(0xf << 76) & !(0x3 << 62) | version | variant))
}

/// Who signs in, with everything random that a client machine needs, and nothing chosen.
pub fn setup(
    user: Option<PersonName>,
    credential: Credential,
    device: Option<DeviceId>,
    program: &str,
) -> Result<Setup, getrandom::Error> {
    Ok(Setup {
        user,
        credential,
        device: device.map_or_else(random_guid, Ok)?,
        status: None,
        client: program.into(),
        seed: getrandom::u64()?,
        key_prefix: format!("{:016x}", getrandom::u64()?).into(),
        durable: false,
        relay: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_are_random_uuids() {
        let (one, other) = (random_guid().unwrap().to_string(), random_guid().unwrap().to_string());
        assert_ne!(one, other);
        for guid in [one, other] {
            assert_eq!(guid.as_bytes()[15], b'4', "{guid}");
            assert!(b"89AB".contains(&guid.as_bytes()[20]), "{guid}");
        }
    }
}
