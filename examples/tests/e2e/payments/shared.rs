//! Two instances over one database, one Redis and one gateway that stands outside: configured as the real ones are.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use testkit::Redis;

use super::cashier::open;
use super::{paid, won};
use crate::demo::{Demo, client, sign_in};
use crate::instances::free_addr;

/// The sandbox gateway as a program of its own.
struct Outside {
    child: Child,
    /// What its merchants configure.
    words: Value,
}

impl Outside {
    fn start(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sandbox_gateway"));
        let mut child = command.args(["--port", "0"]).args(args).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let words = serde_json::from_str(&line).unwrap_or_else(|cause| panic!("{cause}: {line}"));
        Self { child, words }
    }

    fn text(&self, path: &str) -> String {
        self.words.pointer(path).and_then(Value::as_str).unwrap_or_else(|| panic!("{path}")).to_owned()
    }

    /// The settings of a school that has these accounts; keys go into files below `folder`.
    fn flags(&self, folder: &Path) -> Vec<String> {
        let mut flags = Vec::new();
        let mut set = |flag: &str, value: String| flags.extend([format!("--{flag}"), value]);
        let file = |name: &str, path: &str| {
            let place = folder.join(name);
            std::fs::write(&place, self.text(path)).unwrap();
            place.to_str().unwrap().to_owned()
        };
        for (flag, path) in [
            ("alipay-gateway-url", "/alipay/gateway_url"),
            ("alipay-app-id", "/alipay/app_id"),
            ("alipay-seller-id", "/alipay/seller_id"),
            ("wechat-gateway-url", "/wechat/origin"),
            ("wechat-app-id", "/wechat/app_id"),
            ("wechat-mchid", "/wechat/mchid"),
            ("wechat-cert-serial", "/wechat/merchant_cert_serial"),
            ("unionpay-gateway-url", "/unionpay/origin"),
            ("unionpay-files-url", "/unionpay/file_url"),
            ("unionpay-mer-id", "/unionpay/mer_id"),
        ] {
            set(flag, self.text(path));
        }
        for (flag, path) in [
            ("alipay-private-key-file", "/alipay/merchant_private_key"),
            ("wechat-private-key-file", "/wechat/merchant_private_key"),
            ("wechat-api-v3-key-file", "/wechat/api_v3_key"),
            ("unionpay-private-key-file", "/unionpay/merchant_private_key"),
            ("unionpay-cert-file", "/unionpay/merchant_certificate"),
            ("unionpay-middle-cert-file", "/unionpay/middle_certificate"),
            ("unionpay-root-cert-file", "/unionpay/root_certificate"),
        ] {
            set(flag, file(flag, path));
        }
        if self.words["wechat"]["public_key"].is_string() {
            set("wechat-public-key-id", self.text("/wechat/public_key_id"));
            set("wechat-public-key-file", file("wechat-public-key", "/wechat/public_key"));
            set("alipay-public-key-file", file("alipay-public-key", "/alipay/alipay_public_key"));
        } else {
            set("alipay-app-cert-file", file("alipay-app", "/alipay/app_certificate"));
            set("alipay-cert-file", file("alipay-cert", "/alipay/alipay_certificate"));
            set("alipay-root-cert-file", file("alipay-root", "/alipay/root_certificates"));
        }
        flags
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        if self.child.kill().is_ok() {
            let _status = self.child.wait();
        }
    }
}

#[tokio::test]
async fn a_notify_that_arrives_at_the_other_instance_is_as_good() {
    if testkit::skipped("redis") {
        return;
    }
    let (redis, folder) = (Redis::start().unwrap(), tempfile::tempdir().unwrap());
    let outside = Outside::start(&[]);
    let settings = outside.flags(folder.path());
    let there = free_addr();
    let start = |listen: String| {
        let told_at = format!("http://{there}");
        let redis = redis.url();
        let own = ["--listen", &listen, "--redis-url", &redis, "--notify-base-url", &told_at];
        let args: Vec<&str> = own.into_iter().chain(settings.iter().map(String::as_str)).collect();
        Demo::start_in(folder.path(), &args)
    };
    // Buyers are here; every gateway tells the other one.
    let (other, here) = (start(there.to_string()), start(free_addr().to_string()));
    let http = client();
    let cookie = sign_in(&http, here.url(), "hanmeimei").await;
    for (slug, way) in [("shell", "alipay"), ("rust", "wechat"), ("sql", "unionpay")] {
        let order = won(&http, here.url(), &cookie, slug).await;
        open(&http, here.url(), &cookie, &order, way).await.pay(&http).await;
        paid(&http, here.url(), &cookie, &order).await;
        paid(&http, other.url(), &cookie, &order).await;
    }
}

#[tokio::test]
async fn certificates_do_what_bare_keys_do() {
    let folder = tempfile::tempdir().unwrap();
    let outside = Outside::start(&["--certificates"]);
    let settings = outside.flags(folder.path());
    let args: Vec<&str> = settings.iter().map(String::as_str).collect();
    let demo = Demo::start_in(folder.path(), &args);
    assert!(demo.words().join("\n").contains("external"));
    let (http, base) = (client(), demo.url());
    let cookie = sign_in(&http, base, "hanmeimei").await;
    for (slug, way) in [("shell", "alipay"), ("rust", "wechat")] {
        let order = won(&http, base, &cookie, slug).await;
        open(&http, base, &cookie, &order, way).await.pay(&http).await;
        paid(&http, base, &cookie, &order).await;
    }
}
