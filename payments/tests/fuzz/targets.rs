//! What is fuzzed: one module a gateway, one for certificates and keys, one for the values of all.

mod alipay;
mod certificates;
mod sandbox;
mod unionpay;
mod values;
mod wechat;

use crate::engine::Target;

/// Every target of this crate.
pub(crate) fn all() -> Vec<Target> {
    [alipay::all(), certificates::all(), sandbox::all(), unionpay::all(), values::all(), wechat::all()]
        .into_iter()
        .flatten()
        .collect()
}
