//! Values that everything else is made of: amounts, times, days, numbers, words, addresses.

use payments::{
    BillDay, CallbackUrl, Channel, Currency, ErrorKind, Money, OutTradeNo, RefundNo, RefundState, Subject,
    TradeNo, TradeState, UnixMillis,
};
use std::borrow::Cow;

use crate::engine::Target;

pub(crate) fn all() -> Vec<Target> {
    vec![money(), times(), bill_day(), numbers(), subject(), words(), callback_url()]
}

/// Arbitrary bytes as a reader of text gets them: what is not UTF-8 never reaches it.
fn text(input: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(input)
}

fn seeds(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// The answer of a parser that refuses with `InvalidInput` and nothing else.
fn answer<T>(read: Result<T, payments::Error>) -> Option<T> {
    match read {
        Ok(value) => Some(value),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().chars().all(|char| !char.is_control()), "{error:?}");
            None
        }
    }
}

fn money() -> Target {
    Target {
        name: "money",
        seeds: seeds(&["88.00", "0.01", "8800", "100000000.00", "1e2", "-1", ".5", "1.005", ""]),
        words: &["0", ".", ".0", "00", "-", "+", "e", " ", "10000000000", "9223372036854775807", "１"],
        bytes_max: 64,
        run: |input| {
            let text = text(input);
            let (yuan, fen) = (answer(Money::parse_yuan(&text)), answer(Money::parse_fen(&text)));
            for amount in [yuan, fen].into_iter().flatten() {
                assert_eq!(answer(Money::parse_yuan(&amount.yuan_text())), Some(amount));
                assert_eq!(answer(Money::parse_fen(&amount.fen_text())), Some(amount));
                assert_eq!(answer(Money::from_minor(amount.minor(), Currency::Cny)), Some(amount));
            }
            // Both readings of one text: fen are whole, and a hundred of them are a yuan.
            if let (Some(yuan), Some(fen)) = (yuan, fen) {
                assert_eq!(yuan.minor(), fen.minor() * 100);
            }
            format!("yuan {}, fen {}", yuan.is_some(), fen.is_some())
        },
        reaches: &["yuan true, fen false", "yuan true, fen true", "yuan false, fen false"],
    }
}

fn times() -> Target {
    Target {
        name: "times",
        seeds: seeds(&[
            "2026-09-22 00:00:00",
            "20260922000000",
            "2026-09-22T00:00:00+08:00",
            "2024-02-29 23:59:59",
            "2026-02-30 00:00:00",
            "2026-09-22T00:00:00Z",
            "",
        ]),
        words: &[
            "-", ":", " ", "T", "+08:00", "Z", "+00:00", "24", "60", "02-29", "1969", "9999", "0000", ".",
        ],
        bytes_max: 64,
        run: |input| {
            let text = text(input);
            let read = [
                answer(UnixMillis::parse_china_text(&text)),
                answer(UnixMillis::parse_china_digits(&text)),
                answer(UnixMillis::parse_rfc3339(&text)),
            ];
            for at in read.into_iter().flatten() {
                let whole = UnixMillis::from_millis(at.as_millis() / 1000 * 1000);
                assert_eq!(answer(UnixMillis::parse_china_text(&whole.china_text())), Some(whole));
                assert_eq!(answer(UnixMillis::parse_china_digits(&whole.china_digits())), Some(whole));
                assert_eq!(answer(UnixMillis::parse_rfc3339(&whole.china_rfc3339())), Some(whole));
            }
            let kind = read.iter().position(Option::is_some);
            kind.map_or("none", |kind| ["text", "digits", "rfc3339"][kind]).into()
        },
        reaches: &["text", "digits", "rfc3339", "none"],
    }
}

