//! The actor of a draft with the roles that count: all that hold, or those of the session that the draft is made in.

use std::collections::BTreeSet;

use super::graph::{Moment, Through};
use super::guarded::{Guards, Says};
use super::holding::Holding;
use super::rights::Rights;
use crate::draft::{Actor, Draft};
use crate::name::UserId;
use crate::rows::Effect;
use crate::session::Session;

/// A user who changes the policy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Acting<'a> {
    pub(super) user: &'a UserId,
    session: Option<&'a Session>,
}

impl<'a> Acting<'a> {
    /// The user who makes a draft; none if the program itself does.
    pub(super) fn of(draft: &'a Draft) -> Option<Self> {
        match draft.actor() {
            Actor::User(user) => Some(Self { user, session: draft.session() }),
            Actor::System(_) => None,
        }
    }
}

/// Roles of a user at a moment.
struct Roles {
    /// All that hold: what they deny is denied in a session too.
    held: BTreeSet<usize>,
    /// Those that give something.
    active: BTreeSet<usize>,
}

impl<'a> Rights<'a> {
    /// The permissions over the policy that the actor has at a moment.
    pub(super) fn acting_guards(&self, acting: Acting<'_>, moment: Moment<'_>) -> Guards {
        let Some(roles) = self.acting_roles(acting, moment) else { return Guards::default() };
        let says = |roles: &BTreeSet<usize>| {
            roles.iter().map(|&role| self.says(role)).fold(Says::default(), Says::and)
        };
        says(&roles.active).and(says(&roles.held).denying()).granted()
    }

    /// What the actor holds at a moment.
    pub(super) fn acting_holding(&self, acting: Acting<'_>, moment: Moment<'_>) -> Holding<'a> {
        let Some(roles) = self.acting_roles(acting, moment) else { return Holding::default() };
        let mut holding = self.held(roles.active.iter().copied());
        if acting.session.is_some() {
            let all = self.held(roles.held);
            all.deny
                .iter()
                .filter(|rule| rule.effect == Effect::Deny)
                .for_each(|rule| holding.deny.add(*rule));
        }
        holding
    }

    /// The roles of the actor at a moment; none if they must not be used together.
    ///
    /// A session without a domain holds roles that hold everywhere, so it counts in every domain; one of a domain
    /// counts there alone.
    fn acting_roles(&self, acting: Acting<'_>, moment: Moment<'_>) -> Option<Roles> {
        let held = self.roles_of(acting.user, moment);
        let active = match acting.session {
            None => held.clone(),
            Some(session) if session.domain().is_some() && session.domain() != moment.domain => {
                BTreeSet::new()
            }
            Some(session) => {
                let authorised = self.graph.down(held.iter().copied(), Through::Enabled);
                let chosen = session.roles().filter_map(|role| self.graph.place(role));
                chosen.filter(|place| authorised.contains(place)).collect()
            }
        };
        (!self.breaks_dynamic(&active)).then_some(Roles { held, active })
    }
}
