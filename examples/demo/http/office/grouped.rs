//! Permissions in groups: the modules of the catalogues in their order, then those that only rows name, by first segment.

use rbac::{Lang, PermissionName};

use crate::perm;

/// Permissions that belong together, and what is said of each.
#[derive(Debug)]
pub(crate) struct Group<T> {
    /// Its name in code.
    pub(crate) name: String,
    /// What people see.
    pub(crate) label: String,
    pub(crate) lines: Vec<T>,
}

/// Puts lines into groups. Nothing is left out; inside a group the order stays.
pub(crate) fn grouped<'a, T>(
    lines: impl Iterator<Item = (&'a PermissionName, T)>,
    lang: Lang,
) -> Vec<Group<T>> {
    let modules = perm::modules();
    let declared = modules.map(|module| Group {
        name: module.name.to_owned(),
        label: module.label.in_lang(lang).to_owned(),
        lines: Vec::new(),
    });
    let mut groups: Vec<Group<T>> = declared.collect();
    for (name, line) in lines {
        let at = perm::module_of(name.as_str())
            .map_or_else(|| name.segments().next().unwrap_or_default(), |module| module.name);
        match groups.iter_mut().find(|group| group.name == at) {
            Some(group) => group.lines.push(line),
            None => groups.push(Group { name: at.to_owned(), label: at.to_owned(), lines: vec![line] }),
        }
    }
    groups.retain(|group| !group.lines.is_empty());
    groups
}
