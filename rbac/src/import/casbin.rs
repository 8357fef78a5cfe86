//! The model and the policy of casbin as rows.

use std::collections::{BTreeMap, BTreeSet};

use super::casbin_lines::{Line, WHAT, lines, wanted};
use super::casbin_model::{Compare, Deciding, Model, Part};
use super::casbin_pattern::{Unsaid, pattern, value};
use super::collect::{Collector, RoleSource};
use super::{IMPORT_ROWS_MAX, Imported, bounded, unreadable};
use crate::error::Error;
use crate::name::{DomainName, Label, RoleName};
use crate::rows::Effect;
use crate::wildcard::PermissionPattern;

const MODEL: &str = "casbin model";

/// Reads a model of casbin and its policy as comma-separated lines (or a dump of the table `casbin_rule` with a first
/// line that names the columns).
///
/// - A name on the right of some `g` is a role, every other subject is a user. The two never mix: a user who is called
///   as a role does not get its rules, which casbin would give.
/// - A rule about `obj` and `act` grants the permission `obj:act`; where the model has only one of them, that is the
///   permission. Rules of a user go to a role of the user's own, `user:NAME`.
/// - `g` between roles is inheritance, without casbin's limit of ten links. Of roles that inherit each other in a
///   circle one holds what all of them are granted.
/// - With domains a role becomes one role a domain, `ROLE@DOMAIN`, assigned in that domain: casbin's rules belong to a
///   domain, grants here do not.
/// - `g2` groups of resources are written out: a rule about the group grants each permission of its members. What of them
///   is no permission name is left out alone: nobody can be granted it or ask for it, so no denial is lost.
/// - `eft`: a denial becomes a denying grant if the model looks at denials. With `priority` the order of the rules is
///   not carried: a denial beats every allowance, wherever it stands.
/// - A denial that no pattern can say becomes a denial of everything to its subject, until somebody looks at it.
/// - `keyMatch` and `p.act == "*"` become patterns. Any other function, and every condition about attributes, is left
///   out with all rules, for without it they would allow more.
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the model lacks a section or the policy an end of a
/// quote, or a text is too long.
pub fn casbin(model: &str, policy: &str) -> Result<Imported, Error> {
    let model = Model::parse(bounded(MODEL, model)?)?;
    let lines = lines(bounded(WHAT, policy)?)?;
    let mut import = Import::new(model, &lines);
    import.about_model(&lines);
    for line in &lines {
        import.line(line);
    }
    if import.left == 0 {
        let fault = format!("it stands for more than {IMPORT_ROWS_MAX} rows; split it");
        return Err(unreadable(WHAT, "the whole", fault));
    }
    import.collector.merge_circles();
    import.collector.finish()
}

struct Import {
    collector: Collector,
    model: Model,
    /// The names that stand on the right of some `g`.
    roles: BTreeSet<String>,
    /// All domains that a line names, when the model knows domains.
    domains: Option<BTreeSet<String>>,
    /// The members of each group of resources, one level down.
    members: BTreeMap<String, Vec<String>>,
    /// How many rows lines may still stand for.
    left: usize,
}

/// What a rule comes to.
#[derive(Default)]
struct Said {
    patterns: Vec<PermissionPattern>,
    /// The objects that nobody can ask for, and why.
    unnamed: Vec<(String, String)>,
}

impl Import {
    fn new(model: Model, lines: &[Line]) -> Self {
        let at = |kind: &str, values: Option<usize>, place: usize| {
            let of_kind =
                lines.iter().filter(move |line| line.kind == kind && Some(line.values.len()) == values);
            of_kind.filter_map(move |line| line.values.get(place).cloned()).collect::<BTreeSet<String>>()
        };
        let roles = at("g", model.role_values, 1);
        let mut domains = BTreeSet::new();
        if model.role_values == Some(3) {
            domains.extend(at("g", model.role_values, 2));
        }
        if let Some(place) = model.columns.iter().position(|part| *part == Part::Domain) {
            domains.extend(at("p", Some(model.columns.len()), place));
        }
        let mut members: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in lines.iter().filter(|line| line.is("g2", model.resource_values)) {
            if let [member, group] = line.values.as_slice() {
                members.entry(group.clone()).or_default().push(member.clone());
            }
        }
        let known = model.role_values == Some(3) || model.has(Part::Domain);
        let domains = known.then_some(domains);
        Self { collector: Collector::new(WHAT), model, roles, domains, members, left: IMPORT_ROWS_MAX }
    }

