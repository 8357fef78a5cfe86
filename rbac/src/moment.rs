//! Moments as people write them (RFC 3339). Digits alone are refused: `2026` would be two seconds after 1970.

use crate::time::UnixMillis;

const DAY_MILLIS: u64 = 86_400_000;

/// Reads `2026-01-01T00:00:00Z`, also with `.5` and with offsets such as `+08:00`.
///
/// Years from 1970 to 9999; no leap seconds.
pub(crate) fn parse(text: &str) -> Option<UnixMillis> {
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let mut date = date.split('-');
    let (year, month, day) = (digits(date.next()?, 4)?, digits(date.next()?, 2)?, digits(date.next()?, 2)?);
    if date.next().is_some() || !(1970..=9999).contains(&year) || !(1..=12).contains(&month) {
        return None;
    }
    if !(1..=month_days(year, month)).contains(&day) {
        return None;
    }
    let (clock, offset_minutes) = zone(time)?;
    let millis = (days_before(year, month).checked_add(day)?.checked_sub(1)?) * DAY_MILLIS + of_day(clock)?;
    let millis = i64::try_from(millis).ok()?.checked_sub(offset_minutes * 60_000)?;
    u64::try_from(millis).ok().and_then(|millis| UnixMillis::new(millis).ok())
}

/// Writes `2026-01-01T00:00:00Z`, with three decimals if they are not zero.
pub(crate) fn text(at: UnixMillis) -> String {
    let (mut days, millis) = (at.get() / DAY_MILLIS, at.get() % DAY_MILLIS);
    let (mut year, mut month) = (1970, 1);
    while days >= year_days(year) {
        days -= year_days(year);
        year += 1;
    }
    while days >= month_days(year, month) {
        days -= month_days(year, month);
        month += 1;
    }
    let (second, fraction) = (millis / 1000, millis % 1000);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let fraction = if fraction == 0 { String::new() } else { format!(".{fraction:03}") };
    format!("{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z", days + 1)
}

/// Splits the zone off: the time of the day, and by how many minutes it is ahead of UTC.
fn zone(time: &str) -> Option<(&str, i64)> {
    if let Some(clock) = time.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let (clock, zone) = time.split_at_checked(time.len().checked_sub(6)?)?;
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    let ahead = i64::try_from(hours * 60 + minutes).ok()?;
    if hours > 23 || minutes > 59 {
        return None;
    }
    match zone.bytes().next()? {
        b'+' => Some((clock, ahead)),
        b'-' => Some((clock, -ahead)),
        _ => None,
    }
}

fn of_day(clock: &str) -> Option<u64> {
    let (clock, fraction) = clock.split_once('.').map_or((clock, None), |(clock, rest)| (clock, Some(rest)));
    let mut parts = clock.split(':');
    let (hour, minute, second) =
        (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let millis = fraction.map_or(Some(0), |fraction| {
        let short = fraction.len() <= 9 && !fraction.is_empty();
        let first = format!("{fraction:0<3}");
        (short && fraction.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits(first.get(..3)?, 3))?
    })?;
    Some(((hour * 60 + minute) * 60 + second) * 1000 + millis)
}

fn digits(text: &str, count: usize) -> Option<u64> {
    (text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

fn days_before(year: u64, month: u64) -> u64 {
    let years: u64 = (1970..year).map(year_days).sum();
    years + (1..month).map(|month| month_days(year, month)).sum::<u64>()
}

const fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn year_days(year: u64) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

const fn month_days(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::{UnixMillis, parse, text};

    #[test]
    fn moments_are_those_of_the_calendar() {
        for (written, millis) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-01-01T00:00:00Z", 1_767_225_600_000),
            ("2026-01-01T08:00:00+08:00", 1_767_225_600_000),
            ("2025-12-31T19:00:00.000-05:00", 1_767_225_600_000),
            ("2024-02-29T23:59:59.999Z", 1_709_251_199_999),
            ("2024-02-29 23:59:59.5Z", 1_709_251_199_500),
            ("9999-12-31T23:59:59.999Z", UnixMillis::MAX.get()),
        ] {
            assert_eq!(parse(written).map(UnixMillis::get), Some(millis), "{written}");
        }
        for bad in [
            "",
            "2026",
            "1767225600000",
            "-1",
            "2026-01-01",
            "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:60Z",
            "2026-01-01T00:00:00",
            "2026-01-01T00:00:00+24:00",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+00:01",
            "2026-1-1T00:00:00Z",
            "2026-01-01T00:00:00.Z",
            "99999999999999999999",
            "2026-01-01T00:00:00é05:00",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_written_moment_is_read_back() {
        for millis in (0..UnixMillis::MAX.get()).step_by(8_640_000_007_919).chain([0, 1, 951_782_400_000]) {
            let at = UnixMillis::new(millis).unwrap();
            assert_eq!(parse(&text(at)), Some(at), "{millis}");
        }
    }
}
