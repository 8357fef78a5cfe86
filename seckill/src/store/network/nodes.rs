//! Connections to the nodes that hold the slots: opened on demand, found anew when they move or break.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    ConnectionAddr, ConnectionInfo, IntoConnectionInfo, Pipeline, RedisResult, ServerErrorKind, Value,
};
use tokio::sync::OnceCell;
use tokio::task::JoinSet;

use super::wire::{connect, send_shared};
use super::{DEADLINE, Route};
use crate::error::{Error, Fault};
use crate::store::broken::{Broken, denied};

/// A pause before a node is asked again that moves keys or is not ready.
const PAUSE: Duration = Duration::from_millis(5);

/// Where to begin.
pub(crate) struct Seeds {
    places: Places,
    /// The credentials of the first are those of all nodes.
    first: ConnectionInfo,
    others: Vec<ConnectionInfo>,
}

/// What the addresses are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Places {
    /// One server.
    Single,
    /// Sentinels that watch this service.
    Sentinels(String),
    /// Some nodes of a cluster.
    Cluster,
}

/// A node as the servers call it: `host:port`, or empty for the one server there is.
type Address = Arc<str>;

type Opening = Arc<OnceCell<MultiplexedConnection>>;

pub(crate) struct Nodes {
    seeds: Seeds,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// First and last slot, and their master.
    ranges: Vec<(u16, u16, Address)>,
    /// Slots that were found elsewhere since.
    moved: HashMap<u16, Address>,
    /// The masters that were named last, each once.
    masters: Vec<Address>,
    connections: HashMap<(Address, usize), Opening>,
}

impl Seeds {
    /// Reads the addresses.
    pub(crate) fn new<S: AsRef<str>>(places: Places, urls: &[S]) -> Result<Self, Error> {
        let mut infos = Vec::new();
        for url in urls {
            let info = url.as_ref().into_connection_info().map_err(denied)?;
            // Without the delay of small packets.
            let tcp = info.tcp_settings().clone().set_nodelay(true);
            infos.push(info.set_tcp_settings(tcp));
        }
        let mut infos = infos.into_iter();
        let first = infos.next().ok_or(Fault::NoAddress)?;
        Ok(Self { places, first, others: infos.collect() })
    }

    fn infos(&self) -> impl Iterator<Item = &ConnectionInfo> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

impl Nodes {
    pub(crate) fn new(seeds: Seeds) -> Self {
        Self { seeds, known: Mutex::default() }
    }

    /// Sends commands to the master of a slot. A server that says that the slot is elsewhere, or not whole,
    /// has run nothing; so they are sent again, to where it says, until the caller's deadline.
    pub(crate) async fn send(
        &self,
        route: Route,
        pipeline: &Pipeline,
    ) -> Result<Vec<RedisResult<Value>>, Broken> {
        let mut asking = None;
        loop {
            let address = match &asking {
                Some(address) => Arc::clone(address),
                None => self.address(route.slot).await?,
            };
            let answers = self.send_to(&address, route.lane, pipeline, asking.take().is_some()).await?;
            let Some(Err(error)) = answers.iter().find(|answer| answer.is_err()) else { return Ok(answers) };
            match error.kind() {
                redis::ErrorKind::Server(ServerErrorKind::Moved) => match error.redirect_node() {
                    Some((node, slot)) => self.note_moved(slot, &address, node),
                    None => self.forget(route),
                },
                redis::ErrorKind::Server(ServerErrorKind::Ask) => {
                    asking = error.redirect_node().map(|(node, _)| whole(node, &address));
                }
                redis::ErrorKind::Server(ServerErrorKind::TryAgain | ServerErrorKind::ClusterDown) => {
                    self.forget_moved(route.slot);
                    tokio::time::sleep(PAUSE).await;
                }
                redis::ErrorKind::Server(ServerErrorKind::ReadOnly) => {
                    self.forget(route);
                    return Ok(answers);
                }
                _ => return Ok(answers),
            }
        }
    }

    /// Forgets where a slot is and the connection to it.
    pub(crate) fn forget(&self, route: Route) {
        let mut known = self.lock();
        if let Some(address) = self.found(&known, route.slot) {
            known.connections.remove(&(Arc::clone(&address), route.lane));
            known.leave(&address);
        }
    }

    async fn send_to(
        &self,
        address: &Address,
        lane: usize,
        pipeline: &Pipeline,
        asking: bool,
    ) -> Result<Vec<RedisResult<Value>>, Broken> {
        let opening = Arc::clone(self.lock().connections.entry((Arc::clone(address), lane)).or_default());
        let open = opening.get_or_try_init(|| connect(self.info(address))).await;
        let sent = match open {
            Ok(connection) if asking => {
                let mut both = redis::pipe();
                both.ignore_errors().cmd("ASKING");
                pipeline.cmd_iter().for_each(|cmd| {
                    both.add_command(cmd.clone());
                });
                send_shared(connection, &both).await.map(|mut answers| {
                    answers.drain(..1.min(answers.len()));
                    answers
                })
            }
            Ok(connection) => send_shared(connection, pipeline).await,
            Err(broken) => Err(broken),
        };
        if sent.is_err() {
            let mut known = self.lock();
            let key = (Arc::clone(address), lane);
            if known.connections.get(&key).is_some_and(|now| Arc::ptr_eq(now, &opening)) {
                known.connections.remove(&key);
            }
            known.leave(address);
        }
        sent
    }

