//! `seckill.cluster`: wins a second of a sale over three masters, beside the same sale on one server.
//!
//! The masters share the cores that are left beside the callers' core, so on two cores they cannot be
//! faster than one; `server_cores` in the line says how many they had.

use std::rc::Rc;

use super::on_one_thread;
use crate::contest::{Contest, Entry, Work};
use crate::ours::Ours;
use crate::pin::Cores;
use crate::stage::Stage;
use crate::{Error, Line, Options, Sample};

/// Measures the figure.
pub(super) fn run(name: &'static str, options: &Options) -> Result<Line, Error> {
    let server_cores = Cores::divide()?.map_or(1, |cores| cores.for_servers());
    let line = on_one_thread(async {
        let (cluster, one) = (Rc::new(Stage::cluster().await?), Rc::new(Stage::one().await?));
        let work = Work::wins(options.requests, options.callers_or(1024));
        let ours = Entry { side: Box::new(Ours::cluster(cluster.urls()).await?), stage: Some(cluster), work };
        let peer = Entry { side: Box::new(Ours::redis(one.url()).await?), stage: Some(one), work };
        let metric = |sample: &Sample| Some(sample.timing.rate);
        Contest { name, unit: "wins/s", metric, ours, peers: vec![peer] }.run(options).await
    })?;
    Ok(line.with("server_cores", server_cores))
}
