//! Serial numbers of certificates as WeChat Pay writes them: upper-case hexadecimal, whole bytes.

use crate::error::{Error, refused_value};
use std::fmt;

/// A certificate's serial number in its one canonical form.
///
/// Tools that print a number instead of bytes lose the zero nibble that a serial may begin with, so texts are compared
/// as numbers: case and leading zeros do not count, and what is sent always has whole bytes.
///
/// ```
/// use payments::wechat::CertSerial;
/// let serial = CertSerial::parse("c4aef34b89340881bb2b25226393dc2e47f094b")?;
/// assert_eq!(serial.as_str(), "0C4AEF34B89340881BB2B25226393DC2E47F094B");
/// # Ok::<(), payments::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CertSerial(String);

/// RFC 5280 section 4.1.2.2 gives a serial 20 bytes; a few more are let through.
const DIGITS_MAX: usize = 64;

impl CertSerial {
    /// Reads hexadecimal digits, as the merchant platform shows them.
    ///
    /// # Errors
    /// `InvalidInput` for anything else than 1 to 64 digits, or for zero.
    pub fn parse(text: &str) -> Result<Self, Error> {
        canonical(text).map(Self).ok_or_else(|| {
            refused_value(
                "certificate serial",
                text,
                "give the 40 hexadecimal digits of the merchant platform",
            )
        })
    }

    /// The digits: upper case, an even number of them.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn canonical(text: &str) -> Option<String> {
    let digits = text.trim_start_matches('0');
    let fits =
        !digits.is_empty() && text.len() <= DIGITS_MAX && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let zero = if digits.len() % 2 == 1 { "0" } else { "" };
    fits.then(|| format!("{zero}{}", digits.to_ascii_uppercase()))
}

impl fmt::Display for CertSerial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_of_one_number_are_one_serial() {
        let serial = CertSerial::parse("0C4AEF34B89340881BB2B25226393DC2E47F094B").unwrap();
        for text in ["C4AEF34B89340881BB2B25226393DC2E47F094B", "000c4aef34b89340881bb2b25226393dc2e47f094b"]
        {
            assert_eq!(CertSerial::parse(text).unwrap(), serial);
        }
        assert_ne!(CertSerial::parse("C4AEF34B89340881BB2B25226393DC2E47F094B0").unwrap(), serial);
        for text in ["", "0", "0x12", "12 34", "-1", "１２", &"1".repeat(65)] {
            assert!(CertSerial::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_canonical_text_is_its_own(text in ".{0,70}") {
            if let Ok(serial) = CertSerial::parse(&text) {
                prop_assert_eq!(serial.as_str().len() % 2, 0);
                prop_assert_eq!(CertSerial::parse(serial.as_str()).unwrap(), serial);
            }
        }
    }
}
