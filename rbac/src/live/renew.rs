//! A look at the store: whether it has another policy, and how that is compiled and put in force.

use std::sync::Arc;

use super::Live;
use super::observer::WatchStep;
use super::turn::Look;
use crate::error::{Error, Repr};
use crate::policy::Policy;
use crate::store::{PolicyVersion, Snapshot};
use crate::time::UnixMillis;

/// How often one look loads. It begins again only if another one published meanwhile, and the second such policy is
/// new enough for both: see `renew`.
const LOADS_MAX: usize = 2;

/// Where policies are compiled.
#[derive(Clone, Copy, Debug)]
pub(super) enum Compiling {
    /// On the calling task.
    Here,
    /// On the threads for work that blocks.
    #[cfg(feature = "tokio")]
    Aside,
}

/// When a look loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loading {
    /// If the store has another version than the policy in force, or the same one of another history.
    IfChanged,
    /// In any case.
    Always,
}

impl Live {
    /// Looks at the store, and records how it went.
    pub(super) async fn look(
        &self,
        look: Look<'_>,
        now: UnixMillis,
        compiling: Compiling,
        loading: Loading,
    ) -> Result<Arc<Policy>, Error> {
        match self.renew(compiling, loading).await {
            Ok(()) => {
                look.succeeded(|| self.shared.freshness.confirm(now));
                self.shared.journal.looked();
                Ok(self.snapshot())
            }
            Err(error) => {
                self.shared.journal.count(WatchStep::Look);
                Err(error)
            }
        }
    }

    /// Brings the policy in force up to what the store held when the call began.
    async fn renew(&self, compiling: Compiling, loading: Loading) -> Result<(), Error> {
        for _ in 0..LOADS_MAX {
            // Taken before the store is asked: what it answers from here on is newer than this policy.
            let before = self.snapshot();
            if loading == Loading::IfChanged && before.revision() == self.store().revision().await? {
                return Ok(());
            }
            let snapshot = self.store().load().await?;
            let policy = self.compile(snapshot, &before, compiling).await?;
            if self.publish(&before, policy) {
                return Ok(());
            }
        }
        // Each load was overtaken. The policy that overtook the first was published during this call; the one that
        // overtook the last was loaded after that, so it knows all that the store held when the call began.
        Ok(())
    }

    async fn compile(
        &self,
        snapshot: Snapshot,
        before: &Arc<Policy>,
        compiling: Compiling,
    ) -> Result<Policy, Error> {
        let (before, catalogue) = (Arc::clone(before), self.shared.catalogue);
        let compile =
            move || Policy::compile_at(snapshot.revision(), catalogue, &snapshot.rows, Some(&before));
        match compiling {
            Compiling::Here => compile(),
            #[cfg(feature = "tokio")]
            Compiling::Aside => tokio::task::spawn_blocking(compile)
                .await
                .unwrap_or_else(|source| Err(Repr::Compiling { source }.into())),
        }
    }

    /// Puts a policy in force, unless another one than it was compiled after is in force by now.
    ///
    /// INVARIANT: rows are published only if their load began after the policy in force was published. So every
    /// policy comes from a later look at the store than the one before it, and a slow load never brings back what
    /// was revoked. Versions are not compared: a restored backup has a lower one and has to come through. It also
    /// means that each policy has one heir that anybody sees, so no permission id gets two meanings.
    fn publish(&self, before: &Arc<Policy>, policy: Policy) -> bool {
        let after = policy.revision();
        let found = self.shared.in_force.compare_and_swap(before, Arc::new(policy));
        let published = Arc::ptr_eq(&found, before);
        if published {
            self.shared.journal.replaced(before.revision(), after);
        }
        published
    }

    /// Looks after a change was stored, and tells the others.
    pub(super) async fn follow(&self, version: PolicyVersion, now: UnixMillis) -> Result<(), Error> {
        let refreshed = self.refresh(now).await;
        if let Some(hint) = &self.shared.hint {
            match hint.announce(version).await {
                Ok(()) => self.shared.journal.announced(),
                Err(error) => {
                    self.shared.journal.count(WatchStep::Announce);
                    self.shared.journal.tell(WatchStep::Announce, &error);
                }
            }
        }
        refreshed.map(drop).map_err(|source| Repr::NotReloaded { version, source }.into())
    }
}
