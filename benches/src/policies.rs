//! Policies that both sides of a figure are asked about: user i has role i/10, role j may `read` data j/10.

mod memory;

use std::sync::Arc;

use rbac::{
    Assignment, Effect, Grant, PermissionPattern, PermissionRow, Policy, PolicyRows, RoleRow, UnixMillis,
    UserId, UserRow, Window,
};

pub(crate) use self::memory::Memory;
pub use self::memory::policy_memory;
use crate::Error;

/// Every question is about this moment.
pub(crate) const NOW: UnixMillis = UnixMillis::EPOCH;
/// Different questions: few enough to stay in the processor's cache, so that the size of the policy is what differs.
const QUESTIONS: u32 = 64;
/// Users of each role, roles of each data.
const TENTH: u32 = 10;
/// How many may read the same data.
pub(crate) const READERS: usize = 100;

/// How large a policy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) users: u32,
    pub(crate) roles: u32,
}

/// Whether a user may read some data, in all the forms in which a side may want it.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) user: String,
    pub(crate) data: String,
    /// The same as the name of a permission.
    pub(crate) permission: String,
    pub(crate) allowed: bool,
}

impl Size {
    pub(crate) const HUNDRED: Self = Self { users: 100, roles: 10 };
    pub(crate) const THOUSAND: Self = Self { users: 1_000, roles: 100 };
    pub(crate) const TEN_THOUSAND: Self = Self { users: 10_000, roles: 1_000 };
    pub(crate) const HUNDRED_THOUSAND: Self = Self { users: 100_000, roles: 10_000 };

    /// The rows of our policy.
    pub(crate) fn rows(self) -> Result<PolicyRows, Error> {
        let mut rows = PolicyRows::default();
        // The last data is read by nobody.
        for data in 0..=self.roles / TENTH {
            rows.permissions.insert(permission(data).parse()?, PermissionRow::new("".parse()?));
        }
        for role in 0..self.roles {
            rows.roles.insert(role_name(role).parse()?, RoleRow::new("".parse()?));
            let pattern: PermissionPattern = permission(role / TENTH).parse()?;
            rows.grants.insert(Grant::new(role_name(role).parse()?, pattern), Effect::Allow);
        }
        for user in 0..self.users {
            let id: UserId = user_id(user).parse()?;
            rows.users.insert(id.clone(), UserRow::new("".parse()?));
            let role = role_name(self.role_of(user)).parse()?;
            rows.assignments.insert(Assignment::new(id, role), Window::ALWAYS);
        }
        Ok(rows)
    }

    /// Our policy.
    pub(crate) fn policy(self) -> Result<Arc<Policy>, Error> {
        Ok(Arc::new(Policy::compile(&self.rows()?)?))
    }

    /// About users all over the policy; by turns one who may and one who may not.
    pub(crate) fn questions(self) -> Vec<Question> {
        (0..QUESTIONS)
            .map(|at| self.question((2 * at + 1) * self.users.div_ceil(2 * QUESTIONS), at.is_multiple_of(2)))
            .collect()
    }

    /// Those of them whose answer is yes.
    pub(crate) fn allowed(self) -> Vec<Question> {
        self.questions().into_iter().filter(|question| question.allowed).collect()
    }

    /// About so many users in an order in which no two neighbours are near each other.
    pub(crate) fn scattered(self, count: u32) -> Vec<Question> {
        // A prime that divides no number of users that there is.
        let user = |at: u32| u64::from(at) * 7919 % u64::from(self.users);
        let user = |at| u32::try_from(user(at)).unwrap_or_default();
        (0..count).map(|at| self.question(user(at), at.is_multiple_of(2))).collect()
    }

    /// The number of users of each role is ten unless there are more users than that.
    fn role_of(self, user: u32) -> u32 {
        user / (self.users / self.roles).max(1)
    }

    fn question(self, user: u32, allowed: bool) -> Question {
        let user = user % self.users;
        let data = self.role_of(user) / TENTH + u32::from(!allowed);
        Question { user: user_id(user), data: format!("data{data}"), permission: permission(data), allowed }
    }
}

fn user_id(user: u32) -> String {
    format!("user{user}")
}

fn role_name(role: u32) -> String {
    format!("role{role}")
}

fn permission(data: u32) -> String {
    format!("data{data}:read")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_answers_the_questions_as_they_say() {
        for size in [Size::HUNDRED, Size::THOUSAND] {
            let policy = size.policy().unwrap();
            assert_eq!(
                (policy.users().count(), policy.problems()),
                (usize::try_from(size.users).unwrap(), &[][..])
            );
            let questions = [size.questions(), size.scattered(1000)].concat();
            assert_eq!(questions.iter().filter(|question| question.allowed).count(), questions.len() / 2);
            for question in questions {
                let permission = policy.permission_str(&question.permission).unwrap();
                let user = policy.at(NOW).subject_str(&question.user).unwrap();
                assert_eq!(user.can(permission), question.allowed, "{question:?}");
                if question.allowed {
                    assert_eq!(policy.at(NOW).who_can(permission).len(), READERS);
                }
            }
        }
    }
}
