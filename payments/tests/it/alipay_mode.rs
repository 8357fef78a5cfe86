//! A stand-in for Alipay in certificate mode: it signs what it is told to sign, and counts what it is asked for.

use crate::authority::{Authority, CA, LEAF};
use crate::support::{app_id, seller_id};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response};
use payments::alipay::{Certificates, Endpoint, Merchant, certificate_sn};
use payments::sign::Signer;
use payments::{Certificate, Client, Edge, Error, PrivateKey, Retry, Transport, TransportError, UnixMillis};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;

pub(crate) const HOLDER: &str = "支付宝(中国)网络技术有限公司-2088721003899159";
pub(crate) const DOWNLOAD: &str = "alipay.open.app.alipaycert.download";

/// A reply of the next kind, or a certificate to be downloaded.
#[derive(Debug)]
pub(crate) struct FakeAlipay {
    /// Signs the replies, and the number that they name.
    pub(crate) signs: Mutex<(PrivateKey, String)>,
    /// What a download of a number brings: PEM, or anything else.
    pub(crate) certificates: Mutex<BTreeMap<String, String>>,
    /// Contents by method.
    pub(crate) contents: Mutex<BTreeMap<String, String>>,
    pub(crate) asked: Mutex<Vec<BTreeMap<String, String>>>,
    pub(crate) held_back: AtomicBool,
    pub(crate) now: AtomicU64,
}

impl FakeAlipay {
    pub(crate) fn asked_for(&self, method: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| asked["method"] == method).count()
    }

    pub(crate) fn later(&self, secs: u64) {
        self.now.fetch_add(secs * 1000, Ordering::SeqCst);
    }

    fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let params: BTreeMap<String, String> = form_urlencoded::parse(request.body()).into_owned().collect();
        let method = params["method"].clone();
        let (key, sn) = self.signs.lock().unwrap().clone();
        let content = if method == DOWNLOAD {
            let biz: BTreeMap<String, String> = serde_json::from_str(&params["biz_content"]).unwrap();
            match self.certificates.lock().unwrap().get(&biz["alipay_cert_sn"]) {
                Some(pem) => {
                    serde_json::json!({ "code": "10000", "alipay_cert_content": STANDARD.encode(pem) })
                }
                None => serde_json::json!({ "code": "40004", "sub_code": "isv.cert-not-found" }),
            }
            .to_string()
        } else {
            self.contents.lock().unwrap()[&method].clone()
        };
        self.asked.lock().unwrap().push(params);
        let sign = STANDARD.encode(key.sign(content.as_bytes()).unwrap());
        let root = method.replace('.', "_");
        Response::new(Bytes::from(format!(
            "{{\"{root}_response\":{content},\"sign\":\"{sign}\",\"alipay_cert_sn\":\"{sn}\"}}"
        )))
    }
}

impl Transport for FakeAlipay {
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, TransportError>> + Send + '_>> {
        let answer = self.answer(&request);
        let held = move |_: &mut std::task::Context<'_>| {
            if self.held_back.load(Ordering::SeqCst) { Poll::Pending } else { Poll::Ready(()) }
        };
        Box::pin(async move {
            poll_fn(held).await;
            Ok(answer)
        })
    }

    fn pause(&self, _millis: u64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }
}

impl Edge for FakeAlipay {
    fn now(&self) -> UnixMillis {
        UnixMillis::from_millis(self.now.load(Ordering::SeqCst))
    }

    fn random(&self) -> Result<[u8; 16], Error> {
        Ok([7; 16])
    }
}

/// The files of the console, made by a CA of the test.
pub(crate) struct Mode {
    pub(crate) authority: Authority,
    pub(crate) app_pem: String,
    pub(crate) alipay_pem: String,
    pub(crate) root_pem: String,
    pub(crate) now: UnixMillis,
}

impl Mode {
    pub(crate) fn new() -> Self {
        let authority = Authority::new();
        authority.certificate("root", "/C=CN/CN=Test R1", None, CA);
        authority.same_key("root", "middle");
        authority.certificate("middle", "/C=CN/CN=Test Class 2 R1", Some("root"), CA);
        authority.certificate("app", "/C=CN/CN=2088721003899159-9021000122682882", Some("middle"), LEAF);
        let read = |name: &str| std::fs::read_to_string(authority.path(&format!("{name}.crt"))).unwrap();
        let (app_pem, root_pem, middle_pem) = (read("app"), read("root"), read("middle"));
        let mut mode =
            Self { authority, app_pem, alipay_pem: String::new(), root_pem, now: UnixMillis::from_millis(0) };
        let (pem, alipay) = mode.alipay("alipay");
        mode.now = alipay.not_before().plus_secs(60);
        mode.alipay_pem = format!("{pem}\n{middle_pem}");
        mode
    }

    /// A certificate of Alipay under this name of its files.
    pub(crate) fn alipay(&self, name: &str) -> (String, Certificate) {
        let subject = format!("/C=CN/O=shop/CN={HOLDER}");
        let certificate = self.authority.certificate(name, &subject, Some("middle"), LEAF);
        let pem = std::fs::read_to_string(self.authority.path(&format!("{name}.crt"))).unwrap();
        (pem, certificate)
    }

    pub(crate) fn certificates(&self) -> Result<Certificates, Error> {
        Certificates::new(&self.app_pem, &self.alipay_pem, &self.root_pem, self.now)
    }

    pub(crate) fn merchant(&self) -> Merchant {
        let (endpoint, key) =
            (Endpoint::parse("https://127.0.0.1/gateway.do").unwrap(), self.authority.key("app"));
        Merchant::with_certificates(app_id(), seller_id(), endpoint, key, self.certificates().unwrap())
            .unwrap()
    }

    /// A gateway that signs with the key of this name.
    pub(crate) fn gateway(&self, name: &str) -> (Arc<FakeAlipay>, Client) {
        let fake = Arc::new(FakeAlipay {
            signs: Mutex::new((self.authority.key(name), self.sn(name))),
            certificates: Mutex::default(),
            contents: Mutex::default(),
            asked: Mutex::default(),
            held_back: AtomicBool::new(false),
            now: AtomicU64::new(self.now.as_millis()),
        });
        let client = Client::new(fake.clone(), fake.clone()).with_retry(Retry::NONE);
        (fake, client)
    }

    pub(crate) fn sn(&self, name: &str) -> String {
        let pem = std::fs::read_to_string(self.authority.path(&format!("{name}.crt"))).unwrap();
        certificate_sn(&Certificate::parse(pem).unwrap())
    }
}
