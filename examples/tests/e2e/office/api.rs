//! The same functions for programs: lists, patches, explanations, previews, changes, the audit trail.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::Desk;
use crate::api::refusal;

#[tokio::test]
async fn users_are_found_and_patched() {
    let desk = Desk::open().await;
    let all = desk.json("/users").await;
    assert_eq!((all["count"].as_u64(), all["results"].as_array().unwrap().len()), (Some(22), 20));
    assert!(all["next"].as_str().unwrap().ends_with("/api/v1/admin/users?page=2"), "{}", all["next"]);
    assert_eq!(desk.json("/users?page=2").await["results"].as_array().unwrap().len(), 2);
    assert_eq!(desk.json("/users?role=trainee&department=11").await["count"], 1);
    assert_eq!(desk.json("/users?active=no").await["results"][0]["id"], "u2017");
    assert_eq!(desk.json("/users?q=wu%20lan").await["results"][0]["roles"], json!(["teacher"]));

    let patch = json!({ "active": true, "department": 12, "display_name": "Cao Yang 曹阳" });
    let reply = desk.send("PATCH", "/users/u2017", &desk.cookie, &patch).await;
    let user: Value = reply.json().await.unwrap();
    assert_eq!(
        (&user["active"], &user["department"], &user["display_name"]),
        (&json!(true), &json!(12), &json!("Cao Yang 曹阳"))
    );
    let none = desk.send("PATCH", "/users/u2017", &desk.cookie, &json!({ "department": null })).await;
    assert_eq!(none.json::<Value>().await.unwrap()["department"], Value::Null);
    assert_eq!(desk.json("/users?department=-").await["results"][0]["id"], "u2017");
    let odd = desk.send("PATCH", "/users/u2017", &desk.cookie, &json!({ "password": "x" })).await;
    assert_eq!(refusal(odd).await, (StatusCode::BAD_REQUEST, "invalid_body".into()));
    let gone = desk.send("PATCH", "/users/u9", &desk.cookie, &json!({ "active": false })).await;
    assert_eq!(refusal(gone).await, (StatusCode::NOT_FOUND, "not_found".into()));
}

#[tokio::test]
async fn answers_name_what_they_rest_on() {
    let desk = Desk::open().await;
    let why = desk.json("/explain?user=u1003&permission=course:view").await;
    let way: Vec<_> =
        why["because"].as_array().unwrap().iter().map(|step| step["name"].as_str().unwrap()).collect();
    assert_eq!(
        (why["permitted"].as_bool(), way),
        (Some(true), vec!["u1003", "teacher", "member", "course:view"])
    );
    // A trainee has what a teacher has, but one thing is denied.
    let why = desk.json("/explain?user=u2005&permission=course:edit").await;
    assert_eq!((why["permitted"].as_bool(), &why["because"][2]["kind"]), (Some(false), &json!("deny")));
    assert_eq!(why["overruled"].as_array().unwrap().last().unwrap()["kind"], "allow");
    let who = desk.json("/who-can?permission=payment:refund").await;
    let users: Vec<_> =
        who["results"].as_array().unwrap().iter().map(|holder| holder["user"].as_str().unwrap()).collect();
    assert_eq!(users, ["u1004", "u1005", "u2010", "u2011", "u2013"]);
    // In one domain somebody is a registrar, elsewhere not.
    let count = |who: Value| who["count"].as_u64().unwrap();
    let everywhere = count(desk.json("/who-can?permission=rbac:user:edit").await);
    let east = count(desk.json("/who-can?permission=rbac:user:edit&domain=campus-east").await);
    assert_eq!(east, everywhere + 1);
    let unknown = desk.get("/api/v1/admin/who-can?permission=course:burn", &desk.cookie).await;
    assert_eq!(refusal(unknown).await, (StatusCode::BAD_REQUEST, "unknown_permission".into()));
    assert!(desk.json("/permissions").await["results"].as_array().unwrap().len() > 15);
    assert_eq!(desk.json("/assignments").await["results"][0]["user"], "u2009");
}

