//! The seeded policy: departments, roles, who has which, and which duties are kept apart.

use std::collections::BTreeSet;

use rbac::{
    Actor, Applied, Assignment, Change, DataScope, DepartmentId, Duty, DutyKind, Effect, Label, Live,
    PolicyVersion, Refusal, RoleName, UnixMillis, UserId, Window,
};

use super::ACCOUNTS;
use crate::clock;
use crate::http::problem::Problem;

/// Departments: number, label, what it belongs to.
const DEPARTMENTS: [(i64, &str, Option<i64>); 8] = [
    (1, "松林学堂 Pinewood School", None),
    (10, "教学部 Teaching", Some(1)),
    (11, "编程教研室 Programming", Some(10)),
    (12, "数据与安全教研室 Data and Security", Some(10)),
    (20, "学员服务 Learner Services", Some(1)),
    (30, "财务部 Finance", Some(1)),
    (40, "信息部 Information Technology", Some(1)),
    (90, "学员 Learners", Some(1)),
];

/// Domains: where an assignment may hold alone.
const DOMAINS: [(&str, &str); 2] =
    [("campus-east", "东校区 East Campus"), ("campus-west", "西校区 West Campus")];

/// A seeded role: name, label, which rows it opens, what it is allowed, what it inherits.
type Role = (&'static str, &'static str, DataScope, &'static [&'static str], &'static [&'static str]);

const ROLES: [Role; 11] = [
    ("member", "成员 Member", DataScope::Own, &["course:view"], &[]),
    ("student", "学员 Student", DataScope::Own, &["sale:buy", "lab:open"], &["member"]),
    (
        "teacher",
        "教师 Teacher",
        DataScope::OwnDepartment,
        &["course:edit", "lab:open", "lab:watch"],
        &["member"],
    ),
    ("trainee", "见习教师 Trainee", DataScope::Own, &[], &["teacher"]),
    (
        "head-teacher",
        "教研主任 Head Teacher",
        DataScope::OwnDepartmentAndBelow,
        &["rbac:user:view", "session:view"],
        &["teacher"],
    ),
    (
        "registrar",
        "教务员 Registrar",
        DataScope::All,
        &["rbac:user:*", "rbac:role:view", "session:*"],
        &["member"],
    ),
    ("sales", "抢购运营 Sales", DataScope::All, &["sale:edit"], &["member"]),
    ("cashier", "出纳 Cashier", DataScope::All, &["payment:view", "payment:refund"], &["member"]),
    ("finance", "财务 Finance", DataScope::All, &["payment:*"], &["cashier"]),
    (
        "auditor",
        "审计 Auditor",
        DataScope::All,
        &["payment:view", "rbac:audit:view", "rbac:user:view", "rbac:role:view"],
        &["member"],
    ),
    ("administrator", "系统管理员 Administrator", DataScope::All, &["*"], &[]),
];

/// Denied to a role, whatever it inherits.
const DENIED: [(&str, &str); 1] = [("trainee", "course:edit")];

/// Staff without an account: id, name, department, roles. They sign in with a provider one day.
const STAFF: [(&str, &str, i64, &[&str]); 16] = [
    ("u2001", "陈宇 Chen Yu", 11, &["head-teacher"]),
    ("u2002", "林晓 Lin Xiao", 12, &["head-teacher"]),
    ("u2003", "孙浩 Sun Hao", 12, &["teacher"]),
    ("u2004", "周敏 Zhou Min", 11, &["teacher"]),
    ("u2005", "何静 He Jing", 11, &["trainee"]),
    ("u2006", "马骏 Ma Jun", 12, &["trainee"]),
    ("u2007", "郭婷 Guo Ting", 20, &["registrar"]),
    ("u2008", "罗飞 Luo Fei", 20, &["sales"]),
    ("u2010", "宋佳 Song Jia", 30, &["cashier"]),
    ("u2011", "唐磊 Tang Lei", 30, &["cashier"]),
    ("u2012", "冯岩 Feng Yan", 1, &["auditor"]),
    ("u2013", "董洁 Dong Jie", 40, &["administrator"]),
    ("u2014", "袁凯 Yuan Kai", 40, &["member"]),
    ("u2015", "蒋楠 Jiang Nan", 11, &["teacher"]),
    ("u2016", "韩露 Han Lu", 20, &["member"]),
    ("u2017", "曹阳 Cao Yang", 11, &[]),
];

const DAY_MILLIS: u64 = 24 * 3600 * 1000;

/// Fills an empty policy. One that has seen a change is somebody's work already and stays as it is.
pub(crate) async fn policy(live: &Live) -> Result<(), Problem> {
    if live.snapshot().version() != PolicyVersion::START {
        return Ok(());
    }
    let now = clock::now()?;
    let mut changes = places()?;
    changes.extend(roles()?);
    changes.extend(duties()?);
    changes.extend(people(now)?);
    let transaction = live.tx(Actor::System(Label::new("seed")?)).changes_of(changes);
    let transaction = transaction.reason("the school opens 开学".parse()?).expect(PolicyVersion::START);
    match transaction.commit(now).await? {
        // Another instance was first; it seeds the same.
        Applied::Done(_) => Ok(()),
        Applied::Refused(refused) if matches!(refused.why, Refusal::Changed { .. }) => Ok(()),
        Applied::Refused(refused) => {
            Err(Problem::conflict("seed", format!("the seeded policy was refused: {refused}")))
        }
    }
}

