//! UnionPay and its certificate authority, made by openssl, and what it would write.

use crate::authority::{Authority, CA, LEAF};
use crate::support::{openssl_text, yuan};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use payments::sign::Signer;
use payments::unionpay::{Endpoint, Merchant, SigningKey, Trust};
use payments::{
    CallbackUrl, Certificate, Channel, Money, Order, OutTradeNo, PrivateKey, Refund, RefundNo, RefundRef,
    Reply, SellerId, Subject, TradeNo, TradeRef, UnixMillis,
};
use std::collections::BTreeMap;
use std::path::Path;

pub(crate) const MER_ID: &str = "777290058167151";
pub(crate) const NUMBER: &str = "COURSE0001";
pub(crate) const REFUND_NO: &str = "REFUND0001";
pub(crate) const QUERY_ID: &str = "782209081322060674028";
pub(crate) const UNIONPAY: &str =
    "/CN=041@8310000000083040@中国银联股份有限公司@00016495/OU=Enterprises/O=CFCA OCA1";
pub(crate) const CUSTOMER: &str =
    "/CN=041@Z2014-11-11@700000000000001:SIGN@00000003/OU=Enterprises/O=CFCA OCA1";

pub(crate) type Fields = BTreeMap<String, String>;

/// The gateway and the merchant. The merchant's certificate comes from the same middle certificate as UnionPay's.
pub(crate) struct Bank {
    pub(crate) authority: Authority,
    pub(crate) merchant: Merchant,
    pub(crate) middle: Certificate,
    pub(crate) root: Certificate,
}

impl Bank {
    pub(crate) fn new() -> Self {
        Self::trusting(Trust::production)
    }

    pub(crate) fn trusting(trust: fn(Vec<Certificate>, Vec<Certificate>) -> Trust) -> Self {
        let authority = Authority::new();
        for name in ["root", "middle", "unionpay", "customer"] {
            lend_key(&authority, name);
        }
        let root = authority.certificate("root", "/CN=Root CA", None, CA);
        let middle = authority.certificate("middle", "/CN=Middle CA", Some("root"), CA);
        authority.certificate("unionpay", UNIONPAY, Some("middle"), LEAF);
        authority.certificate("customer", CUSTOMER, Some("middle"), LEAF);
        let trust = trust(vec![middle.clone()], vec![root.clone()]);
        let merchant = merchant(&authority, trust);
        Self { authority, merchant, middle, root }
    }

    /// The same middle certificate, with its key, for thirty days.
    pub(crate) fn short_lived_middle(&self) -> Certificate {
        let path = |name: &str| self.authority.path(name);
        let mut arguments = vec!["req", "-x509", "-new", "-days", "30", "-subj", "/CN=Middle CA"];
        let (config, key) = (path("cnf"), path("middle.key"));
        let (issuer, issuer_key) = (path("root.crt"), path("root.key"));
        arguments.extend(["-config", &config, "-key", &key, "-CA", &issuer, "-CAkey", &issuer_key]);
        arguments.extend(CA.iter().flat_map(|extension| ["-addext", extension]));
        Certificate::parse(openssl_text(&arguments, b"")).unwrap()
    }

    /// The merchant with another middle certificate.
    pub(crate) fn trusting_middle(&self, middle: Certificate) -> Merchant {
        merchant(&self.authority, Trust::production(vec![middle], vec![self.root.clone()]))
    }

    /// A moment at which every certificate is valid.
    pub(crate) fn now(&self) -> UnixMillis {
        self.pem_of("unionpay").not_before().plus_secs(3600)
    }

    pub(crate) fn pem_of(&self, name: &str) -> Certificate {
        Certificate::parse(self.pem(name)).unwrap()
    }

    /// With the line ends that UnionPay writes, which are signed too.
    pub(crate) fn pem(&self, name: &str) -> String {
        std::fs::read_to_string(self.authority.path(&format!("{name}.crt"))).unwrap().replace('\n', "\r\n")
    }

    /// What UnionPay signs.
    pub(crate) fn signed(&self, fields: Fields) -> Fields {
        self.signed_by("unionpay", fields)
    }

    /// The certificate and the signature of this name beside the fields.
    pub(crate) fn signed_by(&self, name: &str, mut fields: Fields) -> Fields {
        fields.insert("signPubKeyCert".into(), self.pem(name).trim_end().to_owned());
        resigned(&self.authority.key(name), fields)
    }

    /// A reply as UnionPay writes it.
    pub(crate) fn reply(&self, fields: Fields) -> Reply {
        reply(&plain(&self.signed(fields)), self.now())
    }
}

fn merchant(authority: &Authority, trust: Trust) -> Merchant {
    let certificate = std::fs::read_to_string(authority.path("customer.crt")).unwrap();
    let certificate = Certificate::parse(certificate).unwrap();
    let signing_key = SigningKey::new(authority.key("customer"), &certificate).unwrap();
    let endpoint = Endpoint::parse("http://127.0.0.1:8070").unwrap();
    Merchant::new(SellerId::parse(MER_ID).unwrap(), endpoint, signing_key, trust).unwrap()
}

