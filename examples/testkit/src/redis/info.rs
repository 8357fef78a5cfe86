//! What a server tells about itself with `INFO`.

use std::collections::HashMap;

use super::{Redis, SERVER};
use crate::Error;

impl Redis {
    /// The fields of one section of `INFO`, such as `cpu`, `memory`, `stats`, `replication` or `commandstats`.
    ///
    /// ```
    /// # fn main() -> Result<(), testkit::Error> {
    /// # if testkit::skipped("redis") { return Ok(()); }
    /// let redis = testkit::Redis::start()?;
    /// assert_eq!(redis.info("replication")?["role"], "master");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidInput` when the server has no such section, else as [`Redis::cli`].
    pub fn info(&self, section: &str) -> Result<HashMap<String, String>, Error> {
        let reply = self.cli(&["INFO", section])?;
        if reply.trim().is_empty() {
            return Err(Error::invalid(format!("`{}` is no section of INFO", section.escape_debug())));
        }
        Ok(fields(&reply))
    }

    /// The processor time that the server has used since its start, in microseconds: `used_cpu_user` and
    /// `used_cpu_sys`, without children.
    ///
    /// # Errors
    ///
    /// `PeerMisbehaved` when the server does not tell, else as [`Redis::cli`].
    pub fn cpu_micros(&self) -> Result<u64, Error> {
        let cpu = self.info("cpu")?;
        let used = |name| cpu.get(name).and_then(|seconds| micros(seconds));
        let sum = used("used_cpu_user").zip(used("used_cpu_sys")).map(|(user, sys)| user.saturating_add(sys));
        sum.ok_or_else(|| Error::unexpected(SERVER.name, &format!("{cpu:?}")))
    }

    /// The memory that the server has allocated, in bytes: `used_memory`.
    ///
    /// # Errors
    ///
    /// `PeerMisbehaved` when the server does not tell, else as [`Redis::cli`].
    pub fn used_memory(&self) -> Result<u64, Error> {
        let memory = self.info("memory")?;
        let used = memory.get("used_memory").and_then(|bytes| bytes.parse().ok());
        used.ok_or_else(|| Error::unexpected(SERVER.name, &format!("{memory:?}")))
    }
}

/// `name:value` lines between headings that begin with `#`.
fn fields(reply: &str) -> HashMap<String, String> {
    reply
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.trim_end().split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// `12.345678` seconds in microseconds.
fn micros(seconds: &str) -> Option<u64> {
    let (whole, fraction) = seconds.split_once('.')?;
    let whole: u64 = whole.parse().ok()?;
    let fraction: u64 = (fraction.len() == 6).then(|| fraction.parse().ok())??;
    whole.checked_mul(1_000_000)?.checked_add(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_lines_with_a_colon_and_values_keep_theirs() {
        let read = fields("# Memory\r\nused_memory:863\r\nslave0:ip=::1\r\n\r\n");
        assert_eq!(read.len(), 2);
        assert_eq!((read["used_memory"].as_str(), read["slave0"].as_str()), ("863", "ip=::1"));
    }

    #[test]
    fn seconds_have_six_digits_behind_the_point() {
        assert_eq!(micros("12.034567"), Some(12_034_567));
        assert_eq!(micros("0.000001"), Some(1));
        for wrong in ["", "12", "1.5", "-1.000000", "1.00000x", "99999999999999.000000"] {
            assert_eq!(micros(wrong), None, "{wrong}");
        }
    }
}
