//! The integration suite: vectors, key shapes, notify rules, the contract of the stores, the sandbox gateway.

#[cfg(test)]
mod admission;
#[cfg(test)]
mod alipay;
#[cfg(test)]
mod alipay_certificates;
#[cfg(test)]
mod alipay_content;
#[cfg(test)]
mod alipay_mode;
#[cfg(test)]
mod alipay_v3;
#[cfg(test)]
mod authority;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod desk;
#[cfg(test)]
mod docs;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod life;
#[cfg(test)]
mod loopback;
#[cfg(test)]
mod notify;
#[cfg(test)]
mod peers;
#[cfg(test)]
mod query;
#[cfg(test)]
mod sandbox;
#[cfg(test)]
mod sandbox_alipay;
#[cfg(test)]
mod sandbox_mischief;
#[cfg(test)]
mod sandbox_unionpay;
#[cfg(test)]
mod sandbox_wechat;
#[cfg(test)]
mod settle_races;
#[cfg(test)]
mod support;
#[cfg(test)]
mod transport;
#[cfg(test)]
mod unionpay;
#[cfg(test)]
mod vectors;
#[cfg(test)]
mod wechat;
