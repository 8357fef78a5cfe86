//! One shard of one consumer: reads, hands over, acknowledges, and connects again when redis was away.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use redis::Value;
use tokio::sync::watch;
use tokio::time::Instant;

use super::entry::Entry;
use super::event::OrderEvent;
use super::fault::OrdersFault;
use super::handler::{HandlerError, OrderHandler, Trouble};
use super::keys::{Part, ShardKeys};
use super::line::{Line, Servers};
use super::names::{ConsumerName, GroupName};
use super::pace::Pace;
use super::scripts::{BURY, JOIN};
use super::words;
use crate::error::Error;
use crate::ids::SaleId;

/// Pauses between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// For whom is read, and how.
pub(super) struct Who {
    pub(super) group: GroupName,
    pub(super) name: ConsumerName,
    pub(super) pace: Pace,
}

/// Reads one shard.
pub(super) struct Reader {
    servers: Servers,
    sale: SaleId,
    pub(super) keys: ShardKeys,
    pub(super) who: Who,
    handler: Arc<dyn OrderHandler>,
    stopped: watch::Receiver<bool>,
    pause: Duration,
}

/// An entry that is ours to handle.
pub(super) struct Taken {
    pub(super) part: Part,
    pub(super) id: String,
    pub(super) events: Vec<OrderEvent>,
}

impl Reader {
    pub(super) fn new(
        servers: Servers,
        sale: SaleId,
        keys: ShardKeys,
        who: Who,
        handler: Arc<dyn OrderHandler>,
        stopped: watch::Receiver<bool>,
    ) -> Self {
        Self { servers, sale, keys, who, handler, stopped, pause: PAUSE }
    }

    /// Until it is told to stop, or cannot go on.
    pub(super) async fn run(mut self) -> Result<(), Error> {
        loop {
            match self.session().await {
                Ok(()) => return Ok(()),
                Err(error) if !error.is_transient() => return Err(error),
                Err(error) => self.handler.troubled(&Trouble::Unavailable { error: &error }),
            }
            let mut stopped = self.stopped.clone();
            tokio::select! {
                _ = stopped.wait_for(|stop| *stop) => return Ok(()),
                () = tokio::time::sleep(self.pause) => self.pause = (self.pause * 2).min(PAUSE_MAX),
            }
        }
    }

    /// As long as one connection lasts.
    async fn session(&mut self) -> Result<(), Error> {
        let mut stopped = self.stopped.clone();
        let mut line = self.servers.open(&self.sale).await?;
        let streams = [&*self.keys.wins, &*self.keys.changes, &*self.keys.again];
        let _made: u32 = line.run(&JOIN, &streams, &[self.who.group.as_str()]).await?;
        let mut look_at = Instant::now();
        while !*stopped.borrow() {
            if Instant::now() >= look_at {
                self.look_after_pending(&mut line).await?;
                look_at = Instant::now() + self.who.pace.look_every();
            }
            let entries = tokio::select! {
                // The connection goes with the read; what it was given meanwhile stays pending.
                _ = stopped.wait_for(|stop| *stop) => return Ok(()),
                entries = self.read(&mut line) => entries?,
            };
            self.pause = PAUSE;
            let batch = self.sort(&mut line, entries).await?;
            self.hand_over(&mut line, batch).await?;
        }
        Ok(())
    }

    pub(super) fn is_stopped(&self) -> bool {
        *self.stopped.borrow()
    }

    /// Waits for new entries, but not for longer than until pending ones have to be looked after.
    async fn read(&self, line: &mut Line) -> Result<Vec<(Part, Entry)>, Error> {
        let span = self.who.pace.look_every();
        let mut cmd = redis::cmd("XREADGROUP");
        cmd.arg("GROUP").arg(self.who.group.as_str()).arg(self.who.name.as_str());
        cmd.arg("COUNT").arg(self.who.pace.entries_max);
        cmd.arg("BLOCK").arg(span.as_millis().to_string()).arg("STREAMS");
        Part::ALL.iter().for_each(|part| {
            cmd.arg(self.keys.stream(*part));
        });
        Part::ALL.iter().for_each(|_| {
            cmd.arg(">");
        });
        self.streams(line.wait(&cmd, span).await?).ok_or_else(|| OrdersFault::Answer.into())
    }

    /// The entries of all streams in an answer.
    fn streams(&self, answer: Value) -> Option<Vec<(Part, Entry)>> {
        let pairs: Vec<(Value, Value)> = match answer {
            Value::Nil => return Some(Vec::new()),
            Value::Map(pairs) => pairs,
            Value::Array(rows) => rows.into_iter().map(pair).collect::<Option<_>>()?,
            _ => return None,
        };
        let mut entries = Vec::new();
        for (key, rows) in pairs {
            let Value::BulkString(key) = key else { return None };
            let part = Part::ALL.into_iter().find(|part| self.keys.stream(*part).as_bytes() == key)?;
            entries.extend(Entry::list(rows)?.into_iter().map(|entry| (part, entry)));
        }
        Some(entries)
    }

