//! The model file of casbin: which columns its policy has, and how far its matcher says what roles can say.
//!
//! A condition that is not understood is never dropped, for that would widen: the rules it belongs to are left out.

use super::casbin_ini::Sections;
use super::casbin_text::{call, quoted, split_top, squeezed, unwrapped};
use crate::error::Error;
use crate::name::shown;

/// What a column of a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Subject,
    Domain,
    Object,
    Action,
    Effect,
    Priority,
}

/// How the asked value and that of the rule are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    /// They are the same.
    Equal,
    /// They are the same, or the rule says `*`.
    EqualOrStar,
    /// `keyMatch`: the rule's `*` is any rest.
    Prefix,
    /// `keyMatch2` to `keyMatch5` and `globMatch`: the same, as long as the rule holds letters only.
    Pattern,
}

/// What decides when several rules match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deciding {
    /// One allowance is enough; denials are not looked at.
    AllowOnly,
    /// One allowance is needed, and no denial.
    DenyWins,
    /// Everything is allowed that is not denied.
    AllowedUnlessDenied,
    /// The first rule that matches.
    First,
}

/// What a model says.
#[derive(Debug)]
pub(super) struct Model {
    /// The columns of `p`, without the `p`.
    pub(super) columns: Vec<Part>,
    /// The number of values of a `g` line: 2, or 3 with a domain. None if the model has no roles.
    pub(super) role_values: Option<usize>,
    /// The number of values of a `g2` line, if the matcher asks for it.
    pub(super) resource_values: Option<usize>,
    pub(super) object: Compare,
    pub(super) action: Compare,
    pub(super) domains_compared: bool,
    pub(super) deciding: Deciding,
    /// A user who may everything: `|| r.sub == "root"`.
    pub(super) root: Option<String>,
    /// Why the rules cannot be carried over at all, and where in the model that stands.
    pub(super) unfit: Option<(String, String)>,
}

