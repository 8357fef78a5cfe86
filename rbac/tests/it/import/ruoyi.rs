//! Dumps of RuoYi.

use rbac::import::{UserKey, ruoyi};
use rbac::{DataScope, PolicyRows};

use super::{hold, left_out};

/// The shape of RuoYi's own script and of a dump, much shorter.
const DUMP: &str = r"
-- it's a comment
drop table if exists sys_dept;
create table sys_dept (
  dept_id bigint(20) not null auto_increment comment '部门id, (key)', parent_id bigint(20) default 0,
  ancestors varchar(50) default '', dept_name varchar(30) default '', status char(1) default '0',
  del_flag char(1) default '0', create_time datetime, primary key (dept_id)
) engine=innodb comment = '部门表';
insert into sys_dept values(100, 0, '0', '总公司', '0', '0', sysdate());
insert into sys_dept values(101, 100, '0,100', 'It\'s ''R&D''', '0', '0', sysdate()),
  (102, 101, '0,100,101', 'Sales', '1', '0', sysdate()), (103, 100, '', 'Gone', '0', '2', sysdate()),
  (104, 103, '', 'Lost', '0', '0', sysdate());
INSERT INTO `sys_role` (`role_id`, `role_name`, `role_key`, `data_scope`, `menu_check_strictly`, `status`, `del_flag`)
VALUES (1,'超级管理员','admin',1,1,'0','0'),(2,'普通角色','common','2',1,'0','0'),(3,'部门','dept','4',0,'0','0'),
(4,'停用','off','3',1,'1','0'),(5,'old','old','1',1,'0','2'),(6,'重名','common','5',1,'0','0'),(7,'七','七','9',1,'0','0');
INSERT INTO `sys_menu` (menu_id, menu_name, perms, status) VALUES (1, 'System', '', '0'), (2, 'Tool', NULL, '0'),
(100, 'Users', 'system:user:list', '0'), (101, 'Edit', 'system:user:edit,system:user:add', '0'),
(102, 'Off', 'system:user:remove', '1'), (103, 'All', '*:*:*', '0'), (104, 'Glob', 'system:*', '0');
INSERT INTO sys_role_dept (role_id, dept_id) VALUES (2, 100), (2, 101), (2, 999);
INSERT INTO sys_role_menu (role_id, menu_id) VALUES ('1','100'),(2,1),(2,100),(3,101),(3,102),(4,100),(6,103),(6,104),
(9,100),(2,999);
INSERT INTO sys_user (user_id, dept_id, user_name, nick_name, password, status, del_flag) VALUES
(1, 101, 'admin', '若依', '$2a$10$x', '0', '0'), (2, 102, 'ry', 'R;Y', '', '0', '0'),
(3, 999, 'off', '', '', '1', '0'), (4, NULL, 'gone', '', '', '0', '2'), (5, 101, 'many', '', '', '0', '0'),
(6, 101, 'unsure', '', '', NULL, '0'), (7, 101, concat('a', 'b'), '', '', '0', '0');
INSERT INTO sys_user_role (user_id, role_id) VALUES (1,1),(2,2),(2,3),(3,2),(5,6),(5,4),(6,2),(4,2),(2,5);
INSERT INTO sys_post VALUES (1, 'ceo');
";

#[test]
fn users_roles_menus_and_departments_are_carried() {
    let imported = ruoyi(DUMP, UserKey::Name).unwrap();
    let rows: &PolicyRows = &imported.rows;
    hold(
        rows,
        "who can system:user:list: admin, many, ry
         who can system:user:edit: admin, many, ry
         off may not system:user:list because inactive
         unsure may not system:user:list because inactive
         admin may rbac:escalate",
    );
    // Role 1 gives nothing by its menus; user 1 has a role of its own.
    assert!(!rows.grants.keys().any(|grant| grant.role.as_str() == "admin"));
    assert_eq!(rows.departments[&id(101)].label.as_str(), "It's 'R&D'");
    assert_eq!(rows.departments[&id(102)].parent, Some(id(101)));
    assert_eq!(rows.departments[&id(104)].parent, None);
    assert_eq!(rows.roles["common"].data_scope, DataScope::Departments([id(100), id(101)].into()));
    assert_eq!(rows.roles["dept"].data_scope, DataScope::OwnDepartmentAndBelow);
    assert_eq!(rows.roles["role-6"].data_scope, DataScope::Own);
    assert_eq!(rows.roles["role-7"].data_scope, DataScope::Nothing);
    assert_eq!(rows.roles["off"].data_scope, DataScope::OwnDepartment);
    assert_eq!(rows.roles["admin"].data_scope, DataScope::All);
    assert_eq!(rows.roles["superuser"].data_scope, DataScope::All);
    assert!(!rows.roles["off"].enabled && rows.roles["common"].label.as_str() == "普通角色");
    assert_eq!(rows.users["ry"].department, Some(id(102)));
}

