//! Who may what, and why: permissions declared in code, roles that inherit, a denial, cover until midnight, duties that
//! are kept apart, the rows that somebody sees, and the reasons in two languages.
//!
//! `cargo run -p examples --bin roles`

use std::error::Error;
use std::sync::Arc;

use rbac::{
    Actor, Applied, DataScope, DepartmentId, Dialect, Duty, DutyKind, Lang, Live, MemoryStore, ScopeColumns,
    UnixMillis, UserId,
};

rbac::permissions! {
    mod may {
        course("课程", "Courses") {
            VIEW = "course:view" ("查看课程", "See courses"),
            EDIT = "course:edit" ("编辑课程", "Change courses"),
        }
        refund("退款", "Refunds") {
            ASK = "refund:ask" ("申请退款", "Ask for a refund"),
            APPROVE = "refund:approve" ("批准退款", "Approve a refund") sensitive,
        }
    }
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]
async fn main() -> Result<(), Box<dyn Error>> {
    let noon = UnixMillis::new(1_767_268_800_000)?;
    let midnight = noon.plus_millis(12 * 60 * 60 * 1_000);
    let live = Live::builder(Arc::new(MemoryStore::default())).catalogue(may::CATALOGUE).load(noon).await?;
    let (setup, mei, north) =
        (Actor::System("setup".parse()?), "mei".parse::<UserId>()?, DepartmentId::new(7));

    let mut tx = live.tx(setup.clone()).add_department(north, "North".parse()?, None);
    for role in ["reader", "editor", "trainee", "asker", "approver"] {
        tx = tx.add_role(role.parse()?, role.parse()?);
    }
    let duty =
        Duty::new("Refunds".parse()?, DutyKind::Static, 2, ["asker".parse()?, "approver".parse()?].into());
    let applied = tx
        .grant("reader".parse()?, "course:view".parse()?)
        .open_rows("reader".parse()?, DataScope::OwnDepartment)
        .grant("editor".parse()?, "course:*".parse()?)
        .inherit("editor".parse()?, "reader".parse()?)
        .deny("trainee".parse()?, "course:edit".parse()?)
        .grant("asker".parse()?, "refund:ask".parse()?)
        .grant("approver".parse()?, "refund:*".parse()?)
        .set_duty("refunds".parse()?, duty)
        .add_user(mei.clone(), "Mei".parse()?)
        .move_user(mei.clone(), Some(north))
        .assign(mei.clone(), "asker".parse()?)
        .assign(mei.clone(), "editor".parse()?)
        .until(midnight)
        .commit(noon)
        .await?;
    println!("{applied:?}");

    // In a request: one policy, one moment, one user. A check is a constant and a few nanoseconds.
    let policy = live.policy(noon)?;
    let user = policy.at(noon).subject(&mei).ok_or("mei was added")?;
    println!("edit: {}, approve: {}", user.can(may::course::EDIT), user.can(may::refund::APPROVE));
    println!("{}\n", policy.at(midnight).explain(&mei, &"course:edit".parse()?)?);

    // The rows that she sees, as a condition with bound values.
    let columns = ScopeColumns::new("course.department".parse()?, "course.owner".parse()?);
    let rows = user.scope(may::course::VIEW).predicate(Dialect::Postgres, &columns, &mei, 1)?;
    println!("SELECT title FROM course WHERE {} -- {:?}\n", rows.sql(), rows.binds());

    // Who asks for refunds must not approve them; and whoever learns does not edit, whatever the other roles say.
    let both = live.tx(setup.clone()).assign(mei.clone(), "approver".parse()?).commit(noon).await?;
    if let Applied::Refused(refused) = both {
        println!("{}\n{}\n", refused.words(Lang::En), refused.words(Lang::Zh));
    }
    println!("{:?}", live.tx(setup).assign(mei.clone(), "trainee".parse()?).commit(noon).await?);
    let why = live.policy(noon)?.at(noon).explain(&mei, &"course:edit".parse()?)?;
    println!("{}\n{}", why.words(Lang::En), why.words(Lang::Zh));
    Ok(())
}
