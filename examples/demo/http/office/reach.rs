//! Whom a visitor may see: the data scope of their permission to see users.

use rbac::{PolicyRows, Scope, UserId};

use super::desk::Desk;
use crate::http::problem::Problem;
use crate::perm;

/// Who is within a visitor's sight.
#[derive(Debug)]
pub(crate) struct Reach<'a> {
    /// Whether they may see users at all.
    may: bool,
    scope: Scope,
    rows: &'a PolicyRows,
    own: &'a UserId,
}

impl<'a> Reach<'a> {
    /// The sight of a desk's visitor.
    pub(crate) fn of(desk: &'a Desk) -> Self {
        let visitor = &desk.visitor;
        let scope = visitor.scope(perm::USER_VIEW);
        Self { may: visitor.may(perm::USER_VIEW), scope, rows: desk.rows(), own: &visitor.user }
    }

    /// Whether the visitor may see this user. Where there are no departments, nothing tells users apart.
    pub(crate) fn sees(&self, user: &UserId) -> bool {
        let department = self.rows.users.get(user).and_then(|row| row.department);
        let within = self.scope.all
            || self.rows.departments.is_empty()
            || department.is_some_and(|department| self.scope.departments.contains(&department))
            || (self.scope.own && user == self.own);
        self.may && within
    }

    /// Whether there is nobody whom the visitor may not see.
    pub(crate) fn sees_all(&self) -> bool {
        self.may && (self.scope.all || self.rows.departments.is_empty())
    }

    /// Refuses as if the user were not there.
    pub(crate) fn must_see(&self, user: &UserId) -> Result<(), Problem> {
        let known = self.rows.users.contains_key(user) && self.sees(user);
        if known { Ok(()) } else { Err(Problem::not_found()) }
    }
}

#[cfg(test)]
mod tests {
    use rbac::DepartmentRow;

    use super::*;

    #[test]
    fn nobody_is_seen_without_the_permission() {
        let (mut rows, own) = (PolicyRows::default(), "u1".parse().unwrap());
        let reach = |may, rows: &PolicyRows| {
            let reach = Reach { may, scope: Scope::default(), rows, own: &own };
            (reach.sees(&own), reach.sees_all())
        };
        assert_eq!(reach(true, &rows), (true, true));
        assert_eq!(reach(false, &rows), (false, false));
        rows.departments.insert(rbac::DepartmentId::new(1), DepartmentRow::new("".parse().unwrap(), None));
        assert_eq!(reach(true, &rows), (false, false));
    }
}