    /// What is said about the model as a whole.
    fn about_model(&mut self, lines: &[Line]) {
        if let Some((place, why)) = self.model.unfit.clone() {
            self.collector.leave_out(place, "the rules", why);
        }
        let denied = |line: &Line| line.kind == "p" && line.values.iter().any(|value| value == "deny");
        match self.model.deciding {
            Deciding::AllowedUnlessDenied => {
                let why = "here nothing is allowed that no role is granted; grant the roles what they may do";
                self.collector.leave_out("model", "!some(where (p.eft == deny))", why);
            }
            Deciding::First if lines.iter().any(denied) => {
                let why = "the order of the rules is not carried over: a denial beats every allowance";
                self.collector.leave_out("model", "priority(p.eft)", why);
            }
            _ => {}
        }
        let Some(root) = self.model.root.clone() else { return };
        if self.model.deciding != Deciding::AllowOnly {
            let why = "a user who may everything gets a role that is granted `*`; denials of others do not reach it";
            self.collector.leave_out("model", &root, why);
            return;
        }
        let source = RoleSource {
            key: String::new(),
            place: "model",
            wanted: "superuser",
            otherwise: "superuser",
            number: 1,
            label: Label::default(),
        };
        // A policy without a rule allows nothing, not even this.
        let any = lines.iter().any(|line| line.is("p", Some(self.model.columns.len())) && !denied(line));
        if let (true, Some(user)) = (any, self.collector.user("model", &root))
            && let (Some(role), Ok(all)) = (self.collector.role(source), PermissionPattern::new("*"))
        {
            self.collector.grant("model", &role, all, Effect::Allow);
            self.collector.assign(user, role, None);
        }
    }

    fn line(&mut self, line: &Line) {
        let done = match line.kind.as_str() {
            "p" => self.rule(line),
            "g" => self.link(line),
            "g2" if self.model.resource_values.is_some() => {
                wanted(line, self.model.resource_values).map(|_| ())
            }
            "g2" => Err("the matcher of the model does not ask for it".to_owned()),
            _ => Err("the model has no matcher for such lines".to_owned()),
        };
        if let Err(why) = done {
            self.collector.leave_out(&line.place, &line.shown(), why);
        }
    }

    fn rule(&mut self, line: &Line) -> Result<(), String> {
        let columns = self.model.columns.clone();
        let values = wanted(line, Some(columns.len()))?;
        if self.model.unfit.is_some() {
            return Err("the model asks for more than roles can say".to_owned());
        }
        let value = |part| columns.iter().position(|column| *column == part).and_then(|at| values.get(at));
        self.spend(1)?;
        let effect = self.effect(value(Part::Effect).map_or("allow", String::as_str))?;
        let subject = value(Part::Subject).map_or("", String::as_str);
        let said = self.patterns(value(Part::Object), value(Part::Action).map(String::as_str));
        let patterns = match said {
            Ok(said) => {
                self.spend(said.unnamed.len())?;
                for (object, why) in said.unnamed {
                    self.collector.leave_out(&line.place, &object, why);
                }
                said.patterns
            }
            Err(Unsaid::NoName(why)) => return Err(why),
            Err(Unsaid::Pattern(why)) if effect == Effect::Allow => return Err(why.to_owned()),
            Err(Unsaid::Pattern(why)) => {
                // Without the denial the subject might do more: nothing at all is safe until it is looked at.
                let why = format!("{why}; until then `{subject}` is denied everything");
                self.collector.leave_out(&line.place, &line.shown(), why);
                PermissionPattern::new("*").into_iter().collect()
            }
        };
        let places = self.places(value(Part::Domain), self.roles.contains(subject));
        self.spend(places.len().saturating_mul(patterns.len()))?;
        for domain in places {
            let Some(role) = self.holder(line, subject, domain.as_deref()) else { continue };
            for pattern in &patterns {
                if let Some(name) = pattern.exact() {
                    self.collector.permission(&line.place, name.as_str(), Label::default());
                }
                self.collector.grant(&line.place, &role, pattern.clone(), effect);
            }
        }
        Ok(())
    }

    /// Groups and domains multiply: a short text must not stand for more rows than there may be. Once nothing is left
    /// the import as a whole has failed.
    fn spend(&mut self, rows: usize) -> Result<(), String> {
        self.left = self.left.saturating_sub(rows);
        if self.left == 0 { Err("there is no room for it".to_owned()) } else { Ok(()) }
    }

    fn effect(&self, text: &str) -> Result<Effect, String> {
        match (text, self.model.deciding) {
            ("allow", Deciding::AllowedUnlessDenied) => {
                Err("the model allows everything that is not denied, so the line says nothing".to_owned())
            }
            ("allow", _) => Ok(Effect::Allow),
            ("deny", Deciding::AllowOnly) => Err("the model does not look at denials".to_owned()),
            ("deny", _) => Ok(Effect::Deny),
            _ => Err("its effect is neither `allow` nor `deny`".to_owned()),
        }
    }

    /// In which domains a line holds that names this one, or none.
    fn places(&self, named: Option<&String>, of_role: bool) -> Vec<Option<String>> {
        match (&self.domains, named) {
            (Some(_), Some(domain)) => vec![Some(domain.clone())],
            (Some(all), None) if of_role => all.iter().cloned().map(Some).collect(),
            _ => vec![None],
        }
    }

