//! A form that Alipay signed: notifies and sync returns share this reading, and nothing is trusted before its end.

use super::canonical::{NOTIFY_UNSIGNED, SERVICE_UNSIGNED, canonical, hides_a_parameter, is_signed};
use super::merchant::Merchant;
use crate::error::{Cause, Error};
use crate::form::{self, Params};
use crate::{UnixMillis, sign};

/// The longest form that is read, in bytes; real notifies have about 2000.
pub const FORM_BYTES_MAX: usize = 65_536;

const SIGN_TYPE: &str = "RSA2";

/// Which parameters a signature leaves out. The kind of message decides, never the message itself.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rule {
    /// Rule V1 of the manual, for payments: neither `sign` nor `sign_type` is signed.
    Payment,
    /// Rule V2, for service messages: `sign_type` is signed.
    Service,
}

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
        if params.get("sign_type").is_some_and(|sign_type| sign_type != SIGN_TYPE) {
            return Err(Cause::Unverified { what, why: "its sign type is not RSA2" }.into());
        }
        let sign = params.remove("sign").unwrap_or_default();
        if sign.is_empty() {
            return Err(Cause::Unverified { what, why: "it has no signature" }.into());
        }
        Ok(Self { what, params, sign })
    }

    /// The signed parameters, once the signature fits and, in certificate mode, its certificate is valid at this
    /// moment. What it does not cover is dropped.
    pub(crate) fn verify(self, merchant: &Merchant, rule: Rule, at: UnixMillis) -> Result<Params, Error> {
        let Self { what, mut params, sign } = self;
        let unsigned = match rule {
            Rule::Payment => NOTIFY_UNSIGNED,
            Rule::Service => {
                // A message that leaves it out is signed as if it were there.
                params.insert("sign_type".to_owned(), SIGN_TYPE.to_owned());
                SERVICE_UNSIGNED
            }
        };
        let named = params.get("alipay_cert_sn").map(String::as_str).filter(|sn| !sn.is_empty());
        // Anybody can send a form, so an unknown certificate in it is named and never asked for here. The next reply
        // of the gateway makes a new one known; Alipay sends the notify again until then.
        let verifier = merchant.verifier(named, at)?;
        if !sign::verify_text(&*verifier, &canonical(&params, unsigned), &sign) {
            return Err(Cause::Unverified { what, why: "its signature does not fit" }.into());
        }
        if params.values().any(|value| hides_a_parameter(value)) {
            return Err(
                Cause::Unverified { what, why: "one of its values can hide another parameter" }.into()
            );
        }
        params.retain(|name, value| is_signed(name, value, unsigned));
        Ok(params)
    }

    pub(crate) fn len(&self) -> usize {
        self.params.len()
    }
}
