//! Facets of the list of users: each value with the number of users that it would leave.

use std::collections::BTreeMap;

use rbac::{DepartmentId, RoleName, UserId, UserRow};

use super::desk::Desk;
use super::labels::Labels;
use super::query::UsersQuery;

/// A user as the list looks for them.
#[derive(Debug)]
pub(crate) struct Found<'a> {
    pub(crate) id: &'a UserId,
    pub(crate) label: &'a str,
    pub(crate) login: &'a str,
    pub(crate) active: bool,
    pub(crate) department: Option<DepartmentId>,
    pub(crate) roles: Vec<&'a RoleName>,
}

impl<'a> Found<'a> {
    /// A user of the policy and the name they sign in with.
    pub(crate) fn of(id: &'a UserId, row: &'a UserRow, login: &'a str, roles: Vec<&'a RoleName>) -> Self {
        let label = if row.label.as_str().is_empty() { id.as_str() } else { row.label.as_str() };
        Self { id, label, login, active: row.active, department: row.department, roles }
    }
}

/// One way to look at all users.
#[derive(Debug)]
pub(crate) struct Facet {
    pub(crate) name: &'static str,
    pub(crate) values: Vec<FacetValue>,
}

/// One value of it.
#[derive(Debug)]
pub(crate) struct FacetValue {
    pub(crate) words: String,
    /// How many users it would leave, with the other facets as they are.
    pub(crate) count: usize,
    pub(crate) chosen: bool,
    /// Where choosing it leads; back to all values, if it is chosen.
    pub(crate) href: String,
    /// How deep it stands in a tree.
    pub(crate) depth: usize,
}

/// The part of a query that a facet is about.
type Field = fn(&mut UsersQuery) -> &mut String;

/// Every facet of a list.
pub(crate) fn facets(
    desk: &Desk,
    labels: &Labels<'_>,
    query: &UsersQuery,
    known: &[Found<'_>],
) -> Vec<Facet> {
    let others = |skip: fn(&UsersQuery) -> UsersQuery| -> Vec<&Found<'_>> {
        let open = skip(query);
        known.iter().filter(|found| open.fits(found)).collect()
    };
    let t = desk.t;
    let state = others(|query| UsersQuery { active: String::new(), ..query.clone() });
    let count = |active| state.iter().filter(|found| found.active == active).count();
    let states = [("yes", t.active, count(true)), ("no", t.inactive, count(false))];
    let states =
        states.map(|(code, words, count)| value(query, |query| &mut query.active, code, words, count, 0));
    vec![
        Facet { name: t.state, values: states.into() },
        Facet {
            name: t.role,
            values: roles(
                desk,
                labels,
                query,
                &others(|query| UsersQuery { role: String::new(), ..query.clone() }),
            ),
        },
        Facet {
            name: t.department,
            values: departments(
                desk,
                labels,
                query,
                &others(|query| UsersQuery { department: String::new(), ..query.clone() }),
            ),
        },
    ]
}

fn roles(desk: &Desk, labels: &Labels<'_>, query: &UsersQuery, known: &[&Found<'_>]) -> Vec<FacetValue> {
    let mut counts: BTreeMap<&RoleName, usize> = desk.rows().roles.keys().map(|role| (role, 0)).collect();
    known.iter().flat_map(|found| &found.roles).for_each(|role| *counts.entry(role).or_default() += 1);
    let none = known.iter().filter(|found| found.roles.is_empty()).count();
    let field: Field = |query| &mut query.role;
    let each = counts.into_iter().filter(|(role, count)| *count > 0 || query.role == role.as_str());
    let each = each.map(|(role, count)| value(query, field, role.as_str(), &labels.role(role), count, 0));
    each.chain((none > 0).then(|| value(query, field, "-", desk.t.no_role, none, 0))).collect()
}

fn departments(
    desk: &Desk,
    labels: &Labels<'_>,
    query: &UsersQuery,
    known: &[&Found<'_>],
) -> Vec<FacetValue> {
    let field: Field = |query| &mut query.department;
    let count = |wanted| known.iter().filter(|found| found.department == wanted).count();
    let tree = labels.tree().iter().map(|branch| {
        let words = labels.department(branch.id);
        value(query, field, &branch.id.to_string(), &words, count(Some(branch.id)), branch.depth)
    });
    let none = count(None);
    tree.chain((none > 0).then(|| value(query, field, "-", desk.t.no_department, none, 0))).collect()
}

fn value(
    query: &UsersQuery,
    field: Field,
    code: &str,
    words: &str,
    count: usize,
    depth: usize,
) -> FacetValue {
    let mut to = UsersQuery { page: 1, ..query.clone() };
    let chosen = *field(&mut to) == code;
    *field(&mut to) = if chosen { String::new() } else { code.to_owned() };
    FacetValue { words: words.to_owned(), count, chosen, href: to.href(), depth }
}