fn bill_day() -> Target {
    Target {
        name: "bill_day",
        seeds: seeds(&["2026-09-22", "1970-01-02", "9999-12-30", "2026-02-30", "20260922"]),
        words: &["-", "02-29", "1970-01-01", "9999-12-31", "00", "+"],
        bytes_max: 32,
        run: |input| {
            let text = text(input);
            let Some(day) = answer(BillDay::parse(&text)) else { return "none".into() };
            assert_eq!(day.to_string(), text);
            assert_eq!(BillDay::of(day.begins_at()), day);
            assert!(day.previous() <= day && day.begins_at() < day.ends_at());
            "a day".into()
        },
        reaches: &["a day", "none"],
    }
}

fn numbers() -> Target {
    Target {
        name: "numbers",
        seeds: seeds(&["COURSE_0001", "T1", "a-b_c9", "课程课程", "a b c d e f", ""]),
        words: &["_", "-", "0", "Z", " ", "\0", "\u{ff10}", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"],
        bytes_max: 100,
        run: |input| {
            let text = text(input);
            let read = [
                answer(OutTradeNo::parse(&text)).map(|number| number.to_string()),
                answer(RefundNo::parse(&text)).map(|number| number.to_string()),
                answer(TradeNo::parse(&text)).map(|number| number.to_string()),
            ];
            for number in read.iter().flatten() {
                assert!(*number == text && number.is_ascii());
            }
            read.iter().flatten().count().to_string()
        },
        reaches: &["3", "1", "0"],
    }
}

fn subject() -> Target {
    Target {
        name: "subject",
        seeds: seeds(&["Rust 入门课", "a\nb", " ", "", "<script>"]),
        words: &["课", "\n", "\0", "\u{85}", "\u{202e}", " ", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"],
        bytes_max: 900,
        run: |input| {
            let text = text(input);
            let Some(subject) = answer(Subject::parse(&text)) else { return "none".into() };
            assert_eq!(subject.as_str(), text);
            assert!(text.chars().count() <= Subject::CHARS_MAX && !text.chars().any(char::is_control));
            "a subject".into()
        },
        reaches: &["a subject", "none"],
    }
}

/// The words of the stores.
fn words() -> Target {
    Target {
        name: "stored_words",
        seeds: seeds(&["paid", "succeeded", "wechat", "closed", "PAID", ""]),
        words: &["paid", "_late", "refunded", "alipay", "unknown", " "],
        bytes_max: 64,
        run: |input| {
            let text = text(input);
            let state = answer(TradeState::parse(&text));
            assert!(state.is_none_or(|state| state.code() == text));
            let refund = answer(RefundState::parse(&text));
            assert!(refund.is_none_or(|state| state.code() == text));
            let channel = answer(Channel::parse(&text));
            assert!(channel.is_none_or(|channel| channel.code() == text));
            format!("{state:?} {refund:?} {channel:?}")
        },
        reaches: &["Some(Paid) None None", "None None Some(Wechat)", "None None None"],
    }
}

fn callback_url() -> Target {
    Target {
        name: "callback_url",
        seeds: seeds(&[
            "https://shop.example/notify",
            "http://127.0.0.1:8080/",
            "https://[::1]:443/a/b",
            "https://shop.example/?a=b",
            "https://user@shop.example/",
            "ftp://shop.example/",
        ]),
        words: &["https://", "http://", "/", "@", "?", "#", ":", "[", "]", "%2f", "\\", "..", "\0", "é"],
        bytes_max: 400,
        run: |input| {
            let text = text(input);
            let Some(url) = answer(CallbackUrl::parse(&text)) else { return "none".into() };
            assert_eq!(url.as_str(), text);
            assert!(!text.contains(['?', '#']), "{text}");
            let (scheme, rest) = text.split_once("://").unwrap();
            assert!(matches!(scheme.to_ascii_lowercase().as_str(), "https" | "http"), "{text}");
            let authority = rest.split('/').next().unwrap();
            assert!(!authority.is_empty() && !authority.contains(['@', '\\', '"', '<', ';']), "{text}");
            "an address".into()
        },
        reaches: &["an address", "none"],
    }
}