impl Model {
    /// Reads a model.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let sections = Sections::read(text)?;
        let asked = sections.need("request_definition", "r")?;
        let (place, rule) = sections.need("policy_definition", "p")?;
        let mut unfit = None;
        let mut columns = Vec::new();
        for name in rule.split(',').map(str::trim) {
            match part(name).filter(|part| !columns.contains(part)) {
                Some(part) => columns.push(part),
                None => {
                    unfit.get_or_insert((place.clone(), format!("no row has a place for `{}`", shown(name))));
                    // The column keeps its place, so that lines are still counted right.
                    columns.push(Part::Priority);
                }
            }
        }
        if let Some(odd) = asked.1.split(',').map(str::trim).find(|name| part(name).is_none()) {
            unfit.get_or_insert((asked.0.clone(), format!("no check has a place for `{}`", shown(odd))));
        }
        let (effect_place, effect) = sections.need("policy_effect", "e")?;
        let deciding = deciding(&effect).unwrap_or_else(|| {
            unfit.get_or_insert((effect_place, "the policy effect is not one of casbin's own".to_owned()));
            Deciding::DenyWins
        });
        let mut model = Self {
            columns,
            role_values: sections.roles("g"),
            resource_values: None,
            object: Compare::Equal,
            action: Compare::Equal,
            domains_compared: false,
            deciding,
            root: None,
            unfit,
        };
        let (place, matcher) = sections.need("matchers", "m")?;
        if let Err(why) = model.match_all(&matcher, sections.roles("g2")) {
            model.unfit.get_or_insert((place, why));
        }
        Ok(model)
    }

    pub(super) fn has(&self, part: Part) -> bool {
        self.columns.contains(&part)
    }

    /// Takes every condition in, or says which one is not understood.
    fn match_all(&mut self, matcher: &str, resource_values: Option<usize>) -> Result<(), String> {
        let matcher = squeezed(matcher);
        let mut alternatives = split_top(&matcher, "||");
        let conditions = match alternatives.len() {
            1 | 2 => alternatives.remove(0),
            _ => return Err("its alternatives are no roles".to_owned()),
        };
        if let Some(other) = alternatives.pop() {
            let name = unwrapped(other).strip_prefix("r.sub==").and_then(quoted);
            self.root = Some(name.ok_or_else(|| not_understood(other))?.to_owned());
        }
        let mut compared = Vec::new();
        for condition in split_top(unwrapped(conditions), "&&") {
            let part = self.match_one(condition, resource_values).ok_or_else(|| not_understood(condition))?;
            if compared.contains(&part) {
                return Err(not_understood(condition));
            }
            compared.push(part);
        }
        self.domains_compared = compared.contains(&Part::Domain);
        let needed = [Part::Subject, Part::Domain, Part::Object, Part::Action];
        let free = needed.into_iter().find(|&part| self.columns.contains(&part) && !compared.contains(&part));
        match free {
            Some(part) => Err(format!("it does not compare the {}", name_of(part))),
            None if compared.contains(&Part::Subject) => Ok(()),
            None => Err("it does not compare the subject".to_owned()),
        }
    }

    /// The part that a condition compares, if it is one of those that roles can say.
    fn match_one(&mut self, condition: &str, resource_values: Option<usize>) -> Option<Part> {
        let condition = unwrapped(condition);
        if let Some((values, inside)) = call(condition) {
            return self.match_call(values, &inside, resource_values);
        }
        let (equality, star) = match split_top(condition, "||").as_slice() {
            [equality] => (*equality, None),
            [one, other] => match starred(other) {
                Some(part) => (*one, Some(part)),
                None => (*other, Some(starred(one)?)),
            },
            _ => return None,
        };
        let part = compared(unwrapped(equality).split_once("==")?)?;
        if star.is_some_and(|about| about != part) {
            return None;
        }
        let compare = if star.is_some() { Compare::EqualOrStar } else { Compare::Equal };
        match part {
            Part::Object => self.object = compare,
            Part::Action => self.action = compare,
            Part::Subject | Part::Domain if star.is_none() => {}
            _ => return None,
        }
        // A subject that is compared itself has no roles, whatever the model defines.
        if part == Part::Subject {
            self.role_values = None;
        }
        Some(part)
    }

    fn match_call(&mut self, name: &str, inside: &[&str], resource_values: Option<usize>) -> Option<Part> {
        match (name, inside) {
            ("g", ["r.sub", "p.sub"]) if self.role_values == Some(2) => Some(Part::Subject),
            ("g", ["r.sub", "p.sub", domain]) if self.role_values == Some(3) => {
                (domain.strip_prefix("r.").and_then(part) == Some(Part::Domain)).then_some(Part::Subject)
            }
            ("g2", ["r.obj", "p.obj"]) if resource_values == Some(2) => {
                self.resource_values = resource_values;
                Some(Part::Object)
            }
            (_, [asked, of_rule]) => {
                let part = compared((*asked, *of_rule)).filter(|_| asked.starts_with("r."))?;
                let compare = match name {
                    "keyMatch" => Compare::Prefix,
                    "keyMatch2" | "keyMatch3" | "keyMatch4" | "keyMatch5" | "globMatch" => Compare::Pattern,
                    _ => return None,
                };
                match part {
                    Part::Object => self.object = compare,
                    Part::Action => self.action = compare,
                    _ => return None,
                }
                Some(part)
            }
            _ => None,
        }
    }
}

fn part(name: &str) -> Option<Part> {
    Some(match name {
        "sub" => Part::Subject,
        "dom" | "domain" | "tenant" => Part::Domain,
        "obj" => Part::Object,
        "act" => Part::Action,
        "eft" => Part::Effect,
        "priority" => Part::Priority,
        _ => return None,
    })
}

const fn name_of(part: Part) -> &'static str {
    match part {
        Part::Subject => "subject",
        Part::Domain => "domain",
        Part::Object => "object",
        Part::Action => "action",
        Part::Effect => "effect",
        Part::Priority => "priority",
    }
}

