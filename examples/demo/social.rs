//! The doors of the school that belong to others: which providers there are, and whom they let in.

use sso_core::UserId;
use sso_core::social::{Identity, ProviderKind};

use crate::app::App;
use crate::clock;
use crate::http::problem::Problem;
use crate::school::account::Account;
use crate::school::identity::Identity as Known;
use crate::seed;

/// One provider, and this school as it is registered there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Door {
    /// Its name in addresses.
    pub(crate) name: &'static str,
    /// Its name for people.
    pub(crate) label: &'static str,
    pub(crate) kind: ProviderKind,
    pub(crate) app_id: &'static str,
    /// Known to the simulator only.
    pub(crate) app_secret: &'static str,
}

/// Every provider.
pub(crate) const DOORS: [Door; 6] = [
    door("qq", "QQ", ProviderKind::Qq, "101900001"),
    door("wechat", "WeChat 微信扫码", ProviderKind::WechatQr, "wx0000000000000001"),
    door("wechat-in-app", "WeChat 微信内", ProviderKind::WechatInApp, "wx0000000000000002"),
    door("weibo", "Weibo 微博", ProviderKind::Weibo, "2026000001"),
    door("github", "GitHub", ProviderKind::Github, "Iv1.0000000000000001"),
    door("campus", "Campus 校园账号", ProviderKind::Oidc, "pinewood-school"),
];

const fn door(name: &'static str, label: &'static str, kind: ProviderKind, app_id: &'static str) -> Door {
    Door { name, label, kind, app_id, app_secret: "a-secret-of-the-simulator-alone" }
}

impl Door {
    /// Where the provider sends browsers back to.
    pub(crate) fn redirect(&self, public_url: &str) -> String {
        format!("{public_url}/login/with/{}/callback", self.name)
    }
}

/// The provider of this name.
pub(crate) fn find(name: &str) -> Option<&'static Door> {
    DOORS.iter().find(|door| door.name == name)
}

/// An identity as the school's tables keep it.
pub(crate) fn known(identity: &Identity) -> Known {
    Known {
        app_id: identity.app_id.clone(),
        subject: identity.subject.as_str().to_owned(),
        provider: identity.provider.clone(),
        name: identity.name.clone().unwrap_or_else(|| "nameless".to_owned()),
    }
}

/// The account of an identity; a stranger becomes a student.
pub(crate) async fn admit(app: &App, identity: &Identity) -> Result<Account, Problem> {
    let known = known(identity);
    let mut random = [0_u8; 8];
    getrandom::fill(&mut random).map_err(|cause| Problem::broken("random source", true, &cause))?;
    let number: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    // Without a hash no password opens it.
    let stranger = Account {
        id: format!("s{number}"),
        login: format!("{}-{number}", known.provider),
        display_name: known.name.clone(),
        password_hash: String::new(),
    };
    let account = app.school.account_with(&known, &stranger).await?;
    if account.id == stranger.id {
        tracing::info!(
            account = account.id,
            provider = known.provider,
            at = clock::now_millis(),
            "account made"
        );
    }
    // Also for one whose roles a crash left out.
    seed::enrol(&app.live, &UserId::new(&account.id)?, &account.display_name).await?;
    Ok(account)
}
