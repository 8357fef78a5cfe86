//! The matrix by mouse and keyboard: edits are collected, shown with what they come to, and saved against one version.

use super::browser::Office;

#[tokio::test(flavor = "multi_thread")]
async fn edits_are_collected_previewed_and_saved() {
    let Some(office) = Office::open("admin").await else { return };
    office.go("/admin/matrix").await;
    office.browser.wait_for("td.cell[data-role=trainee][data-state=denied]").await;
    office.browser.wait_for("td.cell[data-role=administrator][data-state=wildcard]").await;
    office.browser.wait_for("td.cell[data-role=teacher][data-state=inherited]").await;
    office.browser.screenshot("office-matrix").await;
    let cell =
        |role: &str, permission: &str| format!("tr[data-permission='{permission}'] td[data-role='{role}']");
    // By mouse, then by keyboard to the cell below, which is turned twice.
    office.browser.click(&cell("sales", "course:edit")).await;
    office.browser.wait_until_holds("#matrix-save [data-count]", "1").await;
    office.press("ArrowDown").await;
    for count in ["2", "2"] {
        office.press(" ").await;
        office.browser.wait_until_holds("#matrix-save [data-count]", count).await;
    }
    office.browser.screenshot("office-matrix-edited").await;
    office.browser.click("#matrix-save button[type=submit]").await;
    office.browser.wait_for("#changes li").await;
    office.browser.wait_for("#effects [data-user=u2008]").await;
    office.browser.wait_for("#effects [data-gained='course:edit']").await;
    office.browser.screenshot("office-matrix-preview").await;

    // Somebody else is faster: what was thought out is not made.
    office.browser.script(
        "return fetch('/api/v1/admin/users/u2016/roles/student', { method: 'PUT' }).then(reply => reply.status)",
    ).await;
    office.browser.fill("#confirm input[name=reason]", "season opening").await;
    office.browser.click("#confirm button").await;
    office.browser.wait_for("#notice.bad").await;
    office.browser.screenshot("office-matrix-overtaken").await;

    office.browser.click(&cell("sales", "course:edit")).await;
    office.browser.click("#matrix-save button[type=submit]").await;
    office.browser.click("#confirm button").await;
    office.browser.wait_for("#notice.good").await;
    office.browser.wait_for(&format!("{}[data-state=direct]", cell("sales", "course:edit"))).await;
    office.close().await;
}
