//! A subscription that is kept up: over a connection of its own, tried out when it is silent, made anew when it
//! breaks. Its messages say only that there is something to read.

use std::pin::Pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use redis::RedisError;
use redis::aio::PubSubStream;
use tokio::time::{sleep, timeout};

use crate::error::{Error, ErrorKind};
use crate::store::link::Link;

/// How long a connection may take, and the answer to a ping.
const DEADLINE: Duration = Duration::from_secs(2);
/// How long a subscription may be silent before it is tried out.
const SILENCE_MAX: Duration = Duration::from_secs(5);
/// The pause before the second try; it doubles with every further one.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Where to subscribe.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    /// Where the application says.
    Client(&'a redis::Client),
    /// At the server that the link finds.
    Link(&'a Link),
}

/// Calls `wake` for every message of a channel, and whenever messages may have been missed.
pub(super) async fn listen(source: Source<'_>, channel: &str, wake: &(dyn Fn() + Send + Sync)) {
    let mut pause = PAUSE_MIN;
    loop {
        // Why there is no subscription is told by the log itself, which is read at the same server.
        match timeout(DEADLINE, subscribe(source, channel)).await {
            Ok(Ok(Some((sink, messages)))) => {
                pause = PAUSE_MIN;
                wake();
                follow(sink, messages, wake).await;
            }
            Ok(Ok(None)) => return std::future::pending().await,
            Ok(Err(_)) | Err(_) => {}
        }
        sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

type Subscription = (redis::aio::PubSubSink, Pin<Box<PubSubStream>>);

/// A subscription; `None` if nobody knows where.
async fn subscribe(source: Source<'_>, channel: &str) -> Result<Option<Subscription>, Error> {
    let client = match source {
        Source::Client(client) => client.clone(),
        Source::Link(link) => match link.server_of(channel).await? {
            Some(server) => redis::Client::open(server).map_err(lost)?,
            None => return Ok(None),
        },
    };
    let mut subscription = client.get_async_pubsub().await.map_err(lost)?;
    subscription.subscribe(channel).await.map_err(lost)?;
    let (sink, messages) = subscription.split();
    Ok(Some((sink, Box::pin(messages))))
}

fn lost(source: RedisError) -> Error {
    Error::with_source(ErrorKind::Unavailable, "no subscription to redis", source)
}

/// Returns when the subscription has ended.
async fn follow(
    mut sink: redis::aio::PubSubSink,
    mut messages: Pin<Box<PubSubStream>>,
    wake: &(dyn Fn() + Send + Sync),
) {
    loop {
        match timeout(SILENCE_MAX, messages.next()).await {
            Ok(Some(_)) => wake(),
            Ok(None) => return,
            Err(_) => match timeout(DEADLINE, sink.ping::<redis::Value>()).await {
                Ok(Ok(_)) => {}
                Ok(Err(_)) | Err(_) => return,
            },
        }
    }
}
