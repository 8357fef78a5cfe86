//! Seeded data: courses, accounts, open sales, and the policy. Everything that is there already stays as it is.

mod policy;

use std::collections::HashMap;
use std::time::Duration;

use seckill::{FlashSale, SaleConfig};
use sso_core::{PasswordHasher, PasswordSalt};

pub(crate) use self::policy::{enrol, policy};

use crate::clock;
use crate::http::problem::Problem;
use crate::purchase;
use crate::restore::{self, Books, Shelf};
use crate::school::School;
use crate::school::account::Account;
use crate::school::course::Course;
use crate::start_error::StartError;

/// The password of every seeded account. The demo listens on loopback; a real school has no such thing.
pub(crate) const PASSWORD: &str = "pinewood-2026";

/// A seeded account: id, sign-in name, shown name, role, department.
pub(crate) const ACCOUNTS: [(&str, &str, &str, &str, i64); 6] = [
    ("u1001", "hanmeimei", "Han Meimei 韩梅梅", "student", 90),
    ("u1002", "lilei", "Li Lei 李雷", "student", 90),
    ("u1003", "teacher.wu", "Wu Lan 吴岚", "teacher", 11),
    ("u1004", "admin", "Zhao Qing 赵清", "administrator", 40),
    ("u1005", "qian", "Qian Duo 钱多", "finance", 30),
    ("u2009", "liang", "Liang Xue 梁雪", "sales", 20),
];

/// Milliseconds that a seeded sale stays open: a year.
const SALE_MILLIS: u64 = 365 * 24 * 3600 * 1000;

/// Fills the school's tables.
pub(crate) async fn school(school: &School, hasher: &PasswordHasher) -> Result<(), Problem> {
    for (id, login, display_name, ..) in ACCOUNTS {
        if school.account(id).await?.is_some() {
            continue;
        }
        let hash = hasher.hash(PASSWORD, PasswordSalt::random()?)?;
        let account = Account {
            id: id.to_owned(),
            login: login.to_owned(),
            display_name: display_name.to_owned(),
            password_hash: hash.as_phc().to_owned(),
        };
        school.add_account(&account).await?;
    }
    for course in courses() {
        school.add_course(&course).await?;
    }
    Ok(())
}

/// Opens the sale of each course with the terms in its row, as the school's tables know it: a store that remembers
/// answers as before, one that has lost it all learns it here.
pub(crate) async fn sales(
    shelf: &Shelf,
    books: Books<'_>,
    pay_minutes: u64,
) -> Result<HashMap<String, FlashSale>, StartError> {
    let mut open = HashMap::new();
    for course in books.school.courses().await.map_err(|cause| StartError::Database { cause })? {
        let sale = restore::sale(shelf, books, &terms(&course, pay_minutes)?).await?;
        open.insert(course.slug, sale);
    }
    Ok(open)
}

fn terms(course: &Course, pay_minutes: u64) -> Result<SaleConfig, Problem> {
    let stock = u64::try_from(course.seats).unwrap_or(0);
    let (opens, closes) = (clock::from_column(course.sale_opens)?, clock::from_column(course.sale_closes)?);
    let pay_within = Duration::from_secs(pay_minutes.saturating_mul(60));
    Ok(SaleConfig::new(purchase::sale_id(&course.slug)?, opens, closes, stock)?.time_to_pay(pay_within)?)
}

fn courses() -> Vec<Course> {
    let opens = clock::now_millis();
    let course =
        |slug: &str, zh: &str, en: &str, summary: &str, teacher: &str, weeks, yuan: i64, seats, lab| Course {
            slug: slug.to_owned(),
            title_zh: zh.to_owned(),
            title_en: en.to_owned(),
            summary: summary.to_owned(),
            teacher: teacher.to_owned(),
            weeks,
            price_fen: yuan.saturating_mul(100),
            seats,
            has_lab: lab,
            sale_opens: clock::to_column(opens),
            sale_closes: clock::to_column(opens.saturating_add(SALE_MILLIS)),
        };
    vec![
        course(
            "shell",
            "命令行入门",
            "The Shell from Zero",
            "Files, pipes, processes and scripts, in a terminal of your own from the first minute.",
            "Wu Lan 吴岚",
            4,
            88,
            12,
            true,
        ),
        course(
            "rust",
            "Rust 系统编程",
            "Systems Programming in Rust",
            "Ownership without tears, then a small web server that you can trust under load.",
            "Chen Yu 陈宇",
            10,
            399,
            30,
            true,
        ),
        course(
            "sql",
            "数据库设计",
            "Databases by Design",
            "From a blank page to tables that stay right when a thousand people write at once.",
            "Lin Xiao 林晓",
            6,
            199,
            24,
            false,
        ),
        course(
            "security",
            "Web 安全实战",
            "Web Security Workshop",
            "Sessions, tokens, signatures and the attacks on each. One evening a week, two seats.",
            "Sun Hao 孙浩",
            8,
            299,
            2,
            false,
        ),
    ]
}
