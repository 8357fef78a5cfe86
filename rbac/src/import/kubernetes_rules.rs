//! The rules of a Kubernetes role as patterns of permissions: `group/resource:verb`, and `resource:verb` in the core
//! group.
//!
//! A pattern is never wider than the rule. Where no pattern says just as much, the resources that the text names
//! elsewhere are written out, and it is told.

use std::collections::BTreeSet;

use super::yaml::Node;
use crate::name::in_segment;
use crate::wildcard::{PermissionPattern, WildcardMode};

const STAR: &str = "*";

/// One rule of a role.
#[derive(Debug, Default)]
pub(super) struct Rule {
    pub(super) groups: Vec<String>,
    pub(super) resources: Vec<String>,
    pub(super) verbs: Vec<String>,
}

/// What the rules of all roles name: the groups, and the resources of the core group.
#[derive(Debug, Default)]
pub(super) struct Known {
    groups: BTreeSet<String>,
    core: BTreeSet<String>,
}

impl Rule {
    /// Reads a rule, or says why it cannot be one of permissions.
    pub(super) fn read(node: &Node) -> Result<Self, String> {
        let entries = node.entries().ok_or("a rule is a map")?;
        let mut rule = Self::default();
        for (name, value) in entries.iter().filter(|(name, _)| node.at(name).is_some()) {
            let list = value.list().ok_or_else(|| format!("`{name}` is no list"))?;
            let texts: Option<Vec<String>> = list.iter().map(|item| item.text().map(str::to_owned)).collect();
            let texts = texts.ok_or_else(|| format!("`{name}` holds something else than texts"))?;
            match name.as_str() {
                "apiGroups" => rule.groups = texts,
                "resources" => rule.resources = texts,
                "verbs" => rule.verbs = texts,
                "resourceNames" if texts.is_empty() => {}
                "resourceNames" => {
                    return Err(
                        "a permission is not about single objects; grant it as one of its own".to_owned()
                    );
                }
                "nonResourceURLs" if texts.is_empty() => {}
                "nonResourceURLs" => {
                    return Err("addresses are no resources; guard them in the program".to_owned());
                }
                other => return Err(format!("`{}` is no part of a rule", crate::name::shown(other))),
            }
        }
        Ok(rule)
    }

    /// How many patterns it comes to at most.
    pub(super) fn size(&self, known: &Known) -> usize {
        let each = known.groups.len().max(known.core.len()).saturating_add(1);
        [self.groups.len(), self.resources.len(), self.verbs.len(), each]
            .into_iter()
            .fold(1, usize::saturating_mul)
    }

    /// The patterns, and what of the rule they do not say, with the reason.
    pub(super) fn patterns(&self, known: &Known) -> (Vec<PermissionPattern>, Vec<(String, String)>) {
        let (mut patterns, mut lost) = (Vec::new(), Vec::new());
        for group in &self.groups {
            for resource in &self.resources {
                for verb in &self.verbs {
                    let what = named(group, resource, verb);
                    match parts(group, resource, verb) {
                        Ok(()) => {
                            let (texts, why) = known.texts(group, resource, verb);
                            lost.extend(why.map(|why| (what.clone(), why.to_owned())));
                            for (text, mode) in texts {
                                match PermissionPattern::with_mode(&text, mode) {
                                    Ok(pattern) => patterns.push(pattern),
                                    Err(error) => lost.push((what.clone(), error.to_string())),
                                }
                            }
                        }
                        Err(why) => lost.push((what, why.to_owned())),
                    }
                }
            }
        }
        (patterns, lost)
    }
}

impl Known {
    pub(super) fn learn(&mut self, rule: &Rule) {
        let literal = |text: &&String| !text.contains(STAR);
        self.groups.extend(rule.groups.iter().filter(literal).filter(|group| !group.is_empty()).cloned());
        if rule.groups.iter().any(String::is_empty) {
            self.core.extend(rule.resources.iter().filter(literal).cloned());
        }
    }

    /// The texts of patterns, and why they say less than the rule, if they do.
    fn texts(
        &self,
        group: &str,
        resource: &str,
        verb: &str,
    ) -> (Vec<(String, WildcardMode)>, Option<&'static str>) {
        let below = resource.strip_prefix("*/");
        let glob = |text: String| (vec![(text, WildcardMode::SaToken)], None);
        match (group, resource) {
            (STAR, STAR) if verb == STAR => (vec![(STAR.to_owned(), WildcardMode::Strict)], None),
            (STAR, STAR) => glob(named("", STAR, verb)),
            (STAR, _) if below.is_some() => {
                let why = "a star over groups and resources cannot be told from resources of that name; write it out";
                (Vec::new(), Some(why))
            }
            (STAR, _) => {
                let groups = std::iter::once("").chain(self.groups.iter().map(String::as_str));
                let texts = groups.map(|group| exact(group, resource, verb)).collect();
                (
                    texts,
                    Some(
                        "granted in the groups that the text names; a star would reach others' resources too",
                    ),
                )
            }
            ("", STAR) => (
                self.core.iter().map(|resource| exact("", resource, verb)).collect(),
                Some("granted on the resources that the text names; a star would reach other groups too"),
            ),
            ("", _) if below.is_some() => {
                let end = resource.trim_start_matches(STAR);
                let texts = self.core.iter().filter(|resource| resource.ends_with(end));
                let why = "granted on the resources that the text names; a star would reach other groups too";
                (texts.map(|resource| exact("", resource, verb)).collect(), Some(why))
            }
            (group, _) if resource.contains(STAR) => glob(named(group, resource, verb)),
            (group, resource) => (vec![exact(group, resource, verb)], None),
        }
    }
}

fn exact(group: &str, resource: &str, verb: &str) -> (String, WildcardMode) {
    (named(group, resource, verb), WildcardMode::Strict)
}

fn named(group: &str, resource: &str, verb: &str) -> String {
    if group.is_empty() { format!("{resource}:{verb}") } else { format!("{group}/{resource}:{verb}") }
}

/// Whether the parts can be told apart once they are put together.
fn parts(group: &str, resource: &str, verb: &str) -> Result<(), &'static str> {
    let letters = |text: &str| text.chars().all(|c| in_segment(c) && c != '/');
    let good_resource = match resource.split_once('/') {
        None => resource == STAR || (letters(resource) && !resource.is_empty()),
        Some((above, below)) => {
            (above == STAR || letters(above)) && letters(below) && !above.is_empty() && !below.is_empty()
        }
    };
    let good_verb = verb == STAR || (letters(verb) && !verb.is_empty());
    if good_resource && good_verb && (group == STAR || letters(group)) {
        Ok(())
    } else {
        Err("it is no group, resource and verb as Kubernetes has them")
    }
}
