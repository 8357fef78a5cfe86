//! What is fuzzed: one module a gateway, and one for certificates, for keys, for what Alipay seals and for the values of
//! all.

mod alipay;
mod alipay_sealed;
mod answer;
mod certificates;
mod keys;
mod openssl;
mod sandbox;
mod unionpay;
mod values;
mod wechat;

use crate::engine::Target;

/// Every target of this crate.
pub(crate) fn all() -> Vec<Target> {
    let targets = [
        alipay::all(),
        alipay_sealed::all(),
        certificates::all(),
        keys::all(),
        sandbox::all(),
        unionpay::all(),
        values::all(),
        wechat::all(),
    ];
    targets.into_iter().flatten().collect()
}
