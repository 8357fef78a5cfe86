//! Platform certificates: the first download, rotation with overlap, public keys beside them, and how little a
//! forged message can make us do.

use super::world::{API_KEY, KEY_ID, Message, Wire, World, envelope, order, sealed, transaction, world_of};
use crate::authority::{Authority, CA, LEAF};
use crate::support::openssl_text;
use http::Response;
use payments::sandbox::generate_key;
use payments::store::BoxFuture;
use payments::wechat::{Certificates, Native, PlatformCertificate, RawNotify, Refresh, WechatKeys};
use payments::{
    Call, CallbackUrl, Certificate, Client, Edge, Error, ErrorKind, Incoming, PrivateKey, Transport,
    TransportError, UnixMillis,
};
use serde_json::{Value, json};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};

/// A platform certificate and its private key.
struct Platform {
    certificate: Certificate,
    key: PrivateKey,
}

impl Platform {
    fn serial(&self) -> String {
        self.certificate.serial_hex()
    }

    fn entry(&self) -> Value {
        self.entry_for(API_KEY)
    }

    fn entry_for(&self, api_key: &str) -> Value {
        let pem = openssl_text(&["x509", "-inform", "DER"], self.certificate.der());
        json!({
            "serial_no": self.serial(),
            "effective_time": self.certificate.not_before().china_rfc3339(),
            "expire_time": self.certificate.not_after().china_rfc3339(),
            "encrypt_certificate": sealed(api_key, "certificate", pem.as_bytes()),
        })
    }

    /// This platform's word at a moment.
    fn signed(&self, body: &Value, at: UnixMillis) -> Message {
        Message::signed(200, body.to_string().into_bytes(), &self.key, &self.serial(), at)
    }

    fn notify(&self, at: UnixMillis) -> Message {
        self.signed(&envelope("TRANSACTION.SUCCESS", "transaction", &transaction().to_string()), at)
    }
}

fn platform(authority: &Authority, name: &str) -> Platform {
    let subject = format!("/C=CN/O=Tenpay.com/CN={name}");
    let certificate = authority.certificate(name, &subject, Some("root"), LEAF);
    Platform { certificate, key: authority.key(name) }
}

fn authority() -> (Authority, Certificate) {
    let authority = Authority::new();
    let root = authority.certificate("root", "/C=CN/O=Tenpay.com/CN=Tenpay.com Root CA", None, CA);
    (authority, root)
}

fn merchant(keys: WechatKeys) -> World {
    world_of(generate_key().unwrap(), keys)
}

fn listing(platforms: &[&Platform]) -> Value {
    json!({"data": platforms.iter().map(|platform| platform.entry()).collect::<Vec<_>>()})
}

/// A moment at which every certificate that was just made is valid.
fn during(platform: &Platform) -> UnixMillis {
    platform.certificate.not_before().plus_secs(86_400)
}

fn read(world: &World, message: &Message, at: UnixMillis) -> Result<Vec<PlatformCertificate>, Error> {
    Certificates.read(&world.merchant, &message.reply(at))
}

#[test]
fn the_first_download_proves_itself() {
    let (authority, root) = authority();
    let (one, other) = (platform(&authority, "one"), platform(&authority, "other"));
    let now = during(&one);
    let world = merchant(WechatKeys::downloading().with_roots(vec![root]));
    let list = one.signed(&listing(&[&one, &other]), now);
    let found = read(&world, &list, now).unwrap();
    let serials: Vec<String> = found.iter().map(|known| known.serial().to_string()).collect();
    assert_eq!(serials, [one.serial(), other.serial()]);

    let kind = |message: &Message| read(&world, message, now).unwrap_err().kind();
    for (name, forged) in list.forgeries() {
        assert_eq!(kind(&forged), ErrorKind::Unverified, "{name}");
    }
    assert_eq!(kind(&list.unsigned()), ErrorKind::Unverified);
    // Signed by a certificate that is not in the list, or by the key of another one that is.
    assert_eq!(kind(&other.signed(&listing(&[&one]), now)), ErrorKind::Unverified);
    let body = listing(&[&one]).to_string().into_bytes();
    let lent = Message::signed(200, body, &other.key, &one.serial(), now);
    assert_eq!(kind(&lent), ErrorKind::Unverified);
    // Encrypted by somebody who does not know the API v3 key.
    let strange = json!({"data": [one.entry_for("0123456789abcdef0123456789abcdef")]});
    assert_eq!(kind(&one.signed(&strange, now)), ErrorKind::Unverified);
    // Another serial beside it than the one inside.
    let mut lying = listing(&[&one, &other]);
    lying["data"][1]["serial_no"] = json!(one.serial());
    assert_eq!(kind(&one.signed(&lying, now)), ErrorKind::PeerMisbehaved);
    for data in [json!([]), json!(vec![one.entry(); 17])] {
        assert_eq!(kind(&one.signed(&json!({"data": data}), now)), ErrorKind::PeerMisbehaved);
    }
}