    /// The role that the rules of a subject go to.
    fn holder(&mut self, line: &Line, subject: &str, domain: Option<&str>) -> Option<RoleName> {
        let at = self.domain(line, domain)?;
        if self.roles.contains(subject) {
            return self.role(line, subject, domain);
        }
        let user = self.collector.user(&line.place, subject)?;
        let role = self.collector.role(RoleSource {
            key: format!("user\n{subject}\n{}", domain.unwrap_or_default()),
            place: &line.place,
            wanted: &in_domain(&format!("user:{subject}"), domain),
            otherwise: "user",
            number: line.number,
            label: Label::default(),
        })?;
        self.collector.assign(user, role.clone(), at);
        Some(role)
    }

    fn role(&mut self, line: &Line, name: &str, domain: Option<&str>) -> Option<RoleName> {
        let label = Label::new(name).unwrap_or_default();
        self.collector.role(RoleSource {
            key: format!("role\n{name}\n{}", domain.unwrap_or_default()),
            place: &line.place,
            wanted: &in_domain(name, domain),
            otherwise: "role",
            number: line.number,
            label,
        })
    }

    /// The domain as a name; none within if the line holds everywhere, none at all if it is no name.
    fn domain(&mut self, line: &Line, domain: Option<&str>) -> Option<Option<DomainName>> {
        match domain {
            None => Some(None),
            Some(domain) => self.collector.domain(&line.place, domain).map(Some),
        }
    }

    fn link(&mut self, line: &Line) -> Result<(), String> {
        let Some(count) = self.model.role_values else {
            return Err("the matcher of the model does not ask for roles".to_owned());
        };
        let values = wanted(line, Some(count))?;
        self.spend(1)?;
        let (Some(junior), Some(senior)) = (values.get(1), values.first()) else {
            return Err("it names no role".to_owned());
        };
        let places = self.places(values.get(2), true);
        self.spend(places.len())?;
        if places.is_empty() {
            return Err("no line names a domain in which it could hold".to_owned());
        }
        for domain in places {
            let domain = domain.as_deref();
            let Some(at) = self.domain(line, domain) else { continue };
            let Some(below) = self.role(line, junior, domain) else { continue };
            if self.roles.contains(senior) {
                if let Some(above) = self.role(line, senior, domain) {
                    self.collector.inherit(&line.place, above, below);
                }
            } else if let Some(user) = self.collector.user(&line.place, senior) {
                self.collector.assign(user, below, at);
            }
        }
        Ok(())
    }

    /// What a rule about this object and this action grants. Without a pattern it is no rule at all.
    fn patterns(&self, object: Option<&String>, action: Option<&str>) -> Result<Said, Unsaid> {
        let objects = object.map(|object| self.with_members(object));
        let Some(objects) = objects else {
            let action = action.ok_or(Unsaid::Pattern("it names neither an object nor an action"))?;
            let patterns = vec![pattern(&[value(action, self.model.action)?])?];
            return Ok(Said { patterns, unnamed: Vec::new() });
        };
        // With patterns about, a `:` of an object could be taken for the one before the action.
        let plain = self.model.object == Compare::Equal && self.model.action == Compare::Equal;
        let colon = |text: &str| text.contains(':');
        if action.is_some_and(colon) || (!plain && objects.iter().any(|object| colon(object))) {
            return Err(Unsaid::Pattern("a `:` parts the object from the action and can stand in neither"));
        }
        let of_object = |object: &str| {
            let mut values = vec![value(object, self.model.object)?];
            if let Some(action) = action {
                values.push(value(action, self.model.action)?);
            }
            pattern(&values)
        };
        let mut said = Said::default();
        for object in objects {
            match of_object(object) {
                Ok(pattern) => said.patterns.push(pattern),
                Err(Unsaid::NoName(why)) => said.unnamed.push((object.to_owned(), why)),
                Err(unsaid) => return Err(unsaid),
            }
        }
        match said.unnamed.first() {
            Some((_, why)) if said.patterns.is_empty() => Err(Unsaid::NoName(why.clone())),
            _ => Ok(said),
        }
    }

    /// The object, and everything below it if it is a group.
    fn with_members<'a>(&'a self, object: &'a str) -> BTreeSet<&'a str> {
        let mut all = BTreeSet::from([object]);
        let mut open = vec![object];
        while let Some(group) = open.pop() {
            let below = self.members.get(group).into_iter().flatten();
            open.extend(below.map(String::as_str).filter(|&member| all.insert(member)));
        }
        all
    }
}

fn in_domain(name: &str, domain: Option<&str>) -> String {
    domain.map_or_else(|| name.to_owned(), |domain| format!("{name}@{domain}"))
}
