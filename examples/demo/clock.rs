//! The demo's clock: the only place of it that asks for the time.

use std::time::{SystemTime, UNIX_EPOCH};

use rbac::{Clock as _, SystemClock};

/// Milliseconds since the epoch; zero for a machine whose clock stands before it. It is good for what is written down
/// and shown only; what is decided by the time, such as whether something is over, is asked with [`now`].
pub(crate) fn now_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// This moment, for all that is decided by it. A clock that stands before 1970 is an error: by it, roles that have ended
/// would hold again, and nothing would ever be over.
pub(crate) fn now() -> Result<rbac::UnixMillis, rbac::Error> {
    SystemClock.now()
}

/// The same as a column of SQL holds it.
pub(crate) fn to_column(millis: u64) -> i64 {
    i64::try_from(millis).unwrap_or(i64::MAX)
}

/// The time in a column; the first one for a column that holds none.
pub(crate) fn from_column(column: i64) -> Result<seckill::UnixMillis, seckill::Error> {
    seckill::UnixMillis::new(u64::try_from(column).unwrap_or(0))
}

/// A time for people: `2026-03-01 08:05 UTC`.
pub(crate) fn text(millis: u64) -> String {
    let minutes = millis / 60_000;
    let (year, month, day) = civil(minutes / 1440);
    format!("{year}-{month:02}-{day:02} {:02}:{:02} UTC", minutes / 60 % 24, minutes % 60)
}

/// The day of a time: `2026-03-01`.
pub(crate) fn day(millis: u64) -> String {
    let (year, month, day) = civil(millis / 86_400_000);
    format!("{year}-{month:02}-{day:02}")
}

/// A time as the field of a form holds it: `2026-03-01T08:05`.
pub(crate) fn field(millis: u64) -> String {
    let minutes = millis / 60_000;
    let (year, month, day) = civil(minutes / 1440);
    format!("{year}-{month:02}-{day:02}T{:02}:{:02}", minutes / 60 % 24, minutes % 60)
}

/// The milliseconds of a UTC date `2026-03-01` or time `2026-03-01T08:05`, with seconds or a `Z` behind it if wanted;
/// none for anything else. Years go from 1970 to 9999.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let (date, time) = text.split_once('T').unwrap_or((text, "00:00"));
    let number = |text: &str, digits: usize| -> Option<u64> {
        let plain = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| text.parse().ok()).flatten()
    };
    let [year, month, day] = date.split('-').collect::<Vec<_>>().try_into().ok()?;
    let (year, month, day) = (number(year, 4)?, number(month, 2)?, number(day, 2)?);
    let mut parts = time.split(':');
    let (hour, minute) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    let second = parts.next().map_or(Some(0), |second| number(second, 2))?;
    if parts.next().is_some() || year < 1970 || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = day_number(year, month, day)?;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000)
}

/// Days since 1970-01-01; none for a date that no calendar has.
fn day_number(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1..=12).contains(&month) || day == 0 {
        return None;
    }
    let (shifted, from_march) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    let day_of_year = (153 * from_march + 2) / 5 + day - 1;
    let (era, year_of_era) = (shifted / 400, shifted % 400);
    let days = era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = days.checked_sub(719_468)?;
    // A 31 April is the 1 May: what does not come back as it went in is no date.
    (civil(days) == (year, month, day)).then_some(days)
}

/// The date of a day since 1970-01-01, in years that begin in March, so that a leap day is a year's last.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::{field, parse, text};

    #[test]
    fn times_are_read_back() {
        for millis in [0, 951_782_340_000, 951_782_400_000, 1_735_689_600_000, 4_107_542_340_000] {
            assert_eq!(parse(&field(millis)), Some(millis));
        }
        assert_eq!(parse("2025-01-01"), Some(1_735_689_600_000));
        assert_eq!(parse("2025-01-01T00:00:01Z"), Some(1_735_689_601_000));
        let odd = ["", "2025", "2025-02-29", "2025-04-31", "2025-13-01", "2025-01-01T24:00", "1969-12-31"];
        for text in
            odd.into_iter().chain(["2025-1-1", "2025-01-01T1:00", "+025-01-01", "2025-01-01T10:00:00:00"])
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn times_are_read_by_people() {
        assert_eq!(text(0), "1970-01-01 00:00 UTC");
        assert_eq!(text(951_782_399_000), "2000-02-28 23:59 UTC");
        assert_eq!(text(951_782_400_000), "2000-02-29 00:00 UTC");
        assert_eq!(text(1_735_689_600_000), "2025-01-01 00:00 UTC");
        assert_eq!(text(4_107_542_399_999), "2100-02-28 23:59 UTC");
    }
}
