//! Moments in milliseconds, and their text in China time (UTC+8), by arithmetic alone: no clock is read here.

use crate::error::{Error, refused_value};

/// A moment: milliseconds since 1970-01-01 00:00:00 UTC. The caller reads the clock.
///
/// ```
/// let at = payments::UnixMillis::from_millis(1_576_912_556_000);
/// assert_eq!(at.china_text(), "2019-12-21 15:15:56");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(u64);

const CHINA_OFFSET_SECS: u64 = 8 * 3600;
const DAY_SECS: u64 = 86_400;
/// Days from 0000-03-01 to 1970-01-01. Years are counted from March, so that the leap day comes last.
const EPOCH_DAYS: u64 = 719_468;
/// Days in 400 years.
const ERA_DAYS: u64 = 146_097;
const DIGITS_RULE: &str = "write a China time as `yyyyMMddHHmmss`, from 1970 to 9999";
const RFC3339_RULE: &str = "write RFC 3339, such as `2026-09-22T00:00:00+08:00`";
const TIME_RULE: &str = "write a China time as `yyyy-MM-dd HH:mm:ss`, from 1970 to 9999";

impl UnixMillis {
    /// The last moment of the year 9999 in China.
    pub const MAX: Self = Self(253_402_271_999_999);

    /// A moment from milliseconds. A value after [`UnixMillis::MAX`] becomes `MAX`.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        if millis > Self::MAX.0 { Self::MAX } else { Self(millis) }
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The moment `secs` seconds later.
    #[must_use]
    pub const fn plus_secs(self, secs: u64) -> Self {
        Self::from_millis(self.0.saturating_add(secs.saturating_mul(1000)))
    }

    /// `yyyy-MM-dd HH:mm:ss` in China, as the gateways write it.
    #[must_use]
    pub fn china_text(self) -> String {
        let secs = self.0 / 1000 + CHINA_OFFSET_SECS;
        let (year, month, day) = date_of(secs / DAY_SECS);
        let of_day = secs % DAY_SECS;
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
    }

    /// `yyyyMMddHHmmss` in China, as UnionPay writes it.
    #[must_use]
    pub fn china_digits(self) -> String {
        self.china_text().chars().filter(char::is_ascii_digit).collect()
    }

    /// RFC 3339 with seconds and the offset of China: `2026-09-22T00:00:00+08:00`, as WeChat Pay writes it.
    #[must_use]
    pub fn china_rfc3339(self) -> String {
        format!("{}+08:00", self.china_text().replace(' ', "T"))
    }

    /// Reads `yyyyMMddHHmmss` in China time.
    ///
    /// # Errors
    /// `InvalidInput` if the shape is another, or there is no such day or second.
    pub fn parse_china_digits(text: &str) -> Result<Self, Error> {
        let refused = || refused_value("time", text, DIGITS_RULE);
        if text.len() != 14 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(refused());
        }
        let part = |from: usize, to: usize| text.get(from..to).ok_or_else(refused);
        let (date, time) = (
            [part(0, 4)?, part(4, 6)?, part(6, 8)?].join("-"),
            [part(8, 10)?, part(10, 12)?, part(12, 14)?].join(":"),
        );
        Self::parse_china_text(&format!("{date} {time}")).map_err(|_| refused())
    }

    /// Reads RFC 3339 with whole seconds or a fraction, and any offset in whole minutes or `Z`.
    ///
    /// # Errors
    /// `InvalidInput` if the shape is another, or there is no such day or second.
    pub fn parse_rfc3339(text: &str) -> Result<Self, Error> {
        rfc3339(text).ok_or_else(|| refused_value("time", text, RFC3339_RULE))
    }

    /// Reads `yyyy-MM-dd HH:mm:ss` in China time.
    ///
    /// # Errors
    /// `InvalidInput` if the shape is another, or there is no such day or second.
    pub fn parse_china_text(text: &str) -> Result<Self, Error> {
        let refused = || refused_value("time", text, TIME_RULE);
        let (date, time) = text.split_once(' ').ok_or_else(refused)?;
        let [year, month, day] = numbers(date, '-', [4, 2, 2]).ok_or_else(refused)?;
        let [hour, minute, second] = numbers(time, ':', [2, 2, 2]).ok_or_else(refused)?;
        if year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return Err(refused());
        }
        if hour > 23 || minute > 59 || second > 59 {
            return Err(refused());
        }
        let days = days_of(year, month, day);
        if date_of(days) != (year, month, day) {
            return Err(refused());
        }
        let secs = days * DAY_SECS + hour * 3600 + minute * 60 + second;
        secs.checked_sub(CHINA_OFFSET_SECS).map(|secs| Self::from_millis(secs * 1000)).ok_or_else(refused)
    }
}