#[test]
fn roots_pin_what_is_downloaded() {
    let (authority, _) = authority();
    let one = platform(&authority, "one");
    let now = during(&one);
    let list = one.signed(&listing(&[&one]), now);
    let stranger = authority.certificate("stranger", "/CN=Tenpay.com Root CA", None, CA);
    let pinned = merchant(WechatKeys::downloading().with_roots(vec![stranger]));
    assert_eq!(read(&pinned, &list, now).unwrap_err().kind(), ErrorKind::Unverified);
    assert!(read(&merchant(WechatKeys::downloading()), &list, now).is_ok());
}

#[test]
fn certificates_count_only_while_they_are_valid() {
    let (authority, _) = authority();
    let one = platform(&authority, "one");
    let world = merchant(WechatKeys::of_certificates(std::slice::from_ref(&one.certificate)).unwrap());
    let verified = |at: UnixMillis| {
        let request = one.notify(at).request();
        RawNotify::parse(&request).unwrap().verify(&world.merchant, at)
    };
    assert!(matches!(verified(during(&one)).unwrap(), Incoming::Trade(_)));
    let (before, after) = (one.certificate.not_before(), one.certificate.not_after());
    for at in [UnixMillis::from_millis(before.as_millis() - 60_000), after.plus_secs(60)] {
        assert_eq!(verified(at).unwrap_err().unknown_certificate(), Some(one.serial().as_str()));
    }
    let old = one.signed(&listing(&[&one]), after.plus_secs(60));
    let empty = merchant(WechatKeys::downloading());
    assert_eq!(read(&empty, &old, after.plus_secs(60)).unwrap_err().kind(), ErrorKind::PeerMisbehaved);
}

/// The zero nibble at the start of a serial is lost by many tools; the number stays the same.
#[test]
fn a_serial_that_begins_with_zero() {
    let (authority, _) = authority();
    let serial = "0C4AEF34B89340881BB2B25226393DC2E47F094B";
    let (config, key) = (authority.path("cnf"), authority.key_path("zero"));
    let serial_argument = format!("0x{serial}");
    let mut arguments = vec!["req", "-x509", "-new", "-days", "3650", "-config", &config, "-key", &key];
    arguments.extend(["-subj", "/CN=zero", "-set_serial", &serial_argument]);
    let certificate = Certificate::parse(openssl_text(&arguments, b"")).unwrap();
    let zero = Platform { certificate, key: authority.key("zero") };
    assert_eq!(zero.serial(), serial);
    let now = during(&zero);
    let world = merchant(WechatKeys::of_certificates(std::slice::from_ref(&zero.certificate)).unwrap());
    let honest = zero.notify(now);
    let read = |text: &str| {
        let request = honest.with("wechatpay-serial", Some(text)).request();
        RawNotify::parse(&request).unwrap().verify(&world.merchant, now)
    };
    for text in [serial, serial.strip_prefix("0").unwrap(), &serial.to_lowercase()] {
        assert!(read(text).is_ok(), "{text}");
    }
    for text in [serial.strip_prefix("0C").unwrap(), &format!("{serial}0"), "C"] {
        assert!(read(text).unwrap_err().unknown_certificate().is_some(), "{text}");
    }
    let native = Native::new(order(), CallbackUrl::parse("https://shop.example/n").unwrap());
    let request = native.request(&world.merchant, super::world::stamp(now)).unwrap();
    assert_eq!(request.headers()["wechatpay-serial"], serial);
}

