//! Each page speaks one language, the audit trail too; and previews tell which rows come and go.

use serde_json::{Value, json};

use super::Desk;

/// The words of a page between its tags, without those that name things in both languages.
fn words(page: &str) -> String {
    let (_, main) = page.split_once("<main").unwrap();
    let parts = main.split('<').filter_map(|part| part.split_once('>'));
    parts.map(|(_, words)| words.trim()).filter(|words| !words.is_empty()).collect::<Vec<_>>().join("\n")
}

fn is_chinese(letter: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&letter)
}

#[tokio::test]
async fn the_schools_rooms_speak_one_language() {
    let desk = Desk::open().await;
    for room in ["sales", "orders", "reconcile"] {
        let shown = |look: &str| format!("{}; look={look}.light", desk.cookie);
        let path = format!("/admin/{room}");
        let english = words(&desk.get(&path, &shown("en")).await.text().await.unwrap());
        assert!(!english.contains(is_chinese), "{room}: {english}");
        let chinese = words(&desk.get(&path, &shown("zh")).await.text().await.unwrap());
        assert!(chinese.contains(is_chinese), "{room}: {chinese}");
        for word in ["Sales", "Orders", "Search", "Compare", "Pause", "Where", "Every", "Ask about"] {
            assert!(!chinese.contains(word), "{word} in {room}: {chinese}");
        }
    }
    let path = "/admin/sales/shell/audit";
    let chinese = desk.get(path, &format!("{}; look=zh.light", desk.cookie)).await.text().await.unwrap();
    assert!(chinese.contains("账目平衡") && !chinese.contains("balance"), "{chinese}");
    let online =
        desk.get("/admin/online", &format!("{}; look=zh.light", desk.cookie)).await.text().await.unwrap();
    assert!(
        online.contains("在线用户") && online.contains("浏览器") && !online.contains("signed in"),
        "{online}"
    );
}

#[tokio::test]
async fn the_trail_speaks_chinese() {
    let desk = Desk::open().await;
    let changes = json!({ "changes": [
        { "kind": "assign", "user": "u2014", "role": "teacher", "domain": "campus-east", "until": "2030-01-01" },
        { "kind": "deny", "role": "member", "pattern": "lab:open" },
        { "kind": "add_department", "department": "13", "label": "艺术教研室", "parent": "10" },
        { "kind": "inherit", "role": "sales", "junior": "student" },
        { "kind": "scope_role", "role": "teacher", "scope": "below" },
    ]});
    assert_eq!(desk.send("POST", "/policy/changes", &desk.cookie, &changes).await.status(), 201);
    // What is gone by now is named all the same.
    let remove = json!({ "changes": [{ "kind": "remove_role", "role": "trainee" }] });
    assert_eq!(desk.send("POST", "/policy/changes", &desk.cookie, &remove).await.status(), 201);
    let chinese = format!("{}; look=zh.light", desk.cookie);
    let trail: Value = desk.get("/api/v1/admin/audit", &chinese).await.json().await.unwrap();
    let told = trail["results"][1]["changes"].as_array().unwrap();
    assert_eq!(told.len(), 5, "{told:?}");
    let all = told.iter().map(|words| words.as_str().unwrap()).collect::<Vec<_>>().join("\n");
    for part in
        ["授予", "2030-01-01", "禁止角色", "新增部门 艺术教研室", "继承", "数据范围设为“本部门及以下”"]
    {
        assert!(all.contains(part), "{part}: {all}");
    }
    assert_eq!(trail["results"][0]["changes"], json!(["删除角色 trainee"]));
    // The first entry fills an empty policy: everything in it is told.
    let seeded = trail["results"][2]["changes"].as_array().unwrap();
    assert!(seeded.len() > 100 && seeded.iter().all(|words| words.as_str().unwrap().contains(is_chinese)));
    let page = desk.get("/admin/audit/2", &chinese).await.text().await.unwrap();
    assert!(page.contains("授予") && !page.contains("assign user"), "{page}");
    let english: Value = desk.get("/api/v1/admin/audit", &desk.cookie).await.json().await.unwrap();
    assert!(english["results"][0]["changes"][0].as_str().unwrap().starts_with("remove role"));
}

#[tokio::test]
async fn previews_tell_which_rows_come_and_go() {
    let desk = Desk::open().await;
    let body = json!({ "changes": [{ "kind": "scope_role", "role": "head-teacher", "scope": "departments", "departments": ["12", "20"] }] });
    let preview: Value =
        desk.send("POST", "/policy/preview", &desk.cookie, &body).await.json().await.unwrap();
    let effects = preview["effects"].as_array().unwrap();
    let of = |user: &str| {
        let about = |effect: &&Value| effect["users"].to_string().contains(user);
        effects.iter().find(about).unwrap_or_else(|| panic!("{user}: {preview}"))["rows"].as_array().unwrap()
    };
    let texts = |rows: &[Value], side: &str| rows.iter().map(|row| row[side].to_string()).collect::<String>();
    // u2001 works in 11 and loses it; u2002 works in 12 and keeps it. Both gain 20.
    let (chen, lin) = (of("u2001"), of("u2002"));
    assert!(
        texts(chen, "gained").contains("Data and Security") && texts(chen, "lost").contains("Programming"),
        "{preview}"
    );
    assert!(
        texts(lin, "gained").contains("Learner Services") && texts(lin, "lost") == "[]".repeat(lin.len()),
        "{preview}"
    );
    assert!(texts(chen, "permissions").contains("rbac:user:view"));
    let page = desk
        .form(
            &[("kind", "scope_role"), ("role", "head-teacher"), ("scope", "all"), ("preview", "yes")],
            &desk.cookie,
        )
        .await;
    let page = page.text().await.unwrap();
    assert!(page.contains("data-rescoped=\"rbac:user:view\"") && page.contains("+ all rows"), "{page}");
}
