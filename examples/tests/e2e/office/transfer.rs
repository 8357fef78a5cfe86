//! The policy taken out and others brought in; and policy cases against the policy in force and a draft.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::Desk;
use super::browser::Office;
use crate::api::refusal;

/// Two users, a role of theirs, and a rule that asks for what is not there.
const CASBIN: &str =
    "p, editor, course, edit\np, editor, course, view\ng, alice, editor\ng, bob, editor\np, broken\n";
const MODEL: &str = "[request_definition]\nr = sub, obj, act\n[policy_definition]\np = sub, obj, act\n[role_definition]\n\
                     g = _, _\n[policy_effect]\ne = some(where (p.eft == allow))\n[matchers]\n\
                     m = g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act\n";

#[tokio::test]
async fn what_is_taken_out_comes_in_again() {
    let desk = Desk::open().await;
    let json_file = desk.get("/admin/export/policy.json", &desk.cookie).await;
    assert_eq!(json_file.headers()["content-disposition"], "attachment; filename=\"policy.json\"");
    let text = json_file.text().await.unwrap();
    let csv = desk.get("/api/v1/admin/policy/export/policy.csv", &desk.cookie).await.text().await.unwrap();
    assert!(csv.starts_with("kind,name,") && csv.contains("\nuser,u1004,"), "{csv}");
    let import = |format: &str, text: &str| json!({ "format": format, "text": text, "preview": true });
    for (format, text) in [("json", &text), ("csv", &csv)] {
        let report = desk.send("POST", "/policy/import", &desk.cookie, &import(format, text)).await;
        let report: Value = report.json().await.unwrap();
        let report = &report["report"];
        assert_eq!(
            (&report["left_out_count"], &report["change_count"], &report["conflict_count"]),
            (&json!(0), &json!(0), &json!(0)),
            "{report}"
        );
        let users =
            report["carried"].as_array().unwrap().iter().find(|kind| kind["kind"] == "users").unwrap();
        assert_eq!(users["count"], 22);
    }
    // Everything in it: only for those who see everybody.
    let teacher = desk.sign_in("teacher.wu").await;
    desk.send("PUT", "/users/u1003/roles/head-teacher", &desk.cookie, &json!({})).await;
    for path in ["/admin/export/policy.json", "/admin/transfer", "/admin/cases"] {
        assert_eq!(desk.get(path, &teacher).await.status(), StatusCode::FORBIDDEN, "{path}");
    }
    let asked = desk.send("POST", "/policy/import", &teacher, &json!({ "odd": 1 })).await;
    assert_eq!(refusal(asked).await, (StatusCode::FORBIDDEN, "forbidden".into()));
    assert_eq!(desk.get("/admin/export/policy.exe", &desk.cookie).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_import_is_tried_out_and_made_against_one_version() {
    let desk = Desk::open().await;
    let mut body = json!({ "format": "casbin", "text": CASBIN, "model": MODEL, "preview": true });
    let tried: Value = desk.send("POST", "/policy/import", &desk.cookie, &body).await.json().await.unwrap();
    let report = &tried["report"];
    assert_eq!((&tried["version"], &report["refused"]), (&Value::Null, &Value::Null), "{tried}");
    assert_eq!(report["left_out_count"], 1, "{tried}");
    assert!(report["left_out"][0]["place"].as_str().unwrap().contains("line 5"), "{tried}");
    assert!(report["effects"].to_string().contains("alice"), "{tried}");
    assert_eq!(desk.json("/users").await["count"], 22);
    body["preview"] = json!(false);
    body["expected"] = json!(7);
    let late = desk.send("POST", "/policy/import", &desk.cookie, &body).await;
    assert_eq!(refusal(late).await, (StatusCode::PRECONDITION_FAILED, "changed".into()));
    body["expected"] = json!(1);
    let made = desk.send("POST", "/policy/import", &desk.cookie, &body).await;
    assert_eq!(made.status(), StatusCode::CREATED);
    assert_eq!(desk.json("/explain?user=alice&permission=course:edit").await["permitted"], true);
    assert_eq!(desk.json("/audit").await["results"][0]["reason"], "import casbin");
    // A second time all of it is there.
    body.as_object_mut().unwrap().remove("expected");
    let again: Value = desk.send("POST", "/policy/import", &desk.cookie, &body).await.json().await.unwrap();
    assert_eq!((&again["version"], &again["report"]["change_count"]), (&Value::Null, &json!(0)));
    for (format, text) in [
        (
            "kubernetes",
            "kind: Role\nmetadata: {name: a, namespace: b}\nrules: []\napiVersion: rbac.authorization.k8s.io/v1\n",
        ),
        ("django", "[]"),
        ("ruoyi", "INSERT INTO `sys_role` VALUES (1);"),
    ] {
        let body = json!({ "format": format, "text": text, "preview": true });
        let read = desk.send("POST", "/policy/import", &desk.cookie, &body).await;
        assert!([StatusCode::OK, StatusCode::BAD_REQUEST].contains(&read.status()), "{format}");
    }
    let odd = json!({ "format": "json", "text": "{", "preview": true });
    let odd = desk.send("POST", "/policy/import", &desk.cookie, &odd).await;
    assert_eq!(refusal(odd).await, (StatusCode::BAD_REQUEST, "invalid".into()));
    // A registrar imports no roles: the rules of every change hold.
    let teacher = desk.sign_in("teacher.wu").await;
    desk.send("PUT", "/users/u1003/roles/registrar", &desk.cookie, &json!({})).await;
    let roles = json!({ "format": "csv", "text": "kind,name,status\nrole,king,enabled\n" });
    let refused = desk.send("POST", "/policy/import", &teacher, &roles).await;
    assert_eq!(refusal(refused).await, (StatusCode::FORBIDDEN, "forbidden".into()));
}

#[tokio::test]
async fn cases_are_asked_of_the_policy_and_of_a_draft() {
    let desk = Desk::open().await;
    let cases = "u1003 may course:edit\nu2014 may payment:view\nu2010 may payment:view\n";
    let draft = json!([{ "kind": "assign", "user": "u2014", "role": "cashier" }, { "kind": "unassign", "user": "u2010", "role": "cashier" }]);
    let run = |cases: &str, changes: Value| json!({ "cases": cases, "changes": changes });
    let answer = desk.send("POST", "/policy/cases", &desk.cookie, &run(cases, draft)).await;
    let trial = &answer.json::<Value>().await.unwrap()["trial"];
    assert_eq!(
        (&trial["cases"], &trial["live_failures"], &trial["draft_failures"]),
        (&json!(3), &json!(1), &json!(1))
    );
    let lines = trial["failures"].as_array().unwrap();
    assert_eq!(
        (&lines[0]["place"], &lines[0]["draft"], &lines[1]["live"]),
        (&json!("line 2"), &json!(""), &json!(""))
    );
    assert!(
        lines[0]["live"].as_str().unwrap().contains("u2014")
            && lines[1]["draft"].as_str().unwrap().contains("u2010")
    );
    // Nothing was changed, and a draft that would be refused is none.
    assert_eq!(desk.json("/audit").await["results"][0]["version"], 1);
    let refused = json!([{ "kind": "assign", "user": "u2010", "role": "auditor" }]);
    let answer = desk.send("POST", "/policy/cases", &desk.cookie, &run(cases, refused)).await;
    let trial = &answer.json::<Value>().await.unwrap()["trial"];
    assert_eq!(trial["draft_failures"], Value::Null);
    assert!(trial["refused"].as_str().unwrap().contains("money"), "{trial}");
    for odd in ["u1003 might course:edit", "# nothing"] {
        let answer = desk.send("POST", "/policy/cases", &desk.cookie, &run(odd, json!([]))).await;
        assert_eq!(refusal(answer).await, (StatusCode::BAD_REQUEST, "invalid".into()), "{odd}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_casbin_policy_is_imported_in_the_browser() {
    let Some(office) = Office::open("admin").await else { return };
    office.go("/admin/transfer").await;
    office.choose("#format", "casbin").await;
    for (field, text) in [("model", MODEL), ("text", CASBIN)] {
        office.browser.fill(&format!("#{field}"), text).await;
    }
    office.browser.screenshot("office-transfer").await;
    office.browser.click("#import button").await;
    office.browser.wait_for("#left-out tbody tr").await;
    office.browser.wait_for("#effects [data-gained='course:edit']").await;
    office.browser.screenshot("office-transfer-report").await;
    office.browser.click("#confirm button").await;
    office.browser.wait_for("#notice.good").await;
    office.go("/admin/users?q=alice").await;
    office.browser.wait_for("tr[data-user=alice]").await;
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_are_run_against_a_preview_in_the_browser() {
    let Some(office) = Office::open("admin").await else { return };
    office.go("/admin/cases").await;
    office.browser.click("[data-sample]").await;
    office.browser.click("#cases .buttons button").await;
    office.browser.wait_for("#trial[data-live='0']").await;
    office.browser.screenshot("office-cases-good").await;
    office.go("/admin/roles/head-teacher").await;
    office.browser.click("#scope input[value=all]").await;
    office.browser.click("#scope button[name=preview]").await;
    office.browser.wait_for("#effects [data-rows]").await;
    office.browser.screenshot("office-preview-rows").await;
    office.browser.click("#to-cases button").await;
    office.browser.wait_for("#draft ol li").await;
    let lines =
        "u1003 may course:edit\nu2005 may course:edit\nwho can payment:reconcile: u1004, u1005, u2013\n";
    office.browser.fill("#cases-text", lines).await;
    office.browser.click("#cases .buttons button").await;
    office.browser.wait_for("#trial[data-live='1'][data-draft='1']").await;
    office.browser.screenshot("office-cases-draft").await;
    office.close().await;
}
