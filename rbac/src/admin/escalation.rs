//! Nobody gives what one does not hold (Kubernetes' rule): not a permission, not a pattern, not the sight of rows.
//!
//! What the changes come to is compared with what was, role by role and user by user, so it does not matter by which
//! changes somebody would gain: a grant, a lifted deny, a role that is switched on, a user who is let in again, an
//! assignment that begins later. Whoever holds something now may give it on for as long as they like, but nobody
//! prolongs what one holds oneself, neither by an assignment nor through a role of one's own.
//!
//! What is switched off is looked at a second time as if it were on: a disabled role or an inactive user may come to
//! life by the hand of somebody who did not see what was given meanwhile. What the actor holds is what has an effect.
//! New ways to what is switched off are for `ways`.
//!
//! Registering a permission is no gain. A `*` was given for all that it would ever match, by somebody who held it; and
//! a grant that names a permission counts from the moment it is made, registered or not. In the same way a new
//! department opens to whom the ones above it are open.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::acting::Acting;
use super::effort::Effort;
use super::giver::Giver;
use super::graph::{Moment, Node, Rule, Through, What};
use super::guard::moments;
use super::holding::{By, Holding, Open, Opened, Rules};
use super::rights::{Counted, Rights};
use super::{Amended, Gainer, Refusal, gainers, guarded, ways};
use crate::name::{DepartmentId, DomainName, PermissionName, RoleName, UserId};
use crate::rows::Effect;
use crate::scope::{DataScope, Scope};
use crate::time::UnixMillis;

/// The most permissions that a refusal names.
const NAMED_MAX: usize = 8;

/// Whether nobody would gain what the actor does not hold.
pub(super) fn kept<'a>(
    before: &Rights<'a>,
    after: &Rights<'a>,
    amended: &'a Amended,
    acting: Acting<'a>,
    now: UnixMillis,
) -> Result<(), Refusal> {
    let giver = Giver::new(before, acting, now);
    Check::new(before, after, &giver).whole(amended)?;
    // Where nothing is switched off, the second look would see what the first saw.
    if !after.has_switched_off() {
        return Ok(());
    }
    let [then, later] =
        [before, after].map(|rights| Rights::counting(rights.graph.rows, Counted::SwitchedOff));
    let check = Check::new(&then, &later, &giver);
    check.whole(amended)?;
    ways::kept(&check, before, amended)
}

pub(super) struct Check<'a, 'r> {
    pub(super) before: &'r Rights<'a>,
    pub(super) after: &'r Rights<'a>,
    pub(super) giver: &'r Giver<'a, 'r>,
    pub(super) effort: Effort,
    /// Of which roles the actor may open all rows that they open; filled when asked.
    openable: RefCell<HashMap<&'a RoleName, bool>>,
}

impl<'a, 'r> Check<'a, 'r> {
    fn new(before: &'r Rights<'a>, after: &'r Rights<'a>, giver: &'r Giver<'a, 'r>) -> Self {
        Self { before, after, giver, effort: Effort::default(), openable: RefCell::default() }
    }

    fn whole(&self, amended: &'a Amended) -> Result<(), Refusal> {
        let sites = gainers::changed_roles(amended);
        let to_look_at = self.roles(&sites)?;
        let mut users = gainers::users(self.before, self.after, amended, &to_look_at);
        // Roles are measured by what the actor holds now. What the actor's own roles give is to be held at each moment.
        if !sites.is_empty() && self.after.counts(self.giver.user) {
            users.insert(self.giver.user);
        }
        self.users(&users)
    }