fn deciding(effect: &str) -> Option<Deciding> {
    let effect: String = effect.chars().filter(|c| !c.is_whitespace()).collect();
    Some(match effect.replace("p_eft", "p.eft").as_str() {
        "some(where(p.eft==allow))" => Deciding::AllowOnly,
        "some(where(p.eft==allow))&&!some(where(p.eft==deny))" => Deciding::DenyWins,
        "!some(where(p.eft==deny))" => Deciding::AllowedUnlessDenied,
        "priority(p.eft)||deny" | "subjectPriority(p.eft)||deny" => Deciding::First,
        _ => return None,
    })
}

fn not_understood(condition: &str) -> String {
    format!(
        "`{}` is a condition that roles cannot say; rules of attributes belong in the program",
        shown(condition)
    )
}

/// The part of which the asked value and that of the rule are compared, in either order.
fn compared((left, right): (&str, &str)) -> Option<Part> {
    let (asked, of_rule) = if left.starts_with("r.") { (left, right) } else { (right, left) };
    let (asked, of_rule) = (part(asked.strip_prefix("r.")?)?, part(of_rule.strip_prefix("p.")?)?);
    (asked == of_rule && asked < Part::Effect).then_some(asked)
}

/// The part of `p.act=="*"`, in either order.
fn starred(condition: &str) -> Option<Part> {
    let (left, right) = unwrapped(condition).split_once("==")?;
    let (field, value) = if left.starts_with("p.") { (left, right) } else { (right, left) };
    (quoted(value)? == "*").then(|| part(field.strip_prefix("p.")?))?
}

#[cfg(test)]
mod tests {
    use super::{Compare, Deciding, Model};

    fn model(matcher: &str) -> Model {
        let text = format!(
            "[request_definition]\nr = sub, obj, act\n[policy_definition]\np = sub, obj, act\n\
             [role_definition]\ng = _, _\ng2 = _, _\n[policy_effect]\ne = some(where (p.eft == allow))\n\
             [matchers]\nm = {matcher}"
        );
        Model::parse(&text).unwrap()
    }

    #[test]
    fn conditions_that_roles_can_say_are_understood() {
        for matcher in [
            "g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act",
            "r.sub == p.sub && p.obj == r.obj && (r.act == p.act || p.act == \"*\")",
            "(g(r.sub,p.sub)) && g2(r.obj,p.obj) && r.act==p.act # a comment",
            "g(r.sub, p.sub) && \\\n  keyMatch(r.obj, p.obj) && \\\n r.act == p.act",
            "g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act || r.sub == 'root'",
        ] {
            let model = model(matcher);
            assert_eq!(model.unfit, None, "{matcher}");
            assert_eq!(model.deciding, Deciding::AllowOnly);
        }
        let model = model("r.sub == p.sub && keyMatch(r.obj, p.obj) && ('*' == p.act || r.act == p.act)");
        assert_eq!((model.object, model.action), (Compare::Prefix, Compare::EqualOrStar));
        assert_eq!(model.role_values, None);
    }

    #[test]
    fn a_condition_that_is_not_understood_is_never_dropped() {
        for matcher in [
            "g(r.sub, p.sub) && r.obj == p.obj",
            "r.obj == p.obj && r.act == p.act",
            "g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act && r.sub.Age > 18",
            "g(r.sub, p.sub) && r.obj == p.act && r.act == p.obj",
            "g(r.sub, p.sub) && r.obj == p.obj && regexMatch(r.act, p.act)",
            "g(r.sub, p.sub) && r.obj == p.obj && (r.act == p.act || p.obj == \"*\")",
            "g(r.sub, p.sub) && r.obj == p.obj && (r.act == p.act || true)",
            "g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act || r.sub == p.sub",
            "g(r.sub, p.sub, r.dom) && r.obj == p.obj && r.act == p.act",
            "(g(r.sub, p.sub) || r.obj == p.obj) && r.act == p.act",
            "r.sub == r.obj.Owner",
            "keyMatch(p.obj, r.obj) && g(r.sub, p.sub) && r.act == p.act",
        ] {
            assert!(model(matcher).unfit.is_some(), "{matcher}");
        }
    }
}
