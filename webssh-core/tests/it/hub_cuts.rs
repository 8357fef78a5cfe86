//! Thousands of random cuts, through real tasks and real pipes: no byte lost and none repeated, either way.

use std::time::{Duration, Instant};

use webssh_core::frame::{Caps, ClientFrame, ServerFrame};
use webssh_core::hub::HubLimits;
use webssh_core::ticket::Purpose;
use webssh_core::{Limits, LimitsConfig};

use crate::lab::{Lab, Tab};

/// How many cuts; `CUTS` in the environment asks for another number.
const CUTS: u32 = 10_000;

/// Pseudo-random numbers (xorshift), so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn usize_below(&mut self, end: u64) -> usize {
        usize::try_from(self.below(end)).unwrap()
    }
}

/// The byte that is typed at this place: ASCII without control characters, so that any cut of it is text.
fn key(at: usize) -> u8 {
    u8::try_from(at.wrapping_mul(31).wrapping_add(at >> 8) % 94 + 33).unwrap()
}

/// Output that the shell owes for all that was typed.
fn owed(tab: &Tab) -> u64 {
    8 * u64::try_from(tab.script.len()).unwrap()
}

/// Something that a browser does on its own.
async fn step(tab: &mut Tab, dice: &mut Dice) -> bool {
    match dice.below(3) {
        // What is typed comes back eightfold, so there is something to read until it has.
        0 if tab.received < owed(tab) => tab.next().await.is_some(),
        1 => {
            let unacked = u64::try_from(tab.script.len()).unwrap() - tab.acked;
            if unacked < 8192 {
                let from = tab.script.len();
                let keys: Vec<u8> = (from..from + 1 + dice.usize_below(200)).map(key).collect();
                tab.type_in(&keys).await;
            }
            true
        }
        _ => tab.send(&ClientFrame::Ack { consumed: tab.received }).await,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_cut_loses_or_repeats_a_byte() {
    let cuts = std::env::var("CUTS").ok().and_then(|text| text.parse().ok()).unwrap_or(CUTS);
    // Small buffers, so that every mark and every wrap is passed many times.
    let mut limits = HubLimits::default();
    let config = LimitsConfig {
        ring_bytes_max: 128 * 1024,
        unacked_bytes_max: 32 * 1024,
        resume_bytes: 16 * 1024,
        replay_bytes: 8 * 1024,
        ..LimitsConfig::default()
    };
    limits.session = Limits::new(config).unwrap();
    let lab = Lab::new(limits);
    let (mut tab, _) = lab.open("alice", "eight").await;
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let started = Instant::now();
    for cut in 0..cuts {
        for _ in 0..dice.below(12) {
            if !step(&mut tab, &mut dice).await {
                break;
            }
        }
        // One half may live a little longer, and some cuts come before the `Welcome`.
        tab.cut();
        let opening = tab.resume();
        let pipe_bytes = 64 << dice.below(8);
        tab.connect_with(&lab, opening, Caps::ALL, pipe_bytes).await;
        if dice.below(8) > 0 {
            let welcome = tab.welcome().await;
            assert!(tab.gaps.is_empty(), "cut {cut}: an owner who is away so shortly misses nothing");
            assert!(welcome.input_received <= u64::try_from(tab.script.len()).unwrap());
            tab.push().await;
        } else {
            tab.cut();
            tab.reconnect(&lab).await;
            tab.push().await;
        }
    }
    while tab.received < owed(&tab) {
        assert!(tab.next().await.is_some(), "the last connection stays");
    }
    let expected: Vec<u8> = (0..tab.script.len()).flat_map(|at| [key(at); 8]).collect();
    assert_eq!(tab.output.len(), expected.len());
    assert!(tab.output == expected, "the bytes themselves");
    assert!(tab.script.len() > usize::try_from(cuts).unwrap() * 10, "enough was typed to mean something");
    assert_eq!(lab.hub.list().len(), 1);
    eprintln!("{cuts} cuts, {} bytes typed, {:?}", tab.script.len(), started.elapsed());
}

/// A tab that is away while the shell writes on is told exactly what it missed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_overrun_is_a_gap_with_its_numbers() {
    let lab = Lab::new(HubLimits::default());
    let (mut tab, _) = lab.open("alice", "floods").await;
    for _ in 0..4 {
        tab.next().await;
    }
    tab.cut();
    // Nobody is there: the shell runs on, and the oldest output goes. Another device sees how far it is.
    let mut seen = 0;
    while seen < 2_000_000 {
        let mut observer = Tab::new();
        let opening = lab.ticket("teacher", Purpose::Watch(lab.only()));
        observer.connect(&lab, opening).await;
        seen = observer.welcome().await.output_from;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let before = tab.received;
    tab.reconnect(&lab).await;
    tab.type_in(&[3]).await;
    tab.expect("^C").await;
    let [(from, to)] = tab.gaps[..] else { panic!("{:?}", tab.gaps) };
    assert_eq!(from, before);
    assert!(to > 1_500_000, "{to}");
    let shown = u64::try_from(tab.output.len()).unwrap();
    assert_eq!(shown + (to - from), tab.received, "every byte is either shown or in the gap");
    assert!(tab.send(&ClientFrame::Leave).await);
    let last = tab.finish().await;
    assert!(!last.iter().any(|frame| matches!(frame, ServerFrame::Gap { .. })));
}
