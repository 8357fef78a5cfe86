//! Payments through the kits of other languages, each in a process of its own.

use payments::UnixMillis;
use serde::Deserialize;
use serde_json::{Value, json};

use super::install;
use super::program::Program;
use crate::contest::Load;
use crate::pay::{Notifies, PageOrders, WechatOrders};
use crate::shift::Task;
use crate::side::Local;
use crate::{Error, Timing};

/// A kind of work in a child process.
pub(crate) struct Kit {
    program: Program,
    /// The job, but for how often.
    job: Value,
    what: &'static str,
    /// What the program says that it is.
    version: String,
}

#[derive(Debug, Deserialize)]
struct Report {
    answered: u32,
    rate: f64,
    version: String,
}

impl Kit {
    /// npm's alipay-sdk signs the requests of these orders.
    pub(crate) fn alipay_sdk(orders: &PageOrders) -> Result<Self, Error> {
        let given = ["app_id", "method", "biz_content", "sign", "charset", "sign_type", "version"];
        let requests = orders.all.iter().map(|order| {
            let more = order.params.iter().filter(|(name, _)| !given.contains(&name.as_str()));
            json!({
                "content": order.params.get("biz_content"),
                "more": more.collect::<std::collections::BTreeMap<_, _>>(),
                "signature": order.params.get("sign"),
            })
        });
        let param = |name: &str| orders.all.first().and_then(|order| order.params.get(name));
        let job = json!({
            "key": orders.key_text()?,
            "app_id": param("app_id"),
            "method": param("method"),
            "requests": requests.collect::<Vec<_>>(),
        });
        let program = Program::start("alipay-sdk", &mut install::js("alipay_sdk.mjs")?)?;
        Ok(Self {
            program,
            job,
            what: "the same parameters signed and divided over the address",
            version: String::new(),
        })
    }

    /// PyPI's wechatpayv3 makes the `Authorization` of these orders.
    pub(crate) fn wechat_sign(orders: &WechatOrders, now: UnixMillis) -> Result<Self, Error> {
        let requests = orders
            .all
            .iter()
            .map(|order| json!({"path": order.path, "body": order.body, "signature": order.signature}));
        let job = json!({
            "work": "sign",
            "key": orders.key_text()?,
            "mchid": WechatOrders::MCHID,
            "serial": WechatOrders::SERIAL,
            "secs": now.as_millis() / 1000,
            "nonce": orders.nonce(),
            "requests": requests.collect::<Vec<_>>(),
        });
        Self::python(job, "build_authorization of a body that is there")
    }

    /// The same verifies these notifies.
    pub(crate) fn wechat_verify(notifies: &Notifies) -> Result<Self, Error> {
        let requests = notifies
            .all
            .iter()
            .map(|notify| json!({"headers": notify.headers, "body": notify.body, "number": notify.number}));
        let job = json!({
            "work": "verify",
            "api_key": Notifies::API_KEY,
            "wechat_key": notifies.public_key()?,
            "wechat_id": Notifies::KEY_ID,
            "requests": requests.collect::<Vec<_>>(),
        });
        Self::python(job, "callback: verified, opened and parsed, without a look at the time")
    }

    fn python(job: Value, what: &'static str) -> Result<Self, Error> {
        let program = Program::start("wechatpayv3", &mut install::py("wechatpay.py")?)?;
        Ok(Self { program, job, what, version: String::new() })
    }

    fn work(&mut self, load: Load) -> Result<Timing, Error> {
        if let Some(job) = self.job.as_object_mut() {
            job.insert("count".to_owned(), load.requests.into());
        }
        let report: Report = self.program.ask(&format!("{}\n", self.job))?;
        if report.answered != load.requests {
            return Err(self.program.failed(format!("{} requests were answered", report.answered)));
        }
        self.version = report.version;
        Ok(Timing { rate: report.rate, p50: None, p99: None })
    }
}

impl Task for Kit {
    fn prepare(&mut self) -> Local<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn run(&mut self, load: Load) -> Local<'_, Result<Timing, Error>> {
        let timing = self.work(load);
        Box::pin(async { timing })
    }

    fn about(&self) -> String {
        format!("{}, {}", self.version, self.what)
    }
}
