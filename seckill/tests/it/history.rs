//! Random histories of a sale: commands with explicit times, and few names, so that they collide.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use seckill::{
    BuyerId, Eligible, Lines, Quantity, RequestId, ReservationId, Reserve, Restock, SaleConfig, SkuId, Step,
};

use crate::stage::{CLOSES, OPENS, PAY, buyer, fresh, lines, quantity, request, sku, terms, wide_terms};

/// The terms of a sale, and what is asked of it from a time on.
#[derive(Debug, Clone)]
pub(crate) struct History {
    pub(crate) start: u64,
    pub(crate) stocks: Vec<u64>,
    pub(crate) limit: u32,
    pub(crate) eligible_only: bool,
    pub(crate) commands: Vec<Command>,
}

#[derive(Debug, Clone)]
pub(crate) enum Command {
    Wait(u64),
    /// The clock is set back.
    Back(u64),
    Draft {
        same: bool,
    },
    Open {
        same: bool,
    },
    Steer(Step),
    Restock(Change),
    Reserve(Ask),
    Batch(Vec<Ask>),
    Confirm(u64, u64),
    Release(u64, u64),
    Sweep(u32),
    State,
    Audit,
}

/// A request: buyer, lines by position, id. A position without a thing names one that is not on sale; no
/// line at all names nothing.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) who: u64,
    pub(crate) lines: Vec<(usize, u32)>,
    pub(crate) id: u64,
    pub(crate) proof: Proof,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Proof {
    None,
    Right,
    OtherBuyer,
    OtherSale,
}

/// A change of the stock, `None` for one that names nothing.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) id: u64,
    pub(crate) sku: Option<usize>,
    pub(crate) add: bool,
    pub(crate) units: u64,
}

/// From what histories are drawn.
#[derive(Debug, Clone, Copy)]
struct Mix {
    skus: usize,
    units: &'static [u32],
    buyers: u64,
    ids: (u64, u64),
}

impl History {
    /// Terms of a new sale for this history.
    pub(crate) fn terms(&self) -> SaleConfig {
        let terms = match *self.stocks {
            [stock] => terms(stock, self.limit),
            _ => wide_terms(&self.stocks, self.limit),
        };
        if self.eligible_only { terms.eligible_only() } else { terms }
    }
}

impl Ask {
    pub(crate) fn reserve(&self, terms: &SaleConfig) -> Reserve {
        let asked = match *self.lines {
            [] => Lines::from(Quantity::ONE),
            [(0, units)] if terms.skus().len() == 1 => Lines::from(quantity(units)),
            _ => lines(&self.lines),
        };
        let request = Reserve::new(named(self.who), asked, request(self.id));
        match self.proof {
            Proof::None => request,
            Proof::Right => request.eligible(Eligible::vouched(terms.id(), &named(self.who))),
            Proof::OtherBuyer => request.eligible(Eligible::vouched(terms.id(), &named(self.who + 1))),
            Proof::OtherSale => request.eligible(Eligible::vouched(&fresh(), &named(self.who))),
        }
    }
}

impl Change {
    pub(crate) fn restock(&self, terms: &SaleConfig) -> Restock {
        let id = RequestId::new(&format!("restock-{}", self.id)).unwrap();
        let change = if self.add { Restock::add(id, self.units) } else { Restock::withdraw(id, self.units) };
        match self.sku {
            None => change,
            Some(index) => change.of(terms.skus().get(index).map_or_else(|| sku(index), on_sale)),
        }
    }
}

fn on_sale((sku, _): &(SkuId, u64)) -> SkuId {
    sku.clone()
}

/// Names of buyers, those among them that a store has to write with care.
pub(crate) fn named(who: u64) -> BuyerId {
    match who {
        0 => BuyerId::new("~20 ~").unwrap(),
        1 => BuyerId::new("a\nb\u{7f}\u{0}\r").unwrap(),
        2 => BuyerId::new("1:1;H|*+, {x}").unwrap(),
        _ => buyer(who),
    }
}

