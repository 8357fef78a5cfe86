//! One connection that many callers share: opening it, and sending one request over it, once.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, ConnectionInfo, Pipeline, RedisError, RedisResult, Value};

/// How long opening a connection may take. A caller with a shorter deadline gives up before; the next finds it open.
pub(super) const OPEN_MAX: Duration = Duration::from_secs(2);
/// How long a request waits before its connection is tried out.
const PROBE_AFTER: Duration = Duration::from_millis(50);

/// Opens a connection.
pub(super) async fn open(info: ConnectionInfo) -> RedisResult<MultiplexedConnection> {
    // The deadline of each call counts, not a second one inside the connection.
    let config =
        AsyncConnectionConfig::new().set_connection_timeout(Some(OPEN_MAX)).set_response_timeout(None);
    Client::open(info)?.get_multiplexed_async_connection_with_config(&config).await
}

/// What one request says.
#[derive(Clone, Copy)]
pub(super) enum Words<'a> {
    /// A command; its answer is the answer.
    One(&'a Cmd),
    /// Some commands, of which the first has the keys; their answers are an array.
    Several(&'a Pipeline),
}

/// Sends one request. A request that a connection takes in the moment in which it breaks may be lost without a word,
/// while every later one is refused at once. So a request that waits for long has others sent after it.
pub(super) async fn send(
    connection: &MultiplexedConnection,
    words: Words<'_>,
    asking: bool,
) -> RedisResult<Value> {
    let mut sending = connection.clone();
    let mut answer = pin!(async {
        match words {
            Words::One(cmd) if asking => {
                let mut both = redis::pipe();
                both.cmd("ASKING").ignore().add_command(cmd.clone());
                let (answer,): (Value,) = both.query_async(&mut sending).await?;
                Ok(answer)
            }
            Words::One(cmd) => sending.send_packed_command(cmd).await,
            Words::Several(cmds) if asking => {
                let mut all = redis::pipe();
                all.cmd("ASKING");
                cmds.cmd_iter().for_each(|cmd| _ = all.add_command(cmd.clone()));
                sending.send_packed_commands(&all, 1, cmds.len()).await.map(Value::Array)
            }
            Words::Several(cmds) => sending.send_packed_commands(cmds, 0, cmds.len()).await.map(Value::Array),
        }
    });
    loop {
        let mut dead = pin!(is_dead(connection.clone()));
        let met = poll_fn(|cx| match answer.as_mut().poll(cx) {
            Poll::Ready(answer) => Poll::Ready(Err(answer)),
            Poll::Pending => dead.as_mut().poll(cx).map(Ok),
        });
        match met.await {
            Err(answer) => return answer?.extract_error(),
            Ok(Some(error)) => return Err(error),
            Ok(None) => {}
        }
    }
}

/// Why a connection can carry nothing more, if so; asked after a while, and answered when the server answers.
async fn is_dead(mut connection: MultiplexedConnection) -> Option<RedisError> {
    // The request goes out first; the timer is set while the server is at work.
    tokio::task::yield_now().await;
    tokio::time::sleep(PROBE_AFTER).await;
    let told: RedisResult<Value> = redis::cmd("PING").query_async(&mut connection).await;
    told.err().filter(|error| error.is_io_error() || error.is_connection_dropped())
}
