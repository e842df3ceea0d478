//! How long a text is: in UTF-16 code units, as a `BSTR` counts (R1).

/// The number of UTF-16 code units of `text`.
pub fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Whether `text` is at most `max` UTF-16 code units long; does not read further than it must.
pub fn fits(text: &str, max: usize) -> bool {
    // A unit is at least one byte and at most three bytes of UTF-8, so most texts need no count.
    text.len() <= max || (text.len() <= max.saturating_mul(3) && units(text) <= max)
}

/// Whether a character is not seen where it stands, and may do something to what stands beside it: control
/// and format characters, but for the joiners, which some scripts need.
pub fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        )
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn fits_agrees_with_counting(text in "\\PC{0,40}", max in 0usize..60) {
            prop_assert_eq!(fits(&text, max), units(&text) <= max);
        }
    }

    #[test]
    fn outside_the_bmp_counts_two() {
        assert_eq!(units(&"\u{1F600}".repeat(150)), 300);
        assert!(fits(&"\u{1F600}".repeat(150), 300));
        assert!(!fits(&format!("{}a", "\u{1F600}".repeat(150)), 300));
        assert!(fits(&"\u{20AC}".repeat(300), 300));
        assert!(!fits(&"\u{20AC}".repeat(301), 300));
    }
}
