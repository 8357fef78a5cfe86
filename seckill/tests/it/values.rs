//! Values by example and at random: what is refused before any store is asked, and what survives as text.

use std::time::Duration;

use proptest::prelude::*;
use seckill::{BuyerId, Lines, Quantity, RequestId, ReservationId, SaleConfig, SaleId, SkuId, UnixMillis};

use crate::stage::{buyer, fresh, quantity, sku};

#[test]
fn terms_are_checked() {
    let time = |millis| UnixMillis::new(millis).unwrap();
    let made = |opens, closes, stock| SaleConfig::new(fresh(), time(opens), time(closes), stock);
    assert!(made(5, 5, 1).is_err());
    assert!(made(5, UnixMillis::MAX.millis(), 1).is_err());
    assert!(made(5, 6, 0).is_err());
    assert!(made(5, 6, SaleConfig::STOCK_MAX + 1).is_err());
    let terms = made(5, 6, SaleConfig::STOCK_MAX).unwrap();
    assert!(terms.clone().time_to_pay(Duration::ZERO).is_err());
    assert!(terms.clone().time_to_pay(SaleConfig::TIME_TO_PAY_MAX).is_ok());
    assert!(terms.clone().shards(0).is_err());
    assert!(terms.clone().shards(SaleConfig::SHARDS_MAX + 1).is_err());
    assert_eq!(terms.shards(SaleConfig::SHARDS_MAX).unwrap().shard_count(), 64);
    assert!(UnixMillis::new(UnixMillis::MAX.millis() + 1).is_err());
    assert_eq!(quantity(10_000), Quantity::MAX);
    assert!(Quantity::new(10_001).is_err());
    assert_eq!(buyer(1).as_str(), "buyer 1: 买家");
}

#[test]
fn things_on_sale_are_checked() {
    let (opens, closes) = (UnixMillis::MIN, UnixMillis::new(9).unwrap());
    let of = |skus: &[(SkuId, u64)]| SaleConfig::of(fresh(), opens, closes, skus);
    let many: Vec<_> = (0..=SaleConfig::SKUS_MAX).map(|index| (sku(index), 1)).collect();
    assert!(of(&[]).is_err());
    assert!(of(&many).is_err());
    assert_eq!(of(&many[1..]).unwrap().stock(), 64);
    assert!(of(&[(sku(0), 1), (sku(1), 0)]).is_err());
    assert!(of(&[(sku(0), 1), (sku(1), 1), (sku(0), 1)]).unwrap_err().to_string().contains("twice"));
    assert!(SkuId::new("").is_err() && SkuId::new(&"x".repeat(33)).is_err() && SkuId::new("a b").is_err());
}

#[test]
fn lines_are_checked() {
    let line = |index| (sku(index), Quantity::ONE);
    let nine: Vec<_> = (0..9).map(line).collect();
    assert!(Lines::of(&[]).is_err());
    assert!(Lines::of(&nine).is_err());
    assert_eq!(Lines::of(&nine[1..]).unwrap().units(), 8);
    assert!(Lines::of(&[line(1), line(0), (sku(1), quantity(2))]).unwrap_err().to_string().contains("twice"));
    assert_eq!(Lines::of(&[line(1), line(0)]).unwrap(), Lines::of(&[line(0), line(1)]).unwrap());
}

proptest! {
    #[test]
    fn no_text_panics(text in ".{0,200}") {
        let read = (SaleId::new(&text).is_ok(), RequestId::new(&text).is_ok(), SkuId::new(&text).is_ok());
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
        let fits = |min, max| plain && (min..=max).contains(&text.len());
        prop_assert_eq!(read, (fits(1, 64), fits(8, 64), fits(1, 32)));
        prop_assert_eq!(BuyerId::new(&text).is_ok(), (1..=128).contains(&text.len()));
    }

    #[test]
    fn what_reads_as_a_reservation_id_is_written_so(text in "[a-z.~0-9A-F]{0,30}") {
        if let Ok(id) = ReservationId::parse(&text) {
            prop_assert_eq!(id.to_string(), text);
        }
    }

    #[test]
    fn reservation_ids_survive_as_text(
        sale in "[A-Za-z0-9_-]{1,64}",
        request in "[A-Za-z0-9_-]{8,64}",
        name in ".{1,30}",
    ) {
        let (sale, request) = (SaleId::new(&sale).unwrap(), RequestId::new(&request).unwrap());
        let id = ReservationId::new(&sale, &BuyerId::new(&name).unwrap(), &request);
        let text = id.to_string();
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.~".contains(&byte);
        prop_assert!(text.bytes().all(fits), "{}", text);
        prop_assert!(text.len() <= 516);
        prop_assert_eq!(ReservationId::parse(&text).unwrap(), id);
    }

    #[test]
    fn refused_text_is_escaped(text in "[\\x00-\\x1f]{1,80}") {
        let words = SaleId::new(&text).unwrap_err().to_string();
        prop_assert!(words.chars().all(|char| !char.is_control()), "{:?}", words);
    }
}
