//! Entries that were delivered and not acknowledged: taken again after a rest, and given up after too many.

use std::time::Duration;

use redis::Value;

use super::entry::Entry;
use super::fault::OrdersFault;
use super::keys::Part;
use super::line::Line;
use super::reader::Reader;
use crate::error::Error;

/// How many pending entries are looked at in one command.
const PAGE: usize = 64;

/// A pending entry as redis counts it: its id, who has it, for how many milliseconds, and how often it was
/// delivered.
type Pending = (String, String, u64, u32);

impl Reader {
    /// Takes every pending entry that has rested: our own after the pause of its last attempt, those of other
    /// consumers once they seem to be dead.
    pub(super) async fn look_after_pending(&self, line: &mut Line) -> Result<(), Error> {
        for part in Part::ALL {
            let mut from = "-".to_owned();
            loop {
                let page = self.pending(line, part, &from).await?;
                for pending in &page {
                    if self.is_stopped() {
                        return Ok(());
                    }
                    self.look_after(line, part, pending).await?;
                }
                match page.last() {
                    Some((last, ..)) if page.len() == PAGE => from = format!("({last}"),
                    _ => break,
                }
            }
        }
        Ok(())
    }

    async fn pending(&self, line: &mut Line, part: Part, from: &str) -> Result<Vec<Pending>, Error> {
        let shortest = self.who.pace.rest(1).min(self.who.pace.claim_after);
        let mut cmd = redis::cmd("XPENDING");
        cmd.arg(self.keys.stream(part)).arg(self.who.group.as_str());
        cmd.arg("IDLE").arg(shortest.as_millis().to_string()).arg(from).arg("+").arg(PAGE);
        line.ask(&cmd).await
    }

    async fn look_after(&self, line: &mut Line, part: Part, pending: &Pending) -> Result<(), Error> {
        let (id, owner, idle, attempts) = pending;
        let pace = &self.who.pace;
        let is_ours = owner == self.who.name.as_str();
        let rest = if is_ours { pace.rest(*attempts) } else { pace.rest_of_other(*attempts) };
        if Duration::from_millis(*idle) < rest {
            return Ok(());
        }
        if *attempts >= pace.attempts_max {
            // Nobody lived to say why.
            let reason = format!("delivered {attempts} times and never acknowledged");
            return self.bury(line, part, id, &reason).await;
        }
        let claimed = self.claim(line, part, id, rest).await?;
        for taken in self.sort(line, claimed).await? {
            match self.handle(line, std::slice::from_ref(&taken), &taken.events).await {
                Ok(()) => self.acknowledge(line, &[taken]).await?,
                Err(error) => {
                    let attempts = attempts.saturating_add(1);
                    match self.failed(&error) {
                        // Long before the last: who dies before this is done has not given the entry up.
                        true if attempts > pace.attempts_max / 2 => self.recount(line, part, id).await?,
                        false if attempts >= pace.attempts_max => {
                            self.bury(line, part, id, &error.to_string()).await?;
                        }
                        _ => {}
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes back half of the attempts of an entry that is not to blame for them.
    async fn recount(&self, line: &mut Line, part: Part, id: &str) -> Result<(), Error> {
        let mut cmd = redis::cmd("XCLAIM");
        cmd.arg(self.keys.stream(part)).arg(self.who.group.as_str()).arg(self.who.name.as_str());
        cmd.arg(0).arg(id).arg("RETRYCOUNT").arg(self.who.pace.attempts_max / 2).arg("JUSTID");
        let _ids: Value = line.ask(&cmd).await?;
        Ok(())
    }

    /// Takes an entry over, unless somebody else was faster: then it has not rested long enough any more.
    async fn claim(
        &self,
        line: &mut Line,
        part: Part,
        id: &str,
        rest: Duration,
    ) -> Result<Vec<(Part, Entry)>, Error> {
        let mut cmd = redis::cmd("XCLAIM");
        cmd.arg(self.keys.stream(part)).arg(self.who.group.as_str()).arg(self.who.name.as_str());
        cmd.arg(rest.as_millis().to_string()).arg(id);
        let claimed: Value = line.ask(&cmd).await?;
        let claimed = Entry::list(claimed).ok_or(OrdersFault::Answer)?;
        Ok(claimed.into_iter().map(|entry| (part, entry)).collect())
    }
}
