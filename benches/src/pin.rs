//! Which core a server runs on and which the callers: apart, as long as there are two.
//!
//! A child inherits the cores of the thread that starts it, so the thread moves before it starts one.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::Error;

/// The cores that this process may use, divided between servers and callers.
#[derive(Debug, Clone)]
pub(crate) struct Cores {
    /// For servers, at least one.
    servers: Vec<usize>,
    /// For the callers.
    callers: usize,
}

impl Cores {
    /// Divides what there is when the process starts; `None` when that is a single core.
    pub(crate) fn divide() -> Result<Option<Self>, Error> {
        // The first figure moves this thread to one core; what it had before is asked once.
        static ALL: std::sync::OnceLock<Vec<usize>> = std::sync::OnceLock::new();
        let all = match ALL.get() {
            Some(all) => all,
            None => {
                let now = sched_getaffinity(None).map_err(std::io::Error::from)?;
                ALL.get_or_init(|| (0..CpuSet::MAX_CPU).filter(|core| now.is_set(*core)).collect())
            }
        };
        Ok(match all.split_last() {
            Some((callers, servers)) if !servers.is_empty() => {
                Some(Self { servers: servers.to_vec(), callers: *callers })
            }
            _ => None,
        })
    }

    /// Moves this thread to the core of the server with this number, or to all cores of servers, so that
    /// what it starts runs there.
    pub(crate) fn be_server(&self, number: Option<usize>) -> Result<(), Error> {
        match number {
            Some(number) => move_to(self.servers.iter().cycle().skip(number % self.servers.len()).take(1)),
            None => move_to(&self.servers),
        }
    }

    /// How many cores servers and callers have together.
    pub(crate) fn count() -> Result<usize, Error> {
        Ok(Self::divide()?.map_or(1, |cores| cores.for_servers() + 1))
    }

    /// How many cores the servers have.
    pub(crate) fn for_servers(&self) -> usize {
        self.servers.len()
    }

    /// Moves this thread to the callers' core.
    pub(crate) fn be_caller(&self) -> Result<(), Error> {
        move_to([&self.callers])
    }
}

fn move_to<'a>(cores: impl IntoIterator<Item = &'a usize>) -> Result<(), Error> {
    let mut set = CpuSet::new();
    cores.into_iter().for_each(|core| set.set(*core));
    Ok(sched_setaffinity(None, &set).map_err(std::io::Error::from)?)
}
