//! Permissions declared in code: constants, labels, ids.

use rbac::{Effect, Grant, Lang, Permission, PermissionId, Policy, UnixMillis, perm};

use crate::world::{Build, name};

rbac::permissions! {
    /// A school.
    pub(crate) mod school {
        course("课程", "Courses") {
            VIEW = "course:view" ("查看课程", "View courses"),
            EDIT = "course:edit" ("编辑课程", "Edit courses"),
        }
        order("订单", "Orders") {
            /// Money goes back.
            REFUND = "order:refund" ("退款", "Refund an order") sensitive
        }
    }
}

rbac::permissions! {
    mod other {
        course("课程", "Courses") {
            EDIT = "course:edit" ("编辑课程", "Edit courses"),
            VIEW = "course:view" ("查看课程", "View courses"),
        }
    }
}

fn world() -> Build {
    let world = Build::default().users(&["alice"]).roles(&["clerk"]).assign("alice", "clerk");
    world.allow("clerk", "course:*")
}

#[test]
fn a_constant_is_its_name_and_its_place() {
    const VIEW: Permission = school::CATALOGUE.permission("course:view").unwrap();
    assert_eq!(VIEW, school::course::VIEW);
    assert_eq!(school::CATALOGUE.permission("course:nothing"), None);
    assert_eq!(format!("{:?}", school::order::REFUND), "Permission(order:refund)");
    let modules = school::CATALOGUE.modules();
    assert_eq!((modules[0].name, modules[0].label.in_lang(Lang::Zh)), ("course", "课程"));
    let sensitive: Vec<_> =
        school::CATALOGUE.entries().filter(|entry| entry.sensitive).map(|it| it.name).collect();
    assert_eq!(sensitive, ["order:refund"]);
    assert_eq!(school::CATALOGUE.entry("order:refund").unwrap().label.in_lang(Lang::En), "Refund an order");
}

#[test]
fn declared_permissions_are_registered_and_others_denied() {
    let policy = Policy::compile_with(school::CATALOGUE, &world().0).unwrap();
    let alice = policy.at(UnixMillis::EPOCH).subject_str("alice").unwrap();
    assert!(alice.can(school::course::VIEW) && alice.can(school::course::EDIT));
    assert!(!alice.can(school::order::REFUND) && !alice.can(perm::user::VIEW));
    let ids = [school::course::VIEW, school::order::REFUND].map(PermissionId::from);
    assert!(alice.can_any(&ids) && !alice.can_all(&ids) && alice.can_all(&ids[..1]) && alice.can_all(&[]));
    assert!(!alice.can_any(&[]));
    for entry in school::CATALOGUE.entries().chain(perm::CATALOGUE.entries()) {
        let declared =
            school::CATALOGUE.permission(entry.name).or(perm::CATALOGUE.permission(entry.name)).unwrap();
        assert_eq!(policy.permission(&name(entry.name)), Some(declared.into()));
        assert_eq!(policy.name(declared), Some(&name(entry.name)));
    }
    // The same names in another order are another catalogue, and a policy without one knows only the crate's own.
    assert!(!alice.can(other::course::VIEW));
    let bare = Policy::compile(&world().permissions(&["course:view"]).0).unwrap();
    let bare = bare.at(UnixMillis::EPOCH);
    assert!(!bare.subject_str("alice").unwrap().can(school::course::VIEW));
    assert_eq!(bare.what_can(&name("alice")), [name("course:view")]);
}

#[test]
fn rows_that_register_what_is_declared_change_nothing() {
    let mut rows = world().permissions(&["course:view", "rbac:user:view", "extra"]).0;
    rows.grants.insert(Grant::new(name("clerk"), name("extra")), Effect::Allow);
    let policy = Policy::compile_with(school::CATALOGUE, &rows).unwrap();
    let declared = school::CATALOGUE.entries().chain(perm::CATALOGUE.entries()).count();
    assert_eq!(policy.permissions().len(), declared + 1);
    assert_eq!(policy.problems(), []);
    let alice = policy.at(UnixMillis::EPOCH).subject_str("alice").unwrap();
    assert!(alice.can(school::course::VIEW) && alice.can(policy.permission(&name("extra")).unwrap()));
    assert_eq!(alice.permissions(), ["course:edit", "course:view", "extra"].map(name));
}

#[test]
fn what_guards_the_policy_is_declared() {
    let sensitive = perm::CATALOGUE.entries().filter(|entry| entry.sensitive).map(|entry| entry.name);
    assert_eq!(
        sensitive.collect::<Vec<_>>(),
        ["rbac:user:assign", "rbac:role:edit", "rbac:duty:edit", "rbac:escalate"]
    );
    let root =
        Build::default().users(&["root"]).roles(&["root"]).allow("root", "rbac:*").assign("root", "root");
    let policy = Policy::compile(&root.0).unwrap();
    assert_eq!(policy.at(UnixMillis::EPOCH).what_can(&name("root")).len(), 11);
}
