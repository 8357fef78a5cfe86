//! The chart of wins a second over callers: ours and every client, measured by turns.

use std::fs;
use std::path::Path;
use std::rc::Rc;

use crate::clients::ClientPeer;
use crate::contest::{Entry, Turn as _, Work};
use crate::figures::on_one_thread;
use crate::ours::Ours;
use crate::pin::Cores;
use crate::stage::Stage;
use crate::timing::median;
use crate::{Error, Options};

mod svg;

use svg::{Chart, Series};

/// Callers at the same time, one point each.
const CALLERS: [u32; 6] = [1, 8, 64, 256, 1024, 4096];
/// A point takes at least so many requests, and so many more for each caller.
const REQUESTS_MIN: u32 = 2_000;
const REQUESTS_PER_CALLER: u32 = 200;

/// One curve before it is drawn.
struct Curve {
    name: &'static str,
    /// Where a client has several ways to send, the fastest of a point counts.
    entries: Vec<Entry>,
    slowness: u32,
    points: Vec<(f64, f64)>,
}

/// Measures all points and draws them into `file` as SVG. Progress goes to standard error.
///
/// # Errors
/// As [`Figure::measure`](crate::Figure::measure); also when the file cannot be written.
pub fn plot(options: &Options, file: &Path) -> Result<(), Error> {
    let chart = on_one_thread(measure(options))?;
    Ok(fs::write(file, chart.to_svg())?)
}

async fn measure(options: &Options) -> Result<Chart, Error> {
    let stage = Rc::new(Stage::one().await?);
    let mut curves = curves(&stage).await?;
    for callers in CALLERS {
        let requests = REQUESTS_MIN.max(callers * REQUESTS_PER_CALLER).min(options.requests);
        for curve in &mut curves {
            let work = Work::wins((requests / curve.slowness).max(1), callers);
            curve.entries.iter_mut().for_each(|entry| entry.work = work);
        }
        let rates = rates(&mut curves, callers, options).await?;
        for (curve, rate) in curves.iter_mut().zip(rates) {
            eprintln!("plot: {callers} callers: {rate:.0} wins/s, {}", curve.name);
            curve.points.push((f64::from(callers), rate));
        }
    }
    let series = curves.into_iter().map(|curve| Series { name: curve.name, points: curve.points });
    Ok(Chart {
        title: "Wins a second of one sale in Redis",
        x_label: "callers at the same time",
        y_label: "wins a second",
        caption: caption(&stage.version().await?, Cores::count()?, options),
        series: series.collect(),
    })
}

async fn curves(stage: &Rc<Stage>) -> Result<Vec<Curve>, Error> {
    let entry = |side| Entry { side, stage: Some(Rc::clone(stage)), work: Work::wins(1, 1) };
    let ours = entry(Box::new(Ours::redis(stage.url()).await?));
    let mut curves = vec![Curve { name: "seckill", entries: vec![ours], slowness: 1, points: Vec::new() }];
    for client in ClientPeer::ALL {
        let entries = client.connect(stage.url()).await?.into_iter().map(entry).collect();
        let (name, slowness) = (client.name(), client.slowness());
        curves.push(Curve { name, entries, slowness, points: Vec::new() });
    }
    Ok(curves)
}

/// The median rate of each curve with so many callers, by turns; the first turn warms up.
async fn rates(curves: &mut [Curve], callers: u32, options: &Options) -> Result<Vec<f64>, Error> {
    let mut seen = vec![Vec::new(); curves.len()];
    for round in 0..=options.rounds {
        for (curve, seen) in curves.iter_mut().zip(&mut seen) {
            let mut best = 0.0_f64;
            for entry in &mut curve.entries {
                let sample = entry.sample(format!("plot-{callers}-{round}")).await?;
                best = best.max(sample.timing.rate);
            }
            if round > 0 {
                seen.push(best);
            }
        }
    }
    Ok(seen.into_iter().map(median).collect())
}

/// Under what conditions, in two lines.
fn caption(redis: &str, cores: usize, options: &Options) -> [String; 2] {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = model.map_or("unknown processor", |(_, model)| model.trim());
    let apart = if cores > 1 { "cores; server and callers on a core each" } else { "core" };
    let machine = format!("{model}, {cores} {apart}");
    let crates = ["redis", "fred", "deadpool-redis"];
    let crates = crates.map(|name| format!("{name} {}", crate::versions::locked(name))).join(", ");
    let rounds = options.rounds;
    [machine, format!("Redis {redis}, {crates}; median of {rounds} by turns; every request wins")]
}
