//! Forms as a browser without a script sends them: done, previewed, refused in words on the page they came from.

use reqwest::StatusCode;

use super::Desk;

#[tokio::test]
async fn a_form_is_done_or_refused_on_its_page() {
    let desk = Desk::open().await;
    let give = |role: &'static str| {
        [
            ("kind", "assign"),
            ("user", "u2010"),
            ("role", role),
            ("back", "/admin/users/u2010"),
            ("until", "2030-01-01"),
        ]
    };
    let done = desk.form(&give("sales"), &desk.cookie).await;
    assert_eq!(
        (done.status(), done.headers()["location"].to_str().unwrap()),
        (StatusCode::SEE_OTHER, "/admin/users/u2010?done=2")
    );
    let page = desk.get("/admin/users/u2010?done=2", &desk.cookie).await.text().await.unwrap();
    assert!(page.contains("Saved as version 2") && page.contains("2030-01-01"), "{page}");

    let refused = desk.form(&give("auditor"), &desk.cookie).await;
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    let page = refused.text().await.unwrap();
    assert!(page.contains("id=\"notice\" role=\"alert\"") && page.contains("money"), "{page}");
    let chinese = format!("{}; look=zh.dark", desk.cookie);
    let page = desk.form(&give("auditor"), &chinese).await.text().await.unwrap();
    assert!(page.contains("<html lang=\"zh-CN\" data-theme=\"dark\">") && page.contains("职责"), "{page}");
    // What cannot be read is said as well, and an address elsewhere is not followed.
    let odd = desk.form(&[("kind", "conquer"), ("back", "/admin/roles")], &desk.cookie).await;
    assert_eq!(odd.status(), StatusCode::BAD_REQUEST);
    assert!(odd.text().await.unwrap().contains("no kind of change"));
    let fields = [("kind", "unassign"), ("user", "u2010"), ("role", "sales"), ("back", "//evil.example/")];
    let away = desk.form(&fields, &desk.cookie).await;
    assert!(!away.headers()["location"].to_str().unwrap().contains("evil"), "{:?}", away.headers());
}

#[tokio::test]
async fn many_users_are_changed_where_they_need_it() {
    let desk = Desk::open().await;
    let give = [
        ("kind", "assign"),
        ("user", "u2003"),
        ("user", "u2014"),
        ("role", "teacher"),
        ("back", "/admin/users"),
        ("expected", "1"),
    ];
    let mut tried = give.to_vec();
    tried.push(("preview", "yes"));
    let page = desk.form(&tried, &desk.cookie).await.text().await.unwrap();
    assert!(page.contains("id=\"skipped\"><span class=\"num\">1</span>"), "{page}");
    // What is confirmed is what was shown: one of the two had the role.
    let (_, confirm) = page.split_once("id=\"confirm\"").unwrap();
    assert!(confirm.contains("u2014") && !confirm.contains("u2003"), "{confirm}");
    let done = desk.form(&give, &desk.cookie).await;
    assert_eq!(done.status(), StatusCode::SEE_OTHER);
    let user = desk.json("/users/u2014").await;
    assert!(user["assignments"].to_string().contains("teacher"), "{user}");
}

#[tokio::test]
async fn a_form_is_for_the_version_it_names() {
    let desk = Desk::open().await;
    for (expected, status) in [
        ("one", StatusCode::BAD_REQUEST),
        ("99", StatusCode::PRECONDITION_FAILED),
        ("1", StatusCode::SEE_OTHER),
        ("1", StatusCode::PRECONDITION_FAILED),
    ] {
        let move_both = [
            ("kind", "move_user"),
            ("user", "u2003"),
            ("user", "u2014"),
            ("department", "11"),
            ("back", "/admin/users"),
            ("expected", expected),
        ];
        assert_eq!(desk.form(&move_both, &desk.cookie).await.status(), status, "{expected}");
    }
    for (expected, status) in [
        ("two", StatusCode::BAD_REQUEST),
        ("1", StatusCode::PRECONDITION_FAILED),
        ("2", StatusCode::SEE_OTHER),
    ] {
        let request = desk.http.post(desk.url("/admin/audit/2/revert")).header("cookie", &desk.cookie);
        let reply = request.form(&[("expected", expected)]).send().await.unwrap();
        assert_eq!(reply.status(), status, "{expected}");
    }
}

#[tokio::test]
async fn circles_and_lock_outs_are_refused_with_their_way() {
    let desk = Desk::open().await;
    let circle = [
        ("kind", "inherit"),
        ("role", "member"),
        ("junior", "head-teacher"),
        ("back", "/admin/roles/member"),
    ];
    let page = desk.form(&circle, &desk.cookie).await.text().await.unwrap();
    let (_, notice) = page.split_once("id=\"notice\"").unwrap();
    let (notice, _) = notice.split_once("</p>").unwrap();
    for role in ["member", "teacher", "head-teacher"] {
        assert!(notice.contains(role), "{notice}");
    }
    let own =
        [("kind", "unassign"), ("user", "u1004"), ("role", "administrator"), ("back", "/admin/users/u1004")];
    assert_eq!(desk.form(&own, &desk.cookie).await.status(), StatusCode::CONFLICT);
    let student = desk.sign_in("lilei").await;
    assert_eq!(desk.form(&circle, &student).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(desk.get("/admin", &student).await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn every_room_opens_in_both_languages() {
    let desk = Desk::open().await;
    let rooms = [
        "overview",
        "users",
        "users/u1003?why=course:edit",
        "users/u2005?why=course:edit&domain=campus-east",
        "departments",
        "expiry",
        "domains",
        "domains/campus-east",
        "cases",
        "transfer",
        "online",
        "roles",
        "roles/head-teacher",
        "matrix",
        "matrix?role=teacher&role=trainee",
        "permissions",
        "graph",
        "duties",
        "who-can",
        "who-can?permission=lab:open",
        "audit",
        "audit/1",
        "sales",
        "orders",
        "reconcile",
    ];
    for look in ["en.light", "zh.dark"] {
        for room in rooms {
            let reply = desk.get(&format!("/admin/{room}"), &format!("{}; look={look}", desk.cookie)).await;
            assert_eq!(reply.status(), StatusCode::OK, "{room}");
            let policy = reply.headers()["content-security-policy"].to_str().unwrap().to_owned();
            assert!(policy.contains("script-src 'self'; style-src 'self'"), "{policy}");
            let page = reply.text().await.unwrap();
            for inline in [" style=", "<style", " onclick", "<script>"] {
                assert!(!page.contains(inline), "{inline} in {room}");
            }
            assert!(page.contains("aria-current=\"page\""), "{room} is not in the menu");
        }
    }
    for gone in ["users/nobody", "roles/none", "audit/99", "audit/x"] {
        assert_eq!(
            desk.get(&format!("/admin/{gone}"), &desk.cookie).await.status(),
            StatusCode::NOT_FOUND,
            "{gone}"
        );
    }
}