#[tokio::test]
async fn changes_are_tried_out_made_and_taken_back() {
    let desk = Desk::open().await;
    let body = json!({ "changes": [{ "kind": "assign", "user": "u2014", "role": "cashier" }], "reason": "stand-in", "expected": 1 });
    let preview: Value =
        desk.send("POST", "/policy/preview", &desk.cookie, &body).await.json().await.unwrap();
    assert_eq!(preview["refused"], Value::Null);
    let gained: Vec<_> = preview["effects"][0]["gained"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(gained, ["payment:refund", "payment:view"]);
    assert_eq!(desk.json("/explain?user=u2014&permission=payment:view").await["permitted"], false);

    let made = desk.send("POST", "/policy/changes", &desk.cookie, &body).await;
    assert_eq!(
        (made.status(), made.json::<Value>().await.unwrap()),
        (StatusCode::CREATED, json!({ "version": 2 }))
    );
    assert_eq!(desk.json("/explain?user=u2014&permission=payment:view").await["permitted"], true);
    // Thought out for version 1, which is over.
    let late = desk.send("POST", "/policy/changes", &desk.cookie, &body).await;
    assert_eq!(refusal(late).await, (StatusCode::PRECONDITION_FAILED, "changed".into()));
    // Who moves money does not audit it.
    let both = json!({ "changes": [{ "kind": "assign", "user": "u2014", "role": "auditor" }] });
    let refused = desk.send("POST", "/policy/changes", &desk.cookie, &both).await;
    assert_eq!(refusal(refused).await, (StatusCode::CONFLICT, "refused".into()));

    let trail = desk.json("/audit").await;
    assert_eq!(
        (&trail["results"][0]["version"], &trail["results"][0]["reason"]),
        (&json!(2), &json!("stand-in"))
    );
    let back = desk.send("POST", "/audit/2/revert", &desk.cookie, &json!({})).await;
    assert_eq!(back.json::<Value>().await.unwrap(), json!({ "version": 3 }));
    assert_eq!(desk.json("/explain?user=u2014&permission=payment:view").await["permitted"], false);
}

#[tokio::test]
async fn nobody_gives_what_they_do_not_hold_or_sees_whom_they_may_not() {
    let desk = Desk::open().await;
    let teacher = desk.sign_in("teacher.wu").await;
    let closed = desk.get("/api/v1/admin/users", &teacher).await;
    assert_eq!(refusal(closed).await, (StatusCode::FORBIDDEN, "forbidden".into()));
    // A head of the department sees those who work in it.
    let head = desk.send("PUT", "/users/u1003/roles/head-teacher", &desk.cookie, &json!({})).await;
    assert_eq!(head.status(), 204);
    let seen: Value = desk.get("/api/v1/admin/users", &teacher).await.json().await.unwrap();
    let departments: Vec<_> =
        seen["results"].as_array().unwrap().iter().map(|user| &user["department"]).collect();
    assert!(
        !departments.is_empty() && departments.iter().all(|department| **department == json!(11)),
        "{departments:?}"
    );
    let hidden = desk.get("/api/v1/admin/users/u1005", &teacher).await;
    assert_eq!(refusal(hidden).await, (StatusCode::NOT_FOUND, "not_found".into()));
    let foreign = desk.get("/api/v1/admin/explain?user=u1005&permission=course:view", &teacher).await;
    assert_eq!(refusal(foreign).await, (StatusCode::NOT_FOUND, "not_found".into()));

    // A registrar gives roles, but not an administrator's, and does not edit roles.
    let registrar = desk.send("PUT", "/users/u1003/roles/registrar", &desk.cookie, &json!({})).await;
    assert_eq!(registrar.status(), 204);
    let member = desk.send("PUT", "/users/u2017/roles/member", &teacher, &json!({})).await;
    assert_eq!(member.status(), 204);
    for (role, user) in [("administrator", "u1003"), ("finance", "u2014")] {
        let escalation = desk.send("PUT", &format!("/users/{user}/roles/{role}"), &teacher, &json!({})).await;
        assert_eq!(refusal(escalation).await, (StatusCode::FORBIDDEN, "forbidden".into()));
    }
    let scope = desk.send("PATCH", "/roles/teacher", &teacher, &json!({ "data_scope": "all" })).await;
    assert_eq!(refusal(scope).await, (StatusCode::FORBIDDEN, "forbidden".into()));
}

#[tokio::test]
async fn a_batch_is_made_as_it_is_written() {
    let desk = Desk::open().await;
    let denied = |kind: &str| json!({ "kind": kind, "role": "trainee", "pattern": "course:edit" });
    // A denial that is taken and given again is there at the end.
    let again = json!({ "changes": [denied("revoke"), denied("deny")] });
    let preview: Value =
        desk.send("POST", "/policy/preview", &desk.cookie, &again).await.json().await.unwrap();
    assert_eq!(preview["changes"].as_array().unwrap().len(), 2, "{preview}");
    desk.send("POST", "/policy/changes", &desk.cookie, &again).await;
    assert_eq!(desk.json("/explain?user=u2005&permission=course:edit").await["permitted"], false);
    // What is so already is said, not passed over.
    let so = json!({ "changes": [denied("deny"), { "kind": "activate", "user": "u2017" }] });
    let refused = desk.send("POST", "/policy/changes", &desk.cookie, &so).await;
    assert_eq!(refusal(refused).await, (StatusCode::CONFLICT, "refused".into()));
}

#[tokio::test]
async fn a_preview_tells_nothing_of_users_out_of_reach() {
    let desk = Desk::open().await;
    let teacher = desk.sign_in("teacher.wu").await;
    let give = |user: &str| json!({ "changes": [{ "kind": "assign", "user": user, "role": "cashier" }] });
    for path in ["/policy/preview", "/policy/changes"] {
        // Who has no business in the back office does not hear whether the body could be read.
        let closed = desk.send("POST", path, &teacher, &json!({ "odd": 1 })).await;
        assert_eq!(refusal(closed).await, (StatusCode::FORBIDDEN, "forbidden".into()), "{path}");
    }
    // A head of department 11 sees u2015 and not u2016, and gives no roles.
    desk.send("PUT", "/users/u1003/roles/head-teacher", &desk.cookie, &json!({})).await;
    let chinese = format!("{teacher}; look=zh.light");
    for user in ["u2015", "u2016"] {
        let preview: Value =
            desk.send("POST", "/policy/preview", &chinese, &give(user)).await.json().await.unwrap();
        assert_ne!(preview["refused"], Value::Null, "{preview}");
        assert_eq!(preview["effects"], json!([]), "{preview}");
        assert!(!preview["changes"].to_string().contains("Han Lu"), "{preview}");
    }
    // A registrar of that department alone gives roles in it; u2016 is out of reach.
    desk.send("PATCH", "/roles/registrar", &desk.cookie, &json!({ "data_scope": "department" })).await;
    desk.send("PUT", "/users/u1003/roles/registrar", &desk.cookie, &json!({})).await;
    let student = json!({ "changes": [{ "kind": "assign", "user": "u2016", "role": "teacher" }] });
    let preview: Value = desk.send("POST", "/policy/preview", &chinese, &student).await.json().await.unwrap();
    assert!(preview["refused"]["detail"].as_str().unwrap().contains("u2016"), "{preview}");
    assert!(
        preview["effects"] == json!([]) && !preview["changes"].to_string().contains("Han Lu"),
        "{preview}"
    );
    // A form for several does not count what is so for whom: u2016 is a member, which stays unsaid.
    let fields =
        [("kind", "assign"), ("user", "u2016"), ("user", "u2007"), ("role", "member"), ("preview", "yes")];
    let page = desk.form(&fields, &teacher).await.text().await.unwrap();
    assert!(!page.contains("id=\"skipped\""), "{page}");
}

#[tokio::test]
async fn nothing_is_changed_before_a_refusal() {
    let desk = Desk::open().await;
    let teacher = desk.sign_in("teacher.wu").await;
    // Somebody who edits users and roles and sees neither.
    let changes: Vec<_> = ["rbac:user:edit", "rbac:role:edit", "rbac:escalate"]
        .map(|pattern| json!({ "kind": "allow", "role": "teacher", "pattern": pattern }))
        .into();
    let made = desk.send("POST", "/policy/changes", &desk.cookie, &json!({ "changes": changes })).await;
    assert_eq!(made.status(), StatusCode::CREATED);
    for (see, path, body) in [
        ("rbac:role:view", "/users/u2015", json!({ "active": false })),
        ("rbac:user:view", "/roles/student", json!({ "enabled": false })),
    ] {
        // The other half of the back office is theirs to enter.
        let cell = |kind: &str| json!({ "changes": [{ "kind": kind, "role": "teacher", "pattern": see }] });
        desk.send("POST", "/policy/changes", &desk.cookie, &cell("allow")).await;
        let before = desk.json("/audit").await;
        let refused = desk.send("PATCH", path, &teacher, &body).await;
        assert_eq!(refusal(refused).await, (StatusCode::FORBIDDEN, "forbidden".into()), "{path}");
        assert_eq!(desk.json("/audit").await["results"][0]["version"], before["results"][0]["version"]);
        desk.send("POST", "/policy/changes", &desk.cookie, &cell("revoke")).await;
    }
}

#[tokio::test]
async fn pages_of_the_trail_stay_with_their_actor() {
    let desk = Desk::open().await;
    for at in 0..26 {
        let path = format!("/users/u2017/roles/{}", if at % 4 < 2 { "member" } else { "student" });
        let method = if at % 2 == 0 { "PUT" } else { "DELETE" };
        assert_eq!(desk.send(method, &path, &desk.cookie, &json!({})).await.status(), 204, "{at}");
    }
    let next = desk.json("/audit?actor=u1004").await["next"].as_str().unwrap().to_owned();
    let (_, query) = next.split_once('?').unwrap();
    assert_eq!(query, "below=3&actor=u1004");
    let older = desk.json(&format!("/audit?{query}")).await;
    assert_eq!(older["results"].as_array().unwrap().len(), 1, "{older}");
}
