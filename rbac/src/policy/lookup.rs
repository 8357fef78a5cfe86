//! Texts and their numbers: a table made once and asked ever after.
//!
//! A text of up to 16 bytes lies in its slot as two numbers, so finding it is one hash of the two, one look into memory
//! and one comparison, whatever the size of the table. Of a longer text the slot has a hash, and the text is compared
//! where it lies.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;

use super::lists::index;

/// The longest text that lies in its slot, in bytes.
const SHORT_BYTES_MAX: usize = 16;
/// 2^64 divided by the golden ratio: odd, and its bits have no pattern.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;
/// No number.
const NONE: u32 = u32::MAX;

/// The numbers of texts, which lie elsewhere, in order of these numbers.
#[derive(Debug)]
pub(crate) struct Lookup {
    slots: Vec<Slot>,
    /// A text stands in the first free slot from its home on, and homes are below this number.
    homes: u64,
    hasher: RandomState,
    /// Drawn anew for each table, so that nobody can choose texts that share a home.
    seeds: [u64; 2],
}

/// All of a short text, or a hash of a longer one, its length, and what else is said about it. Two fill a cache line,
/// and none lies in two.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
struct Slot {
    low: u64,
    high: u64,
    bytes: u32,
    at: u32,
    note: u32,
}

/// No text is so long.
const FREE: Slot = Slot { low: 0, high: 0, bytes: u32::MAX, at: NONE, note: 0 };

impl Lookup {
    /// Numbers the texts from 0 on. Of a text that comes twice the first number is found.
    pub(crate) fn new<'a>(texts: impl ExactSizeIterator<Item = &'a str>) -> Self {
        Self::noted(texts.map(|text| (text, 0)))
    }

    /// The same, with a note on each text, which is found with it.
    pub(crate) fn noted<'a>(texts: impl ExactSizeIterator<Item = (&'a str, u32)>) -> Self {
        let hasher = RandomState::default();
        // Four slots of seven are taken: a text is nearly always in its home or next to it.
        let slots = texts.len().saturating_mul(7).div_ceil(4).max(1);
        let seeds = [hasher.hash_one(1_u8), hasher.hash_one(2_u8)];
        let homes = u64::try_from(slots).unwrap_or(u64::MAX);
        let mut lookup = Self { slots: vec![FREE; slots], homes, hasher, seeds };
        for (at, (text, note)) in texts.enumerate() {
            let [low, high] = short(text.as_bytes()).unwrap_or_else(|| long(&lookup.hasher, text));
            lookup.insert(Slot { low, high, bytes: index(text.len()), at: index(at), note });
        }
        lookup
    }

    fn insert(&mut self, new: Slot) {
        let mut home = self.home([new.low, new.high], new.bytes);
        loop {
            match self.slots.get_mut(home) {
                Some(slot) if slot.at == NONE => return *slot = new,
                Some(_) => home += 1,
                // Behind the last home: the next slot will be there.
                None => self.slots.push(FREE),
            }
        }
    }

    /// The number of a text; `text_of` tells the text of a number.
    #[inline(always)]
    pub(crate) fn find<'a>(&self, text: &str, text_of: impl Fn(u32) -> &'a str) -> Option<u32> {
        self.find_noted(text, text_of).map(|(at, _)| at)
    }

    /// The number of a text and the note on it.
    #[inline(always)]
    pub(crate) fn find_noted<'a>(&self, text: &str, text_of: impl Fn(u32) -> &'a str) -> Option<(u32, u32)> {
        match short(text.as_bytes()) {
            Some(key) => self.first(key, text, |_| true),
            None => self.find_long(text, text_of),
        }
    }

    #[inline(never)]
    fn find_long<'a>(&self, text: &str, text_of: impl Fn(u32) -> &'a str) -> Option<(u32, u32)> {
        self.first(long(&self.hasher, text), text, |at| text_of(at) == text)
    }

    #[inline(always)]
    fn first(&self, key: [u64; 2], text: &str, is_it: impl Fn(u32) -> bool) -> Option<(u32, u32)> {
        let bytes = index(text.len());
        for slot in self.slots.get(self.home(key, bytes)..)? {
            if [slot.low, slot.high] == key && slot.bytes == bytes && is_it(slot.at) {
                return Some((slot.at, slot.note));
            }
            if slot.at == NONE {
                return None;
            }
        }
        None
    }

    /// The halves of a product, mixed, brought below the number of homes. Ids that are counted up differ in few bits,
    /// and with some seeds the product alone crowds them: the odd factor spreads it, and costs a nanosecond.
    #[inline(always)]
    fn home(&self, [low, high]: [u64; 2], bytes: u32) -> usize {
        let [one, other] = self.seeds;
        let (low, high) = (low ^ one).carrying_mul(high.wrapping_add(u64::from(bytes)) ^ other, 0);
        let (_, home) = (low ^ high).wrapping_mul(SPREAD).carrying_mul(self.homes, 0);
        usize::try_from(home).unwrap_or(usize::MAX)
    }
}

