//! Wake-ups over Redis pub/sub.

mod servers;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use redis::aio::{MultiplexedConnection, PubSubSink, PubSubStream};
use redis::{Client, RedisError, RedisResult};
use tokio::sync::Mutex;
use tokio::time::timeout;

use self::servers::{Servers, connect};
use super::{ChangeHint, Wake, Wakeups};
use crate::error::{Error, HintFault, Repr};
use crate::store::{BoxFuture, PolicyVersion};

/// The longest prefix, in bytes.
const PREFIX_BYTES_MAX: usize = 32;
/// How long Redis may take for one step, unless said otherwise.
const DEADLINE: Duration = Duration::from_millis(500);
/// How long a silent connection is believed to be whole, unless said otherwise.
const SILENCE_MAX: Duration = Duration::from_secs(15);

/// A [`ChangeHint`] over one channel of Redis: `{gh:rbac}:version`, whose messages are versions in decimal.
///
/// Nothing is kept in Redis, so it may lose all it holds. It connects when it is needed, and anew when the connection
/// breaks: to the one server ([`new`](Self::new)), to any node of a cluster ([`cluster`](Self::cluster)), because messages
/// of this kind go to all of them, or to the master that sentinels name ([`sentinel`](Self::sentinel)).
///
/// ```no_run
/// use std::sync::Arc;
/// use rbac::{Live, MemoryStore, RedisHint, UnixMillis};
///
/// # async fn run(now: UnixMillis) -> Result<(), rbac::Error> {
/// let hint = Arc::new(RedisHint::new("redis://127.0.0.1/")?);
/// let live = Live::builder(Arc::new(MemoryStore::default())).hint(hint).load(now).await?;
/// # drop(live); Ok(()) }
/// ```
#[derive(Clone)]
pub struct RedisHint {
    servers: Servers,
    channel: Arc<str>,
    deadline: Duration,
    silence_max: Duration,
    publisher: Arc<Mutex<Option<MultiplexedConnection>>>,
}

impl RedisHint {
    /// Over the server with this address. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Misuse`](crate::ErrorKind::Misuse) if the address has another shape.
    pub fn new(url: &str) -> Result<Self, Error> {
        Self::cluster(&[url])
    }

    /// Over whichever of these nodes of a cluster can be reached, the first ones first. They need not be all.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Misuse`](crate::ErrorKind::Misuse) if there is no address, or one has another shape.
    pub fn cluster(urls: &[impl AsRef<str>]) -> Result<Self, Error> {
        Ok(Self::over(Servers::any(urls)?))
    }

    /// Over the master of this service, as the first of these sentinels that answers names it. What the first address
    /// says beside the place (user, password, TLS) holds for all sentinels and for the master.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Misuse`](crate::ErrorKind::Misuse) if there is no address, or one has another shape.
    pub fn sentinel(urls: &[impl AsRef<str>], service: &str) -> Result<Self, Error> {
        Ok(Self::over(Servers::master(urls, service)?))
    }

    /// Over a client that the application has set up itself.
    #[must_use]
    pub fn from_client(client: Client) -> Self {
        Self::over(Servers::Any(vec![client].into()))
    }

    fn over(servers: Servers) -> Self {
        let (deadline, silence_max) = (DEADLINE, SILENCE_MAX);
        Self { servers, channel: channel("gh"), deadline, silence_max, publisher: Arc::default() }
    }

    /// Another first word of the channel than `gh`, where several policies share one Redis: 1 to 32 of a-z A-Z 0-9
    /// `-` `_` `.` `:`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the word has another shape.
    pub fn prefix(mut self, prefix: &str) -> Result<Self, Error> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        if prefix.is_empty() || prefix.len() > PREFIX_BYTES_MAX || !prefix.bytes().all(plain) {
            let shown = prefix.chars().take(PREFIX_BYTES_MAX).flat_map(char::escape_debug).collect();
            return Err(Repr::HintPrefix { shown }.into());
        }
        self.channel = channel(prefix);
        Ok(self)
    }

    /// How long Redis may take for one step, connecting among them: half a second unless said otherwise. A commit
    /// waits so long at the most.
    #[must_use]
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How long nothing may come before the connection is tried out: fifteen seconds unless said otherwise. A
    /// connection whose other end has vanished without a word is found out after that and one deadline.
    #[must_use]
    pub const fn silence_max(mut self, silence_max: Duration) -> Self {
        self.silence_max = silence_max;
        self
    }

    /// Publishes, over a new connection if the one at hand has broken. A message that went twice does no harm.
    async fn publish(&self, version: PolicyVersion) -> RedisResult<()> {
        let kept = self.publisher.lock().await.clone();
        if let Some(connection) = kept {
            match self.publish_over(connection, version).await {
                Err(error) if error.is_io_error() || error.is_connection_dropped() => {}
                done => return done,
            }
        }
        let connection = self.servers.reach(self.deadline, connect).await?;
        *self.publisher.lock().await = Some(connection.clone());
        self.publish_over(connection, version).await
    }

    async fn publish_over(
        &self,
        mut connection: MultiplexedConnection,
        version: PolicyVersion,
    ) -> RedisResult<()> {
        let mut command = redis::cmd("PUBLISH");
        command.arg(&*self.channel).arg(version.number()).query_async(&mut connection).await
    }
}

