//! PostgreSQL and MariaDB, asked through their own clients.

use std::process::Command;

use testkit::{MariaDb, Postgres, skipped};

use crate::gone::drop_and_check;

#[test]
fn postgres_answers_and_leaves_nothing() {
    if skipped("postgres") {
        return;
    }
    let postgres = Postgres::start().unwrap();
    let output = Command::new("psql")
        .args(["--no-psqlrc", "--tuples-only", "--no-align", "-c", "SELECT 1", &postgres.url()])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "1\n", "{output:?}");
    let (pid, addr) = (postgres.pid(), postgres.addr());
    drop_and_check(postgres, pid, addr);
}

#[test]
fn mariadb_answers_and_leaves_nothing() {
    if skipped("mariadb") {
        return;
    }
    let mariadb = MariaDb::start().unwrap();
    assert_eq!(mariadb.url(), format!("mysql://root@{}/test", mariadb.addr()));
    let output = Command::new("mariadb")
        .args(["--no-defaults", "--user=root", "--host=127.0.0.1", "--batch", "--skip-column-names"])
        .args(["--port", &mariadb.addr().port().to_string(), "--execute=SELECT 1", "test"])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "1\n", "{output:?}");
    let (pid, addr) = (mariadb.pid(), mariadb.addr());
    drop_and_check(mariadb, pid, addr);
}