fn id(number: i64) -> rbac::DepartmentId {
    rbac::DepartmentId::new(number)
}

#[test]
fn everything_else_is_named_with_its_place() {
    let imported = ruoyi(DUMP, UserKey::Name).unwrap();
    let expected = [
        "line 29, sys_user: `user_name`: a database would have to work it out; the row is left out",
        "line 11, sys_dept: `status`: departments are not switched off here, and RuoYi's data scope does not ask for it either",
        "line 11, sys_dept: `103`: the department is deleted",
        "sys_dept: `103`: department `104` belongs to it, but it is not there; it stands at the top now",
        "line 18, sys_menu: `system:user:remove`: the menu is switched off, and gives no permission",
        "line 18, sys_menu: `system:*`: RuoYi takes a `*` for itself unless it is `*:*:*`; grant what is meant",
        "sys_menu: `2`: so many menus have no `perms`: they show pages and guard nothing",
        "line 19, sys_role_dept: `999`: there is no such department",
        "line 15, sys_role: `old`: the role is deleted",
        "line 15, sys_role: `9`: `data_scope` is from 1 to 5; the role opens no rows",
        "line 20, sys_role_menu: `100`: RuoYi's program gives role 1 nothing by its menus; only user 1 may everything",
        "line 21, sys_role_menu: `9`: there is no such role, or it is deleted",
        "line 21, sys_role_menu: `999`: there is no such menu",
        "line 24, sys_user: `999`: there is no such department",
        "line 24, sys_user: `gone`: the user is deleted",
        "line 26, sys_user_role: `4`: there is no such user, or it was left out",
        "line 26, sys_user_role: `5`: there is no such role, or it is deleted",
        "line 27: `sys_post`: 1 rows of this table, from this line on, are not about who may what",
    ];
    let mut said = left_out(&imported);
    // The lines of the text are counted below; only their order and their words are told here.
    let (mut expected, numberless) = (expected.map(numberless), said.iter().map(|it| numberless(it)));
    said = numberless.collect();
    said.sort();
    expected.sort();
    assert_eq!(said, expected);
    let renamed: Vec<_> = imported.renamed.iter().map(|it| it.to.as_str()).collect();
    assert_eq!(renamed, ["role-6", "role-7"]);
}

/// Without the number of the line.
fn numberless(text: &str) -> String {
    let rest = text.strip_prefix("line ").map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    rest.unwrap_or(text).to_owned()
}

#[test]
fn the_place_is_the_line_of_the_row() {
    let text = "insert into sys_user (user_id, user_name) values\n(1, 'root'),\n(2,\n'a b'),\n(3, 'x\ny z');";
    let imported = ruoyi(text, UserKey::Name).unwrap();
    let places: Vec<_> = imported.left_out.iter().map(|it| it.place.as_str()).collect();
    assert_eq!(places, ["line 3, sys_user", "line 5, sys_user"]);
}

#[test]
fn users_can_be_known_by_their_number() {
    let imported = ruoyi(DUMP, UserKey::Number).unwrap();
    assert_eq!(imported.rows.users["2"].label.as_str(), "ry R;Y");
    hold(&imported.rows, "who can system:user:list: 1, 2, 5");
}

#[test]
fn a_text_is_data_and_never_more() {
    let text = "insert into sys_user (user_id, user_name, nick_name) values (2, 'a', 'x\\'); drop table sys_user; --');
        insert into sys_user_role (user_id, role_id) values (2, (select 1)), (2, 3, 4);
        insert into sys_role select * from sys_user; insert into sys_menu values (1);";
    let imported = ruoyi(text, UserKey::Name).unwrap();
    assert_eq!(imported.rows.users["a"].label.as_str(), "x'); drop table sys_user; --");
    assert_eq!(imported.rows.users.len(), 1);
    let words = left_out(&imported).join("\n");
    for part in ["work it out", "not as many values", "no `VALUES`", "columns are not named"] {
        assert!(words.contains(part), "{words}");
    }
    let error = ruoyi("insert into sys_user (user_id) values ('1", UserKey::Name).unwrap_err().to_string();
    assert!(error.contains("sql dump, line 1: a quote"), "{error}");
}