    /// Reads entries, buries those that cannot be read, and acknowledges those that are for other groups.
    pub(super) async fn sort(
        &self,
        line: &mut Line,
        entries: Vec<(Part, Entry)>,
    ) -> Result<Vec<Taken>, Error> {
        let mut batch = Vec::with_capacity(entries.len());
        for (part, entry) in entries {
            if part == Part::Again && entry.text("g") != Some(self.who.group.as_str()) {
                self.acknowledge(line, &[Taken { part, id: entry.id, events: Vec::new() }]).await?;
                continue;
            }
            match words::events(&entry, &self.sale, self.keys.shard, part) {
                Ok(events) => batch.push(Taken { part, id: entry.id, events }),
                Err(error) => self.bury(line, part, &entry.id, &error.to_string()).await?,
            }
        }
        Ok(batch)
    }

    /// Has a fresh batch handled. When that fails, its entries stay pending and come again one by one.
    async fn hand_over(&self, line: &mut Line, batch: Vec<Taken>) -> Result<(), Error> {
        if batch.is_empty() {
            return Ok(());
        }
        let mut events: Vec<OrderEvent> = batch.iter().flat_map(|taken| &taken.events).cloned().collect();
        // Two streams are one history.
        events.sort_by_key(|event| event.sequence);
        match self.handle(line, &batch, &events).await {
            Ok(()) => self.acknowledge(line, &batch).await,
            Err(error) => {
                self.handler.troubled(&Trouble::Failed { error: &error, entries: batch.len() });
                Ok(())
            }
        }
    }

    /// Calls the handler, and says meanwhile that the entries are being worked on.
    pub(super) async fn handle(
        &self,
        line: &mut Line,
        batch: &[Taken],
        events: &[OrderEvent],
    ) -> Result<(), HandlerError> {
        tokio::select! {
            handled = self.handler.handle(events) => handled,
            never = self.keep_renewing(line, batch) => match never {},
        }
    }

    async fn keep_renewing(&self, line: &mut Line, batch: &[Taken]) -> Infallible {
        loop {
            tokio::time::sleep(self.who.pace.renew_every()).await;
            if let Err(error) = self.renew(line, batch).await {
                self.handler.troubled(&Trouble::Unavailable { error: &error });
            }
        }
    }

    async fn renew(&self, line: &mut Line, batch: &[Taken]) -> Result<(), Error> {
        for (part, ids) in by_part(batch) {
            let mut cmd = redis::cmd("XCLAIM");
            cmd.arg(self.keys.stream(part)).arg(self.who.group.as_str()).arg(self.who.name.as_str());
            let _ids: Value = line.ask(cmd.arg(0).arg(&ids).arg("JUSTID")).await?;
        }
        Ok(())
    }

    pub(super) async fn acknowledge(&self, line: &mut Line, batch: &[Taken]) -> Result<(), Error> {
        for (part, ids) in by_part(batch) {
            let mut cmd = redis::cmd("XACK");
            cmd.arg(self.keys.stream(part)).arg(self.who.group.as_str()).arg(&ids);
            let _acknowledged: u64 = line.ask(&cmd).await?;
        }
        Ok(())
    }

    /// Moves an entry to the dead letters.
    pub(super) async fn bury(
        &self,
        line: &mut Line,
        part: Part,
        id: &str,
        reason: &str,
    ) -> Result<(), Error> {
        let reason: String = reason.chars().flat_map(char::escape_debug).take(256).collect();
        let (keys, group) = ([self.keys.stream(part), &self.keys.dead], &self.who.group);
        let buried: u32 = line.run(&BURY, &keys, &[group.as_str(), id, part.name(), &reason]).await?;
        if buried > 0 {
            let shard = self.keys.shard;
            self.handler.troubled(&Trouble::Buried { group, shard, entry: id, reason: &reason });
        }
        Ok(())
    }

    /// Says that one entry failed; whether that is no fault of its.
    pub(super) fn failed(&self, error: &HandlerError) -> bool {
        self.handler.troubled(&Trouble::Failed { error, entries: 1 });
        self.handler.is_transient(error)
    }
}

fn by_part(batch: &[Taken]) -> impl Iterator<Item = (Part, Vec<&str>)> {
    let ids =
        |part| batch.iter().filter(|taken| taken.part == part).map(|taken| &*taken.id).collect::<Vec<_>>();
    Part::ALL.into_iter().map(move |part| (part, ids(part))).filter(|(_, ids)| !ids.is_empty())
}

fn pair(row: Value) -> Option<(Value, Value)> {
    let Value::Array(row) = row else { return None };
    let mut row = row.into_iter();
    Some((row.next()?, row.next()?))
}