/// The local time read as China's, moved by the difference of the offsets.
fn rfc3339(text: &str) -> Option<UnixMillis> {
    let (local, rest) = (text.get(..19)?, text.get(19..)?);
    if !matches!(local.as_bytes().get(10), Some(b'T' | b't')) {
        return None;
    }
    let china = UnixMillis::parse_china_text(&local.replace(['T', 't'], " ")).ok()?;
    let (fraction, offset) = match rest.strip_prefix('.') {
        None => (0, rest),
        Some(rest) => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let millis = format!("{:0<3}", rest.get(..digits.min(3))?);
            ((1..=9).contains(&digits).then(|| millis.parse::<u64>().ok())??, rest.get(digits..)?)
        }
    };
    let utc = china.as_millis().checked_add(CHINA_OFFSET_SECS * 1000)?.checked_add(fraction)?;
    if matches!(offset, "Z" | "z") {
        return Some(UnixMillis::from_millis(utc));
    }
    let (sign, clock) = (offset.get(..1)?, offset.get(1..)?);
    let [hours, minutes] = clock_of(clock)?;
    let offset_millis = (hours * 60 + minutes) * 60_000;
    let at = if sign == "+" { utc.checked_sub(offset_millis) } else { utc.checked_add(offset_millis) };
    (matches!(sign, "+" | "-")).then_some(at?).map(UnixMillis::from_millis)
}

/// Hours and minutes of `HH:mm`.
fn clock_of(text: &str) -> Option<[u64; 2]> {
    let [hours, minutes, _] = numbers(&format!("{text}:00"), ':', [2, 2, 2])?;
    (hours <= 23 && minutes <= 59).then_some([hours, minutes])
}

/// Three numbers of exactly these widths, divided by `separator`.
fn numbers(text: &str, separator: char, widths: [usize; 3]) -> Option<[u64; 3]> {
    let mut parts = text.split(separator);
    let mut found = [0; 3];
    for (slot, width) in found.iter_mut().zip(widths) {
        let part = parts.next()?;
        if part.len() != width || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *slot = part.parse().ok()?;
    }
    parts.next().is_none().then_some(found)
}

/// Year, month and day of a day counted from 1970-01-01.
fn date_of(days: u64) -> (u64, u64, u64) {
    let shifted = days + EPOCH_DAYS;
    let (era, day_of_era) = (shifted / ERA_DAYS, shifted % ERA_DAYS);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

/// Days from 1970-01-01 to a date from 1970 on; a day that does not exist runs into the next month.
fn days_of(year: u64, month: u64, day: u64) -> u64 {
    let march_year = year - u64::from(month <= 2);
    let (era, year_of_era) = (march_year / 400, march_year % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * ERA_DAYS + day_of_era - EPOCH_DAYS
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_days() {
        for (millis, text) in [
            (0, "1970-01-01 08:00:00"),
            (951_753_600_000, "2000-02-29 00:00:00"),
            (4_107_513_600_000, "2100-03-01 00:00:00"),
            (UnixMillis::MAX.as_millis(), "9999-12-31 23:59:59"),
        ] {
            assert_eq!(UnixMillis::from_millis(millis).china_text(), text);
        }
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        for text in
            ["2023-02-29 00:00:00", "2100-02-29 00:00:00", "2024-04-31 00:00:00", "1970-01-01 07:59:59"]
        {
            assert!(UnixMillis::parse_china_text(text).is_err(), "{text}");
        }
        for text in
            ["2024-1-01 00:00:00", "2024-01-01T00:00:00", "2024-01-01 24:00:00", "+024-01-01 00:00:00", ""]
        {
            assert!(UnixMillis::parse_china_text(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rfc3339_in_any_offset() {
        let at = UnixMillis::from_millis(1_576_912_556_000);
        assert_eq!(at.china_rfc3339(), "2019-12-21T15:15:56+08:00");
        for text in ["2019-12-21T15:15:56+08:00", "2019-12-21T07:15:56Z", "2019-12-21T02:45:56-04:30"] {
            assert_eq!(UnixMillis::parse_rfc3339(text).unwrap(), at, "{text}");
        }
        let fraction = UnixMillis::parse_rfc3339("2019-12-21T15:15:56.05+08:00").unwrap();
        assert_eq!(fraction.as_millis(), at.as_millis() + 50);
        for text in [
            "2019-12-21 15:15:56+08:00",
            "2019-12-21T15:15:56",
            "2019-12-21T15:15:56+8:00",
            "2019-12-21T15:15:56.+08:00",
            "2019-12-21T15:15:56+24:00",
            "2019-02-29T15:15:56Z",
        ] {
            assert!(UnixMillis::parse_rfc3339(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn digits_and_moment_agree(secs in 0..=UnixMillis::MAX.as_millis() / 1000) {
            let at = UnixMillis::from_millis(secs * 1000);
            prop_assert_eq!(UnixMillis::parse_china_digits(&at.china_digits()).unwrap(), at);
            prop_assert_eq!(UnixMillis::parse_rfc3339(&at.china_rfc3339()).unwrap(), at);
        }

        #[test]
        fn any_other_text_is_answered(text in ".{0,30}") {
            let _answered = (UnixMillis::parse_rfc3339(&text), UnixMillis::parse_china_digits(&text));
        }

        #[test]
        fn text_and_moment_agree(secs in 0..=UnixMillis::MAX.as_millis() / 1000) {
            let at = UnixMillis::from_millis(secs * 1000);
            prop_assert_eq!(UnixMillis::parse_china_text(&at.china_text()).unwrap(), at);
        }

        #[test]
        fn any_text_is_answered(text in ".{0,24}") {
            if let Ok(at) = UnixMillis::parse_china_text(&text) {
                prop_assert_eq!(at.china_text(), text);
            }
        }
    }
}
