//! Fixtures of Django.

use rbac::import::{UserKey, django};

use super::{hold, left_out};

const FIXTURE: &str = r#"[
{"model": "contenttypes.contenttype", "pk": 7, "fields": {"app_label": "blog", "model": "post"}},
{"model": "auth.permission", "pk": 21, "fields": {"name": "Can add post", "content_type": 7, "codename": "add_post"}},
{"model": "auth.permission", "pk": 22, "fields": {"name": "Can change post", "content_type": 7, "codename": "change_post"}},
{"model": "auth.permission", "pk": 23, "fields": {"name": "Can view log", "content_type": 9, "codename": "view_log"}},
{"model": "auth.group", "pk": 1, "fields": {"name": "Editors of the blog", "permissions": [21, 22]}},
{"model": "auth.group", "pk": 2, "fields": {"name": "readers", "permissions": [23, 99]}},
{"model": "auth.user", "pk": 1, "fields": {"password": "pbkdf2_sha256$x", "is_superuser": true, "is_staff": true,
 "is_active": true, "username": "root", "first_name": "", "last_name": "", "groups": [], "user_permissions": []}},
{"model": "auth.user", "pk": 2, "fields": {"is_superuser": false, "is_staff": false, "is_active": true,
 "username": "alice", "first_name": "Alice", "last_name": "Li", "groups": [1, 5], "user_permissions": []}},
{"model": "auth.user", "pk": 3, "fields": {"is_superuser": false, "is_active": true, "username": "bob@example.com",
 "groups": [2], "user_permissions": [21]}},
{"model": "auth.user", "pk": 4, "fields": {"is_superuser": true, "is_active": false, "username": "eve",
 "groups": [], "user_permissions": []}},
{"model": "auth.user", "pk": 5, "fields": {"is_superuser": false, "is_active": "yes", "username": "张三",
 "groups": [1], "user_permissions": []}},
{"model": "sessions.session", "pk": "x", "fields": {}},
{"model": "sessions.session", "pk": "y", "fields": {}},
{"what": 1}
]"#;

#[test]
fn groups_permissions_and_superusers_are_carried() {
    let imported = django(FIXTURE, UserKey::Name).unwrap();
    hold(
        &imported.rows,
        "who can blog:add_post: alice, bob@example.com, root
         who can blog:change_post: alice, root
         eve may not blog:add_post because inactive
         root may rbac:escalate
         what can bob@example.com: blog:add_post",
    );
    assert_eq!(imported.rows.users["alice"].label.as_str(), "Alice Li");
    assert_eq!(imported.rows.permissions["blog:add_post"].label.as_str(), "Can add post");
    assert_eq!(imported.rows.roles["group-1"].label.as_str(), "Editors of the blog");
    let renamed: Vec<_> = imported.renamed.iter().map(ToString::to_string).collect();
    assert_eq!(renamed, ["object 5: role `Editors of the blog` is called `group-1` now"]);
    let expected = [
        "object 4: `view_log`: its content type is not in the file; dump `contenttypes` too, or with `--natural-foreign`",
        "object 6: `23`: `permissions` names a permission that is not in the file, or was left out",
        "object 6: `99`: `permissions` names a permission that is not in the file, or was left out",
        "object 7: `root`: `is_staff` opens Django's admin site; grant a permission of your own for yours",
        "object 8: `5`: `groups` names a group that is not in the file",
        "object 11: `\\\"yes\\\"`: `is_active` is neither true nor false; taken as false",
        "object 11: `张三`: user id `张三` holds `张`; use 1 to 255 visible ascii characters",
        "object 12: `sessions.session`: 2 objects of this model, from this one on, are not about who may what",
        "object 14: ``: it has no `model` and `fields`",
    ];
    assert_eq!(left_out(&imported), expected);
}

#[test]
fn users_can_be_known_by_their_number() {
    let imported = django(FIXTURE, UserKey::Number).unwrap();
    assert_eq!(imported.rows.users["5"].label.as_str(), "张三");
    assert!(!imported.rows.users["5"].active);
    hold(&imported.rows, "who can blog:change_post: 1, 2\n5 may not blog:change_post because inactive");
}

#[test]
fn natural_keys_need_no_content_types() {
    let text = r#"[
    {"model": "auth.permission", "fields": {"name": "n", "content_type": ["shop", "order"], "codename": "refund"}},
    {"model": "auth.group", "fields": {"name": "cash", "permissions": [["refund", "shop", "order"]]}},
    {"model": "accounts.member", "pk": 4, "fields": {"email": "a@b.example", "is_superuser": false,
     "groups": [["cash"]], "user_permissions": [["view_x", "other", "x"]]}},
    {"model": "accounts.member", "pk": 5, "fields": {"email": "a@b.example", "is_superuser": true, "groups": [],
     "user_permissions": []}}
    ]"#;
    let imported = django(text, UserKey::Name).unwrap();
    hold(&imported.rows, "what can a@b.example: shop:refund, other:view_x");
    assert_eq!(
        left_out(&imported),
        ["object 4: `a@b.example`: another user has this name; give each a name of its own"]
    );
}

#[test]
fn what_is_no_fixture_is_an_error() {
    for text in ["", "{}", "[1, 2", "[]x", "[{\"a\": }]"] {
        let error = django(text, UserKey::Name).unwrap_err().to_string();
        assert!(error.contains("cannot read the django fixture, line 1, column"), "{error}");
    }
    assert!(left_out(&django("[]", UserKey::Name).unwrap()).is_empty());
}
