//! The least that a lookup in Redis can cost: a bare GET of a value as long as a session.

use redis::aio::MultiplexedConnection;
use sso_core::UserId;

use super::versioned;
use crate::contest::Load;
use crate::sessions::{ADDRESS, AGENT, DEVICE, users};
use crate::shift::{Task, together};
use crate::side::Local;
use crate::{Error, Timing};

/// Reads values.
pub(crate) struct Gets {
    connection: MultiplexedConnection,
    values: Vec<(String, String)>,
}

impl Gets {
    /// Over this connection.
    pub(crate) fn over(connection: MultiplexedConnection) -> Result<Self, Error> {
        Ok(Self { connection, values: users()?.iter().map(pair).collect() })
    }
}

/// A key as long as a digest and what a session says.
fn pair(user: &UserId) -> (String, String) {
    let (user, created, seen) = (user.as_str(), 1_700_000_000_000_u64, 1_700_000_060_000_u64);
    let value = format!("{user} {created} {seen} {DEVICE} {AGENT} {ADDRESS}");
    (format!("session:{user:0>43}"), value)
}

impl Task for Gets {
    fn prepare(&mut self) -> Local<'_, Result<(), Error>> {
        Box::pin(async {
            for (key, value) in &self.values {
                let set = redis::cmd("SET").arg(key).arg(value).arg("EX").arg(3600).to_owned();
                set.query_async::<()>(&mut self.connection.clone()).await?;
            }
            Ok(())
        })
    }

    fn run(&mut self, load: Load) -> Local<'_, Result<Timing, Error>> {
        Box::pin(async move {
            let read = async |(key, value): &(String, String)| {
                let get = redis::cmd("GET").arg(key).to_owned();
                let answer: Option<String> = get.query_async(&mut self.connection.clone()).await?;
                Ok(answer.as_ref() == Some(value))
            };
            together(&self.values, load, read).await
        })
    }

    fn about(&self) -> String {
        format!("{}, a bare GET of as many bytes over the same connection", versioned("redis"))
    }
}
