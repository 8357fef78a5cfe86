//! Tickets, seen from the gate and from a site.

use std::sync::Arc;

use sso_core::{
    AuthenticatedClient, Client, ClientId, ClientSecret, Clients, DeviceKind, Login, MemorySiteStore,
    NewSession, Session, SessionLimits, SiteSession, SiteStore, SiteUrl, Sso, TicketIssue, TicketRedeem,
    Tickets, UserId, challenge_s256,
};

const SHOP: &str = "https://shop.example/signed-in";
const VERIFIER: &str = "0123456789012345678901234567890123456789012345";

struct Gate {
    store: Arc<MemorySiteStore>,
    tickets: Tickets,
    clients: Clients,
    secret: ClientSecret,
}

fn gate() -> Gate {
    let secret = ClientSecret::random().unwrap();
    let site = |id: &str, url: &str| {
        Client::with_secret(ClientId::new(id).unwrap(), secret.hash())
            .return_url(SiteUrl::new(url).unwrap())
            .unwrap()
    };
    let app = Client::public(ClientId::new("app").unwrap()).return_url(SiteUrl::new(SHOP).unwrap()).unwrap();
    let clients = [site("shop", SHOP), site("forum", "https://forum.example/?page=in"), app];
    let clients = Clients::new(clients).unwrap();
    let store = Arc::new(MemorySiteStore::new());
    let tickets = Tickets::new(store.clone(), clients.clone(), SessionLimits::default());
    Gate { store, tickets, clients, secret }
}

impl Gate {
    fn client(&self, id: &str) -> AuthenticatedClient {
        self.clients.authenticate(id, self.secret.expose()).unwrap()
    }

    async fn ticket(&self, session: &SiteSession) -> String {
        let issued = self.tickets.issue("shop", SHOP, &challenge_s256(VERIFIER), session).await.unwrap();
        let TicketIssue::Redirect(url) = issued else { panic!("{issued:?}") };
        let (url, ticket) = url.split_once("?ticket=").unwrap();
        assert_eq!(url, SHOP);
        ticket.to_owned()
    }

    async fn redeem(&self, client: &str, ticket: &str, url: &str, verifier: &str) -> TicketRedeem {
        self.tickets.redeem(&self.client(client), ticket, url, verifier).await.unwrap()
    }
}

async fn signed_in() -> Session {
    let sso = Sso::new(Arc::new(sso_core::MemoryStore::new()), SessionLimits::default());
    let login = Login::new(DeviceKind::Web, "Mozilla/5.0", "192.0.2.7");
    sso.login(&UserId::new("张三").unwrap(), login).await.unwrap().admitted().unwrap().session
}

#[tokio::test]
async fn a_ticket_signs_in_once() {
    let (gate, session) = (gate(), SiteSession::from(&signed_in().await));
    let ticket = gate.ticket(&session).await;
    assert_eq!(gate.redeem("shop", &ticket, SHOP, VERIFIER).await, TicketRedeem::SignedIn(session));
    assert_eq!(gate.redeem("shop", &ticket, SHOP, VERIFIER).await, TicketRedeem::Unknown);
}

#[tokio::test]
async fn a_ticket_says_how_the_user_signed_in() {
    let (gate, session) = (gate(), signed_in().await);
    let session = SiteSession::from(&session).stepped_up("urn:example:otp", session.created_at);
    let ticket = gate.ticket(&session).await;
    let TicketRedeem::SignedIn(read) = gate.redeem("shop", &ticket, SHOP, VERIFIER).await else { panic!() };
    assert_eq!(read.acr.as_deref(), Some("urn:example:otp"));
}

#[tokio::test]
async fn a_ticket_is_for_one_client_one_address_and_one_browser() {
    let (gate, session) = (gate(), SiteSession::from(&signed_in().await));
    let ticket = gate.ticket(&session).await;
    // Another client cannot use it, and cannot spoil it.
    assert_eq!(gate.redeem("forum", &ticket, SHOP, VERIFIER).await, TicketRedeem::NotYours);
    assert!(matches!(gate.redeem("shop", &ticket, SHOP, VERIFIER).await, TicketRedeem::SignedIn(_)));

    let other = "x".repeat(43);
    for (url, verifier) in [("https://shop.example/", VERIFIER), (SHOP, other.as_str())] {
        let ticket = gate.ticket(&session).await;
        assert_eq!(gate.redeem("shop", &ticket, url, verifier).await, TicketRedeem::NotYours);
        // Whoever guesses wrong has no second guess.
        assert_eq!(gate.redeem("shop", &ticket, SHOP, VERIFIER).await, TicketRedeem::Unknown);
    }
    for garbage in ["", "x", &"x".repeat(60), &"x".repeat(100_000)] {
        assert_eq!(gate.redeem("shop", garbage, SHOP, VERIFIER).await, TicketRedeem::Unknown);
    }
}

