//! Our side of the figures about policies.

use std::hint::black_box;
use std::sync::Arc;

use rbac::{Live, PermissionId, Policy, PolicyStore as _, SqliteStore, Subject, UserId};
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use tempfile::TempDir;

use crate::contest::Load;
use crate::peers::program::beside;
use crate::policies::{Memory, NOW, Question, READERS, Size};
use crate::shift::{Task, all_right};
use crate::side::Local;
use crate::timing::{process_time, thread_time};
use crate::{Error, Timing};

/// Which question a policy is asked, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    /// The user by the text of the id, which is looked up each time, and the permission as a constant.
    Typed,
    /// The user at hand, as a request holds one for all its checks, and the permission as a constant.
    AtHand,
    /// Both as texts.
    Text,
    /// Who may.
    Who,
    /// What the user may.
    What,
}

/// Asks one policy again and again.
pub(crate) struct Asked {
    policy: Arc<Policy>,
    ask: Ask,
    questions: Vec<Ready>,
}

/// A question as our crate takes it.
struct Ready {
    user: String,
    id: UserId,
    permission: PermissionId,
    name: String,
    allowed: bool,
}

/// A user who was looked up, a permission, and whether it is allowed.
type AtHand<'a> = (Subject<'a>, PermissionId, bool);

impl Asked {
    pub(crate) fn new(policy: &Arc<Policy>, ask: Ask, questions: Vec<Question>) -> Result<Self, Error> {
        let ready = questions.into_iter().map(|question| {
            let Question { user, permission: name, allowed, .. } = question;
            let unknown = || Error::Answer { given: "no such permission".to_owned(), wanted: name.clone() };
            let permission = policy.permission_str(&name).ok_or_else(unknown)?;
            Ok(Ready { id: user.parse()?, user, permission, name, allowed })
        });
        Ok(Self { policy: Arc::clone(policy), ask, questions: ready.collect::<Result<_, Error>>()? })
    }

    /// Asks so many times, in whole passes, and times it. What is timed is only what is in [`pass`](Self::pass).
    pub(crate) fn work(&self, load: Load) -> Result<Timing, Error> {
        let count = u32::try_from(self.questions.len()).unwrap_or(u32::MAX);
        let passes = load.requests / count.max(1);
        let at_hand = self.at_hand()?;
        let started = thread_time();
        let right: u32 = (0..passes).map(|_| self.pass(black_box(&at_hand))).sum();
        let elapsed = thread_time().saturating_sub(started);
        let done = passes * count;
        all_right(done - right, done, load)?;
        Ok(Timing::new(done, elapsed, Vec::new()))
    }

    /// The users of the questions, looked up before the clock starts: as Cedar has its request made before.
    fn at_hand(&self) -> Result<Vec<AtHand<'_>>, Error> {
        let view = self.policy.at(NOW);
        let find = |it: &Ready| {
            let unknown = || Error::Answer { given: "no such user".to_owned(), wanted: it.user.clone() };
            Ok((view.subject_str(&it.user).ok_or_else(unknown)?, it.permission, it.allowed))
        };
        self.questions.iter().map(find).collect()
    }

    /// Asks each question once, and counts the right answers.
    fn pass(&self, at_hand: &[AtHand<'_>]) -> u32 {
        let view = self.policy.at(NOW);
        let right = |is_right: bool| u32::from(is_right);
        let questions = black_box(self.questions.as_slice()).iter();
        match self.ask {
            Ask::Typed => questions
                .map(|it| {
                    let user = view.subject_str(&it.user);
                    right(user.is_some_and(|user| user.can(it.permission)) == it.allowed)
                })
                .sum(),
            Ask::AtHand => {
                let ask = |&(user, permission, allowed): &AtHand<'_>| right(user.can(permission) == allowed);
                at_hand.iter().map(ask).sum()
            }
            Ask::Text => questions
                .map(|it| {
                    let permission = self.policy.permission_str(&it.name);
                    let user = view.subject_str(&it.user);
                    right(
                        user.zip(permission).is_some_and(|(user, permission)| user.can(permission))
                            == it.allowed,
                    )
                })
                .sum(),
            Ask::Who => questions.map(|it| right(view.who_can(it.permission).len() == READERS)).sum(),
            Ask::What => questions.map(|it| right(view.what_can(&it.id).len() == 1)).sum(),
        }
    }
}

impl Task for Asked {
    fn prepare(&mut self) -> Local<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn run(&mut self, load: Load) -> Local<'_, Result<Timing, Error>> {
        let timing = self.work(load);
        Box::pin(async { timing })
    }

    fn about(&self) -> String {
        match self.ask {
            Ask::Typed => "View::subject_str of a policy at hand, and Subject::can of a typed permission",
            Ask::AtHand => "Subject::can of a user at hand and a typed permission",
            Ask::Text => "View::subject_str and Policy::permission_str of a policy at hand, and Subject::can",
            Ask::Who => "View::who_can: the ids of all users",
            Ask::What => "View::what_can: the names of all permissions",
        }
        .to_owned()
    }
}

/// Loads and compiles a policy out of SQLite, as a program does whose store has changed.
pub(crate) struct Reload {
    live: Live,
    users: usize,
    pool: SqlitePool,
    // The folder goes with the run.
    _folder: TempDir,
}