    /// Looks at the roles that changed, and at those above them for what these open. Gives the roles whose users have
    /// to be looked at one by one: what a role opens depends on the user's department, and whether a lifted deny
    /// matters on the user's other roles.
    fn roles(&self, sites: &BTreeSet<&'a RoleName>) -> Result<BTreeSet<usize>, Refusal> {
        let graph = &self.after.graph;
        let places: BTreeSet<usize> = sites.iter().filter_map(|role| graph.place(role)).collect();
        let doubtful = self.doubtful(sites);
        let mut to_look_at = BTreeSet::new();
        for place in graph.up(places.iter().copied(), Through::All) {
            let Some(node) = graph.node(place) else { continue };
            let is_site = places.contains(&place);
            let may_matter =
                if is_site { doubtful.contains(node.name) } else { *node.scope != DataScope::Nothing };
            if !may_matter {
                continue;
            }
            let was = self.before.held(self.before.graph.place(node.name));
            let is = self.after.held([place]);
            self.effort.spend(was.allow.len().saturating_add(is.allow.len()))?;
            if is_site {
                self.role_permissions(node.name, &was, &is)?;
            }
            let look = self.role_rows(node.name, is_site, &was, &is)?;
            if look || (is_site && was.lifted(&is).next().is_some()) {
                to_look_at.insert(place);
            }
        }
        Ok(to_look_at)
    }

