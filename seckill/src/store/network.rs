//! The way to the servers: one, the master that sentinels name, or the nodes of a cluster. No library below
//! sends anything twice; what may be sent again is decided above, where requests are known to be idempotent.

mod nodes;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionManager, MultiplexedConnection};
use redis::{Cmd, FromRedisValue, Pipeline, RedisResult, Value};

use self::nodes::Nodes;
pub(crate) use self::nodes::{Places, Seeds};
use super::broken::Broken;

/// How long a call may take, unless told otherwise.
pub(crate) const DEADLINE: Duration = Duration::from_secs(1);

/// Where a command goes: the slot of its keys, and the lane, which has a connection of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Route {
    pub(crate) slot: u16,
    pub(crate) lane: usize,
}

/// How many replicas have to have a write before its answer counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wait {
    pub(crate) replicas: u32,
    pub(crate) timeout: Duration,
}

/// Servers and the time that one call to them may take.
pub(crate) struct Network {
    pub(crate) way: Arc<Way>,
    pub(crate) deadline: Duration,
}

pub(crate) enum Way {
    Multiplexed(MultiplexedConnection),
    Manager(ConnectionManager),
    #[cfg(feature = "deadpool")]
    Pool(deadpool_redis::Pool),
    Nodes(Box<Nodes>),
}

impl Network {
    /// Over connections that are opened on demand.
    pub(crate) fn of_seeds(seeds: Seeds) -> Self {
        Self { way: Arc::new(Way::Nodes(Box::new(Nodes::new(seeds)))), deadline: DEADLINE }
    }

    /// The same way with another deadline.
    pub(crate) fn with_deadline(&self, deadline: Duration) -> Self {
        Self { way: Arc::clone(&self.way), deadline }
    }

    /// Whether each lane has a connection of its own.
    pub(crate) fn has_lanes(&self) -> bool {
        match &*self.way {
            Way::Multiplexed(_) | Way::Manager(_) => false,
            #[cfg(feature = "deadpool")]
            Way::Pool(_) => true,
            Way::Nodes(_) => true,
        }
    }

    /// Sends one command, once, and waits for its answer.
    pub(crate) async fn ask<T: FromRedisValue>(&self, route: Route, cmd: Cmd) -> Result<T, Broken> {
        self.ask_and_wait(route, cmd, None).await
    }

    /// Sends one command, and waits until so many replicas have what this connection has written.
    pub(crate) async fn ask_and_wait<T: FromRedisValue>(
        &self,
        route: Route,
        cmd: Cmd,
        wait: Option<Wait>,
    ) -> Result<T, Broken> {
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.ignore_errors().add_command(cmd);
        if let Some(wait) = wait {
            pipeline.cmd("WAIT").arg(wait.replicas).arg(wait.timeout.as_millis().to_string());
        }
        let mut answers = self.send(route, &pipeline).await?.into_iter();
        let answer = read(answers.next())?;
        if let Some(wait) = wait {
            let acked: u32 = read(answers.next())?;
            if acked < wait.replicas {
                return Err(Broken::Unreplicated { acked, wanted: wait.replicas });
            }
        }
        Ok(answer)
    }

    /// Sends commands together, once, and returns one answer each.
    pub(crate) async fn send(
        &self,
        route: Route,
        pipeline: &Pipeline,
    ) -> Result<Vec<RedisResult<Value>>, Broken> {
        let sent = tokio::time::timeout(self.deadline, self.send_now(route, pipeline)).await;
        if sent.is_err() {
            self.forget(route);
        }
        sent.unwrap_or(Err(Broken::Late(self.deadline)))
    }

    async fn send_now(&self, route: Route, pipeline: &Pipeline) -> Result<Vec<RedisResult<Value>>, Broken> {
        match &*self.way {
            Way::Multiplexed(connection) => wire::send_shared(connection, pipeline).await,
            Way::Manager(manager) => wire::send(&mut manager.clone(), pipeline).await,
            #[cfg(feature = "deadpool")]
            Way::Pool(pool) => {
                let mut connection = pool.get().await.map_err(Broken::Pool)?;
                wire::send(&mut connection, pipeline).await
            }
            Way::Nodes(nodes) => nodes.send(route, pipeline).await,
        }
    }

    /// A connection on which an answer is overdue may be dead: the next command takes a new one.
    fn forget(&self, route: Route) {
        if let Way::Nodes(nodes) = &*self.way {
            nodes.forget(route);
        }
    }
}

fn read<T: FromRedisValue>(answer: Option<RedisResult<Value>>) -> Result<T, Broken> {
    let value = answer.ok_or(Broken::Short)?.map_err(Broken::Redis)?;
    T::from_redis_value(value).map_err(|error| Broken::Redis(error.into()))
}
