//! Versions of the protocol. `hello` carries the versions a client speaks; the service answers
//! with the highest that both know.
//!
//! - **1**: the first.

/// The versions this implementation speaks, lowest first.
pub const SPOKEN: &[u32] = &[1];

/// The version to speak with somebody who speaks `theirs`: the highest in common.
pub fn choose(theirs: &[u32]) -> Option<u32> {
    SPOKEN.iter().rev().copied().find(|version| theirs.contains(version))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_highest_in_common() {
        assert_eq!(super::choose(&[7, 1]), Some(1));
        assert_eq!(super::choose(&[2]), None);
        assert_eq!(super::choose(&[]), None);
    }
}