    /// Of the roles that changed, those with anything that they could gain unduly: a grant that the actor does not
    /// hold, a deny before, or rows that are open. It spares most roles the comparison of all that they have.
    fn doubtful(&self, sites: &BTreeSet<&'a RoleName>) -> BTreeSet<&'a RoleName> {
        let nothing_excused = Rules::default();
        let held = |rule: &Rule<'a>| {
            self.giver.everywhere.iter().all(|(held, _)| held.holds(rule.what, &nothing_excused))
        };
        let gives = |node: &Node<'a>| {
            let allows = |rule: &&Rule<'a>| rule.effect == Effect::Allow;
            *node.scope != DataScope::Nothing || !node.rules.iter().filter(allows).all(held)
        };
        let denied = |node: &Node<'a>| node.rules.iter().any(|rule| rule.effect == Effect::Deny);
        let mut doubtful = self.after.graph.with_below(sites, self.after.through(), gives);
        doubtful.extend(self.before.graph.with_below(sites, self.before.through(), denied));
        doubtful
    }

    pub(super) fn role_permissions(
        &self,
        role: &RoleName,
        was: &Holding<'a>,
        is: &Holding<'a>,
    ) -> Result<(), Refusal> {
        for rule in was.gains(is, By::Role) {
            for (held, _) in &self.giver.everywhere {
                if !held.holds(rule.what, &is.deny) {
                    return Err(self.permission_refused(Gainer::Role(role.clone()), &rule, held, is));
                }
            }
        }
        Ok(())
    }

    /// Of a role that did not change itself, what it inherits is looked at below it; only its own rows are for new
    /// permissions here. True if the rows depend on who has the role.
    fn role_rows(
        &self,
        role: &'a RoleName,
        is_site: bool,
        was: &Holding<'a>,
        is: &Holding<'a>,
    ) -> Result<bool, Refusal> {
        let mut depends = false;
        let mut met = HashSet::new();
        let lifts = was.lifted(is).next().is_some();
        let opened_before: HashSet<_> = was.opened.iter().map(|old| old.role).collect();
        for opened in is.opened.iter().filter(|opened| is_site || opened.role == role) {
            if opened.role != role && !lifts && opened_before.contains(opened.role) {
                // Whatever came to it is looked at there.
                continue;
            }
            if self.is_openable(opened)? {
                depends |= is_relative(opened.scope);
                continue;
            }
            self.effort.spend(opened.carried.len())?;
            for rule in opened.carried.iter().filter(|rule| !is.deny.cover(rule.what)) {
                if !met.insert((opened.scope, rule.what.pattern)) {
                    continue;
                }
                self.effort.spend(was.opened.len())?;
                let open_before = was.scopes(rule.what).any(|old| old.scope.includes(opened.scope));
                if open_before && !was.is_lifted(is, rule.what) {
                    continue;
                }
                if !self.giver.everywhere.iter().all(|giver| self.may_open(giver, rule.what, opened.scope)) {
                    return Err(self.rows_refused(Gainer::Role(role.clone()), rule, is));
                }
                depends |= is_relative(opened.scope);
            }
        }
        Ok(depends)
    }

    /// Whether the giver may open all rows that a role opens itself, whatever was open before.
    fn is_openable(&self, opened: &Opened<'a>) -> Result<bool, Refusal> {
        if let Some(&known) = self.openable.borrow().get(opened.role) {
            return Ok(known);
        }
        let giving: usize = self.giver.everywhere.iter().map(|(held, _)| held.opened.len()).sum();
        self.effort.spend(opened.carried.len().saturating_mul(giving))?;
        let may = |rule: &Rule<'a>| {
            self.giver.everywhere.iter().all(|giver| self.may_open(giver, rule.what, opened.scope))
        };
        let openable = opened.carried.iter().all(may);
        self.openable.borrow_mut().insert(opened.role, openable);
        Ok(openable)
    }

    /// Whether rows of this kind are open to the giver, whoever will have the role.
    pub(super) fn may_open(
        &self,
        (held, open): &(Holding<'a>, Open<'a>),
        what: What<'_>,
        scope: &DataScope,
    ) -> bool {
        match scope {
            DataScope::Own | DataScope::Departments(_) => {
                open.contain(&self.known(self.before.tree.resolve(scope, None)), what, any_row)
            }
            _ => held.scopes(what).any(|own| own.scope.includes(scope)),
        }
    }

    /// The first user who does not pass ends the walk, so whoever was looked at before has passed.
    fn users(&self, users: &BTreeSet<&'a UserId>) -> Result<(), Refusal> {
        let mut passed = HashSet::new();
        let mut givers: BTreeMap<Option<&DomainName>, (Holding<'a>, Open<'a>)> = BTreeMap::new();
        for &user in users {
            for moment in self.moments(user) {
                let gainer = UserAt { user, moment };
                if user == self.giver.user {
                    self.user(gainer, &self.giver.at(moment))?;
                } else if passed.insert(self.signature(gainer)) {
                    let now = Moment { at: self.giver.now, ..moment };
                    self.user(gainer, givers.entry(moment.domain).or_insert_with(|| self.giver.at(now)))?;
                }
            }
        }
        Ok(())
    }

    /// When and where the user may gain: also in the domains in which the actor has other rights than elsewhere.
    pub(super) fn moments(&self, user: &'a UserId) -> BTreeSet<Moment<'a>> {
        let (before, after) = (self.before.graph.rows, self.after.graph.rows);
        let own = moments(before, after, user, self.giver.now);
        let stays =
            |domain: &Option<&DomainName>| domain.is_none_or(|domain| after.domains.contains_key(domain));
        let domains: Vec<_> = self.giver.domains.iter().copied().filter(stays).collect();
        // Where the user has no assignments of that domain, only those count that hold everywhere.
        let everywhere = own.iter().filter(|moment| moment.domain.is_none());
        let more =
            everywhere.flat_map(|moment| domains.iter().map(move |&domain| Moment { domain, ..*moment }));
        more.collect::<BTreeSet<_>>().union(&own).copied().collect()
    }

    fn user(&self, gainer: UserAt<'a>, giver: &(Holding<'a>, Open<'a>)) -> Result<(), Refusal> {
        let UserAt { user, moment } = gainer;
        let was = self.before.held(self.before.roles_of(user, moment));
        let is = self.after.held(self.after.roles_of(user, moment));
        self.gained(user, giver, &was, &is)
    }

    /// Whether the giver holds what a user would have beyond what the user had.
    pub(super) fn gained(
        &self,
        user: &UserId,
        (held, open): &(Holding<'a>, Open<'a>),
        was: &Holding<'a>,
        is: &Holding<'a>,
    ) -> Result<(), Refusal> {
        let named = || Gainer::User(user.clone());
        for rule in was.gains(is, By::User) {
            if !held.holds(rule.what, &is.deny) {
                return Err(self.permission_refused(named(), &rule, held, is));
            }
        }
        let was_open = OnceCell::new();
        let mut met: HashMap<Scope, HashSet<_>> = HashMap::new();
        for opened in &is.opened {
            let rows = self.known(self.after.tree.resolve(opened.scope, self.after.home(user)));
            self.effort.spend(opened.carried.len())?;
            let met = met.entry(rows.clone()).or_default();
            for rule in opened.carried.iter().filter(|rule| !is.deny.cover(rule.what)) {
                if !met.insert(rule.what.pattern) {
                    continue;
                }
                self.effort.spend(was.opened.len().saturating_add(open.0.len()))?;
                let was_open = was_open.get_or_init(|| self.before.open(was, self.before.home(user)));
                let before = was_open.contain(&rows, rule.what, own_rows) && !was.is_lifted(is, rule.what);
                if !before && !open.contain(&rows, rule.what, any_row) {
                    return Err(self.rows_refused(named(), rule, is));
                }
            }
        }
        Ok(())
    }

    /// All that the outcome for a user depends on but for the name.
    fn signature(&self, gainer: UserAt<'a>) -> Signature<'a> {
        let UserAt { user, moment } = gainer;
        let roles = |rights: &Rights<'a>| {
            let places = rights.roles_of(user, moment).into_iter();
            places.filter_map(|place| rights.graph.node(place)).map(|node| node.name).collect()
        };
        Signature {
            roles: [roles(self.before), roles(self.after)],
            homes: [self.before.home(user), self.after.home(user)],
            domain: moment.domain,
        }
    }

    /// Without the departments that are new: nobody could have seen their rows.
    fn known(&self, mut rows: Scope) -> Scope {
        rows.departments.retain(|&department| self.before.tree.contains(department));
        rows
    }

    fn permission_refused(
        &self,
        gained_by: Gainer,
        rule: &Rule<'a>,
        held: &Holding<'a>,
        is: &Holding<'a>,
    ) -> Refusal {
        let lacked = |name: &PermissionName| {
            let pattern = name.clone().into();
            let what = What::new(&pattern);
            !is.deny.cover(what) && !held.holds(what, &is.deny)
        };
        let permissions: Vec<_> =
            self.matched(rule.what).into_iter().filter(lacked).take(NAMED_MAX).collect();
        if permissions.is_empty() {
            return reaches_further(rule);
        }
        Refusal::Escalation { gained_by, permissions }
    }

    pub(super) fn rows_refused(&self, gained_by: Gainer, rule: &Rule<'a>, is: &Holding<'a>) -> Refusal {
        let free = |name: &PermissionName| {
            let pattern = name.clone().into();
            !is.deny.cover(What::new(&pattern))
        };
        match self.matched(rule.what).into_iter().find(free) {
            Some(permission) => Refusal::ScopeEscalation { gained_by, permission },
            None => reaches_further(rule),
        }
    }

    /// The permissions known here that a grant matches, in order of name.
    fn matched(&self, what: What<'_>) -> BTreeSet<PermissionName> {
        if let Some(name) = what.pattern.exact() {
            return BTreeSet::from([name]);
        }
        let registered = self.after.graph.rows.permissions.keys().cloned();
        registered.chain(guarded::names()).filter(|name| what.pattern.matches(name)).collect()
    }
}

#[derive(Clone, Copy)]
pub(super) struct UserAt<'a> {
    pub(super) user: &'a UserId,
    pub(super) moment: Moment<'a>,
}

#[derive(PartialEq, Eq, Hash)]
struct Signature<'a> {
    roles: [Vec<&'a RoleName>; 2],
    homes: [Option<DepartmentId>; 2],
    domain: Option<&'a DomainName>,
}

fn reaches_further(rule: &Rule<'_>) -> Refusal {
    Refusal::PatternEscalation { role: rule.role.clone(), pattern: rule.what.pattern.clone() }
}

/// Rows that belong to the gainer are own rows of the gainer, wherever they lie.
fn own_rows(scope: &Scope) -> bool {
    scope.own
}

/// To the giver the gainer's own rows are the least there is: whoever sees anything may open them.
fn any_row(scope: &Scope) -> bool {
    scope.own || !scope.departments.is_empty()
}

fn is_relative(scope: &DataScope) -> bool {
    matches!(scope, DataScope::OwnDepartment | DataScope::OwnDepartmentAndBelow)
}