pub(crate) fn reservation(terms: &SaleConfig, who: u64, id: u64) -> ReservationId {
    ReservationId::new(terms.id(), &named(who), &request(id))
}

/// Few units of few things, from shortly before the opening, at it, or shortly before the closing.
pub(crate) fn any_history(skus: usize) -> impl Strategy<Value = History> {
    let mix = Mix { skus, units: &[1, 2, 3], buyers: 4, ids: (0, 5) };
    let stocks = if skus == 1 { vec![7] } else { vec![3, 2, 5] };
    let start = prop_oneof![4 => Just(OPENS - PAY / 2), 4 => Just(OPENS), 2 => Just(CLOSES - PAY)];
    let made = prop_oneof![3 => Just(Command::Open { same: true }), 1 => Just(Command::Draft { same: true })];
    let eligible_only = prop_oneof![3 => Just(false), 1 => Just(true)];
    (start, eligible_only, made, vec(any_command(mix), 1..40)).prop_map(
        move |(start, eligible_only, made, commands)| {
            let commands = [made].into_iter().chain(commands).chain(the_end(mix)).collect();
            History { start, stocks: stocks.clone(), limit: 3, eligible_only, commands }
        },
    )
}

/// More holds than one sweep looks at, and few units beside them.
pub(crate) fn any_crowded_history(skus: usize) -> impl Strategy<Value = History> {
    let mix = Mix { skus, units: &[1, 3, 257, 520], buyers: 4, ids: (0, 5) };
    let (before, after) = (vec(any_command(mix), 0..4), vec(any_command(mix), 1..20));
    (257u64..800, 0u64..600, before, after).prop_map(move |(crowd, beside, before, after)| {
        let thing = |number: u64| usize::try_from(number).unwrap() % skus;
        let holds: Vec<_> =
            (1_000..1_000 + crowd).map(|number| plain(number, thing(number), number)).collect();
        let crowd_comes = holds.chunks(Reserve::BATCH_MAX).map(|chunk| Command::Batch(chunk.to_vec()));
        let crowd_is_late = Command::Wait(PAY * 3 / 4);
        let made = Command::Open { same: true };
        let commands = [made].into_iter().chain(before).chain(crowd_comes).chain([crowd_is_late]);
        let commands = commands.chain(after).chain(the_end(mix)).collect();
        let each = u64::try_from(skus).unwrap();
        let stocks = vec![crowd.div_ceil(each) + beside / each; skus];
        History { start: OPENS, stocks, limit: 520, eligible_only: false, commands }
    })
}

/// A buyer with about as many reservations as one may have.
pub(crate) fn any_full_history() -> impl Strategy<Value = History> {
    let mix = Mix { skus: 1, units: &[1, 2], buyers: 2, ids: (60, 67) };
    (61u64..64, vec(any_command(mix), 1..30)).prop_map(move |(count, commands)| {
        let come_and_go =
            (0..count).flat_map(|id| [Command::Reserve(plain(0, 0, id)), Command::Release(0, id)]);
        let made = Command::Open { same: true };
        let commands = [made].into_iter().chain(come_and_go).chain(commands).collect();
        History { start: OPENS, stocks: vec![4], limit: 2, eligible_only: false, commands }
    })
}

/// Many buyers, so that each shard has some; the clock only goes on, and what differs by shard is not asked.
pub(crate) fn any_sharded_history(skus: usize) -> impl Strategy<Value = History> {
    let mix = Mix { skus, units: &[1, 2, 3], buyers: 12, ids: (0, 3) };
    let stocks = if skus == 1 { vec![9] } else { vec![4, 2, 7] };
    let start = prop_oneof![2 => Just(OPENS), 1 => Just(CLOSES - PAY)];
    (start, vec(any_command(mix), 1..50)).prop_map(move |(start, commands)| {
        let goes_on = |command: &Command| !matches!(command, Command::Back(_));
        let commands = commands.into_iter().filter(goes_on).chain(the_end(mix));
        let commands = [Command::Open { same: true }].into_iter().chain(commands).collect();
        History { start, stocks: stocks.clone(), limit: 3, eligible_only: false, commands }
    })
}

