//! The way of one request: to the node of its keys, and after them when they move.
//!
//! It is sent once. It is sent again only to where a server says that it belongs: that server ran nothing.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::ConnectionLike;
use redis::{Cmd, ErrorKind, Pipeline, RedisError, RedisFuture, RedisResult, ServerErrorKind, Value};

use super::{Address, Nodes, Opening, look};
use crate::store::link::broken::{is_cut, is_torn};
use crate::store::link::seeds::Places;
use crate::store::link::slot;
use crate::store::link::wire::{self, Words};

/// A pause before a node is asked again that moves keys or is not ready.
const PAUSE: Duration = Duration::from_millis(5);

/// The way of one call: to the node of its keys.
pub(crate) struct Routed<'a> {
    nodes: &'a Nodes,
    /// Where the last command went, and over which connection.
    last: Option<(Address, Opening)>,
}

impl<'a> Routed<'a> {
    pub(super) fn new(nodes: &'a Nodes) -> Self {
        Self { nodes, last: None }
    }

    /// Gives up the connection that did not answer in time.
    pub(in crate::store::link) fn give_up(&self) {
        if let Some((address, opening)) = &self.last
            && opening.get().is_some()
        {
            self.nodes.forget(address, opening);
        }
    }

    async fn send(&mut self, words: Words<'_>) -> RedisResult<Value> {
        let keys = match words {
            Words::One(cmd) => slot::keys(cmd),
            Words::Several(cmds) => cmds.cmd_iter().next().and_then(slot::keys),
        };
        let (mut asked, mut is_moved) = (None, false);
        loop {
            let asking = asked.is_some();
            let address = match (asked.take(), keys, &self.last) {
                (Some(address), ..) => address,
                (None, Some(keys), _) => self.nodes.address(keys.slot).await?,
                // A command without keys, as the loading of a script, goes where the last one went.
                (None, None, Some((address, _))) => Arc::clone(address),
                (None, None, None) => self.nodes.address(0).await?,
            };
            let error = match self.send_to(&address, words, asking).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            match error.kind() {
                // A node of a cluster, given as a server of its own: the keys of others are out of reach.
                ErrorKind::Server(ServerErrorKind::Moved) if self.nodes.seeds.places != Places::Cluster => {
                    return Err(error);
                }
                ErrorKind::Server(ServerErrorKind::Moved) => {
                    self.note_moved(&address, &error);
                    // Two nodes that do not agree yet send it back and forth.
                    if is_moved {
                        tokio::time::sleep(PAUSE).await;
                    }
                    is_moved = true;
                }
                // INVARIANT: a call over several keys waits until they are together again. Where it is sent on to,
                // a key that has not come yet looks like one that does not exist.
                ErrorKind::Server(ServerErrorKind::Ask) => match error.redirect_node() {
                    Some((node, _)) if keys.is_some_and(|keys| keys.is_single) => {
                        asked = Some(look::whole(node, &address));
                    }
                    _ => tokio::time::sleep(PAUSE).await,
                },
                ErrorKind::Server(ServerErrorKind::TryAgain | ServerErrorKind::ClusterDown) => {
                    self.forget_moved(keys);
                    tokio::time::sleep(PAUSE).await;
                }
                ErrorKind::Server(ServerErrorKind::ReadOnly) => {
                    self.give_up();
                    return Err(error);
                }
                _ if is_torn(&error) => tokio::time::sleep(PAUSE).await,
                _ => return Err(error),
            }
        }
    }

    async fn send_to(&mut self, address: &Address, words: Words<'_>, asking: bool) -> RedisResult<Value> {
        let opening = self.nodes.opening(address);
        self.last = Some((Arc::clone(address), Arc::clone(&opening)));
        let connection = self.nodes.opened(address, &opening).await?;
        let sent = wire::send(&connection, words, asking).await;
        if sent.as_ref().is_err_and(is_cut) {
            self.nodes.forget(address, &opening);
        }
        sent
    }

    fn note_moved(&self, from: &Address, error: &RedisError) {
        match error.redirect_node() {
            Some((node, slot)) => {
                let to = look::whole(node, from);
                self.nodes.lock().moved.insert(slot, to);
            }
            None => self.give_up(),
        }
    }

    fn forget_moved(&self, keys: Option<slot::Keys>) {
        if let Some(keys) = keys {
            self.nodes.lock().moved.remove(&keys.slot);
        }
    }
}

impl ConnectionLike for Routed<'_> {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(self.send(Words::One(cmd)))
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async move {
            match self.send(Words::Several(pipeline)).await? {
                Value::Array(answers) => Ok(answers.into_iter().skip(offset).take(count).collect()),
                _ => Err((ErrorKind::Client, "several commands have one answer").into()),
            }
        })
    }

    fn get_db(&self) -> i64 {
        self.nodes.seeds.node("").redis_settings().db()
    }
}
