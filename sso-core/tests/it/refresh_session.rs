//! Families that are bound to sessions: none outlives its session, however the session ended.

use std::sync::{Arc, Mutex};

use sso_core::{
    At, ClientId, DeviceKind, FamilyEnd, Grant, IssueOutcome, Login, LoginPolicy, MemoryRefreshStore,
    MemoryStore, NewSession, RefreshLimits, RefreshOutcome, RefreshSecret, Refresher, SessionEvent,
    SessionId, SessionLimits, SessionStore, SignedIn, Sso, UnixMillis, UserId,
};

use crate::broken_store::BrokenStore;

/// Sessions, and refreshers of one store that do and do not know them.
struct Gate {
    store: Arc<MemoryStore>,
    sso: Sso,
    plain: Refresher,
    knowing: Refresher,
}

fn alice() -> UserId {
    UserId::new("alice").unwrap()
}

fn app() -> ClientId {
    ClientId::new("shop-app").unwrap()
}

fn login() -> Login {
    Login::new(DeviceKind::Mobile, "app/1.0", "192.0.2.7")
}

fn bound(session: &SessionId) -> Grant {
    Grant::new(app()).with_session(session.clone())
}

impl Gate {
    fn new() -> Self {
        let store = Arc::new(MemoryStore::new());
        let sso = Sso::new(store.clone(), SessionLimits::default());
        let plain = Refresher::new(Arc::new(MemoryRefreshStore::new()), RefreshLimits::default());
        let knowing = plain.clone().sessions(sso.clone());
        Self { store, sso, plain, knowing }
    }

    async fn sign_in(&self) -> SignedIn {
        self.sso.login(&alice(), login()).await.unwrap().admitted().unwrap()
    }

    /// A session whose time is over, which no verb has met since.
    async fn expired_unseen(&self) -> SessionId {
        // A minute beyond the idle limit: longer ago, a store forgets it without an event.
        let begin = UnixMillis::new(UnixMillis::now().as_millis() - 31 * 60_000).unwrap();
        let (new, secret) = NewSession::open(alice(), login(), [7; 32]);
        let (policy, limits) = (LoginPolicy::unlimited(), SessionLimits::default());
        let created = self.store.create(&new, policy, limits, At::Millis(begin)).await.unwrap();
        assert!(created.value.admitted().is_some());
        secret.key().id()
    }
}

async fn first(refresher: &Refresher, grant: Grant) -> RefreshSecret {
    refresher.issue(&alice(), grant).await.unwrap().issued().unwrap().0
}

async fn refresh(refresher: &Refresher, secret: &RefreshSecret) -> RefreshOutcome {
    refresher.refresh(secret, &app(), None).await.unwrap()
}

const DEAD: RefreshOutcome = RefreshOutcome::Ended(FamilyEnd::SessionEnded);

#[tokio::test]
async fn a_family_does_not_outlive_an_expiry_that_nobody_saw() {
    let gate = Gate::new();
    let session = gate.expired_unseen().await;
    let token = first(&gate.plain, bound(&session)).await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let listening = Sso::new(gate.store.clone(), SessionLimits::default())
        .events(Arc::new(move |event: &SessionEvent| log.lock().unwrap().push(event.clone())));
    assert_eq!(refresh(&gate.plain.clone().sessions(listening), &token).await, DEAD);
    // It has ended in the store, not only in this answer, and the expiry has been told.
    assert_eq!(refresh(&gate.plain, &token).await, DEAD);
    assert!(
        matches!(&seen.lock().unwrap()[..], [SessionEvent::Ended { session: ended, .. }] if ended.id == session)
    );
}

#[tokio::test]
async fn a_family_does_not_outlive_a_logout_that_was_not_told() {
    let gate = Gate::new();
    let signed_in = gate.sign_in().await;
    let other = gate.sign_in().await;
    let lost = first(&gate.knowing, bound(&signed_in.session.id)).await;
    let shown_before = first(&gate.knowing, bound(&signed_in.session.id)).await;
    let kept = first(&gate.knowing, bound(&other.session.id)).await;
    let free = first(&gate.knowing, Grant::new(app())).await;
    assert!(matches!(refresh(&gate.knowing, &shown_before).await, RefreshOutcome::Refreshed { .. }));

    assert!(gate.sso.logout(&signed_in.secret).await.unwrap());
    // A retry of an exchange that went well before the logout gets its child no more.
    assert_eq!(refresh(&gate.knowing, &shown_before).await, DEAD);
    assert_eq!(refresh(&gate.knowing, &lost).await, DEAD);
    for good in [&kept, &free] {
        assert!(matches!(refresh(&gate.knowing, good).await, RefreshOutcome::Refreshed { .. }));
    }
    assert_eq!(gate.knowing.families(&alice()).await.unwrap().len(), 2);
}

/// The end of the session comes between the login and the family.
#[tokio::test]
async fn no_family_is_made_after_its_session() {
    let gate = Gate::new();
    let signed_in = gate.sign_in().await;
    assert!(gate.sso.logout(&signed_in.secret).await.unwrap());
    assert_eq!(gate.knowing.session_ended(&alice(), &signed_in.session.id).await.unwrap(), 0);
    let late = gate.knowing.issue(&alice(), bound(&signed_in.session.id)).await.unwrap();
    assert_eq!(late, IssueOutcome::SessionEnded);
    assert_eq!(gate.knowing.families(&alice()).await.unwrap(), []);
}

#[tokio::test]
async fn a_session_of_somebody_else_is_none() {
    let gate = Gate::new();
    let signed_in = gate.sign_in().await;
    let mallory = UserId::new("mallory").unwrap();
    let foreign = gate.knowing.issue(&mallory, bound(&signed_in.session.id)).await.unwrap();
    assert_eq!(foreign, IssueOutcome::SessionEnded);
}

#[tokio::test]
async fn while_sessions_cannot_be_read_no_bound_family_is_refreshed() {
    let gate = Gate::new();
    let signed_in = gate.sign_in().await;
    let broken = Sso::new(Arc::new(BrokenStore), SessionLimits::default());
    let blind = gate.plain.clone().sessions(broken);
    let token = first(&gate.knowing, bound(&signed_in.session.id)).await;
    blind.refresh(&token, &app(), None).await.unwrap_err();
    blind.issue(&alice(), bound(&signed_in.session.id)).await.unwrap_err();
    let free = first(&blind, Grant::new(app())).await;
    assert!(matches!(refresh(&blind, &free).await, RefreshOutcome::Refreshed { .. }));
    // When they can be read again, the client repeats it and gets the child.
    let again = refresh(&gate.knowing, &token).await;
    assert!(matches!(again, RefreshOutcome::Refreshed { is_replay: true, .. }), "{again:?}");
}