#[tokio::test]
async fn rotation_overlaps_and_reaches_every_clone() {
    let (authority, _) = authority();
    let (one, two) = (Arc::new(platform(&authority, "one")), Arc::new(platform(&authority, "two")));
    let start = during(&two);
    let round = Arc::new(AtomicUsize::new(0));
    let wire = {
        let (one, two, round) = (Arc::clone(&one), Arc::clone(&two), Arc::clone(&round));
        Wire::new(start, move |_| {
            let round = round.load(Ordering::SeqCst);
            let list = match round {
                0 => listing(&[&one]),
                1 => listing(&[&one, &two]),
                _ => listing(&[&two]),
            };
            let at = start.plus_secs(u64::try_from(round).unwrap() * 86_400);
            Ok(if round == 0 { one.signed(&list, at) } else { two.signed(&list, at) }.response())
        })
    };
    let world = merchant(WechatKeys::downloading());
    let clone = world.merchant.clone();
    let client = wire.client();
    for (at, serials) in
        [(0, vec![one.serial()]), (1, vec![one.serial(), two.serial()]), (2, vec![two.serial()])]
    {
        round.store(at, Ordering::SeqCst);
        let refreshed = world.merchant.refresh_certificates(&client).await.unwrap();
        assert_eq!(refreshed, Refresh::Updated { certificates: serials.len() });
        assert_eq!(clone.keys().serials(), serials);
        wire.advance(86_400);
    }
    // The withdrawn one no longer counts; during the overlap both did.
    let now = start.plus_secs(2 * 86_400);
    let verified = |platform: &Platform| {
        let request = platform.notify(now).request();
        RawNotify::parse(&request).unwrap().verify(&clone, now).is_ok()
    };
    assert_eq!((verified(&one), verified(&two)), (false, true));
    assert_eq!(wire.uris().len(), 3);
}

/// A merchant that moves to the public key: both verify, requests name the public key.
#[tokio::test]
async fn certificates_and_public_key_at_once() {
    let (authority, _) = authority();
    let one = platform(&authority, "one");
    let now = during(&one);
    let key = generate_key().unwrap();
    let keys = WechatKeys::of_certificates(std::slice::from_ref(&one.certificate)).unwrap();
    let world = world_of(key.clone(), keys.with_public_key(KEY_ID, key.public_key().unwrap()).unwrap());
    let body = one.notify(now).body;
    for message in [one.notify(now), Message::signed(200, body.clone(), &key, KEY_ID, now)] {
        let request = message.request();
        assert!(RawNotify::parse(&request).unwrap().verify(&world.merchant, now).is_ok());
    }
    // The right key under the name of the other proves nothing.
    for message in [
        Message::signed(200, body.clone(), &key, &one.serial(), now),
        Message::signed(200, body, &one.key, KEY_ID, now),
    ] {
        let request = message.request();
        let error = RawNotify::parse(&request).unwrap().verify(&world.merchant, now).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unverified);
    }
    assert_eq!(world.merchant.keys().serials(), [KEY_ID.to_owned(), one.serial()]);
    assert_eq!(world.merchant.seal_field("x", now).unwrap().serial, KEY_ID);
    // A new public key of the same id takes the place of the old one.
    let next = generate_key().unwrap();
    world.merchant.keys().add_public_key(KEY_ID, next.public_key().unwrap()).unwrap();
    let request = Message::signed(200, one.notify(now).body, &key, KEY_ID, now).request();
    assert!(RawNotify::parse(&request).unwrap().verify(&world.merchant, now).is_err());
    for id in ["", "PUB_KEY_ID_", "0119000001", "PUB_KEY_ID_a b", "pub_key_id_1"] {
        assert!(WechatKeys::of_public_key(id, key.public_key().unwrap()).is_err(), "{id}");
    }
}

/// A thousand forged serials in ten minutes cause one download; in public key mode they cause none.
#[tokio::test]
async fn forged_serials_cause_no_storm() {
    let (authority, _) = authority();
    let one = Arc::new(platform(&authority, "one"));
    let start = during(&one);
    let clock = Arc::new(AtomicUsize::new(0));
    let wire = {
        let (one, clock) = (Arc::clone(&one), Arc::clone(&clock));
        Wire::new(start, move |_| {
            let at = start.plus_secs(u64::try_from(clock.load(Ordering::SeqCst)).unwrap());
            Ok(one.signed(&listing(&[&one]), at).response())
        })
    };
    let client = wire.client();
    let world = merchant(WechatKeys::downloading());
    let refresh = async || world.merchant.refresh_certificates_if_due(&client).await.unwrap();
    let forge = |index: u32| {
        let serial = format!("5157F09EFDC096DE15EBE81A47057A72{index:08X}");
        let now = wire.now();
        let request = one.notify(now).with("wechatpay-serial", Some(&serial)).request();
        let error = RawNotify::parse(&request).unwrap().verify(&world.merchant, now).unwrap_err();
        assert_eq!(error.unknown_certificate(), Some(serial.as_str()));
    };
    assert_eq!(refresh().await, Refresh::Updated { certificates: 1 });
    assert_eq!(refresh().await, Refresh::NotDue);
    for index in 0..1000 {
        forge(index);
        assert!(matches!(refresh().await, Refresh::TooSoon { .. }));
    }
    assert_eq!(wire.uris().len(), 1);
    for _ in 0..3 {
        wire.advance(600);
        clock.fetch_add(600, Ordering::SeqCst);
        forge(1);
        assert_eq!(refresh().await, Refresh::Updated { certificates: 1 });
        assert_eq!(refresh().await, Refresh::NotDue);
    }
    assert_eq!(wire.uris().len(), 4);
    // Without any message the certificates are fetched again after six hours.
    wire.advance(6 * 3600);
    clock.fetch_add(6 * 3600, Ordering::SeqCst);
    assert_eq!(refresh().await, Refresh::Updated { certificates: 1 });

    let key = generate_key().unwrap();
    let public = world_of(key.clone(), WechatKeys::of_public_key(KEY_ID, key.public_key().unwrap()).unwrap());
    let now = wire.now();
    let request = one.notify(now).request();
    assert!(RawNotify::parse(&request).unwrap().verify(&public.merchant, now).is_err());
    assert_eq!(public.merchant.refresh_certificates(&client).await.unwrap(), Refresh::NotUsed);
    assert_eq!(wire.uris().len(), 5);
}

