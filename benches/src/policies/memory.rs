//! How much memory a policy takes, measured by a process that holds nothing else.

use serde::{Deserialize, Serialize};

use super::Size;
use crate::Error;

/// Bytes beyond those that the process had before.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// With the policy, after the rows that it was compiled from are gone: what the system gave, freed rows that the
    /// allocator keeps among them.
    pub(crate) resident: f64,
    /// The policy alone: what was allocated and not freed.
    pub(crate) live: f64,
    /// At the worst moment: rows and policy together.
    pub(crate) peak: f64,
}

/// Compiles a policy of so many users and roles, and says as a line of JSON what this process takes more than before.
/// `live` tells how many bytes are allocated.
///
/// # Errors
/// `Answer` when the arguments are not two numbers, and what else keeps a policy from being compiled.
pub fn policy_memory(
    mut args: impl Iterator<Item = String>,
    live: impl Fn() -> u64,
) -> Result<String, Error> {
    let mut number = || {
        let given = args.next().unwrap_or_default();
        given
            .parse()
            .map_err(|_| Error::Answer { given, wanted: "a number of users, then one of roles".to_owned() })
    };
    let size = Size { users: number()?, roles: number()? };
    let (before, live_before) = (bytes("VmRSS:")?, live());
    let policy = size.policy()?;
    let live = live().saturating_sub(live_before);
    let live = u32::try_from(live).map_err(|_| Error::Answer {
        given: format!("{live} bytes"),
        wanted: "less than 4 GiB".to_owned(),
    })?;
    let memory =
        Memory { resident: bytes("VmRSS:")? - before, live: live.into(), peak: bytes("VmHWM:")? - before };
    let users = policy.users().count();
    if u32::try_from(users) != Ok(size.users) {
        return Err(Error::Answer { given: format!("{users} users"), wanted: size.users.to_string() });
    }
    Ok(serde_json::to_string(&memory)?)
}

/// What the system says about this process, in bytes.
fn bytes(field: &str) -> Result<f64, Error> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix(field)?.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    let missing = || std::io::Error::other(format!("no `{field}` in /proc/self/status"));
    Ok(kib.ok_or_else(missing)? * 1024.0)
}
