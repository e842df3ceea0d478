//! How long something lasts, on the command line.

use std::time::Duration;

/// A number and a unit.
pub fn time(text: &str) -> Result<Duration, &'static str> {
    let wrong = "a time is a number with a unit: 90s, 30m, 12h, 7d, 4w; or 0";
    let (number, seconds) = match text.char_indices().next_back() {
        Some((at, 's')) => (text.get(..at), 1),
        Some((at, 'm')) => (text.get(..at), 60),
        Some((at, 'h')) => (text.get(..at), 3_600),
        Some((at, 'd')) => (text.get(..at), 24 * 3_600),
        Some((at, 'w')) => (text.get(..at), 7 * 24 * 3_600),
        Some(_) | None => (Some(text).filter(|text| *text == "0"), 0),
    };
    let number = number.filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
    let number: u32 = number.and_then(|number| number.parse().ok()).ok_or(wrong)?;
    Ok(Duration::from_secs(u64::from(number) * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (text, seconds) in [("0", 0), ("0d", 0), ("90s", 90), ("30m", 1_800), ("12h", 43_200), ("2w", 1_209_600)] {
            assert_eq!(time(text).unwrap().as_secs(), seconds, "{text}");
        }
        for text in ["", "7", "d", "-1d", "+1d", "1.5h", "7 d", "7D", "99999999999d", "é", "7dd", "\u{1b}s"] {
            assert!(time(text).is_err(), "{text:?}");
        }
    }
}