/// Fresh for this checkout, not for this test: making a key takes longer than all else here.
fn lend_key(authority: &Authority, name: &str) {
    let pool = Path::new(env!("CARGO_TARGET_TMPDIR")).join("unionpay-keys");
    std::fs::create_dir_all(&pool).unwrap();
    let path = pool.join(format!("{name}.key"));
    if !path.exists() {
        let fresh = tempfile::NamedTempFile::new_in(&pool).unwrap();
        std::fs::write(fresh.path(), openssl_text(&["genrsa", "2048"], b"")).unwrap();
        fresh.persist(&path).unwrap();
    }
    // Another test may have put its own there meanwhile; either is whole.
    std::fs::copy(path, authority.path(&format!("{name}.key"))).unwrap();
}

/// The signature of this key over the fields, by the rule of the manual, written here a second time.
pub(crate) fn resigned(key: &PrivateKey, mut fields: Fields) -> Fields {
    fields.remove("signature");
    let digest = digest(&SHA256, plain(&fields).as_bytes());
    let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    fields.insert("signature".into(), STANDARD.encode(key.sign(hex.as_bytes()).unwrap()));
    fields
}

/// Not encoded.
pub(crate) fn plain(fields: &Fields) -> String {
    fields.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// An encoded form.
pub(crate) fn form(fields: &Fields) -> Vec<u8> {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish().into_bytes()
}

pub(crate) fn reply(body: &str, at: UnixMillis) -> Reply {
    Reply::new(http::Response::new(Bytes::from(body.to_owned())), at)
}

pub(crate) fn fields(pairs: &[(&str, &str)]) -> Fields {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The same fields with others beside or instead.
pub(crate) fn with(mut fields: Fields, pairs: &[(&str, &str)]) -> Fields {
    fields.extend(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    fields
}

pub(crate) fn without(mut fields: Fields, names: &[&str]) -> Fields {
    fields.retain(|name, _| !names.contains(&name.as_str()));
    fields
}

/// A payment of 88.00 for [`NUMBER`], as a notify tells it.
pub(crate) fn paid() -> Fields {
    fields(&[
        ("accessType", "0"),
        ("accNo", "ORRSXWY1kMr8+UJNxGx9xKPuO0Uhm8JT8aQ/V3sWsw=="),
        ("bizType", "000201"),
        ("currencyCode", "156"),
        ("encoding", "UTF-8"),
        ("merId", MER_ID),
        ("orderId", NUMBER),
        ("queryId", QUERY_ID),
        ("respCode", "00"),
        ("respMsg", "成功[0000000]"),
        ("settleAmt", "8800"),
        ("signMethod", "01"),
        ("txnAmt", "8800"),
        ("txnSubType", "01"),
        ("txnTime", &submitted_at().china_digits()),
        ("txnType", "01"),
        ("version", "5.1.0"),
    ])
}

/// A refund of 30.00 of that payment, as a notify tells it.
pub(crate) fn refunded() -> Fields {
    let other = fields(&[
        ("orderId", REFUND_NO),
        ("origQryId", QUERY_ID),
        ("queryId", "782209081400000674029"),
        ("reqReserved", NUMBER),
        ("txnAmt", "3000"),
        ("txnSubType", "00"),
        ("txnType", "04"),
    ]);
    let mut fields = paid();
    fields.extend(other);
    fields
}

/// What a query about the payment says.
pub(crate) fn queried(orig_code: &str) -> Fields {
    with(paid(), &[("bizType", "000000"), ("origRespCode", orig_code), ("origRespMsg", "成功[0000000]")])
}

pub(crate) fn submitted_at() -> UnixMillis {
    UnixMillis::parse_china_digits("20220908132206").unwrap()
}

pub(crate) fn requested_at() -> UnixMillis {
    submitted_at()
}

pub(crate) fn trade() -> TradeRef {
    TradeRef { out_trade_no: OutTradeNo::parse(NUMBER).unwrap(), submitted_at: submitted_at() }
}

pub(crate) fn order() -> Order {
    Order::new(OutTradeNo::parse(NUMBER).unwrap(), Subject::parse("Rust 入门课").unwrap(), yuan("88.00"))
}

pub(crate) fn refund(amount: Money) -> RefundRef {
    let refund = Refund::new(
        RefundNo::parse(REFUND_NO).unwrap(),
        OutTradeNo::parse(NUMBER).unwrap(),
        (Channel::Unionpay, TradeNo::parse(QUERY_ID).unwrap()),
        yuan("88.00"),
        amount,
    );
    RefundRef { refund, requested_at: requested_at() }
}

pub(crate) fn notify_url() -> CallbackUrl {
    CallbackUrl::parse("https://shop.example/unionpay/notify").unwrap()
}

pub(crate) fn return_url() -> CallbackUrl {
    CallbackUrl::parse("https://shop.example/r&copy='back'").unwrap()
}