impl fmt::Debug for RedisHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the client: its address may hold a password.
        f.debug_struct("RedisHint").field("channel", &self.channel).finish_non_exhaustive()
    }
}

impl ChangeHint for RedisHint {
    fn announce(&self, version: PolicyVersion) -> BoxFuture<'_, Result<(), Error>> {
        const DOING: &str = "announce a version";
        Box::pin(async move {
            match timeout(self.deadline, self.publish(version)).await {
                Ok(published) => published.map_err(|source| failed(DOING, source)),
                Err(_) => {
                    // An answer is overdue, so the connection may be dead: the next message takes a new one.
                    *self.publisher.lock().await = None;
                    Err(late(DOING))
                }
            }
        })
    }

    fn subscribe(&self) -> Box<dyn Wakeups> {
        Box::new(RedisWakeups { hint: self.clone(), connected: None })
    }
}

/// One subscription, and its connection while there is one.
#[derive(Debug)]
struct RedisWakeups {
    hint: RedisHint,
    connected: Option<Connected>,
}

struct Connected {
    sink: PubSubSink,
    stream: PubSubStream,
}

impl fmt::Debug for Connected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connected").finish_non_exhaustive()
    }
}

impl Wakeups for RedisWakeups {
    fn next(&mut self) -> BoxFuture<'_, Result<Wake, Error>> {
        Box::pin(self.next_wake())
    }
}

impl RedisWakeups {
    async fn next_wake(&mut self) -> Result<Wake, Error> {
        // Taken out, so that it is gone if this call fails or is dropped.
        let Some(mut connected) = self.connected.take() else {
            self.connected = Some(self.connect().await?);
            return Ok(Wake::Look);
        };
        let wake = connected.next(&self.hint).await?;
        self.connected = Some(connected);
        Ok(wake)
    }

    async fn connect(&self) -> Result<Connected, Error> {
        const DOING: &str = "subscribe to versions";
        let RedisHint { servers, channel, deadline, .. } = &self.hint;
        let subscribe = |client: Client| async move {
            let (mut sink, stream) = client.get_async_pubsub().await?.split();
            sink.subscribe(&**channel).await?;
            Ok(Connected { sink, stream })
        };
        match timeout(*deadline, servers.reach(*deadline, subscribe)).await {
            Ok(connected) => connected.map_err(|source| failed(DOING, source)),
            Err(_) => Err(late(DOING)),
        }
    }
}

impl Connected {
    /// The next message. A connection that is silent for long is tried out, because one whose other end has vanished
    /// is silent too.
    async fn next(&mut self, hint: &RedisHint) -> Result<Wake, Error> {
        const DOING: &str = "listen to versions";
        loop {
            if let Ok(message) = timeout(hint.silence_max, self.stream.next()).await {
                let message = message.ok_or_else(|| failed(DOING, cut()))?;
                return Ok(Wake::from_bytes(message.get_payload_bytes()));
            }
            match timeout(hint.deadline, self.sink.ping::<redis::Value>()).await {
                Ok(pinged) => drop(pinged.map_err(|source| failed(DOING, source))?),
                Err(_) => return Err(late(DOING)),
            }
        }
    }
}

fn channel(prefix: &str) -> Arc<str> {
    format!("{{{prefix}:rbac}}:version").into()
}

fn cut() -> RedisError {
    std::io::Error::from(std::io::ErrorKind::ConnectionReset).into()
}

fn late(doing: &'static str) -> Error {
    Repr::HintLate { doing }.into()
}

fn failed(doing: &'static str, source: RedisError) -> Error {
    Repr::Hint { doing, fault: HintFault::of(&source), source }.into()
}

impl HintFault {
    fn of(error: &RedisError) -> Self {
        use redis::{ErrorKind as Redis, ServerErrorKind};

        match error.kind() {
            Redis::InvalidClientConfig => Self::Address,
            Redis::AuthenticationFailed | Redis::Server(ServerErrorKind::NoPerm) => Self::Rights,
            _ if matches!(error.code(), Some("NOAUTH" | "WRONGPASS" | "NOPERM")) => Self::Rights,
            _ => Self::Unreachable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn a_prefix_is_part_of_the_channel_and_nothing_else() {
        let hint = RedisHint::new("redis://:secret@127.0.0.1/").unwrap();
        assert_eq!(&*hint.channel, "{gh:rbac}:version");
        assert!(!format!("{hint:?} {:?}", hint.subscribe()).contains("secret"));
        let school = hint.clone().prefix("school").unwrap();
        assert_eq!(&*school.channel, "{school:rbac}:version");
        for bad in ["", "a}b", "two words", "中", &"x".repeat(33)] {
            assert_eq!(hint.clone().prefix(bad).unwrap_err().kind(), ErrorKind::InvalidInput);
        }
    }

    #[test]
    fn an_address_that_is_none_is_misuse() {
        let (good, bad) = ("redis://127.0.0.1/", "http://secret@example.org");
        for error in [
            RedisHint::new(bad).unwrap_err(),
            RedisHint::cluster(&[good, bad]).unwrap_err(),
            RedisHint::cluster(&[""; 0]).unwrap_err(),
            RedisHint::sentinel(&[good, bad], "gate").unwrap_err(),
            RedisHint::sentinel(&[""; 0], "gate").unwrap_err(),
        ] {
            assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Misuse, false));
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