fn plain(who: u64, thing: usize, id: u64) -> Ask {
    Ask { who, lines: vec![(thing, 1)], id, proof: Proof::None }
}

/// Everything is over, swept and closed, and then everybody pays.
fn the_end(mix: Mix) -> impl Iterator<Item = Command> {
    let swept = std::iter::repeat_n(Command::Sweep(256), 4);
    let closed = [Command::State, Command::Steer(Step::Close), Command::Steer(Step::Settle), Command::State];
    let paid = (0..mix.buyers).map(move |who| Command::Confirm(who, mix.ids.0));
    [Command::Wait(PAY)].into_iter().chain(swept).chain(closed).chain(paid)
}

fn any_ask(mix: Mix) -> impl Strategy<Value = Ask> {
    let proof = prop_oneof![
        2 => Just(Proof::None),
        8 => Just(Proof::Right),
        1 => Just(Proof::OtherBuyer),
        1 => Just(Proof::OtherSale),
    ];
    (0..mix.buyers, any_lines(mix), mix.ids.0..mix.ids.1, proof).prop_map(|(who, lines, id, proof)| Ask {
        who,
        lines,
        id,
        proof,
    })
}

fn any_lines(mix: Mix) -> BoxedStrategy<Vec<(usize, u32)>> {
    if mix.skus == 1 {
        return select(mix.units).prop_map(|units| vec![(0, units)]).boxed();
    }
    let some = btree_map(0..mix.skus, select(mix.units), 1..=mix.skus);
    let some = some.prop_map(|lines| lines.into_iter().collect::<Vec<_>>());
    let wrong = prop_oneof![Just(vec![]), Just(vec![(0, 1), (mix.skus, 1)])];
    prop_oneof![6 => (0..mix.skus, select(mix.units)).prop_map(|line| vec![line]), 6 => some, 1 => wrong]
        .boxed()
}

fn any_change(mix: Mix) -> impl Strategy<Value = Change> {
    let sku = if mix.skus == 1 {
        prop_oneof![8 => Just(None), 1 => Just(Some(0)), 1 => Just(Some(1))].boxed()
    } else {
        prop_oneof![10 => (0..mix.skus).prop_map(Some), 1 => Just(None), 1 => Just(Some(mix.skus))].boxed()
    };
    let units = prop_oneof![12 => 1u64..6, 1 => Just(0)];
    (0u64..5, sku, any::<bool>(), units).prop_map(|(id, sku, add, units)| Change { id, sku, add, units })
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Pause),
        4 => Just(Step::Resume),
        4 => Just(Step::Warm),
        1 => Just(Step::Close),
        2 => Just(Step::Settle),
    ]
}

fn any_command(mix: Mix) -> impl Strategy<Value = Command> {
    let (ids, buyers) = (mix.ids.0..mix.ids.1, 0..mix.buyers);
    prop_oneof![
        4 => (0u64..PAY).prop_map(Command::Wait),
        // Steps that meet openings, closings and deadlines to the millisecond.
        6 => (1u64..=4).prop_map(|quarters| Command::Wait(quarters * PAY / 4)),
        1 => (1u64..PAY).prop_map(Command::Back),
        1 => any::<bool>().prop_map(|same| Command::Open { same }),
        1 => any::<bool>().prop_map(|same| Command::Draft { same }),
        4 => any_step().prop_map(Command::Steer),
        4 => any_change(mix).prop_map(Command::Restock),
        14 => any_ask(mix).prop_map(Command::Reserve),
        6 => vec(any_ask(mix), 0..7).prop_map(Command::Batch),
        8 => (buyers.clone(), ids.clone()).prop_map(|(who, id)| Command::Confirm(who, id)),
        6 => (buyers, ids).prop_map(|(who, id)| Command::Release(who, id)),
        4 => (0u32..4).prop_map(Command::Sweep),
        2 => Just(Command::State),
        2 => Just(Command::Audit),
    ]
}
