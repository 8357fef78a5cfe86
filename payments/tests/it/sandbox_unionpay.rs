//! UnionPay's side of the sandbox, asked with forms that are signed here by hand.

mod admission;
mod messages;
mod trades;

use crate::loopback::Loopback;
use crate::support::NOW;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response};
use payments::sandbox::{Sandbox, SandboxUnionpay, UnionpayKeys, UnionpayRegistration, generate_key};
use payments::sign::{Signer as _, Verifier as _};
use payments::{Certificate, PrivateKey, SellerId};
use std::collections::BTreeMap;

const MER_ID: &str = "777290058167151";
const NUMBER: &str = "COURSE0001";
const FRONT: &str = "/gateway/api/frontTransReq.do";
const APP: &str = "/gateway/api/appTransReq.do";
const BACK: &str = "/gateway/api/backTransReq.do";
const QUERY: &str = "/gateway/api/queryTrans.do";

type Fields = BTreeMap<String, String>;

/// A merchant that signs by hand, and the gateway.
struct Shop {
    key: PrivateKey,
    cert_id: String,
    loopback: Loopback,
}

fn shop() -> Shop {
    let key = generate_key().unwrap();
    let merchant = UnionpayRegistration {
        mer_id: SellerId::parse(MER_ID).unwrap(),
        public_key: key.public_key().unwrap(),
    };
    let unionpay = SandboxUnionpay::new(UnionpayKeys::generate().unwrap(), merchant, NOW).unwrap();
    let cert_id = Certificate::parse(&unionpay.files().merchant).unwrap().serial_decimal();
    let sandbox = Sandbox::new("http://127.0.0.1:8070").unwrap().with_unionpay(unionpay);
    Shop { key, cert_id, loopback: Loopback::new(sandbox, NOW) }
}

fn fields(pairs: &[(&str, &str)]) -> Fields {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Sorted, raw, without the signature: what is hashed twice.
fn text(fields: &Fields) -> String {
    let signed = fields.iter().filter(|(name, _)| *name != "signature");
    signed.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn hex_digest(text: &str) -> String {
    digest(&SHA256, text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Shop {
    fn now(&self) -> String {
        self.loopback.now().china_digits()
    }

    /// The common fields, the given ones instead or beside; an empty one is left out.
    fn request(&self, pairs: &[(&str, &str)]) -> Fields {
        let now = self.now();
        let mut all = fields(&[
            ("version", "5.1.0"),
            ("encoding", "UTF-8"),
            ("signMethod", "01"),
            ("certId", &self.cert_id),
            ("accessType", "0"),
            ("merId", MER_ID),
            ("txnTime", &now),
        ]);
        all.extend(fields(pairs));
        all.retain(|_, value| !value.is_empty());
        self.signed(all)
    }

    fn signed(&self, mut fields: Fields) -> Fields {
        let digest = hex_digest(&text(&fields));
        fields.insert("signature".into(), STANDARD.encode(self.key.sign(digest.as_bytes()).unwrap()));
        fields
    }

    fn payment(&self, changes: &[(&str, &str)]) -> Fields {
        let mut pairs = vec![
            ("txnType", "01"),
            ("txnSubType", "01"),
            ("bizType", "000201"),
            ("channelType", "07"),
            ("currencyCode", "156"),
            ("orderId", NUMBER),
            ("txnAmt", "8800"),
            ("frontUrl", "https://shop.example/unionpay/return"),
            ("backUrl", "https://shop.example/unionpay/notify"),
        ];
        pairs.extend(changes);
        self.request(&pairs)
    }

    fn back(&self, kind: &str, number: &str, fen: &str, query_id: &str) -> Fields {
        self.request(&[
            ("txnType", kind),
            ("txnSubType", "00"),
            ("bizType", "000201"),
            ("channelType", "07"),
            ("orderId", number),
            ("txnAmt", fen),
            ("origQryId", query_id),
            ("reqReserved", NUMBER),
            ("backUrl", "https://shop.example/unionpay/refund"),
        ])
    }

    fn post(&self, path: &str, fields: &Fields) -> Response<Bytes> {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.loopback.exchange(Request::post(path).body(Bytes::from(form)).unwrap())
    }

    /// Sends a call; the reply is not encoded, and signed by the certificate in it.
    fn call(&self, path: &str, fields: &Fields) -> Fields {
        let response = self.post(path, fields);
        let reply = reply(std::str::from_utf8(response.body()).unwrap());
        assert!(is_signed(&reply), "{reply:?}");
        reply
    }

    fn query(&self, number: &str, txn_time: &str) -> Fields {
        let pairs = [
            ("txnType", "00"),
            ("txnSubType", "00"),
            ("bizType", "000000"),
            ("orderId", number),
            ("txnTime", txn_time),
        ];
        self.call(QUERY, &self.request(&pairs))
    }

    /// Opens the cashier by the browser's form and pays; gives the page after it.
    fn pay(&self) -> Response<Bytes> {
        let page = self.post(FRONT, &self.payment(&[]));
        assert_eq!(page.status(), 200, "{page:?}");
        self.loopback.post("/cashier/pay", &format!("token={}", token(&page)))
    }

    /// The notifies that are due, acknowledged, as fields.
    fn notifies(&self) -> Vec<(String, Fields)> {
        let due = self.loopback.notifies(&Response::new(Bytes::new())).into_iter();
        due.map(|notify| {
            let form = form_urlencoded::parse(notify.body()).into_owned().collect();
            (notify.uri().to_string(), form)
        })
        .collect()
    }

    fn query_id(&self) -> String {
        self.query(NUMBER, &self.now())["queryId"].clone()
    }
}

fn token(page: &Response<Bytes>) -> String {
    let html = std::str::from_utf8(page.body()).unwrap();
    html.split("name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

/// An ampersand between braces belongs to a value.
fn reply(text: &str) -> Fields {
    let (mut pieces, mut depth) = (vec![String::new()], false);
    for character in text.chars() {
        depth = if depth { character != '}' } else { character == '{' };
        if character == '&' && !depth {
            pieces.push(String::new());
        } else {
            pieces.last_mut().unwrap().push(character);
        }
    }
    let pairs = pieces.iter().map(|piece| piece.split_once('=').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// By the key of the certificate in the message, whoever's that is.
fn is_signed(fields: &Fields) -> bool {
    let certificate = Certificate::parse(&fields["signPubKeyCert"]).unwrap();
    let signature = STANDARD.decode(&fields["signature"]).unwrap();
    certificate.public_key().unwrap().verify(hex_digest(&text(fields)).as_bytes(), &signature)
}
