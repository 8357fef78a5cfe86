//! Who may what, and why: roles, a hierarchy, a denial, and an explanation.
//!
//! `cargo run -p examples --bin roles`

use std::error::Error;
use std::sync::Arc;

use rbac::{Applied, Change, Effect, Live, MemoryStore, PermissionName, PolicyRows, UserId};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]
async fn main() -> Result<(), Box<dyn Error>> {
    let live = Live::load(Arc::new(MemoryStore::new(PolicyRows::default()))).await?;
    let admin: UserId = "root".parse()?;
    let changes = [
        Change::AddPermission { permission: "course:view".parse()?, label: "See courses".parse()? },
        Change::AddPermission { permission: "course:edit".parse()?, label: "Change courses".parse()? },
        Change::AddRole { role: "reader".parse()?, label: "Reads".parse()? },
        Change::AddRole { role: "editor".parse()?, label: "Edits".parse()? },
        Change::Grant { role: "reader".parse()?, pattern: "course:view".parse()?, effect: Effect::Allow },
        Change::Grant { role: "editor".parse()?, pattern: "course:*".parse()?, effect: Effect::Allow },
        Change::Inherit { senior: "editor".parse()?, junior: "reader".parse()? },
        Change::AddUser { user: "mei".parse()? },
        Change::Assign { user: "mei".parse()?, role: "reader".parse()? },
    ];
    for (at, change) in (1..).zip(&changes) {
        match live.apply(&admin, change, at).await? {
            Applied::Done(version) => println!("version {version}: {change}"),
            Applied::Refused(refusal) => println!("refused: {change}: {refusal}"),
        }
    }

    let (mei, edit): (UserId, PermissionName) = ("mei".parse()?, "course:edit".parse()?);
    println!("\n{}", live.snapshot().explain(&mei, &edit)?);

    let promote = Change::Assign { user: mei.clone(), role: "editor".parse()? };
    println!("\n{promote}: {:?}\n", live.apply(&admin, &promote, 100).await?);
    let policy = live.snapshot();
    println!("{}", policy.explain(&mei, &edit)?);
    println!("mei may: {:?}", policy.what_can(&mei).iter().map(ToString::to_string).collect::<Vec<_>>());
    Ok(())
}
