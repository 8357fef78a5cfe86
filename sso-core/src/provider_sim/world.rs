//! What the providers know: applications, users, codes and tokens, and what a test asked them to do.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use aws_lc_rs::hmac;
use bytes::Bytes;
use http::Response;
use serde_json::{Map, Value};

use crate::provider_sim::ProviderSim;
use crate::provider_sim::user::SimUser;
use crate::social::ProviderKind;
use crate::time::UnixMillis;

/// In which shape QQ replies to requests for a token and an openid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum QqShape {
    /// JSON, if it is asked for with `fmt=json`.
    #[default]
    Json,
    /// `callback( {..} );` for the openid and for errors, a form for tokens.
    Jsonp,
    /// A form for tokens and for their errors, `callback( {..} );` for the openid.
    Form,
}

/// In which shape Weibo sends a mail address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum EmailShape {
    /// An array with one object.
    #[default]
    Array,
    /// One object.
    Object,
    /// An error: the application lacks the scope.
    Refused,
}

pub(crate) struct SimApp {
    pub(crate) kind: ProviderKind,
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) redirect_uri: String,
}

/// What a user has consented to.
#[derive(Clone)]
pub(crate) struct Grant {
    pub(crate) kind: ProviderKind,
    pub(crate) app_id: String,
    pub(crate) user: SimUser,
    pub(crate) scope: String,
    pub(crate) nonce: Option<String>,
    pub(crate) challenge: Option<String>,
}

struct Code {
    grant: Grant,
    ends_at: UnixMillis,
    used: bool,
}

/// What becomes of a code.
pub(crate) enum Redeemed {
    Token(String, Box<Grant>),
    Used,
    Expired,
    Unknown,
}

type Change = Box<dyn FnOnce(&mut Map<String, Value>) + Send>;

pub(crate) struct World {
    apps: Vec<SimApp>,
    users: BTreeMap<String, SimUser>,
    codes: BTreeMap<String, Code>,
    tokens: BTreeMap<String, Grant>,
    seed: hmac::Key,
    serial: u64,
    ahead: Duration,
    pub(crate) qq_shape: QqShape,
    pub(crate) email_shape: EmailShape,
    pub(crate) substitute: Option<String>,
    pub(crate) id_token_change: Option<Change>,
    pub(crate) canned: Vec<(String, Response<Bytes>)>,
    pub(crate) log: Vec<String>,
}

/// The folder of a provider. Both ways of WeChat are one provider.
pub(crate) fn folder(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::Qq => "qq",
        ProviderKind::WechatQr | ProviderKind::WechatInApp => "wechat",
        ProviderKind::Weibo => "weibo",
        ProviderKind::Github => "github",
        ProviderKind::Oidc => "oidc",
    }
}

impl World {
    /// How many codes, tokens and paths are remembered; the demo runs for days.
    const MEMORY_MAX: usize = 10_000;

    pub(crate) fn new(seed: [u8; 32]) -> Self {
        let people = [
            SimUser::new("alice", "Alice"),
            SimUser::new("bob", "鲍勃"),
            SimUser { snapshot: true, ..SimUser::new("guest", "Guest") },
        ];
        Self {
            apps: Vec::new(),
            users: people.into_iter().map(|user| (user.name.clone(), user)).collect(),
            codes: BTreeMap::new(),
            tokens: BTreeMap::new(),
            seed: hmac::Key::new(hmac::HMAC_SHA256, &seed),
            serial: 0,
            ahead: Duration::ZERO,
            qq_shape: QqShape::default(),
            email_shape: EmailShape::default(),
            substitute: None,
            id_token_change: None,
            canned: Vec::new(),
            log: Vec::new(),
        }
    }

    pub(crate) fn now(&self) -> UnixMillis {
        UnixMillis::now().saturating_add(self.ahead)
    }

    pub(crate) fn advance(&mut self, more: Duration) {
        self.ahead = self.ahead.saturating_add(more);
    }

    pub(crate) fn register(&mut self, kind: ProviderKind, id: &str, secret: &str, redirect_uri: &str) {
        let (id, secret, redirect_uri) = (id.to_owned(), secret.to_owned(), redirect_uri.to_owned());
        self.apps.push(SimApp { kind, id, secret, redirect_uri });
    }

    pub(crate) fn register_new(&mut self, kind: ProviderKind, redirect_uri: &str) -> (String, String) {
        let id = format!("{}{:04}", folder(kind), self.apps.len() + 1);
        let secret = self.fresh("secret");
        self.register(kind, &id, &secret, redirect_uri);
        (id, secret)
    }

    pub(crate) fn add_user(&mut self, user: SimUser) {
        self.users.insert(user.name.clone(), user);
    }

    pub(crate) fn app(&self, folder_name: &str, id: &str) -> Option<&SimApp> {
        self.apps.iter().find(|app| folder(app.kind) == folder_name && app.id == id)
    }

    pub(crate) fn user(&self, name: &str) -> Option<&SimUser> {
        self.users.get(name)
    }

    pub(crate) fn users(&self) -> impl Iterator<Item = &SimUser> {
        self.users.values()
    }

    /// Notes a request; the reply that a test has prepared for it.
    pub(crate) fn note(&mut self, path: &str) -> Option<Response<Bytes>> {
        if self.log.len() >= Self::MEMORY_MAX {
            self.log.clear();
        }
        self.log.push(path.to_owned());
        let place = self.canned.iter().position(|(end, _)| path.ends_with(end.as_str()))?;
        Some(self.canned.remove(place).1)
    }

    pub(crate) fn new_code(&mut self, grant: Grant) -> String {
        if self.codes.len() >= Self::MEMORY_MAX {
            self.codes.clear();
        }
        let code = self.fresh("code");
        let ends_at = self.now().saturating_add(ProviderSim::CODE_LIFE);
        self.codes.insert(code.clone(), Code { grant, ends_at, used: false });
        code
    }

    /// Redeems a code for an application, once.
    pub(crate) fn redeem(&mut self, folder_name: &str, app_id: &str, code: &str) -> Redeemed {
        let now = self.now();
        let Some(found) = self.codes.get_mut(code) else { return Redeemed::Unknown };
        if folder(found.grant.kind) != folder_name || found.grant.app_id != app_id {
            return Redeemed::Unknown;
        }
        if found.used {
            return Redeemed::Used;
        }
        if now >= found.ends_at {
            return Redeemed::Expired;
        }
        found.used = true;
        let mut grant = found.grant.clone();
        if let Some(other) = self.substitute.take() {
            grant.app_id = other;
        }
        if self.tokens.len() >= Self::MEMORY_MAX {
            self.tokens.clear();
        }
        let token = self.fresh("token");
        self.tokens.insert(token.clone(), grant.clone());
        Redeemed::Token(token, Box::new(grant))
    }

    pub(crate) fn token(&self, folder_name: &str, token: &str) -> Option<Grant> {
        self.tokens.get(token).filter(|grant| folder(grant.kind) == folder_name).cloned()
    }

    /// A text that nobody guesses, 40 hex digits behind a word.
    pub(crate) fn fresh(&mut self, word: &str) -> String {
        self.serial += 1;
        let tag = hmac::sign(&self.seed, &self.serial.to_be_bytes());
        let mut text = word.to_owned();
        for byte in tag.as_ref().iter().take(20) {
            // Writing to a string does not fail.
            if write!(text, "{byte:02x}").is_err() {
                return text;
            }
        }
        text
    }
}
