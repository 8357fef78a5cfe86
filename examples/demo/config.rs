//! The one config struct: every setting of the demo, from flags or the environment, with its default.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::gateways::{AlipayFlags, UnionpayFlags, WechatFlags};

/// An online school behind one gate: sign in, win a seat, pay, enrol, open a shell.
///
/// Everything that is not set is embedded: a SQLite file, stores in memory, a sandbox of the payment gateways,
/// an SSH server on loopback.
#[derive(Debug, Clone, Parser)]
#[command(name = "demo", version)]
pub(crate) struct Config {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,

    /// The address browsers use, for example `https://school.example`. Default: `http://` and the listen address.
    #[arg(long, env = "PUBLIC_URL")]
    pub(crate) public_url: Option<String>,

    /// Redis for sessions and sales, for example `redis://127.0.0.1:6379/`. Default: stores in memory.
    #[arg(long, env = "REDIS_URL")]
    pub(crate) redis_url: Option<String>,

    /// Database, a `sqlite:` URL. Default: `school.sqlite` in the data folder.
    #[arg(long, env = "DATABASE_URL")]
    pub(crate) database_url: Option<String>,

    /// Folder of the embedded database and of the generated keys.
    #[arg(long, env = "DATA_DIR", default_value = "target/demo")]
    pub(crate) data_dir: PathBuf,

    /// Sites that sign their users in here, a JSON file: a list of objects with `id`, `proof` (`"public"`,
    /// `{"secret_hash": ..}` or `{"keys": ..}`), `return_urls`, and if wanted `after_logout_urls`, `logout_url`,
    /// `scopes`, and `consent` (`"ask"`). The hash is `printf %s SECRET | openssl dgst -sha256 -binary`, in base64url.
    #[arg(long, env = "SITES_FILE")]
    pub(crate) sites_file: Option<PathBuf>,

    /// Minutes without a request after which a session ends.
    #[arg(long, env = "SESSION_IDLE_MINUTES", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=1440))]
    pub(crate) session_idle_minutes: u64,

    /// Hours after which a session ends whatever its user does.
    #[arg(long, env = "SESSION_ABSOLUTE_HOURS", default_value_t = 12, value_parser = clap::value_parser!(u64).range(1..=720))]
    pub(crate) session_absolute_hours: u64,

    /// Seconds between two looks at the database for changes of the policy by other instances.
    #[arg(long, env = "POLICY_POLL_SECS", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=25))]
    pub(crate) policy_poll_secs: u64,

    /// Minutes for which a won seat is held while its buyer pays.
    #[arg(long, env = "PAY_MINUTES", default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=1440))]
    pub(crate) pay_minutes: u64,

    /// The address at which payment gateways reach this school. Default: the public address; with the sandbox, the
    /// address listened on.
    #[arg(long, env = "NOTIFY_BASE_URL")]
    pub(crate) notify_base_url: Option<String>,

    /// Seconds between two rounds of asking gateways about orders and refunds that stay open.
    #[arg(long, env = "RECONCILE_SECS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) reconcile_secs: u64,

    #[command(flatten)]
    pub(crate) alipay: AlipayFlags,

    #[command(flatten)]
    pub(crate) wechat: WechatFlags,

    #[command(flatten)]
    pub(crate) unionpay: UnionpayFlags,

    /// Lab: the SSH server of the course terminals, `host:port`. Default: an embedded one.
    #[arg(long, env = "LAB_SSH_ADDR", requires_all = ["lab_ssh_user", "lab_ssh_key_file", "lab_known_hosts_file"])]
    pub(crate) lab_ssh_addr: Option<SocketAddr>,

    /// Lab: the user to sign in as.
    #[arg(long, env = "LAB_SSH_USER", requires = "lab_ssh_addr")]
    pub(crate) lab_ssh_user: Option<String>,

    /// Lab: file of the private key to sign in with.
    #[arg(long, env = "LAB_SSH_KEY_FILE", requires = "lab_ssh_addr")]
    pub(crate) lab_ssh_key_file: Option<PathBuf>,

    /// Lab: known_hosts file with the server's host key.
    #[arg(long, env = "LAB_KNOWN_HOSTS_FILE", requires = "lab_ssh_addr")]
    pub(crate) lab_known_hosts_file: Option<PathBuf>,

    /// Most terminals open at a time.
    #[arg(long, env = "LAB_TERMINALS_MAX", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) lab_terminals_max: u16,

    /// Form of the log lines.
    #[arg(long, env = "LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_without_its_keys_is_refused_by_name() {
        let refused = Config::try_parse_from(["demo", "--alipay-gateway-url", "https://x"]).unwrap_err();
        assert!(refused.to_string().contains("--alipay-app-id"), "{refused}");
        let refused = Config::try_parse_from(["demo", "--wechat-gateway-url", "https://x"]).unwrap_err();
        assert!(refused.to_string().contains("--wechat-cert-serial"), "{refused}");
        let refused = Config::try_parse_from(["demo", "--unionpay-gateway-url", "https://x"]).unwrap_err();
        assert!(refused.to_string().contains("--unionpay-root-cert-file"), "{refused}");
    }

    #[test]
    fn zero_minutes_are_refused() {
        assert!(Config::try_parse_from(["demo", "--pay-minutes", "0"]).is_err());
    }
}
