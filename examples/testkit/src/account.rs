//! Accounts of the machine, read from /etc/passwd.

use std::fs;

use crate::Error;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The account that runs the tests.
pub(crate) fn current() -> Result<Account, Error> {
    let uid = rustix::process::geteuid().as_raw();
    find(|account| account.uid == uid)?
        .ok_or_else(|| Error::invalid(format!("user id `{uid}` has no line in /etc/passwd; add one")))
}

pub(crate) fn named(name: &str) -> Result<Option<Account>, Error> {
    find(|account| account.name == name)
}

fn find(wanted: impl Fn(&Account) -> bool) -> Result<Option<Account>, Error> {
    let accounts = fs::read_to_string("/etc/passwd").map_err(|e| Error::io("read `/etc/passwd`", e))?;
    Ok(accounts.lines().filter_map(parse).find(wanted))
}

fn parse(line: &str) -> Option<Account> {
    let mut fields = line.split(':');
    let name = fields.next()?.to_owned();
    let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(Account { name, uid, gid })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_passwd_is_read_and_a_broken_one_is_not() {
        let found = parse("postgres:x:107:112:PostgreSQL administrator,,,:/var/lib/postgresql:/bin/bash");
        assert_eq!(found, Some(Account { name: "postgres".to_owned(), uid: 107, gid: 112 }));
        assert_eq!(parse("postgres:x:many:112"), None);
        assert_eq!(parse(""), None);
    }
}