impl Reload {
    pub(crate) async fn of(size: Size) -> Result<Self, Error> {
        let folder = tempfile::tempdir()?;
        let options = SqliteConnectOptions::new()
            .filename(folder.path().join("policy.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal);
        let pool = SqlitePoolOptions::new().max_connections(2).connect_with(options).await?;
        let store = SqliteStore::new(pool.clone());
        store.migrate().await?;
        fill(&pool, size).await?;
        let users = usize::try_from(size.users).unwrap_or(usize::MAX);
        if store.load().await?.rows != size.rows()? {
            return Err(Error::Answer {
                given: "other rows".to_owned(),
                wanted: "those of the model".to_owned(),
            });
        }
        let live = Live::builder(Arc::new(store)).load(NOW).await?;
        Ok(Self { live, users, pool, _folder: folder })
    }

    /// Seconds of processor time of the bare statements that give the same rows, by the same driver.
    pub(crate) async fn bare_select(&self) -> Result<f64, Error> {
        let started = process_time();
        for statement in [
            "SELECT name, label FROM rbac_permission",
            "SELECT name, label, enabled, data_scope FROM rbac_role",
            "SELECT role, pattern, mode, effect FROM rbac_role_permission",
            "SELECT id, label, active, department FROM rbac_user",
            "SELECT user_id, role, domain, not_before_millis, not_after_millis FROM rbac_user_role",
        ] {
            black_box(sqlx::query(statement).fetch_all(&self.pool).await?);
        }
        Ok(process_time().saturating_sub(started).as_secs_f64())
    }

    async fn work(&self, load: Load) -> Result<Timing, Error> {
        let started = process_time();
        for _ in 0..load.requests {
            self.live.reload(NOW).await?;
        }
        let elapsed = process_time().saturating_sub(started);
        let found = self.live.snapshot().users().count();
        if found != self.users {
            return Err(Error::Answer { given: format!("{found} users"), wanted: self.users.to_string() });
        }
        Ok(Timing::new(load.requests, elapsed, Vec::new()))
    }
}

impl Task for Reload {
    fn prepare(&mut self) -> Local<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn run(&mut self, load: Load) -> Local<'_, Result<Timing, Error>> {
        Box::pin(self.work(load))
    }

    fn about(&self) -> String {
        "Live::reload: all rows out of a SQLite file, compiled and put in force".to_owned()
    }
}

/// Writes the rows of [`Size::rows`] by hand, several hundred thousand in a few statements.
async fn fill(pool: &SqlitePool, size: Size) -> Result<(), Error> {
    let numbers = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)";
    let Size { users, roles } = size;
    let statements = [
        (roles / 10 + 1, "INSERT INTO rbac_permission (name) SELECT 'data' || i || ':read' FROM n"),
        (roles, "INSERT INTO rbac_role (name) SELECT 'role' || i FROM n"),
        (
            roles,
            "INSERT INTO rbac_role_permission (role, pattern, effect) \
             SELECT 'role' || i, 'data' || (i / 10) || ':read', 'allow' FROM n",
        ),
        (users, "INSERT INTO rbac_user (id) SELECT 'user' || i FROM n"),
        (users, "INSERT INTO rbac_user_role (user_id, role) SELECT 'user' || i, 'role' || (i / 10) FROM n"),
    ];
    let mut transaction = pool.begin().await?;
    for (count, statement) in statements {
        let text = sqlx::AssertSqlSafe(format!("{numbers} {statement}"));
        sqlx::query(text).bind(i64::from(count)).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(())
}

impl Memory {
    /// That of a policy of this size, by a process of its own.
    pub(crate) fn measure(size: Size) -> Result<Self, Error> {
        let args = [size.users.to_string(), size.roles.to_string()];
        let output = beside("policy_memory")?.args(args).output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Error::Foreign { name: "policy_memory", said });
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_ask_gives_the_answers_that_are_due() {
        let size = Size::THOUSAND;
        let policy = size.policy().unwrap();
        let load = Load { requests: 128, callers: 1 };
        for (ask, questions) in [
            (Ask::Typed, size.questions()),
            (Ask::AtHand, size.questions()),
            (Ask::Text, size.questions()),
            (Ask::Typed, size.scattered(128)),
            (Ask::Who, size.allowed()),
            (Ask::What, size.allowed()),
        ] {
            Asked::new(&policy, ask, questions.clone()).unwrap().work(load).unwrap();
            let wrong = questions.into_iter().map(|it| Question { allowed: !it.allowed, ..it }).collect();
            let wrong = Asked::new(&policy, ask, wrong).unwrap().work(load);
            assert_eq!(wrong.is_err(), matches!(ask, Ask::Typed | Ask::AtHand | Ask::Text), "{ask:?}");
        }
        assert!(
            Asked::new(&policy, Ask::Who, size.questions()).unwrap().work(load).is_err(),
            "some have no readers"
        );
    }

    #[tokio::test]
    async fn a_reload_finds_what_was_filled_in() {
        let reload = Reload::of(Size::THOUSAND).await.unwrap();
        let before = reload.live.snapshot();
        reload.work(Load { requests: 2, callers: 1 }).await.unwrap();
        assert!(!Arc::ptr_eq(&before, &reload.live.snapshot()), "it was compiled anew");
        assert!(reload.bare_select().await.unwrap() > 0.0);
    }
}
