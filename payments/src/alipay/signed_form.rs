//! A form that Alipay signed: notifies and sync returns share this reading, and nothing is trusted before its end.

use super::canonical::{NOTIFY_UNSIGNED, canonical, hides_a_parameter, is_signed};
use super::merchant::Merchant;
use crate::error::{Cause, Error};
use crate::form::{self, Params};
use crate::sign;

/// The longest form that is read, in bytes; real notifies have about 2000.
pub const FORM_BYTES_MAX: usize = 65_536;

/// A well-formed form with a signature that nobody has checked.
pub(crate) struct SignedForm {
    what: &'static str,
    params: Params,
    sign: String,
}

impl SignedForm {
    /// Decodes once and checks the shape. The algorithm is ours: a message may only agree with it.
    pub(crate) fn parse(what: &'static str, form: &[u8]) -> Result<Self, Error> {
        let shape = |why| Cause::Shape { what, why };
        if form.len() > FORM_BYTES_MAX {
            return Err(shape("it is longer than 65536 bytes").into());
        }
        let pairs = form::decode(form).map_err(shape)?;
        let utf8 = |value: &Vec<u8>| value.eq_ignore_ascii_case(b"utf-8");
        if pairs.iter().any(|(name, value)| name == b"charset" && !utf8(value)) {
            return Err(shape("its charset is not utf-8; send requests with charset utf-8").into());
        }
        let mut params = form::params(pairs).map_err(shape)?;
        if params.get("sign_type").is_some_and(|sign_type| sign_type != "RSA2") {
            return Err(Cause::Unverified { what, why: "its sign type is not RSA2" }.into());
        }
        let sign = params.remove("sign").unwrap_or_default();
        if sign.is_empty() {
            return Err(Cause::Unverified { what, why: "it has no signature" }.into());
        }
        Ok(Self { what, params, sign })
    }

    /// The signed parameters, once the signature fits. What it does not cover is dropped: empty values, `sign_type`.
    pub(crate) fn verify(self, merchant: &Merchant) -> Result<Params, Error> {
        let Self { what, mut params, sign } = self;
        if !sign::verify_text(&*merchant.alipay, &canonical(&params, NOTIFY_UNSIGNED), &sign) {
            return Err(Cause::Unverified { what, why: "its signature does not fit" }.into());
        }
        if params.values().any(|value| hides_a_parameter(value)) {
            return Err(
                Cause::Unverified { what, why: "one of its values can hide another parameter" }.into()
            );
        }
        params.retain(|name, value| is_signed(name, value, NOTIFY_UNSIGNED));
        Ok(params)
    }

    pub(crate) fn len(&self) -> usize {
        self.params.len()
    }
}
