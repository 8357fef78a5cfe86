//! The demo's clock: the only place of it that asks for the time.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since the epoch; zero for a machine whose clock stands before it.
pub(crate) fn now_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
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
    use super::text;

    #[test]
    fn times_are_read_by_people() {
        assert_eq!(text(0), "1970-01-01 00:00 UTC");
        assert_eq!(text(951_782_399_000), "2000-02-28 23:59 UTC");
        assert_eq!(text(951_782_400_000), "2000-02-29 00:00 UTC");
        assert_eq!(text(1_735_689_600_000), "2025-01-01 00:00 UTC");
        assert_eq!(text(4_107_542_399_999), "2100-02-28 23:59 UTC");
    }
}
