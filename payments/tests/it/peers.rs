//! Kits that nobody here wrote sign what is verified here, and verify what is signed here: npm's alipay-sdk and
//! wechatpay-axios-plugin, PyPI's python-alipay-sdk, alipay-sdk-python and wechatpayv3, and openssl.
//!
//! The content is random, with Chinese text, quotes, slashes, plus signs and empty values.

mod alipay;
mod alipay_numbers;
mod draw;
mod install;
mod program;
mod unionpay;
mod wechat;
mod wechat_notify;
