//! What of one wish for many users is still to be done: choosing users who partly have a role already is no mistake.

use rbac::{Change, PolicyRows, UserId};

use super::desk::{Desk, Proposal};
use super::wish::Wish;

/// The wishes that are not so already, and the changes they come to.
///
/// Each is about another user, so none makes another one so. Nothing is left out that the visitor may not do, or about
/// users whom they may not see: a count of what is so would tell of them.
pub(crate) fn needed(desk: &Desk, wishes: Vec<Wish>, proposal: Proposal) -> (Vec<Wish>, Proposal) {
    let proposal = Proposal { worked_out: Some(desk.version()), ..proposal };
    if proposal.is_overtaken() || !desk.permits(&proposal.changes) {
        return (wishes, proposal);
    }
    let reach = desk.reach();
    let sees = |user: &UserId| reach.must_see(user).is_ok();
    let pairs = wishes.into_iter().zip(proposal.changes);
    let (wishes, changes) = pairs.filter(|(_, change)| !is_so(desk.rows(), sees, change)).unzip();
    (wishes, Proposal { changes, ..proposal })
}

/// True if the rows say already of a user in sight what the change would make them say.
fn is_so(rows: &PolicyRows, sees: impl Fn(&UserId) -> bool, change: &Change) -> bool {
    let (user, so) = match change {
        Change::Assign { assignment, window } => {
            (&assignment.user, rows.assignments.get(assignment) == Some(window))
        }
        Change::Unassign { assignment } => (&assignment.user, !rows.assignments.contains_key(assignment)),
        Change::SetUserActive { user, active } => {
            (user, rows.users.get(user).is_some_and(|row| row.active == *active))
        }
        Change::SetUserDepartment { user, department } => {
            (user, rows.users.get(user).is_some_and(|row| row.department == *department))
        }
        _ => return false,
    };
    so && sees(user)
}

#[cfg(test)]
mod tests {
    use rbac::{Assignment, UserRow, Window};

    use super::*;

    #[test]
    fn only_what_is_so_of_users_in_sight_is_left_out() {
        let mut rows = PolicyRows::default();
        for user in ["u1", "u2"] {
            rows.users.insert(user.parse().unwrap(), UserRow::new("".parse().unwrap()));
        }
        let teaches = |user: &str| Assignment::new(user.parse().unwrap(), "teacher".parse().unwrap());
        rows.assignments.insert(teaches("u1"), Window::ALWAYS);
        let give = |user: &str| Change::Assign { assignment: teaches(user), window: Window::ALWAYS };
        assert!(is_so(&rows, |_| true, &give("u1")));
        assert!(!is_so(&rows, |_| true, &give("u2")));
        assert!(!is_so(&rows, |_| false, &give("u1")));
        assert!(is_so(&rows, |_| true, &Change::Unassign { assignment: teaches("u2") }));
    }
}