    async fn address(&self, slot: u16) -> Result<Address, Broken> {
        if let Some(address) = self.found(&self.lock(), slot) {
            return Ok(address);
        }
        // All are asked at once: one that is dark holds up nobody.
        let mut looks = JoinSet::new();
        for info in self.guides() {
            looks.spawn(look(self.seeds.places.clone(), info));
        }
        let mut last = Broken::Short;
        while let Some(look) = looks.join_next().await {
            match look.unwrap_or(Err(Broken::Short)) {
                Ok(ranges) => {
                    let mut known = self.lock();
                    known.learn(ranges);
                    if let Some(address) = known.find(slot) {
                        return Ok(address);
                    }
                    last = Broken::NoMaster;
                }
                Err(broken) => last = broken,
            }
        }
        Err(last)
    }

    /// Who may know where the slots are: the seeds, and in a cluster the masters seen last.
    fn guides(&self) -> Vec<ConnectionInfo> {
        let mut guides: Vec<ConnectionInfo> = self.seeds.infos().cloned().collect();
        if self.seeds.places == Places::Cluster {
            let masters = self.lock().masters.clone();
            guides.extend(masters.iter().map(|master| self.info(master)));
        }
        guides
    }

    /// Where a slot is, as far as that is known.
    fn found(&self, known: &Known, slot: u16) -> Option<Address> {
        if self.seeds.places == Places::Single { Some(Arc::from("")) } else { known.find(slot) }
    }

    fn info(&self, address: &Address) -> ConnectionInfo {
        let first = &self.seeds.first;
        let Some((host, port)) = address.rsplit_once(':') else { return first.clone() };
        let Ok(port) = port.parse() else { return first.clone() };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let addr = match first.addr().clone() {
            ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
                ConnectionAddr::TcpTls { host, port, insecure, tls_params }
            }
            _ => ConnectionAddr::Tcp(host, port),
        };
        first.clone().set_addr(addr)
    }

    fn note_moved(&self, slot: u16, from: &Address, to: &str) {
        self.lock().moved.insert(slot, whole(to, from));
    }

    fn forget_moved(&self, slot: u16) {
        self.lock().moved.remove(&slot);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn learn(&mut self, ranges: Vec<(u16, u16, Address)>) {
        self.masters = ranges.iter().map(|range| Arc::clone(&range.2)).collect();
        self.masters.sort_unstable();
        self.masters.dedup();
        self.ranges = ranges;
        self.moved.clear();
    }

    /// Forgets what is said to be at an address.
    fn leave(&mut self, address: &Address) {
        self.ranges.retain(|range| range.2 != *address);
        self.moved.retain(|_, moved| moved != address);
    }

    fn find(&self, slot: u16) -> Option<Address> {
        let in_range = |(first, last, _): &&(u16, u16, Address)| (*first..=*last).contains(&slot);
        let moved = self.moved.get(&slot);
        moved.or_else(|| self.ranges.iter().find(in_range).map(|range| &range.2)).cloned()
    }
}

/// Asks one server who the masters are.
async fn look(places: Places, info: ConnectionInfo) -> Result<Vec<(u16, u16, Address)>, Broken> {
    let asked = host_of(&info);
    let asking = async {
        let mut connection = connect(info).await?;
        match &places {
            Places::Single => Ok(vec![(0, u16::MAX, Arc::from(""))]),
            Places::Sentinels(service) => {
                let mut cmd = redis::cmd("SENTINEL");
                cmd.arg("GET-MASTER-ADDR-BY-NAME").arg(&**service);
                let master: Option<(String, u16)> =
                    cmd.query_async(&mut connection).await.map_err(Broken::Redis)?;
                let (host, port) = master.ok_or(Broken::NoMaster)?;
                Ok(vec![(0, u16::MAX, format!("{host}:{port}").into())])
            }
            Places::Cluster => {
                let mut cmd = redis::cmd("CLUSTER");
                let table: Vec<Vec<Value>> =
                    cmd.arg("SLOTS").query_async(&mut connection).await.map_err(Broken::Redis)?;
                Ok(table.iter().filter_map(|row| range(row, &asked)).collect())
            }
        }
    };
    tokio::time::timeout(DEADLINE, asking).await.unwrap_or(Err(Broken::Late(DEADLINE)))
}

fn host_of(info: &ConnectionInfo) -> String {
    match info.addr() {
        ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => host.clone(),
        _ => String::new(),
    }
}

/// An address with the host filled in: a node that does not know its own name leaves it out.
fn whole(node: &str, asked: &str) -> Address {
    match node.strip_prefix(':') {
        Some(port) => format!("{}:{port}", asked.rsplit_once(':').map_or(asked, |(host, _)| host)).into(),
        None => node.into(),
    }
}

/// One row of `CLUSTER SLOTS`: first slot, last slot, and the master as host and port.
fn range(row: &[Value], asked: &str) -> Option<(u16, u16, Address)> {
    let [Value::Int(first), Value::Int(last), Value::Array(master), ..] = row else { return None };
    let [host, Value::Int(port), ..] = &**master else { return None };
    let host = match host {
        Value::BulkString(host) => String::from_utf8(host.clone()).ok()?,
        Value::SimpleString(host) => host.clone(),
        Value::VerbatimString { text, .. } => text.clone(),
        _ => String::new(),
    };
    let host = if host.is_empty() { asked } else { &host };
    let port = u16::try_from(*port).ok()?;
    Some((u16::try_from(*first).ok()?, u16::try_from(*last).ok()?, format!("{host}:{port}").into()))
}
