//! Asking a server who the masters are.

use std::io;
use std::sync::Arc;

use redis::aio::MultiplexedConnection;
use redis::{ConnectionAddr, ConnectionInfo, ErrorKind, RedisConnectionInfo, RedisResult, Value};

use super::Address;
use crate::store::link::broken::is_unauthorised;
use crate::store::link::seeds::Places;
use crate::store::link::wire;

/// First and last slot, and their master.
type Range = (u16, u16, Address);

/// Asks one server.
pub(super) async fn look(places: Places, info: ConnectionInfo) -> RedisResult<Vec<Range>> {
    let asking = async {
        match places {
            Places::Single => Ok(vec![(0, u16::MAX, Arc::from(""))]),
            Places::Sentinels(service) => ask_sentinel(info, &service).await,
            Places::Cluster => ask_node(info).await,
        }
    };
    let timely = tokio::time::timeout(wire::OPEN_MAX, asking).await;
    timely.unwrap_or_else(|_elapsed| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
}

async fn ask_sentinel(info: ConnectionInfo, service: &str) -> RedisResult<Vec<Range>> {
    let told = match wire::open(info.clone()).await {
        Ok(connection) => master_of(connection, service).await,
        // The password is that of the servers; sentinels often have none.
        Err(error) if is_unauthorised(&error) && info.redis_settings().password().is_some() => {
            let bare = info.set_redis_settings(RedisConnectionInfo::default());
            master_of(wire::open(bare).await?, service).await
        }
        Err(error) => Err(error),
    };
    match told? {
        Some((host, port)) => Ok(vec![(0, u16::MAX, format!("{host}:{port}").into())]),
        None => Err((ErrorKind::MasterNameNotFoundBySentinel, "the sentinels know no such service").into()),
    }
}

async fn master_of(
    mut connection: MultiplexedConnection,
    service: &str,
) -> RedisResult<Option<(String, u16)>> {
    let mut cmd = redis::cmd("SENTINEL");
    cmd.arg("GET-MASTER-ADDR-BY-NAME").arg(service).query_async(&mut connection).await
}

async fn ask_node(info: ConnectionInfo) -> RedisResult<Vec<Range>> {
    let asked = match info.addr() {
        ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => host.clone(),
        _ => String::new(),
    };
    let mut connection = wire::open(info).await?;
    let table: Vec<Vec<Value>> = redis::cmd("CLUSTER").arg("SLOTS").query_async(&mut connection).await?;
    Ok(table.iter().filter_map(|row| range(row, &asked)).collect())
}

/// An address with the host filled in: a node that does not know its own name leaves it out.
pub(super) fn whole(node: &str, asked: &str) -> Address {
    match node.strip_prefix(':') {
        Some(port) => format!("{}:{port}", asked.rsplit_once(':').map_or(asked, |(host, _)| host)).into(),
        None => node.into(),
    }
}

/// One row of `CLUSTER SLOTS`: first slot, last slot, and the master as host and port.
fn range(row: &[Value], asked: &str) -> Option<Range> {
    let [Value::Int(first), Value::Int(last), Value::Array(master), ..] = row else { return None };
    let [host, Value::Int(port), ..] = &**master else { return None };
    let host = match host {
        Value::BulkString(host) => std::str::from_utf8(host).ok()?,
        Value::SimpleString(host) => host,
        _ => "",
    };
    let host = if host.is_empty() { asked } else { host };
    let port = u16::try_from(*port).ok()?;
    Some((u16::try_from(*first).ok()?, u16::try_from(*last).ok()?, format!("{host}:{port}").into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_without_a_name_is_where_it_was_asked() {
        assert_eq!(&*whole(":7001", "10.0.0.1:7000"), "10.0.0.1:7001");
        assert_eq!(&*whole("10.0.0.2:7001", "10.0.0.1:7000"), "10.0.0.2:7001");
        let master = |host: &str| Value::Array(vec![Value::BulkString(host.into()), Value::Int(7001)]);
        let row = |host| [Value::Int(0), Value::Int(9), master(host)];
        assert_eq!(range(&row(""), "10.0.0.1"), Some((0, 9, "10.0.0.1:7001".into())));
        assert_eq!(range(&row("b"), "10.0.0.1"), Some((0, 9, "b:7001".into())));
        assert_eq!(range(&[Value::Int(0), Value::Int(70_000), master("b")], "a"), None);
        assert_eq!(range(&[], "a"), None);
    }
}
