//! Messages of UnionPay as texts: what is signed, how replies are written, and the check of both.
//!
//! The signed text is every parameter but `signature`, sorted, as `name=value` joined by `&`, raw UTF-8. It is hashed
//! twice: RSA2 signs the lower-case hexadecimal text of its SHA-256.

use super::names;
use super::trust::Trust;
use crate::UnixMillis;
use crate::error::{Cause, Error, quoted};
use crate::form::{self, PARAMS_MAX, Params};
use crate::sign::{self, Signer};
use aws_lc_rs::digest::{SHA256, digest};

/// The longest notify that is read, in bytes; real ones have about 3000.
pub const FORM_BYTES_MAX: usize = 65_536;

/// The version that is spoken, in both directions.
pub(super) const VERSION: &str = "5.1.0";
/// RSA with SHA-256, in both directions.
pub(super) const SIGN_METHOD: &str = "01";

/// A well-formed message with a signature that nobody has checked.
pub(super) struct Message {
    what: &'static str,
    params: Params,
    signature: String,
}

impl Message {
    /// Reads a reply: `name=value` joined by `&`, not encoded. Decoding it would turn the `+` of base64 into spaces.
    pub(super) fn of_reply(body: &[u8], bytes_max: usize) -> Result<Self, Error> {
        const WHAT: &str = "unionpay reply";
        let unverified = |why| Cause::Unverified { what: WHAT, why };
        if body.len() > bytes_max {
            return Err(unverified("it is longer than the limit").into());
        }
        let text = std::str::from_utf8(body).map_err(|_| unverified("it is not UTF-8"))?;
        if !text.contains("signature=") {
            // The gateway does not sign what it refuses before it knows the merchant: `Invalid request.`
            return Err(Cause::Unsigned { code: quoted(text.trim()) }.into());
        }
        Self::signed(WHAT, reply_params(text).map_err(unverified)?)
    }

    /// Reads a notify: an encoded form. Empty values are dropped before anything else, as the official demo program
    /// does.
    pub(super) fn of_form(body: &[u8]) -> Result<Self, Error> {
        const WHAT: &str = "unionpay notify";
        let shape = |why| Cause::Shape { what: WHAT, why };
        if body.len() > FORM_BYTES_MAX {
            return Err(shape("it is longer than 65536 bytes").into());
        }
        let mut params = form::decode(body).and_then(form::params).map_err(shape)?;
        params.retain(|_, value| !value.is_empty());
        Self::signed(WHAT, params)
    }

    /// The method is ours: a message may only agree with it.
    fn signed(what: &'static str, mut params: Params) -> Result<Self, Error> {
        let unverified = |why| Error::from(Cause::Unverified { what, why });
        let says =
            |name: &str, ours: &str| params.get(name).is_some_and(|text| text.eq_ignore_ascii_case(ours));
        if !says(names::VERSION, VERSION) {
            return Err(unverified("its version is not 5.1.0"));
        }
        if !says(names::SIGN_METHOD, SIGN_METHOD) {
            return Err(unverified("its sign method is not 01"));
        }
        if !says(names::ENCODING, "utf-8") {
            return Err(unverified("its encoding is not UTF-8"));
        }
        let signature = params.remove(names::SIGNATURE).filter(|signature| !signature.is_empty());
        let signature = signature.ok_or_else(|| unverified("it has no signature"))?;
        Ok(Self { what, params, signature })
    }

    /// The signed parameters, once the certificate is UnionPay's at this moment and the signature fits.
    pub(super) fn verify(self, trust: &Trust, at: UnixMillis) -> Result<Params, Error> {
        let Self { what, mut params, signature } = self;
        let unverified = |why| Error::from(Cause::Unverified { what, why });
        let certificate =
            params.get(names::SIGN_PUB_KEY_CERT).ok_or_else(|| unverified("it brings no certificate"))?;
        let signatory = trust.signatory(what, certificate, at)?;
        if !sign::verify_text(&signatory.key, &digest_text(&params), &signature) {
            return Err(unverified("its signature does not fit"));
        }
        trust.remember(signatory);
        if hides_a_parameter(&params) {
            return Err(unverified("one of its values can hide another parameter"));
        }
        params.remove(names::SIGN_PUB_KEY_CERT);
        Ok(params)
    }

    pub(super) fn len(&self) -> usize {
        self.params.len()
    }
}

/// Signs the parameters of a request and puts the signature among them.
pub(super) fn sign(signer: &dyn Signer, params: &mut Params) -> Result<(), Error> {
    let signature = sign::sign_text(signer, &digest_text(params))?;
    params.insert(names::SIGNATURE.to_owned(), signature);
    Ok(())
}

