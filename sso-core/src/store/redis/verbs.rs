//! The verbs of the store: the arguments of each script, and what its reply means.

use redis::ScriptInvocation;

use crate::error::Error;
use crate::secret::SessionKey;
use crate::session::amend::{Amended, Amendment};
use crate::session::attributes::Attributes;
use crate::session::end::{EndOutcome, EndReason, Which};
use crate::session::event::{Answer, SessionEvent};
use crate::session::limits::SessionLimits;
use crate::session::login::NewSession;
use crate::session::online::{Cursor, OnlinePage, PageSize};
use crate::session::policy::{Admission, LoginPolicy, Overflow, Refusal};
use crate::session::proof::Proofs;
use crate::session::rule::RENEWALS_FOLLOWED_MAX;
use crate::session::{Check, Session, SessionId};
use crate::store::look::{FIELDS, Look};
use crate::store::memory::shelf::{foreign_key, reused_secret};
use crate::store::packed::{pack, unreadable};
use crate::store::redis::RedisStore;
use crate::store::redis::calls::{add_rule, over};
use crate::store::reply::{Reply, Row, Rows};
use crate::store::{At, BoxFuture, SessionStore, TIDY_USERS};
use crate::time::whole_millis;
use crate::user_id::UserId;

impl RedisStore {
    async fn run(&self, call: &ScriptInvocation<'_>, limits: SessionLimits) -> Result<Reply, Error> {
        self.link.run::<Rows>(call, self.deadline).await?.read(&limits)
    }

    async fn create_now(
        &self,
        new: &NewSession,
        policy: LoginPolicy,
        limits: SessionLimits,
        at: At,
    ) -> Result<Answer<Admission>, Error> {
        let (key, login) = (new.key(), new.login());
        let policy = if new.actor().is_some() { LoginPolicy::impersonators() } else { policy };
        let session = self.keys.session(key);
        let mut call = over(&self.scripts.create, Some(&session), &self.keys.lists(key.tag()));
        add_rule(&mut call, limits, at, &key.tag().to_string());
        let replaced = EndReason::Replaced { by: login.device };
        call.arg(key.digest_text())
            .arg(new.user().as_str())
            .arg(if new.actor().is_some() { "acted" } else { "" })
            .arg(login.device.code())
            .arg(pack(new))
            .arg(policy.total())
            .arg(policy.of(login.device))
            .arg(if policy.overflow() == Overflow::RefuseNew { "refuse" } else { "" })
            .arg(&*replaced.to_text())
            .arg(TIDY_USERS);
        let reply = self.run(&call, limits).await?;
        let value = match reply.word.as_str() {
            "done" => Admission::Admitted(reply.session()?),
            "refused" => {
                let device = (reply.detail() == "kind").then_some(login.device);
                let limit = device.map_or(policy.total(), |device| policy.of(device));
                Admission::Refused(Refusal { limit, device, live: reply.sessions().cloned().collect() })
            }
            "taken" => return Err(reused_secret()),
            _ => return Err(unreadable()),
        };
        let is_begun = matches!(value, Admission::Admitted(_));
        let events = reply.events(|session| is_begun.then_some(SessionEvent::Created { session }));
        Ok(Answer { value, events })
    }

    async fn check_now(
        &self,
        key: &SessionKey,
        limits: SessionLimits,
        at: At,
    ) -> Result<Answer<Check>, Error> {
        let session = self.keys.session(key);
        let asked = self.recent.begun_at.elapsed();
        if self.link.reads_masters()
            && self.recent.holds(key, asked)
            && let Some(check) = self.look(&session, limits, at).await?
        {
            return Ok(Answer { value: check, events: Vec::new() });
        }
        let (tag, digest) = (key.tag().to_string(), key.digest_text());
        let mut call = self.scripts.check.key(&*session);
        add_rule(&mut call, limits, at, &tag);
        let rows: Rows = self.link.run_again(call.arg(&*digest), self.deadline).await?;
        let mut reply = rows.read(&limits)?;
        if reply.word == "elsewhere" {
            let mut call = over(&self.scripts.check, Some(&session), &self.keys.lists(key.tag()));
            add_rule(&mut call, limits, at, &tag);
            let rows: Rows = self.link.run_again(call.arg(&*digest), self.deadline).await?;
            reply = rows.read(&limits)?;
        }
        let value = reply.check()?;
        if let Check::Active(session) = &value {
            let due = session.last_seen_at.saturating_add(limits.touch_every());
            self.recent.note(key, asked.saturating_add(due.since(reply.found_at()?)));
        }
        Ok(Answer { value, events: reply.events(|_| None) })
    }

    /// The answer of a check whose use is not due to be written down: one read, and the server's time after it.
    async fn look(&self, session: &str, limits: SessionLimits, at: At) -> Result<Option<Check>, Error> {
        let mut read = redis::Pipeline::with_capacity(2);
        read.cmd("HMGET").arg(session).arg(&FIELDS);
        if at == At::Server {
            read.cmd("TIME");
        }
        Ok(self.link.read::<Look>(&read, self.deadline).await?.check(&limits, at))
    }

