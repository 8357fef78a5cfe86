//! Single logout: the gate tells the sites, and a site believes only what it must.

mod delivery;
mod late;
#[cfg(feature = "redis")]
mod queue;
mod receiver;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use sso_core::{
    At, BoxFuture, Client, ClientId, ClientSecret, Clients, Error, GrantBinding, GrantKept, GrantKind,
    GrantSecret, HttpClient, KeySet, NewGrant, PresentedGrant, Redeemed, SessionId, SigningKey, SiteStore,
    SiteUrl, UnixMillis, UserId,
};

const ISSUER: &str = "https://sso.example";

/// Sites on a network of their own: what they answer, and what they were sent.
#[derive(Debug, Default)]
struct Sites {
    answers: Mutex<BTreeMap<String, Vec<u16>>>,
    sent: Mutex<Vec<(String, Bytes)>>,
}

impl Sites {
    fn answer(&self, host: &str, statuses: &[u16]) {
        self.answers.lock().unwrap().insert(host.to_owned(), statuses.iter().rev().copied().collect());
    }

    fn sent(&self) -> Vec<(String, Bytes)> {
        std::mem::take(&mut *self.sent.lock().unwrap())
    }
}

impl HttpClient for Sites {
    fn send<'a>(
        &'a self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'a, Result<http::Response<Bytes>, Error>> {
        Box::pin(async move {
            let host = request.uri().host().unwrap().to_owned();
            assert_eq!(request.method(), http::Method::POST);
            self.sent.lock().unwrap().push((host.clone(), request.into_body()));
            let status = self.answers.lock().unwrap().get_mut(&host).and_then(Vec::pop);
            let mut response = http::Response::new(Bytes::new());
            // A host without an answer is one that cannot be reached.
            let status = status.ok_or_else(|| UserId::new("").unwrap_err())?;
            *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
            Ok(response)
        })
    }
}

fn keys() -> KeySet {
    KeySet::new(SigningKey::generate(sso_core::Algorithm::Es256).unwrap())
}

fn clients() -> Clients {
    let hash = ClientSecret::random().unwrap().hash();
    let site = |id: &str| {
        Client::with_secret(ClientId::new(id).unwrap(), hash)
            .logout_url(SiteUrl::new(&format!("https://{id}.example/logout")).unwrap())
            .unwrap()
    };
    let silent = Client::with_secret(ClientId::new("silent").unwrap(), hash);
    Clients::new([site("shop"), site("forum"), silent]).unwrap()
}

/// Lets sites take part in a session.
async fn take_part(store: &dyn SiteStore, of: &SessionId, sites: &[&str]) {
    for (place, site) in sites.iter().enumerate() {
        let client = ClientId::new(*site).unwrap();
        let key = GrantSecret::new(of.clone(), [u8::try_from(place).unwrap(); 32]).key();
        let binding = GrantBinding::new(GrantKind::Ticket, "", None);
        let user = UserId::new("alice").unwrap();
        let life = Duration::from_secs(30);
        let new = NewGrant::new(key.clone(), client.clone(), binding, user, String::new(), life).unwrap();
        assert_eq!(store.keep(&new, At::Server).await.unwrap(), GrantKept::Kept);
        let presented = PresentedGrant { client: &client, binding, gives: None };
        let redeemed = store.redeem(&key, presented, At::Server).await.unwrap();
        assert!(matches!(redeemed, Redeemed::Granted { .. }));
    }
}

fn now() -> UnixMillis {
    UnixMillis::now()
}
