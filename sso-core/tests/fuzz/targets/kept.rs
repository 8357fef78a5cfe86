//! Parts of a session as a store gives them back: whoever can write to the store can make them fail, not panic.

use std::time::Duration;

use sso_core::{
    AttributeName, AttributeValue, Attributes, Changes, DeviceKind, EndReason, Error, ErrorKind, Lifespan,
    Proof, Proofs, Purpose, UnixMillis, UserId,
};

use super::{seeds, text};
use crate::engine::Target;

fn refused(error: &Error) -> String {
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    error.to_string()
}

pub(crate) fn attributes() -> Target {
    let name = |name: &str| AttributeName::new(name).unwrap();
    let changes = Changes::new()
        .set(name("theme"), AttributeValue::text("100%25 = a\nb").unwrap())
        .set(name("n"), -7)
        .set(name("yes"), true);
    let good = Attributes::default().changed(&changes).unwrap().encode();
    Target {
        name: "attributes",
        seeds: seeds([good, "a=i01\n".into(), "a=ix".into(), String::new()]),
        words: &["\n", "=", "t", "i-1", "b1", "b2", "%0A", "%25", "%", "i9223372036854775807"],
        bytes_max: 2000,
        run: |input| match Attributes::decode(&text(input)) {
            Ok(read) => {
                assert_eq!(Attributes::decode(&read.encode()).unwrap(), read);
                assert!(read.len() <= Attributes::COUNT_MAX);
                "attributes".into()
            }
            Err(error) => refused(&error),
        },
        reaches: &["attributes", "the store holds a session that cannot be read"],
    }
}

pub(crate) fn proofs() -> Target {
    let proof = |name| Proof::new(Purpose::new(name).unwrap(), Duration::from_secs(60)).unwrap();
    let one = Proofs::default().with(&proof("pay"), UnixMillis::EPOCH).unwrap();
    let two = one.with(&proof("mfa"), UnixMillis::EPOCH).unwrap();
    Target {
        name: "proofs",
        seeds: seeds([two.encode(), "pay=1\npay=2\n".into(), "pay=x".into(), String::new()]),
        words: &["\n", "=", "pay=", "+1", "-1", "4503599627370496", "4503599627370497"],
        bytes_max: 2000,
        run: |input| match Proofs::decode(&text(input)) {
            Ok(read) => {
                assert_eq!(Proofs::decode(&read.encode()).unwrap(), read);
                assert!(read.iter().count() <= Proofs::COUNT_MAX);
                "proofs".into()
            }
            Err(error) => refused(&error),
        },
        reaches: &["proofs", "the store holds a session that cannot be read"],
    }
}

pub(crate) fn lifespan() -> Target {
    Target {
        name: "lifespan",
        seeds: seeds([String::new(), "r60000".into(), "m3600000".into(), "x1".into(), "r".into()]),
        words: &["r", "m", "0", "18446744073709551615", "+1", " "],
        bytes_max: 40,
        run: |input| {
            let text = text(input);
            match Lifespan::decode(&text) {
                Ok(read) => {
                    assert_eq!(read.encode(), text);
                    "a lifespan".into()
                }
                Err(error) => refused(&error),
            }
        },
        reaches: &["a lifespan", "the store holds a lifespan that cannot be read"],
    }
}

pub(crate) fn end_reason() -> Target {
    let kicked = EndReason::Kicked { by: Some(UserId::new("bob:x").unwrap()) }.to_text().into_owned();
    let replaced = EndReason::Replaced { by: DeviceKind::Mobile }.to_text().into_owned();
    Target {
        name: "end_reason",
        seeds: seeds([kicked, replaced, "signed_out".into(), "renewed".into(), String::new()]),
        words: &[":", "kicked", "replaced", "signed_out", "expired_idle", "mobile", "revoked"],
        bytes_max: 300,
        run: |input| {
            let text = text(input);
            let reason = EndReason::from_text(&text);
            // Whatever a reason came from, it is written and read as itself from then on.
            assert_eq!(EndReason::from_text(&reason.to_text()), reason);
            if let EndReason::Kicked { by: Some(by) } = &reason {
                assert_eq!(text, format!("kicked:{}", by.as_str()));
            }
            reason.code().into()
        },
        reaches: &["kicked", "replaced", "signed_out", "renewed"],
    }
}
