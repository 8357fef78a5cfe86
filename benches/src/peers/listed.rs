//! Logins with a list of each user's sessions, by the plain commands that an application sends by hand.
//!
//! One MULTI writes the session and its place in the user's list, and takes out of the list what is too much;
//! a pipeline then leaves a word behind in place of each session that had to go. Other than ours, what goes
//! may still be used between the two, and nothing says who is online.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use redis::aio::MultiplexedConnection;
use sso_core::UserId;

use super::versioned;
use crate::contest::Load;
use crate::ours::session::Logins as Ours;
use crate::sessions::{ADDRESS, AGENT, DEVICE, full, users};
use crate::shift::{Task, together};
use crate::side::Local;
use crate::{Error, Timing};

/// What a session may rest, and what the word in place of one stays, in milliseconds.
const IDLE_MILLIS: u64 = 30 * 60 * 1000;
const GONE_MILLIS: u64 = 10 * 60 * 1000;

/// Signs users in who are signed in as often as they may be.
pub(crate) struct Logins {
    connection: MultiplexedConnection,
    users: Vec<UserId>,
}

impl Logins {
    /// Over this connection.
    pub(crate) fn over(connection: MultiplexedConnection) -> Result<Self, Error> {
        Ok(Self { connection, users: users()? })
    }

    /// Signs the user in; how many sessions had to go for it.
    async fn login(&self, user: &UserId) -> Result<usize, Error> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(std::io::Error::other)?;
        let secret = URL_SAFE_NO_PAD.encode(secret);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        let (list, last) = (list_of(user), -1 - i64::from(Ours::AT_MOST));
        let mut write = redis::pipe();
        write.atomic();
        write.cmd("HSET").arg(key_of(&secret)).arg("user").arg(user.as_str()).arg("created").arg(now);
        write.arg("seen").arg(now).arg("device").arg(DEVICE).arg("agent").arg(AGENT);
        write.arg("address").arg(ADDRESS).ignore();
        write.cmd("PEXPIRE").arg(key_of(&secret)).arg(IDLE_MILLIS).ignore();
        write.cmd("ZADD").arg(&list).arg(now).arg(&secret).ignore();
        write.cmd("PEXPIRE").arg(&list).arg(IDLE_MILLIS).ignore();
        write.cmd("ZRANGE").arg(&list).arg(0).arg(last);
        write.cmd("ZREMRANGEBYRANK").arg(&list).arg(0).arg(last).ignore();
        let (gone,): (Vec<String>,) = write.query_async(&mut self.connection.clone()).await?;
        if !gone.is_empty() {
            let mut bury = redis::pipe();
            for old in &gone {
                bury.cmd("SET")
                    .arg(key_of(old))
                    .arg("replaced")
                    .arg("XX")
                    .arg("PX")
                    .arg(GONE_MILLIS)
                    .ignore();
            }
            bury.query_async::<()>(&mut self.connection.clone()).await?;
        }
        Ok(gone.len())
    }
}

fn key_of(secret: &str) -> String {
    format!("session:{secret}")
}

fn list_of(user: &UserId) -> String {
    format!("sessions:{}", user.as_str())
}

impl Task for Logins {
    fn prepare(&mut self) -> Local<'_, Result<(), Error>> {
        Box::pin(async {
            let sign_in = async |user: &UserId| Ok(self.login(user).await? == 0);
            together(&self.users, full(Ours::AT_MOST), sign_in).await?;
            Ok(())
        })
    }

    fn run(&mut self, load: Load) -> Local<'_, Result<Timing, Error>> {
        Box::pin(async move {
            let sign_in = async |user: &UserId| Ok(self.login(user).await? == 1);
            together(&self.users, load, sign_in).await
        })
    }

    fn about(&self) -> String {
        format!("{}, a list of each user's sessions: MULTI of six commands, then a SET", versioned("redis"))
    }
}
