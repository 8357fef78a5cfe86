//! Who has which role: permanently and everywhere, or for some time or in one domain.

use super::lists::{Lists, index};
use super::problem::Problem;
use super::roles::RoleNames;
use super::users::{Limited, NO_ROLE, UserEntry};
use crate::name::{DomainName, RoleName, UserId};
use crate::rows::{Assignment, PolicyRows, UserRow};
use crate::time::Window;

/// The roles of each user.
#[derive(Debug)]
pub(crate) struct Assigned {
    permanent: Lists<u32>,
    limited: Lists<Limited>,
    /// For each role the users who have it some time, somewhere; a user may stand there twice.
    members: Lists<u32>,
}

impl Assigned {
    /// Users in order of id, and what they have. Assignments are in order of user too, so both are read once.
    pub(super) fn read<'a>(
        rows: &'a PolicyRows,
        names: &'a RoleNames<'_>,
        domains: &[DomainName],
        problems: &mut Vec<Problem>,
    ) -> (Vec<UserEntry>, Self) {
        let mut users = Vec::with_capacity(rows.users.len());
        let mut permanent = Lists::with_room(rows.users.len(), rows.assignments.len());
        let mut limited = Lists::with_room(rows.users.len(), 0);
        let mut left = rows.assignments.iter().peekable();
        let mut finder = Finder { names, last: None };
        for (at, (id, row)) in (0..).zip(&rows.users) {
            while let Some((assignment, &window)) = left.next_if(|(assignment, _)| assignment.user <= *id) {
                if assignment.user != *id {
                    problems.push(unknown_user(assignment));
                    continue;
                }
                match read_one(assignment, window, &mut finder, domains) {
                    Ok(one) if one.domain.is_none() && window.is_always() => permanent.push(at, one.role),
                    Ok(one) => limited.push(at, one),
                    Err(problem) => problems.push(problem),
                }
            }
            users.push(user_entry(id, row, rows, problems));
        }
        problems.extend(left.map(|(stray, _)| unknown_user(stray)));
        let count = index(users.len());
        permanent.finish(count);
        limited.finish(count);
        let members = members(&permanent, &limited, count, rows.roles.len());
        (users, Self { permanent, limited, members })
    }

    /// The roles that a user has everywhere and for ever.
    #[inline]
    pub(crate) fn permanent(&self, user: u32) -> &[u32] {
        self.permanent.of(user)
    }

    /// The other roles of a user.
    #[inline]
    pub(crate) fn limited(&self, user: u32) -> &[Limited] {
        self.limited.of(user)
    }

    /// The users who have a role by themselves, some time, somewhere; one may come twice.
    pub(crate) fn members(&self, role: u32) -> &[u32] {
        self.members.of(role)
    }
}

fn members(permanent: &Lists<u32>, limited: &Lists<Limited>, users: u32, roles: usize) -> Lists<u32> {
    Lists::gathered(roles, || {
        (0..users).flat_map(|user| {
            let limited = limited.of(user).iter().map(|limited| limited.role);
            permanent.of(user).iter().copied().chain(limited).map(move |role| (role, user))
        })
    })
}

/// Where roles stand, with the one that was asked for last at hand: often the next row names it too.
struct Finder<'a, 'n> {
    names: &'a RoleNames<'n>,
    last: Option<(&'a RoleName, u32)>,
}

impl<'a> Finder<'a, '_> {
    fn find(&mut self, role: &'a RoleName) -> Option<u32> {
        if let Some((last, at)) = self.last
            && last == role
        {
            return Some(at);
        }
        let at = self.names.find(role.as_str())?;
        self.last = Some((role, at));
        Some(at)
    }
}

fn read_one<'a>(
    row: &'a Assignment,
    window: Window,
    finder: &mut Finder<'a, '_>,
    domains: &[DomainName],
) -> Result<Limited, Problem> {
    let (user, role) = (|| row.user.clone(), || row.role.clone());
    let Some(at) = finder.find(&row.role) else {
        return Err(Problem::AssignedRoleUnknown { user: user(), role: role() });
    };
    let domain = match &row.domain {
        None => None,
        Some(domain) => match domains.binary_search(domain) {
            Ok(at) => Some(index(at)),
            Err(_) => {
                let domain = domain.clone();
                return Err(Problem::AssignedDomainUnknown { user: user(), role: role(), domain });
            }
        },
    };
    Ok(Limited { role: at, domain, window })
}

fn unknown_user(row: &Assignment) -> Problem {
    Problem::AssignedUserUnknown { user: row.user.clone(), role: row.role.clone() }
}

fn user_entry(id: &UserId, row: &UserRow, rows: &PolicyRows, problems: &mut Vec<Problem>) -> UserEntry {
    let department = row.department.filter(|department| rows.departments.contains_key(department));
    if let (Some(department), None) = (row.department, department) {
        problems.push(Problem::UserDepartmentUnknown { user: id.clone(), department });
    }
    UserEntry { id: id.clone(), department, active: row.active, plain: false, only_role: NO_ROLE }
}