/// The lower-case hexadecimal SHA-256 of the signed text: what RSA2 then signs.
fn digest_text(params: &Params) -> String {
    let digest = digest(&SHA256, signed_text(params).as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Names are in byte order already, because [`Params`] keeps them so. Empty values stay, because replies sign them:
/// notifies have lost theirs before, and our requests hold none.
fn signed_text(params: &Params) -> String {
    let pairs: Vec<String> = params.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

fn reply_params(text: &str) -> Result<Params, &'static str> {
    let mut brackets = Brackets::default();
    let mut params = Params::new();
    for piece in text.split(|character| brackets.divides(character)) {
        let (name, value) = piece.split_once('=').ok_or("a parameter has no `=`")?;
        if !form::is_name(name) {
            return Err("a parameter name holds something else than letters, digits and `_`");
        }
        if params.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err("a parameter occurs twice");
        }
        if params.len() > PARAMS_MAX {
            return Err("it has more than 128 parameters");
        }
    }
    if brackets.0.is_some() { Err("a bracket is not closed") } else { Ok(params) }
}

/// The closing bracket that is awaited. Between `{` and `}`, or `[` and `]`, an `&` belongs to the value; brackets do
/// not nest, as in the gateway's own reader.
#[derive(Default)]
struct Brackets(Option<char>);

impl Brackets {
    /// Goes on by one character; true if it divides two parameters.
    fn divides(&mut self, character: char) -> bool {
        match (self.0, character) {
            (Some(end), found) if end == found => self.0 = None,
            (None, '{') => self.0 = Some('}'),
            (None, '[') => self.0 = Some(']'),
            (None, '&') => return true,
            _ => {}
        }
        false
    }
}

/// True if a value could be split into a value and further parameters without changing the signed text, which does
/// not say where a value ends, and that could matter.
///
/// Lists in brackets are values of the gateway that hold `&name=`, so those have to pass. But the same text is signed
/// for `a` of `{&b=}` as for `a` of `{` and `b` of `}`. Therefore no list may hold a name that is read here or that the
/// message has outside; a parameter that is read may hold no list; and a bracket that is never closed protects nothing.
/// Two messages that pass and have the same text then agree on every parameter that is read.
fn hides_a_parameter(params: &Params) -> bool {
    params.iter().any(|(name, value)| {
        let plain = names::is_read(name) || !is_closed(value);
        let mut listed = value.split('&').skip(1).filter_map(begun_parameter);
        let mut brackets = Brackets::default();
        let mut outside = value.split(|character| brackets.divides(character)).skip(1);
        listed.any(|listed| plain || names::is_read(listed) || params.contains_key(listed))
            || outside.any(|piece| begun_parameter(piece).is_some())
    })
}

/// The name of the parameter that this piece of a text would begin.
fn begun_parameter(piece: &str) -> Option<&str> {
    piece.split_once('=').map(|(name, _)| name).filter(|name| form::is_name(name))
}

/// True if every bracket has its end.
fn is_closed(value: &str) -> bool {
    let mut brackets = Brackets::default();
    for character in value.chars() {
        brackets.divides(character);
    }
    brackets.0.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn params(pairs: &[(&str, &str)]) -> Params {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn replies_are_not_decoded() {
        let read = reply_params("b=1+1=2%2B&a={x=1&y=2}&c=[p&q=]}&d=&e=成功[0000000]").unwrap();
        let expected =
            [("a", "{x=1&y=2}"), ("b", "1+1=2%2B"), ("c", "[p&q=]}"), ("d", ""), ("e", "成功[0000000]")];
        assert_eq!(read, params(&expected));
        assert_eq!(signed_text(&read), "a={x=1&y=2}&b=1+1=2%2B&c=[p&q=]}&d=&e=成功[0000000]");
    }

    /// A request that UnionPay's test environment took, from the public tests of another project; the file names it.
    #[test]
    fn the_signature_is_the_official_one() {
        let file = |text| serde_json::from_str::<serde_json::Value>(text).unwrap();
        let request = &file(include_str!("../../tests/it/vectors/unionpay-messages.json"))["request"];
        let keys = file(include_str!("../../tests/it/vectors/unionpay-certificates.json"));
        let pairs = request["params"].as_object().unwrap().iter();
        let mut given: Params =
            pairs.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect();
        assert_eq!(digest_text(&given), request["sha256_hex"].as_str().unwrap());
        let key = crate::PrivateKey::parse(keys["private_key"].as_str().unwrap()).unwrap();
        sign(&key, &mut given).unwrap();
        assert_eq!(given[names::SIGNATURE], request["signature"].as_str().unwrap());
    }

    #[test]
    fn broken_replies_are_refused() {
        for text in ["", "a", "a=1&", "a=1&a=1", "a=1&&b=2", "=1", "a b=1", "a={x&b=2", "a=[{]&b={"] {
            assert!(reply_params(text).is_err(), "{text}");
        }
        let many: Vec<String> = (0..=PARAMS_MAX).map(|n| format!("a{n}=1")).collect();
        assert!(reply_params(&many.join("&")).is_err());
    }

    #[test]
    fn a_hidden_parameter_is_seen() {
        for value in ["x&other=1", "&b=", "{b=1}&c=2", "{a&b=1", "[&b=1", "{x=1&txnAmt=2}", "[&respCode=00]"]
        {
            assert!(hides_a_parameter(&params(&[("a", value)])), "{value}");
        }
        for value in ["", "a=b", "a&b", "{b=1&c=2}", "[b=1&c=2]", "成功[0000000]", "{x", "{txnAmt=1&x=2}"] {
            assert!(!hides_a_parameter(&params(&[("a", value)])), "{value}");
        }
        // A name that the message has outside, and a list in a parameter that is read.
        assert!(hides_a_parameter(&params(&[("a", "{&b=}"), ("b", "1")])));
        assert!(hides_a_parameter(&params(&[("respMsg", "[&b=]")])));
        assert!(!hides_a_parameter(&params(&[
            ("respMsg", "成功[0000000]"),
            ("tokenPayData", "{token=1&trId=2}")
        ])));
    }

    /// One text, two messages: the amount is told, or swallowed by a list.
    #[test]
    fn a_list_swallows_nothing_that_is_read() {
        let told = params(&[("a", "{"), ("txnAmt", "}")]);
        let swallowed = params(&[("a", "{&txnAmt=}")]);
        assert_eq!(signed_text(&told), signed_text(&swallowed));
        assert!(hides_a_parameter(&swallowed));
    }

    #[test]
    fn notifies_lose_their_empty_values() {
        let head = "version=5.1.0&signMethod=01&encoding=UTF-8&signature=x";
        let message = Message::of_form(format!("{head}&reserved=&orderId=1").as_bytes()).unwrap();
        assert_eq!((message.params.get("reserved"), message.len()), (None, 4));
        let message = Message::of_reply(format!("{head}&reserved=&orderId=1").as_bytes(), 100).unwrap();
        assert_eq!((message.params.get("reserved").map(String::as_str), message.len()), (Some(""), 5));
    }

    /// The message whose parameters begin at these pieces of the text.
    fn cut(pieces: &[(&str, String)], begins: &[bool]) -> Params {
        let mut params: Vec<(String, String)> = Vec::new();
        for (index, (name, value)) in pieces.iter().enumerate() {
            match params.last_mut() {
                Some((_, whole)) if !begins[index] => whole.push_str(&format!("&{name}={value}")),
                _ => params.push(((*name).to_owned(), value.clone())),
            }
        }
        params.into_iter().collect()
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in ".{0,80}") {
            let _answered = (reply_params(&text), hides_a_parameter(&params(&[("a", &text)])));
        }

        #[test]
        fn near_replies_are_answered(text in "[ab=&{}\\[\\]]{0,40}") {
            // What is read is what was written, apart from the order.
            if let Ok(read) = reply_params(&text) {
                let mut pieces: Vec<char> = signed_text(&read).chars().collect();
                let mut given: Vec<char> = text.chars().collect();
                pieces.sort_unstable();
                given.sort_unstable();
                prop_assert_eq!(pieces, given);
            }
        }

        /// One signed text, cut into parameters in two ways: messages that hide nothing agree on what is read.
        #[test]
        fn the_text_names_one_message(
            mut pieces in proptest::collection::vec(
                (proptest::sample::select(vec!["a", "b", "merId", "txnAmt", "z"]), "[{}\\[\\]x]{0,2}"),
                2..6,
            ),
            left in proptest::array::uniform6(any::<bool>()),
            right in proptest::array::uniform6(any::<bool>()),
        ) {
            pieces.sort();
            let (left, right) = (cut(&pieces, &left), cut(&pieces, &right));
            let same = signed_text(&left) == signed_text(&right);
            if same && !hides_a_parameter(&left) && !hides_a_parameter(&right) {
                for name in ["merId", "txnAmt"] {
                    prop_assert_eq!(left.get(name), right.get(name), "{:?} {:?}", left, right);
                }
            }
        }
    }
}
