//! The sandbox and its merchants, each side with fresh keys that live as long as the process.

use std::sync::Arc;

use payments::alipay::{self, Alipay};
use payments::sandbox::{
    MerchantRegistration, Sandbox, SandboxAlipay, SandboxKeys, SandboxUnionpay, SandboxWechat, UnionpayKeys,
    UnionpayRegistration, WechatRegistration, generate_key,
};
use payments::unionpay::{self, SigningKey, Trust, Unionpay};
use payments::wechat::{self, ApiV3Key, CertSerial, Credential, Wechat, WechatKeys};
use payments::{AppId, Certificate, Edge, Error, Gateway, ReqwestTransport, SellerId, SystemEdge};

const ALIPAY_APP_ID: &str = "2026000000000001";
const ALIPAY_SELLER_ID: &str = "2088000000000001";
const WECHAT_APP_ID: &str = "wx0000000000000001";
const WECHAT_MCHID: &str = "1900000001";
const WECHAT_CERT_SERIAL: &str = "0C4AEF34B89340881BB2B25226393DC2E47F094B";
const WECHAT_PUBLIC_KEY_ID: &str = "PUB_KEY_ID_0119000001092026";
const UNIONPAY_MER_ID: &str = "777290058100001";

/// The sandbox at this origin, and the three gateways that lead to it. Making the keys takes a moment of computing.
pub(crate) fn embedded(
    origin: &str,
    http: reqwest::Client,
) -> Result<(Sandbox, Vec<Arc<dyn Gateway>>), Error> {
    let client = super::client(ReqwestTransport::over(http));
    // Most of it is searching for primes, so each side has a thread.
    let (alipay, wechat, unionpay) = std::thread::scope(|scope| {
        let alipay = scope.spawn(|| alipay(origin));
        let wechat = scope.spawn(|| wechat(origin));
        let unionpay = unionpay(origin);
        (alipay.join(), wechat.join(), unionpay)
    });
    let ended = |_panic| Error::unavailable("the sandbox's keys could not be made");
    let (alipay, alipay_merchant) = alipay.map_err(ended)??;
    let (wechat, wechat_merchant) = wechat.map_err(ended)??;
    let (unionpay, unionpay_merchant) = unionpay?;
    let sandbox = Sandbox::new(origin)?.with_alipay(alipay).with_wechat(wechat).with_unionpay(unionpay);
    let gateways: Vec<Arc<dyn Gateway>> = vec![
        Arc::new(Alipay::new(alipay_merchant, client.clone())),
        Arc::new(Wechat::new(wechat_merchant, client.clone())),
        Arc::new(Unionpay::new(unionpay_merchant, client)),
    ];
    Ok((sandbox, gateways))
}

fn alipay(origin: &str) -> Result<(SandboxAlipay, alipay::Merchant), Error> {
    let (app_id, seller_id) = (AppId::parse(ALIPAY_APP_ID)?, SellerId::parse(ALIPAY_SELLER_ID)?);
    let (own, theirs) = (generate_key()?, SandboxKeys::generate()?);
    let public_key = own.public_key()?;
    let endpoint = alipay::Endpoint::parse(&format!("{origin}/gateway.do"))?;
    let merchant =
        alipay::Merchant::new(app_id.clone(), seller_id.clone(), endpoint, own, theirs.public_key()?);
    Ok((SandboxAlipay::new(theirs, MerchantRegistration { app_id, seller_id, public_key }), merchant))
}

fn wechat(origin: &str) -> Result<(SandboxWechat, wechat::Merchant), Error> {
    let (app_id, mchid) = (AppId::parse(WECHAT_APP_ID)?, SellerId::parse(WECHAT_MCHID)?);
    let (own, theirs) = (generate_key()?, SandboxKeys::generate()?);
    let api_v3_key = visible()?;
    let (id, public_key) = (app_id.clone(), own.public_key()?);
    let registration =
        WechatRegistration::new(id, mchid.clone(), WECHAT_CERT_SERIAL, public_key, api_v3_key)?;
    let keys = WechatKeys::of_public_key(WECHAT_PUBLIC_KEY_ID, theirs.public_key()?)?;
    let side = SandboxWechat::of_public_key(WECHAT_PUBLIC_KEY_ID, &theirs, registration)?;
    let merchant = wechat::Merchant::new(
        mchid,
        app_id,
        Credential::new(CertSerial::parse(WECHAT_CERT_SERIAL)?, own),
        ApiV3Key::parse(&api_v3_key.map(char::from).iter().collect::<String>())?,
        keys,
        wechat::Endpoint::parse(origin)?,
    );
    Ok((side, merchant))
}

fn unionpay(origin: &str) -> Result<(SandboxUnionpay, unionpay::Merchant), Error> {
    let mer_id = SellerId::parse(UNIONPAY_MER_ID)?;
    let own = generate_key()?;
    let registration = UnionpayRegistration { mer_id: mer_id.clone(), public_key: own.public_key()? };
    let side = SandboxUnionpay::new(UnionpayKeys::generate()?, registration, SystemEdge.now())?;
    let files = side.files();
    let trust =
        Trust::production(vec![Certificate::parse(&files.middle)?], vec![Certificate::parse(&files.root)?]);
    let signing_key = SigningKey::new(own, &Certificate::parse(&files.merchant)?)?;
    let endpoint = unionpay::Endpoint::parse(origin)?.with_files(&format!("{origin}/unionpay/file"))?;
    let merchant = unionpay::Merchant::new(mer_id, endpoint, signing_key, trust)?;
    Ok((side, merchant))
}

/// 32 visible characters.
fn visible() -> Result<[u8; 32], Error> {
    let mut bytes = [0; 32];
    let (first, second) = (SystemEdge.random()?, SystemEdge.random()?);
    for (place, byte) in bytes.iter_mut().zip(first.into_iter().chain(second)) {
        *place = b'a' + byte % 26;
    }
    Ok(bytes)
}
