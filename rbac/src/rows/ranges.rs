//! The rows of one user or one role, found without reading the others.

use std::ops::Bound;

use super::{Assignment, Effect, Grant, Inheritance, PolicyRows};
use crate::name::{RoleName, UserId};
use crate::time::Window;
use crate::wildcard::PermissionPattern;

impl PolicyRows {
    /// The assignments of a user, in order of role.
    pub(crate) fn assignments_of<'a>(
        &'a self,
        user: &'a UserId,
    ) -> impl Iterator<Item = (&'a Assignment, Window)> {
        let first = Assignment::new(user.clone(), RoleName::least());
        let rows = self.assignments.range((Bound::Included(first), Bound::Unbounded));
        rows.take_while(move |(row, _)| row.user == *user).map(|(row, &window)| (row, window))
    }

    /// The grants of a role, in order of pattern.
    pub(crate) fn grants_of<'a>(&'a self, role: &'a RoleName) -> impl Iterator<Item = (&'a Grant, Effect)> {
        let first = Grant::new(role.clone(), PermissionPattern::least());
        let rows = self.grants.range((Bound::Included(first), Bound::Unbounded));
        rows.take_while(move |(row, _)| row.role == *role).map(|(row, &effect)| (row, effect))
    }

    /// The inheritances of a role as the senior one, in order of junior.
    pub(crate) fn juniors_of<'a>(&'a self, role: &'a RoleName) -> impl Iterator<Item = &'a Inheritance> {
        let first = Inheritance::new(role.clone(), RoleName::least());
        let rows = self.inheritance.range((Bound::Included(first), Bound::Unbounded));
        rows.take_while(move |row| row.senior == *role)
    }
}