fn long(hasher: &RandomState, text: &str) -> [u64; 2] {
    [hasher.hash_one(text), 0]
}

/// The bytes of a short text as two numbers: its first and its last eight, which overlap. With the length they tell all
/// of it.
#[inline(always)]
fn short(bytes: &[u8]) -> Option<[u64; 2]> {
    match bytes.len() {
        8..=SHORT_BYTES_MAX => {
            let (first, last) = (bytes.first_chunk()?, bytes.last_chunk()?);
            Some([u64::from_le_bytes(*first), u64::from_le_bytes(*last)])
        }
        4..8 => {
            let (first, last) = (bytes.first_chunk()?, bytes.last_chunk()?);
            Some([u64::from(u32::from_le_bytes(*first)), u64::from(u32::from_le_bytes(*last))])
        }
        0..4 => {
            let byte = |at: usize| bytes.get(at).copied().map_or(0, u64::from);
            Some([byte(0) | byte(1) << 8, byte(2)])
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::{Lookup, long, short};

    fn lookup(texts: &[String]) -> Lookup {
        Lookup::new(texts.iter().map(String::as_str))
    }

    fn find(lookup: &Lookup, texts: &[String], text: &str) -> Option<usize> {
        let text_of = |at: u32| texts[usize::try_from(at).unwrap()].as_str();
        lookup.find(text, text_of).map(|at| usize::try_from(at).unwrap())
    }

    /// How many slots are looked at to find any of the texts, at most and all together.
    fn looks(lookup: &Lookup, texts: &[String]) -> (usize, usize) {
        let looks = texts.iter().map(|text| {
            let key = short(text.as_bytes()).unwrap_or_else(|| long(&lookup.hasher, text));
            let home = lookup.home(key, u32::try_from(text.len()).unwrap());
            1 + lookup.slots[home..].iter().position(|slot| [slot.low, slot.high] == key).unwrap()
        });
        looks.fold((0, 0), |(most, sum), looks| (most.max(looks), sum + looks))
    }

    #[test]
    fn texts_that_differ_in_one_place_only_are_told_apart() {
        let texts: Vec<String> = (0..40)
            .flat_map(|bytes| {
                (0..=bytes).map(move |at| format!("{:a<at$}{:b<rest$}", "", "", rest = bytes - at))
            })
            .collect();
        let texts: Vec<String> = texts.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        let lookup = lookup(&texts);
        for (at, text) in texts.iter().enumerate() {
            assert_eq!(find(&lookup, &texts, text), Some(at), "{text}");
            for other in
                [format!("{text}c"), format!("c{text}"), format!("{text}\0"), text.replacen('a', "c", 1)]
            {
                let expected = texts.iter().position(|text| *text == other);
                assert_eq!(find(&lookup, &texts, &other), expected, "{other:?}");
            }
        }
    }

    #[test]
    fn usual_ids_are_found_in_few_looks() {
        let shapes: [fn(u32) -> String; 5] = [
            |it| it.to_string(),
            |it| format!("user{it}"),
            |it| format!("{it:016x}"),
            |it| format!("qq:{:08X}", it.wrapping_mul(0x9E37_79B9)),
            |it| format!("{it:08x}-0000-4000-8000-000000000000"),
        ];
        for shape in shapes {
            let texts: Vec<String> = (0..20_000).map(shape).collect();
            let lookup = lookup(&texts);
            let (most, sum) = looks(&lookup, &texts);
            assert!(most < 200 && sum < 2 * texts.len(), "{}: {most}, {sum}", texts[1]);
        }
    }

    #[test]
    fn an_empty_table_has_nothing() {
        let lookup = lookup(&[]);
        assert_eq!(["", "a", &"a".repeat(300)].map(|text| find(&lookup, &[], text)), [None; 3]);
    }

    proptest! {
        #[test]
        fn what_is_there_is_found_and_nothing_else(
            texts in prop::collection::btree_set("[ab]{0,4}|[a-c]{6,20}|\\PC{0,12}", 0..60),
            others in prop::collection::vec("[ab]{0,4}|[a-c]{6,20}|\\PC{0,12}", 0..20),
        ) {
            let texts: Vec<String> = texts.into_iter().collect();
            let lookup = lookup(&texts);
            for text in others.iter().chain(&texts) {
                prop_assert_eq!(find(&lookup, &texts, text), texts.binary_search(text).ok());
            }
        }
    }
}
