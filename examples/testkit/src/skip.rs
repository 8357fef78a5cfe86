//! Leaving out a server on purpose, and only on purpose.

use std::env;

/// Names the servers whose tests are left out, divided by commas.
const VARIABLE: &str = "TESTKIT_SKIP";

/// Whether the environment variable `TESTKIT_SKIP` names `server`; says so on standard error when it does.
///
/// The names are `redis`, `sshd`, `nginx`, `chromium`, `postgres` and `mariadb`, and `npm`, `python3` and `cargo` for
/// programs that these install or build. A server that is not named is required: when its program is missing, the test fails with the command
/// that installs it.
///
/// ```
/// # fn main() -> Result<(), testkit::Error> {
/// if testkit::skipped("redis") {
///     return Ok(());
/// }
/// let redis = testkit::Redis::start()?;
/// # drop(redis);
/// # Ok(()) }
/// ```
pub fn skipped(server: &str) -> bool {
    let list = env::var(VARIABLE).unwrap_or_default();
    let skip = names(&list).any(|name| name == server);
    if skip {
        eprintln!("skipped: {VARIABLE} names {server}");
    }
    skip
}

fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split([',', ' ']).map(str::trim).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn names_are_divided_by_commas_or_blanks_and_match_as_a_whole() {
        assert_eq!(names(" redis, sshd mariadb,,").collect::<Vec<_>>(), ["redis", "sshd", "mariadb"]);
        assert_eq!(names("").count(), 0);
    }
}