#[tokio::test]
async fn tickets_go_to_registered_addresses_only() {
    let (gate, session) = (gate(), SiteSession::from(&signed_in().await));
    let challenge = challenge_s256(VERIFIER);
    let issue = async |client: &str, url: &str, challenge: &str| {
        gate.tickets.issue(client, url, challenge, &session).await.unwrap()
    };
    for url in
        ["https://shop.example/signed-in/", "https://shop.example/signed-in?x", "https://evil.example/", ""]
    {
        assert_eq!(issue("shop", url, &challenge).await, TicketIssue::UnregisteredUrl, "{url}");
    }
    // A client without a secret could not prove itself when it redeems.
    for client in ["app", "nobody", "", "a b"] {
        assert_eq!(issue(client, SHOP, &challenge).await, TicketIssue::UnknownClient);
    }
    assert_eq!(issue("shop", SHOP, VERIFIER).await, TicketIssue::BadChallenge);
    let TicketIssue::Redirect(url) = issue("forum", "https://forum.example/?page=in", &challenge).await
    else {
        panic!()
    };
    assert!(url.starts_with("https://forum.example/?page=in&ticket="));
    assert!(!url.contains("%E5") && !url.contains("user"));
}

#[tokio::test]
async fn the_end_of_a_session_ends_its_tickets() {
    let (gate, session) = (gate(), SiteSession::from(&signed_in().await));
    let ticket = gate.ticket(&session).await;
    gate.store.end(&session.session, sso_core::At::Server).await.unwrap();
    assert_eq!(gate.redeem("shop", &ticket, SHOP, VERIFIER).await, TicketRedeem::SessionEnded);
    let issued = gate.tickets.issue("shop", SHOP, &challenge_s256(VERIFIER), &session).await.unwrap();
    assert_eq!(issued, TicketIssue::SessionEnded);
}

#[tokio::test]
async fn a_session_has_room_for_so_many_tickets() {
    let (gate, session) = (gate(), SiteSession::from(&signed_in().await));
    for _ in 0..sso_core::GRANTS_PER_SESSION_MAX {
        gate.ticket(&session).await;
    }
    let issued = gate.tickets.issue("shop", SHOP, &challenge_s256(VERIFIER), &session).await.unwrap();
    assert_eq!(issued, TicketIssue::TooMany);
}

#[test]
fn a_client_is_known_by_its_secrets_only() {
    let (one, two) = (ClientSecret::random().unwrap(), ClientSecret::random().unwrap());
    let shop = Client::with_secret(ClientId::new("shop").unwrap(), one.hash());
    let changed = shop.clone().also_secret(two.hash()).unwrap();
    assert!(changed.clone().also_secret(two.hash()).is_err());
    let app = Client::public(ClientId::new("app").unwrap());
    assert!(app.clone().also_secret(one.hash()).is_err());
    let clients = Clients::new([changed, app]).unwrap();
    for (id, secret, known) in [
        ("shop", one.expose(), true),
        ("shop", two.expose(), true),
        ("shop", "", false),
        ("shop", one.hash().to_text().as_str(), false),
        ("app", one.expose(), false),
        ("app", "", false),
        ("nobody", one.expose(), false),
    ] {
        assert_eq!(clients.authenticate(id, secret).is_some(), known, "{id}");
    }
    let twice = [shop.clone(), shop];
    assert!(Clients::new(twice).is_err());
    assert!(!format!("{clients:?}").contains(&one.hash().to_text()));
}

/// Nothing but what it should be comes out of a secret by printing.
#[test]
fn secrets_are_not_printed() {
    let user = UserId::new("alice").unwrap();
    let (new, _) = NewSession::open(user, Login::new(DeviceKind::Web, "", ""), [1; 32]);
    let secret = sso_core::GrantSecret::new(new.key().id(), [7; 32]);
    let random = secret.expose().split_once('.').unwrap().1.to_owned();
    assert!(!format!("{secret:?}").contains(&random));
    let url = format!("{SHOP}?ticket={}", secret.expose().as_str());
    assert_eq!(format!("{:?}", TicketIssue::Redirect(url)), format!("Redirect({SHOP:?})"));
    assert_eq!(format!("{:?}", TicketIssue::TooMany), "TooMany");
}
