//! One connection: opening it, and sending commands over it, once.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{AsyncConnectionConfig, Client, ConnectionInfo, Pipeline, RedisError, RedisResult, Value};

use super::DEADLINE;
use crate::store::broken::Broken;

/// How long a request waits before its connection is tried out.
const PROBE: Duration = Duration::from_millis(50);

/// Opens a connection that many callers share.
pub(super) async fn connect(info: ConnectionInfo) -> Result<MultiplexedConnection, Broken> {
    let client = Client::open(info).map_err(Broken::Redis)?;
    // One deadline counts: that of the caller.
    let config =
        AsyncConnectionConfig::new().set_connection_timeout(Some(DEADLINE)).set_response_timeout(None);
    client.get_multiplexed_async_connection_with_config(&config).await.map_err(Broken::Redis)
}

/// Sends commands over one connection: one answer each, errors of the server among them.
pub(super) async fn send(
    connection: &mut impl ConnectionLike,
    pipeline: &Pipeline,
) -> Result<Vec<RedisResult<Value>>, Broken> {
    let answers: Vec<RedisResult<Value>> = pipeline.query_async(connection).await.map_err(Broken::Redis)?;
    if answers.len() != pipeline.len() {
        return Err(Broken::Short);
    }
    Ok(answers)
}

/// The same over a connection that others use at the same time. A request that such a connection takes in the moment
/// in which it breaks may be lost without a word, while every later one is refused at once. So a request that waits
/// for long has others sent after it.
pub(super) async fn send_shared(
    connection: &MultiplexedConnection,
    pipeline: &Pipeline,
) -> Result<Vec<RedisResult<Value>>, Broken> {
    let mut asking = connection.clone();
    let mut asked = pin!(send(&mut asking, pipeline));
    loop {
        let mut dead = pin!(is_dead(connection.clone()));
        let met = poll_fn(|cx| match asked.as_mut().poll(cx) {
            Poll::Ready(answers) => Poll::Ready(Err(answers)),
            Poll::Pending => dead.as_mut().poll(cx).map(Ok),
        });
        match met.await {
            Err(answers) => return answers,
            Ok(Some(error)) => return Err(Broken::Redis(error)),
            Ok(None) => {}
        }
    }
}

/// Why a connection can carry nothing more, if so; asked after a while, and answered when the server answers.
async fn is_dead(mut connection: MultiplexedConnection) -> Option<RedisError> {
    tokio::time::sleep(PROBE).await;
    let told: RedisResult<Value> = redis::cmd("PING").query_async(&mut connection).await;
    told.err().filter(|error| error.is_io_error() || error.is_connection_dropped())
}
