//! What follows the end of a session: its refresh tokens end with it, and the sites that it reached are told.

use std::sync::Arc;
use std::time::Duration;

use sso_core::{
    Refresher, SessionEvent, SessionEvents, SessionId, SingleLogout, Told, ToldOutcome, UnixMillis, UserId,
};
use tokio::sync::mpsc::{self, Receiver};

use crate::app::Shared;

/// Ended sessions that may wait to be noted.
const WAITING_MAX: usize = 1024;
/// How long to wait after each attempt to note an end that failed.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

/// A session that is over.
#[derive(Debug)]
struct Ended {
    user: UserId,
    session: SessionId,
}

/// The sessions that end in this process, still to be noted.
#[derive(Debug)]
pub(crate) struct Ends {
    waiting: Receiver<Ended>,
    /// None where no sites can sign in.
    single_logout: Option<SingleLogout>,
    refresher: Refresher,
}

/// Listens to sessions. The listener never waits: it stands in the way of whoever ends a session.
pub(crate) fn listen() -> (Arc<dyn SessionEvents>, impl FnOnce(Option<SingleLogout>, Refresher) -> Ends) {
    let (sender, waiting) = mpsc::channel(WAITING_MAX);
    let listener = move |event: &SessionEvent| {
        let SessionEvent::Ended { session, .. } = event else { return };
        let ended = Ended { user: session.user.clone(), session: session.id.clone() };
        if let Err(cause) = sender.try_send(ended) {
            tracing::error!(session = session.id.as_str(), %cause, "nobody will be told that it has ended");
        }
    };
    (Arc::new(listener), |single_logout, refresher| Ends { waiting, single_logout, refresher })
}

impl Ends {
    /// Notes every end until `last` completes: then those that wait, and no more.
    pub(crate) async fn note(mut self, last: impl Future<Output = ()>) {
        let mut last = std::pin::pin!(last);
        loop {
            tokio::select! {
                ended = self.waiting.recv() => match ended {
                    Some(ended) => self.note_one(&ended).await,
                    None => return,
                },
                () = &mut last => break,
            }
        }
        self.waiting.close();
        while let Some(ended) = self.waiting.recv().await {
            self.note_one(&ended).await;
        }
    }

    async fn note_one(&self, ended: &Ended) {
        let session = ended.session.as_str();
        for pause in PAUSES {
            match self.attempt(ended).await {
                Ok(()) => return,
                Err(cause) if cause.is_transient() => {
                    tracing::warn!(session, %cause, "its end could not be noted; trying again");
                }
                Err(cause) => {
                    tracing::error!(session, %cause, "its end could not be noted");
                    return;
                }
            }
            tokio::time::sleep(pause).await;
        }
        tracing::error!(session, "its end could not be noted in time: its sites are not told");
    }

    /// Both steps may be repeated.
    async fn attempt(&self, ended: &Ended) -> Result<(), sso_core::Error> {
        if let Some(single_logout) = &self.single_logout {
            single_logout.end(&ended.session).await?;
        }
        self.refresher.session_ended(&ended.user, &ended.session).await.map(drop)
    }
}

/// Every second: sites that are due are told. Apart from the other housekeeping, because a site may be slow.
pub(crate) async fn tell_sites(app: Shared) {
    let mut stopping = app.stopping.clone();
    loop {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
        let Some(openid) = &app.openid else { continue };
        match openid.single_logout.deliver(UnixMillis::now()).await {
            Ok(told) => told.iter().for_each(report),
            Err(cause) => tracing::warn!(%cause, "sites could not be told; trying again"),
        }
    }
}

fn report(told: &Told) {
    let (session, client, attempt) = (told.session.as_str(), told.client.as_str(), told.attempt);
    match &told.outcome {
        ToldOutcome::Done => tracing::info!(session, client, attempt, "the site has ended its session"),
        ToldOutcome::NoAddress => tracing::debug!(session, client, "the site wants no notice"),
        ToldOutcome::Again { because, .. } => {
            tracing::warn!(session, client, attempt, because, "the site was not told; trying again");
        }
        ToldOutcome::GivenUp { because } => {
            tracing::error!(session, client, attempt, because, "the site was not told");
        }
        _ => tracing::warn!(session, client, attempt, "the site was told, and nobody knows what came of it"),
    }
}
