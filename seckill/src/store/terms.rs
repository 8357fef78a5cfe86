//! The terms of a sale as one text, kept with each of its shards.

use std::time::Duration;

use super::reply::{number, time};
use crate::config::SaleConfig;
use crate::ids::{SaleId, SkuId};
use crate::quantity::Quantity;

/// The form of the text; another form is another number.
const FORM: &str = "1";

/// Writes the terms.
pub(crate) fn to_text(terms: &SaleConfig) -> String {
    let skus: Vec<String> = terms.skus().iter().map(|(sku, units)| format!("{sku}:{units}")).collect();
    format!(
        "{FORM} {} {} {} {} {} {} {}",
        terms.opens_at().millis(),
        terms.closes_at().millis(),
        terms.buyer_limit().units(),
        terms.pay_within_millis(),
        u8::from(terms.requires_eligibility()),
        terms.shard_count(),
        skus.join(","),
    )
}

/// Reads what [`to_text`] wrote; `None` for what it never writes.
pub(crate) fn from_text(sale: &SaleId, text: &str) -> Option<SaleConfig> {
    let mut words = text.split(' ');
    if words.next()? != FORM {
        return None;
    }
    let (opens, closes) = (time(words.next()?)?, time(words.next()?)?);
    let limit = Quantity::new(number(words.next()?)?).ok()?;
    let pay = Duration::from_millis(number(words.next()?)?);
    let (eligible, shards) = (number::<u8>(words.next()?)?, number(words.next()?)?);
    let mut skus = Vec::new();
    for sku in words.next()?.split(',') {
        let (name, units) = sku.split_once(':')?;
        skus.push((SkuId::new(name).ok()?, number(units)?));
    }
    let terms = SaleConfig::of(sale.clone(), opens, closes, &skus).ok()?.limit_per_buyer(limit);
    let terms = terms.time_to_pay(pay).ok()?.shards(shards).ok()?;
    let terms = if eligible == 1 { terms.eligible_only() } else { terms };
    (to_text(&terms) == text).then_some(terms)
}

/// The units with which one shard starts, of each thing.
pub(crate) fn shares(terms: &SaleConfig, shard: u16) -> Vec<u64> {
    let (index, count) = (u64::from(shard), u64::from(terms.shard_count()));
    let share = |(_, units): &(SkuId, u64)| units / count + u64::from(index < units % count);
    terms.skus().iter().map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::UnixMillis;
    use proptest::prelude::*;

    fn terms(skus: &[(SkuId, u64)]) -> SaleConfig {
        let closes = UnixMillis::new(9_000).unwrap();
        SaleConfig::of(SaleId::new("s").unwrap(), UnixMillis::MIN, closes, skus).unwrap()
    }

    proptest! {
        #[test]
        fn terms_survive(
            stock in proptest::collection::btree_map("[a-z]{1,4}", 1u64..1_000, 1..5),
            shards in 1u16..=64,
        ) {
            let skus: Vec<_> = stock.iter().map(|(name, units)| (SkuId::new(name).unwrap(), *units)).collect();
            let terms = terms(&skus).shards(shards).unwrap().eligible_only();
            prop_assert_eq!(from_text(terms.id(), &to_text(&terms)), Some(terms.clone()));
            for (index, (_, units)) in skus.iter().enumerate() {
                let total: u64 = (0..shards).map(|shard| shares(&terms, shard)[index]).sum();
                prop_assert_eq!(total, *units);
            }
        }

        #[test]
        fn no_text_panics(text in "[0-9 a-z:,]{0,60}") {
            if let Some(terms) = from_text(&SaleId::new("s").unwrap(), &text) {
                prop_assert_eq!(to_text(&terms), text);
            }
        }
    }

    #[test]
    fn text_is_as_documented() {
        let terms = terms(&[(SkuId::new("a").unwrap(), 5)]);
        assert_eq!(to_text(&terms), "1 0 9000 1 900000 0 1 a:5");
    }
}
