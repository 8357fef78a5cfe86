//! Certificates: real ones of the three gateways, and the ways in which a chain can lie.

mod chains;
mod real;
mod shapes;

use payments::{Certificate, UnixMillis};
use serde_json::Value;

const UNIONPAY: &str = include_str!("vectors/unionpay-certificates.json");

fn file(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

fn at(rfc3339: &str) -> UnixMillis {
    UnixMillis::parse_rfc3339(rfc3339).unwrap()
}

fn during(certificate: &Certificate) -> UnixMillis {
    certificate.not_before().plus_secs(60)
}
