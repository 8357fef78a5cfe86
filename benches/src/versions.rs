//! Versions of the crates in a figure, read from the lock file that they were built with.

const LOCK: &str = include_str!("../../Cargo.lock");

/// The version of the crate `name`, or `unknown` when the lock file has none.
pub(crate) fn locked(name: &str) -> &'static str {
    let of_name = |package: &&str| package.lines().any(|line| line == format!("name = \"{name}\""));
    let version = |line: &'static str| line.strip_prefix("version = \"")?.strip_suffix('"');
    LOCK.split("[[package]]")
        .find(of_name)
        .and_then(|package| package.lines().find_map(version))
        .unwrap_or("unknown")
}

#[cfg(test)]
mod tests {
    use super::locked;

    #[test]
    fn every_named_crate_is_locked() {
        for name in [
            "redis",
            "deadpool-redis",
            "fred",
            "dashmap",
            "jsonwebtoken",
            "aws-lc-rs",
            "tower-sessions",
            "rsa",
            "sqlx",
        ] {
            assert!(locked(name).starts_with(|first: char| first.is_ascii_digit()), "{name}");
        }
        assert_eq!(locked("no-such-crate"), "unknown");
    }
}
