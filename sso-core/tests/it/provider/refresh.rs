//! Refresh tokens of the provider: what ends them besides their own limits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value, json};
use sso_core::{
    Accounts, At, BoxFuture, Client, ClientId, Clients, Error, Families, Family, FamilyEnd, FamilyKey,
    GrantBinding, GrantKind, GrantSecret, MemoryRefreshStore, MemorySiteStore, NewFamily, Presented,
    PresentedGrant, Provider, ProviderConfig, Redeemed, RefreshLimits, RefreshStore, RevokeFamily,
    RotateOutcome, SessionLimits, SiteStore as _, SiteUrl, UserId,
};
use tokio::sync::Mutex;

use super::token::refresh;
use super::{Gate, ISSUER, RETURN, error, gate};

/// A store of refresh tokens in which somebody else redeems the code just before its family begins.
#[derive(Debug)]
struct Raced {
    store: MemoryRefreshStore,
    sites: Arc<MemorySiteStore>,
    code: Mutex<Option<String>>,
    issued: AtomicU64,
}

impl RefreshStore for Raced {
    fn issue<'a>(
        &'a self,
        new: &'a NewFamily,
        limits: RefreshLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Family, Error>> {
        Box::pin(async move {
            if let Some(code) = self.code.lock().await.take() {
                let (key, client) =
                    (GrantSecret::parse(&code).unwrap().key(), ClientId::new("shop").unwrap());
                let binding = GrantBinding::new(GrantKind::Code, RETURN, None);
                let presented = PresentedGrant { client: &client, binding, gives: None };
                let again = self.sites.redeem(&key, presented, At::Server).await.unwrap();
                assert!(matches!(again, Redeemed::Reused { gave: Some(_), .. }), "{again:?}");
            }
            self.issued.fetch_add(1, Ordering::Relaxed);
            self.store.issue(new, limits, at).await
        })
    }

    fn rotate<'a>(
        &'a self,
        presented: &'a Presented,
        limits: RefreshLimits,
        at: At,
    ) -> BoxFuture<'a, Result<RotateOutcome, Error>> {
        self.store.rotate(presented, limits, at)
    }

    fn revoke_family<'a>(
        &'a self,
        key: &'a FamilyKey,
        client: Option<&'a ClientId>,
        limits: RefreshLimits,
        at: At,
    ) -> BoxFuture<'a, Result<RevokeFamily, Error>> {
        self.store.revoke_family(key, client, limits, at)
    }

    fn revoke_user<'a>(
        &'a self,
        user: &'a UserId,
        families: &'a Families,
        reason: FamilyEnd,
        limits: RefreshLimits,
        at: At,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        self.store.revoke_user(user, families, reason, limits, at)
    }

    fn list<'a>(
        &'a self,
        user: &'a UserId,
        limits: RefreshLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Vec<Family>, Error>> {
        self.store.list(user, limits, at)
    }
}

async fn families(store: &dyn RefreshStore) -> usize {
    let alice = UserId::new("alice").unwrap();
    store.list(&alice, RefreshLimits::default(), At::Server).await.unwrap().len()
}

#[tokio::test]
async fn a_code_that_comes_again_before_its_family_begins_leaves_no_family() {
    let mut gate = gate().await;
    let raced = Arc::new(Raced {
        store: MemoryRefreshStore::new(),
        sites: gate.store.clone(),
        code: Mutex::new(None),
        issued: AtomicU64::new(0),
    });
    gate.provider = gate.provider.clone().refresh(raced.clone(), RefreshLimits::default());
    let code = gate.code(&[("scope", "openid offline_access")]).await;
    *raced.code.lock().await = Some(code.clone());
    let answer = gate.redeem(&code, &[]).await;
    assert!(error("invalid_grant")(&answer), "{answer:?}");
    assert_eq!((raced.issued.load(Ordering::Relaxed), families(&*raced).await), (1, 0));
    // Without a race the same store keeps one.
    gate.tokens(&[("scope", "openid offline_access")]).await;
    assert_eq!(families(&*raced).await, 1);
}

/// The gate with a store of refresh tokens that the test can look into.
async fn watched() -> (Gate, Arc<MemoryRefreshStore>) {
    let (mut gate, store) = (gate().await, Arc::new(MemoryRefreshStore::new()));
    gate.provider = gate.provider.clone().refresh(store.clone(), RefreshLimits::default());
    (gate, store)
}

/// An application whose users are all gone.
#[derive(Debug)]
struct Nobody;

impl Accounts for Nobody {
    fn claims<'a>(&'a self, _: &'a UserId) -> BoxFuture<'a, Result<Option<Map<String, Value>>, Error>> {
        Box::pin(async { Ok(None) })
    }
}

#[tokio::test]
async fn a_user_who_is_gone_refreshes_no_more() {
    let (mut gate, store) = watched().await;
    let tokens = gate.tokens(&[("scope", "openid offline_access")]).await;
    let clients = Clients::new([shop(&gate, &["openid", "offline_access"])]).unwrap();
    let config = ProviderConfig::new(ISSUER, SessionLimits::default()).unwrap();
    gate.provider =
        Provider::new(config, (&gate.keys, &gate.keys), clients, gate.store.clone(), Arc::new(Nobody))
            .unwrap()
            .refresh(store.clone(), RefreshLimits::default());
    assert_eq!(families(&*store).await, 1);
    let answer = refresh(&gate, tokens["refresh_token"].as_str().unwrap(), &[]).await;
    assert!(error("invalid_grant")(&answer), "{answer:?}");
    assert_eq!(families(&*store).await, 0);
}

fn shop(gate: &Gate, scopes: &[&str]) -> Client {
    Client::with_secret(ClientId::new("shop").unwrap(), gate.secret.hash())
        .return_url(SiteUrl::new(RETURN).unwrap())
        .unwrap()
        .scopes(scopes.iter().copied())
        .unwrap()
}

#[tokio::test]
async fn a_client_refreshes_to_what_it_may_have_now() {
    let (mut gate, store) = watched().await;
    let tokens = gate.tokens(&[("scope", "openid email phone offline_access")]).await;
    let narrowed = Clients::new([shop(&gate, &["openid", "email", "offline_access"])]).unwrap();
    gate.provider = gate.provider.clone().with_clients(narrowed);
    let (status, next) = refresh(&gate, tokens["refresh_token"].as_str().unwrap(), &[]).await;
    assert_eq!((status, &next["scope"]), (200, &json!("openid email offline_access")), "{next}");
    let next = next["refresh_token"].as_str().unwrap();
    let (status, next) = refresh(&gate, next, &[("scope", "openid phone")]).await;
    assert_eq!((status, &next["scope"]), (200, &json!("openid")), "{next}");
    let (status, body) = refresh(&gate, next["refresh_token"].as_str().unwrap(), &[("scope", "phone")]).await;
    assert!(error("invalid_scope")(&(status, body.clone())), "{body}");
    assert_eq!(families(&*store).await, 1);
}

#[tokio::test]
async fn a_client_that_may_not_act_offline_any_more_refreshes_no_more() {
    let (mut gate, store) = watched().await;
    let tokens = gate.tokens(&[("scope", "openid offline_access")]).await;
    gate.provider = gate.provider.clone().with_clients(Clients::new([shop(&gate, &["openid"])]).unwrap());
    let answer = refresh(&gate, tokens["refresh_token"].as_str().unwrap(), &[]).await;
    assert!(error("invalid_grant")(&answer), "{answer:?}");
    assert_eq!(families(&*store).await, 0);
}
