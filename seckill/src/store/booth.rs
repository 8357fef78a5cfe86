//! Where the callers of one sale meet: the desk, and the combiner in front of it.

use std::sync::Arc;

use super::desk::Desk;
use super::durability::Durability;
use crate::combine::{Answer, Carrier, Combiner, Limits};
use crate::error::Error;
use crate::outcome::Outcome;
use crate::reservation::Reserve;
use crate::time::At;

/// Calls of one shard on their way at the same time, all over one connection.
const IN_FLIGHT: usize = 3;
/// Lanes of one shard where each call occupies its connection until replicas have answered.
const WAITING_LANES: u64 = 8;

/// One sale in this process.
pub(crate) struct Booth {
    pub(crate) desk: Arc<Desk>,
    combiner: Combiner,
    lanes_a_shard: u64,
}

struct Courier {
    desk: Arc<Desk>,
    lanes_a_shard: usize,
}

impl Booth {
    /// A booth in which up to `queued_max` requests wait for each shard.
    pub(crate) fn new(desk: Arc<Desk>, queued_max: usize) -> Self {
        // `WAIT` occupies a connection, so each lane has its own; buyers keep theirs, and their order.
        let waits = desk.durability != Durability::Relaxed && desk.network.has_lanes();
        let (lanes_a_shard, in_flight) = if waits { (WAITING_LANES, 1) } else { (1, IN_FLIGHT) };
        let lanes = usize::try_from(lanes_a_shard).unwrap_or(1);
        let deadline = desk.network.deadline;
        let limits = Limits { in_flight, queued_max: queued_max.div_ceil(lanes), deadline };
        let courier = Arc::new(Courier { desk: Arc::clone(&desk), lanes_a_shard: lanes });
        let combiner = Combiner::new(courier, lanes * desk.shards.len(), limits);
        Self { desk, combiner, lanes_a_shard }
    }

    /// Decides one request, together with those of other callers.
    pub(crate) async fn reserve(&self, request: &Reserve) -> Result<Outcome, Error> {
        let (shard, rest) = self.desk.shard_of(&request.buyer);
        let lane = usize::try_from(rest % self.lanes_a_shard).unwrap_or(0);
        let lanes = usize::try_from(self.lanes_a_shard).unwrap_or(1);
        self.combiner.reserve(shard * lanes + lane, request).await
    }
}

impl Carrier for Courier {
    async fn carry(&self, lane: usize, batch: &[Reserve]) -> Result<Vec<Answer>, Error> {
        let place = (lane / self.lanes_a_shard, lane % self.lanes_a_shard);
        let requests: Vec<&Reserve> = batch.iter().collect();
        self.desk.decide(place, &requests, At::Server).await
    }
}
