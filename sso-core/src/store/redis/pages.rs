//! Who is online, page by page: over the buckets in their order, many empty ones at a time.

use futures_util::future::try_join_all;

use crate::error::Error;
use crate::session::event::{Answer, SessionEvent};
use crate::session::limits::SessionLimits;
use crate::session::online::{Cursor, Online, OnlinePage, PageSize};
use crate::store::At;
use crate::store::redis::RedisStore;
use crate::store::redis::calls::{add_rule, add_time};
use crate::store::reply::{Row, Rows};
use crate::user_id::UserId;

/// How many buckets are asked at a time.
const BUCKETS_AT_ONCE: usize = 32;
/// How many users one script looks at: with all their sessions, some milliseconds of a server's time.
const USERS_AT_ONCE: usize = 50;

/// What is asked of each bucket.
#[derive(Clone, Copy)]
enum Count {
    /// How many users are noted in it.
    Noted,
    /// How many of them are noted for later than now.
    Beyond,
}

/// A page in the making.
#[derive(Default)]
struct Page {
    looked_at: usize,
    last: Option<UserId>,
    users: Vec<Online>,
    events: Vec<SessionEvent>,
}

impl RedisStore {
    pub(super) async fn page(
        &self,
        after: Option<&Cursor>,
        size: PageSize,
        limits: SessionLimits,
        at: At,
    ) -> Result<Answer<OnlinePage>, Error> {
        let mut page = Page::default();
        let mut from = 0;
        if let Some(cursor) = after {
            let tag = cursor.user().tag();
            self.turn(&mut page, tag.bucket(), Some(cursor.user()), size, limits, at).await?;
            from = u16::from(tag.bucket()) + 1;
        }
        let rest: Vec<u8> =
            (from..=u16::from(u8::MAX)).filter_map(|bucket| u8::try_from(bucket).ok()).collect();
        for buckets in rest.chunks(BUCKETS_AT_ONCE) {
            if page.looked_at >= size.users() {
                break;
            }
            let noted = self.counts(buckets, Count::Noted, at).await?;
            for (bucket, _) in buckets.iter().zip(noted).filter(|(_, noted)| *noted > 0) {
                self.turn(&mut page, *bucket, None, size, limits, at).await?;
            }
        }
        let next = page.last.filter(|_| page.looked_at >= size.users()).map(Cursor::after);
        Ok(Answer { value: OnlinePage::new(page.users, next), events: page.events })
    }

    /// Looks at users of one bucket until there are no more or the page is full.
    async fn turn(
        &self,
        page: &mut Page,
        bucket: u8,
        mut after: Option<&UserId>,
        size: PageSize,
        limits: SessionLimits,
        at: At,
    ) -> Result<(), Error> {
        let (names, ends) = (self.keys.names(bucket), self.keys.ends(bucket));
        let mut last: Option<UserId>;
        loop {
            let room = size.users().saturating_sub(page.looked_at).min(USERS_AT_ONCE);
            if room == 0 {
                return Ok(());
            }
            let begin = after.map_or("-".to_owned(), |user| format!("({}{}", user.tag(), user.as_str()));
            let mut call = self.scripts.online.prepare_invoke();
            call.key(&*names).key(&*ends);
            // The script takes the tags from the names.
            add_rule(&mut call, limits, at, "");
            call.arg(begin).arg(room);
            let rows: Rows = self.link.run_again(&call, self.deadline).await?;
            let reply = rows.read(&limits)?;
            page.events.extend(reply.events(|_| None));
            let seen = page.take(reply.rows);
            if seen < room {
                return Ok(());
            }
            last = page.last.clone();
            after = last.as_ref();
        }
    }

    pub(super) async fn count_online(&self, at: At) -> Result<u64, Error> {
        let buckets: Vec<u8> = (0..=u8::MAX).collect();
        let mut sum = 0;
        for buckets in buckets.chunks(BUCKETS_AT_ONCE) {
            sum += self.counts(buckets, Count::Beyond, at).await?.iter().sum::<u64>();
        }
        Ok(sum)
    }

    async fn counts(&self, buckets: &[u8], count: Count, at: At) -> Result<Vec<u64>, Error> {
        try_join_all(buckets.iter().map(|bucket| self.count(*bucket, count, at))).await
    }

    async fn count(&self, bucket: u8, count: Count, at: At) -> Result<u64, Error> {
        let mut call = self.scripts.count.prepare_invoke();
        call.key(match count {
            Count::Noted => self.keys.names(bucket),
            Count::Beyond => self.keys.ends(bucket),
        });
        add_time(&mut call, at);
        call.arg(match count {
            Count::Noted => "noted",
            Count::Beyond => "beyond",
        });
        self.link.run_again(&call, self.deadline).await
    }
}

impl Page {
    /// Takes the users of a reply in, and says how many it looked at.
    fn take(&mut self, rows: Vec<Row>) -> usize {
        let mut seen = 0;
        for row in rows {
            if let Row::User { user, online } = row {
                seen += 1;
                self.users.extend(online);
                self.last = Some(user);
            }
        }
        self.looked_at += seen;
        seen
    }
}