#[tokio::test]
async fn a_failed_download_keeps_what_there_is() {
    let (authority, _) = authority();
    let one = platform(&authority, "one");
    let wire = Wire::new(during(&one), |_| Err(TransportError::new(false, "no route")));
    let world = merchant(WechatKeys::of_certificates(std::slice::from_ref(&one.certificate)).unwrap());
    let client = wire.once();
    assert!(world.merchant.refresh_certificates(&client).await.unwrap_err().is_transient());
    assert_eq!(world.merchant.keys().serials(), [one.serial()]);
    let again = world.merchant.refresh_certificates(&client).await.unwrap();
    assert!(matches!(again, Refresh::TooSoon { again_at } if again_at == wire.now().plus_secs(600)));
    wire.advance(600);
    assert!(world.merchant.refresh_certificates(&client).await.is_err());
    assert_eq!(wire.uris().len(), 2);
}

/// Until one certificate is valid nothing can be proved, so the next attempt comes soon; an expired one is none.
#[tokio::test]
async fn without_a_certificate_the_pause_is_short() {
    let (authority, _) = authority();
    let one = platform(&authority, "one");
    let start = during(&one);
    let wire = Wire::new(start, |_| Err(TransportError::new(false, "no route")));
    let client = wire.once();
    let world = merchant(WechatKeys::downloading());
    for attempts in 1..=3 {
        assert!(world.merchant.refresh_certificates_if_due(&client).await.is_err());
        wire.advance(29);
        let again = world.merchant.refresh_certificates_if_due(&client).await.unwrap();
        assert!(matches!(again, Refresh::TooSoon { again_at } if again_at == wire.now().plus_secs(1)));
        assert_eq!(wire.uris().len(), attempts);
        wire.advance(1);
    }
    let after = one.certificate.not_after().plus_secs(1);
    let wire = Wire::new(after, |_| Err(TransportError::new(false, "no route")));
    let client = wire.once();
    let world = merchant(WechatKeys::of_certificates(std::slice::from_ref(&one.certificate)).unwrap());
    assert!(world.merchant.refresh_certificates_if_due(&client).await.is_err());
    let again = world.merchant.refresh_certificates_if_due(&client).await.unwrap();
    assert_eq!(again, Refresh::TooSoon { again_at: after.plus_secs(30) });
}

/// Never answers.
#[derive(Debug)]
struct Silence(UnixMillis);

impl Transport for Silence {
    fn send(
        &self,
        _request: http::Request<bytes::Bytes>,
    ) -> BoxFuture<'_, Result<Response<bytes::Bytes>, TransportError>> {
        Box::pin(std::future::pending())
    }

    fn pause(&self, _millis: u64) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

impl Edge for Silence {
    fn now(&self) -> UnixMillis {
        self.0
    }

    fn random(&self) -> Result<[u8; 16], Error> {
        Ok([1; 16])
    }
}

#[test]
fn one_download_at_a_time() {
    let world = merchant(WechatKeys::downloading());
    let silence = |now: UnixMillis| Client::new(Arc::new(Silence(now)), Arc::new(Silence(now)));
    let now = super::world::NOW;
    let (first, second) = (silence(now), silence(now.plus_secs(3600)));
    let mut context = Context::from_waker(Waker::noop());
    {
        let mut running = pin!(world.merchant.refresh_certificates(&first));
        assert!(running.as_mut().poll(&mut context).is_pending());
        let mut other = pin!(world.merchant.refresh_certificates(&second));
        assert!(matches!(other.as_mut().poll(&mut context), std::task::Poll::Ready(Ok(Refresh::Running))));
    }
    // The first was dropped while it waited: its turn is over.
    let mut next = pin!(world.merchant.refresh_certificates(&second));
    assert!(next.as_mut().poll(&mut context).is_pending());
}