fn places() -> Result<Vec<Change>, Problem> {
    let mut changes = Vec::new();
    for (number, label, parent) in DEPARTMENTS {
        changes.push(Change::AddDepartment {
            department: DepartmentId::new(number),
            label: Label::new(label)?,
            parent: parent.map(DepartmentId::new),
        });
    }
    for (domain, label) in DOMAINS {
        changes.push(Change::AddDomain { domain: domain.parse()?, label: Label::new(label)? });
    }
    Ok(changes)
}

fn roles() -> Result<Vec<Change>, Problem> {
    let mut changes = Vec::new();
    for (name, label, scope, allowed, inherited) in ROLES {
        let role = RoleName::new(name)?;
        changes.push(Change::AddRole { role: role.clone(), label: Label::new(label)? });
        changes.push(Change::SetDataScope { role: role.clone(), scope });
        for pattern in allowed {
            changes.push(Change::Grant {
                role: role.clone(),
                pattern: pattern.parse()?,
                effect: Effect::Allow,
            });
        }
        for junior in inherited {
            changes.push(Change::Inherit { senior: role.clone(), junior: junior.parse()? });
        }
    }
    for (role, pattern) in DENIED {
        changes.push(Change::Grant { role: role.parse()?, pattern: pattern.parse()?, effect: Effect::Deny });
    }
    Ok(changes)
}

fn duties() -> Result<Vec<Change>, Problem> {
    let set = |label: &str, kind, roles: [&str; 2]| -> Result<Duty, Problem> {
        let roles = roles.iter().map(|role| role.parse()).collect::<Result<BTreeSet<_>, _>>()?;
        Ok(Duty::new(Label::new(label)?, kind, 2, roles))
    };
    let money = set(
        "经手钱款的人不审计 Who moves money does not audit it",
        DutyKind::Static,
        ["cashier", "auditor"],
    )?;
    let desk = set("同一会话不兼任教务与运营 One hat at a time", DutyKind::Dynamic, ["registrar", "sales"])?;
    Ok(vec![
        Change::SetDuty { name: "money".parse()?, duty: money },
        Change::SetDuty { name: "desk".parse()?, duty: desk },
    ])
}

fn people(now: UnixMillis) -> Result<Vec<Change>, Problem> {
    let mut changes = Vec::new();
    for (id, _, name, role, department) in ACCOUNTS {
        changes.extend(person(id, name, department)?);
        changes.push(assign(id, role, window(id, now)?)?);
    }
    for (id, name, department, roles) in STAFF {
        changes.extend(person(id, name, department)?);
        for role in roles {
            changes.push(assign(id, role, window(id, now)?)?);
        }
    }
    // Two hats, one at a time: who signs in here has to choose.
    changes.push(assign("u2009", "registrar", Window::ALWAYS)?);
    let east = Assignment::in_domain("u2014".parse()?, "registrar".parse()?, "campus-east".parse()?);
    changes.push(Change::Assign { assignment: east, window: Window::ALWAYS });
    changes.push(Change::SetUserActive { user: "u2017".parse()?, active: false });
    Ok(changes)
}

/// Trainees come for a term; one has still to begin, and one stands in for a week.
fn window(id: &str, now: UnixMillis) -> Result<Window, Problem> {
    let day = |days: u64| {
        let midnight = now.get() / DAY_MILLIS * DAY_MILLIS;
        UnixMillis::new(midnight.saturating_add(days * DAY_MILLIS))
    };
    Ok(match id {
        "u2005" => Window::new(None, Some(day(90)?))?,
        "u2006" => Window::new(Some(day(21)?), Some(day(140)?))?,
        "u2009" => Window::new(None, Some(day(8)?))?,
        _ => Window::ALWAYS,
    })
}

fn person(id: &str, name: &str, department: i64) -> Result<[Change; 2], Problem> {
    let user = UserId::new(id)?;
    let department = Some(DepartmentId::new(department));
    Ok([
        Change::AddUser { user: user.clone(), label: Label::new(name)? },
        Change::SetUserDepartment { user, department },
    ])
}

fn assign(id: &str, role: &str, window: Window) -> Result<Change, Problem> {
    Ok(Change::Assign { assignment: Assignment::new(id.parse()?, role.parse()?), window })
}

/// Makes a new account a student. What an administrator has changed since stays changed.
pub(crate) async fn enrol(live: &Live, user: &sso_core::UserId, name: &str) -> Result<(), Problem> {
    let (user, now) = (UserId::new(user.as_str())?, clock::now()?);
    if live.policy(now)?.at(now).subject(&user).is_some() {
        return Ok(());
    }
    // A name from elsewhere that is no label is left out: the account keeps it.
    let label = Label::new(name).unwrap_or_default();
    let learners = Some(DepartmentId::new(90));
    let transaction = live
        .tx(Actor::System(Label::new("first sign-in")?))
        .add_user(user.clone(), label)
        .move_user(user.clone(), learners)
        .assign(user, "student".parse()?);
    match transaction.commit(now).await? {
        Applied::Done(_) => Ok(()),
        Applied::Refused(refused) if refused.why == Refusal::AlreadyThere => Ok(()),
        Applied::Refused(refused) => {
            Err(Problem::conflict("enrol", format!("the new account was refused: {refused}")))
        }
    }
}
