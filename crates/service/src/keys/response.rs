//! Whether a response is what a key makes of a challenge: lower-case hexadecimal
//! HMAC-SHA-256(key, challenge), or, for ids that are marked for it, MD5(challenge followed by key).

use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq as _};
use zeroize::Zeroizing;

use super::Secret;

const HMAC_DIGITS: usize = 64;
const MD5_DIGITS: usize = 32;

/// What was given as the response.
pub struct Given {
    /// Followed by zeros, which no digit is.
    digits: [u8; HMAC_DIGITS],
    malformed: bool,
}

impl Given {
    /// Reads it. What has another form fits no key.
    pub fn read(response: &str) -> Given {
        let plain = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let malformed = !matches!(response.len(), MD5_DIGITS | HMAC_DIGITS) || !response.bytes().all(plain);
        let mut digits = [0; HMAC_DIGITS];
        if !malformed {
            digits.iter_mut().zip(response.bytes()).for_each(|(digit, byte)| *digit = byte);
        }
        Given { digits, malformed }
    }

    pub fn is_malformed(&self) -> bool {
        self.malformed
    }

    /// Whether a key makes it of the challenge. Both ways are computed and compared, whether MD5 counts
    /// or not.
    pub fn fits(&self, challenge: &str, key: &Secret, md5: bool) -> bool {
        let hmac = self.digits.ct_eq(&*digits(&by_hmac(challenge, key)));
        let old = self.digits.ct_eq(&*digits(&by_md5(challenge, key))) & Choice::from(u8::from(md5));
        #[cfg(test)]
        super::tests::work::hashed_and_compared();
        (hmac | old).into()
    }
}

fn by_hmac(challenge: &str, key: &Secret) -> [u8; 32] {
    // A key of any length is taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.expose().as_bytes()) else { return [0; 32] };
    mac.update(challenge.as_bytes());
    mac.finalize().into_bytes().into()
}

fn by_md5(challenge: &str, key: &Secret) -> [u8; 16] {
    Md5::new().chain_update(challenge).chain_update(key.expose()).finalize().into()
}

/// Lower-case hexadecimal, followed by zeros.
fn digits(bytes: &[u8]) -> Zeroizing<[u8; HMAC_DIGITS]> {
    // By arithmetic: a table would be read at places that depend on the secret.
    let digit = |nibble: u8| nibble + b'0' + (u8::from(nibble > 9) * (b'a' - b'0' - 10));
    let mut digits = Zeroizing::new([0; HMAC_DIGITS]);
    for (pair, byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
        *pair = [digit(byte >> 4), digit(byte & 15)];
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_in_hexadecimal() {
        let all: Vec<u8> = (0..=255).collect();
        for bytes in all.chunks(32) {
            let text = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
            assert_eq!(digits(bytes).as_slice(), text.as_bytes());
        }
        assert_eq!(&digits(&[0xab; 16])[32..], &[0; 32]);
    }

    #[test]
    fn only_lower_case_digits_of_the_right_number() {
        let hmac = "0123456789abcdef".repeat(4);
        assert!(!Given::read(&hmac).is_malformed() && !Given::read(&hmac[..32]).is_malformed());
        let zeros = "\0".repeat(64);
        for text in ["", &hmac[..63], &hmac[..33], &hmac.to_uppercase(), &zeros, &"g".repeat(64), &"é".repeat(32)] {
            assert!(Given::read(text).is_malformed(), "{text:?}");
        }
        assert!(Given::read(&"a".repeat(1_000_000)).is_malformed());
    }
}