    async fn amend_now(
        &self,
        key: &SessionKey,
        amendment: &Amendment,
        limits: SessionLimits,
        at: At,
    ) -> Result<Answer<Amended>, Error> {
        let (next, changes) = (amendment.next(), amendment.changes());
        if next.is_some_and(|next| next.tag() != key.tag()) {
            return Err(foreign_key());
        }
        let session = self.keys.session(key);
        let mut call = over(&self.scripts.amend, Some(&session), &self.keys.lists(key.tag()));
        if let Some(next) = next {
            call.key(self.keys.session(next));
        }
        add_rule(&mut call, limits, at, &key.tag().to_string());
        let proof = amendment.proof();
        call.arg(key.digest_text())
            .arg(next.map(SessionKey::digest_text).unwrap_or_default())
            .arg(proof.map_or("", |proof| proof.purpose().as_str()))
            .arg(proof.map_or(0, |proof| whole_millis(proof.life())))
            .arg(changes.expected_version().map(|version| version.to_string()).unwrap_or_default())
            .arg(Attributes::COUNT_MAX)
            .arg(Proofs::COUNT_MAX);
        for (name, value) in changes.iter() {
            call.arg(name.as_str()).arg(value.map(|value| value.encode()).unwrap_or_default());
        }
        let reply = self.run(&call, limits).await?;
        let value = match reply.word.as_str() {
            "done" => Amended::Done(reply.session()?),
            "conflict" => Amended::Conflict(reply.session()?),
            "full" => Amended::Full,
            "impersonated" => Amended::Impersonated,
            "taken" => return Err(reused_secret()),
            "ended" => Amended::Ended(reply.end()?),
            "unknown" => Amended::Unknown,
            _ => return Err(unreadable()),
        };
        let is_moved = next.is_some() && matches!(value, Amended::Done(_));
        let events = reply.events(|session| is_moved.then_some(SessionEvent::Renewed { session }));
        Ok(Answer { value, events })
    }

    async fn end_now(
        &self,
        key: &SessionKey,
        reason: &EndReason,
        limits: SessionLimits,
        at: At,
    ) -> Result<Answer<EndOutcome>, Error> {
        let session = self.keys.session(key);
        let mut call = over(&self.scripts.end, Some(&session), &self.keys.lists(key.tag()));
        add_rule(&mut call, limits, at, &key.tag().to_string());
        call.arg(key.digest_text()).arg(&*reason.to_text()).arg(RENEWALS_FOLLOWED_MAX);
        let reply = self.run(&call, limits).await?;
        let value = match reply.word.as_str() {
            "done" => EndOutcome::Ended,
            "ended" => EndOutcome::AlreadyEnded(reply.end()?),
            "unknown" => EndOutcome::Unknown,
            _ => return Err(unreadable()),
        };
        Ok(Answer { value, events: reply.events(|_| None) })
    }

    async fn end_some_now(
        &self,
        user: &UserId,
        which: &Which,
        reason: &EndReason,
        limits: SessionLimits,
        at: At,
    ) -> Result<Answer<Vec<SessionId>>, Error> {
        let mut call = over(&self.scripts.end_some, None, &self.keys.lists(user.tag()));
        add_rule(&mut call, limits, at, &user.tag().to_string());
        let (word, id) = match which {
            Which::All => ("all", ""),
            Which::AllBut(id) => ("but", id.as_str()),
            Which::One(id) => ("one", id.as_str()),
        };
        call.arg(user.as_str()).arg(word).arg(id).arg(&*reason.to_text());
        let reply = self.run(&call, limits).await?;
        let chosen = reply.rows.iter().filter_map(|row| match row {
            Row::Ended { session, is_chosen: true, .. } => Some(session.id.clone()),
            Row::Ended { .. } | Row::Session(_) | Row::User { .. } => None,
        });
        Ok(Answer { value: chosen.collect(), events: reply.events(|_| None) })
    }

    async fn list_now(
        &self,
        user: &UserId,
        limits: SessionLimits,
        at: At,
    ) -> Result<Answer<Vec<Session>>, Error> {
        let mut call = over(&self.scripts.list, None, &self.keys.lists(user.tag()));
        add_rule(&mut call, limits, at, &user.tag().to_string());
        let rows: Rows = self.link.run_again(call.arg(user.as_str()), self.deadline).await?;
        let reply = rows.read(&limits)?;
        Ok(Answer { value: reply.sessions().cloned().collect(), events: reply.events(|_| None) })
    }
}

impl SessionStore for RedisStore {
    fn create<'a>(
        &'a self,
        new: &'a NewSession,
        policy: LoginPolicy,
        limits: SessionLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Answer<Admission>, Error>> {
        Box::pin(self.create_now(new, policy, limits, at))
    }

    fn check<'a>(
        &'a self,
        key: &'a SessionKey,
        limits: SessionLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Answer<Check>, Error>> {
        Box::pin(self.check_now(key, limits, at))
    }

    fn amend<'a>(
        &'a self,
        key: &'a SessionKey,
        amendment: &'a Amendment,
        limits: SessionLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Answer<Amended>, Error>> {
        Box::pin(self.amend_now(key, amendment, limits, at))
    }

    fn end<'a>(
        &'a self,
        key: &'a SessionKey,
        reason: &'a EndReason,
        limits: SessionLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Answer<EndOutcome>, Error>> {
        Box::pin(self.end_now(key, reason, limits, at))
    }

    fn end_some<'a>(
        &'a self,
        user: &'a UserId,
        which: &'a Which,
        reason: &'a EndReason,
        limits: SessionLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Answer<Vec<SessionId>>, Error>> {
        Box::pin(self.end_some_now(user, which, reason, limits, at))
    }

    fn list<'a>(
        &'a self,
        user: &'a UserId,
        limits: SessionLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Answer<Vec<Session>>, Error>> {
        Box::pin(self.list_now(user, limits, at))
    }

    fn online<'a>(
        &'a self,
        after: Option<&'a Cursor>,
        size: PageSize,
        limits: SessionLimits,
        at: At,
    ) -> BoxFuture<'a, Result<Answer<OnlinePage>, Error>> {
        Box::pin(self.page(after, size, limits, at))
    }

    fn online_count<'a>(&'a self, at: At) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(self.count_online(at))
    }
}
