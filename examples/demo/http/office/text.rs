//! The words of the back office in English and Chinese: one table, so that no page has a word in one language only.

use std::fmt::Display;

/// Declares the words once for both languages. What stands in brackets are tables of their own.
macro_rules! texts {
    ($(#[$about:meta])* $name:ident $([$($part:ident: $table:ident in $home:ident;)+])? $($key:ident: $en:literal, $zh:literal;)+) => {
        $(#[$about])*
        #[derive(Debug)]
        pub(crate) struct $name {
            $($(pub(crate) $part: &'static super::$home::$table,)+)?
            $(pub(crate) $key: &'static str,)+
        }

        /// English.
        pub(crate) static EN: $name = $name { $($($part: &super::$home::EN,)+)? $($key: $en,)+ };
        /// Simplified Chinese.
        pub(crate) static ZH: $name = $name { $($($part: &super::$home::ZH,)+)? $($key: $zh,)+ };

        #[cfg(test)]
        pub(crate) const PAIRS: &[(&str, &str, &str)] = &[$((stringify!($key), $en, $zh),)+];
    };
}

pub(crate) use texts;

texts! {
    /// Every word of the pages, in one language.
    Text [
        rooms: Rooms in text_rooms;
        till: Till in text_till;
    ]
    school: "Pinewood School", "松林学堂";
    office: "Back Office", "管理后台";
    skip: "Skip to the content", "跳到正文";
    menu: "Menu", "菜单";
    to_school: "To the school", "返回学堂";
    language: "Language", "语言";
    colours: "Colours", "配色";
    light: "Light", "浅色";
    dark: "Dark", "深色";
    system: "As the system", "跟随系统";
    sign_out: "Sign out", "退出";
    instance: "instance", "实例";
    wing_people: "People", "人员";
    wing_rules: "Rules", "权限";
    wing_record: "Record", "记录";
    wing_school: "School", "业务";
    overview: "Overview", "概览";
    users: "Users", "用户";
    departments: "Departments", "部门";
    expiry: "Terms", "有效期";
    online: "Online", "在线";
    roles: "Roles", "角色";
    matrix: "Matrix", "权限矩阵";
    permissions: "Permissions", "权限树";
    graph: "Graph", "角色图";
    duties: "Separation of duty", "职责分离";
    who_can: "Who can?", "谁有权限";
    audit: "Audit trail", "审计日志";
    sales: "Sales", "抢购";
    orders: "Orders", "订单";
    reconcile: "Reconcile", "对账";
    user: "User", "用户";
    role: "Role", "角色";
    department: "Department", "部门";
    permission: "Permission", "权限";
    state: "State", "状态";
    id: "Id", "标识";
    name: "Name", "名称";
    number: "Number", "编号";
    kind: "Kind", "类型";
    active: "active", "启用";
    inactive: "inactive", "停用";
    enabled: "enabled", "启用";
    disabled: "disabled", "停用";
    none: "none", "无";
    nobody: "Nobody.", "没有人。";
    all: "All", "全部";
    add: "Add", "添加";
    save: "Save", "保存";
    change: "Change…", "修改…";
    remove: "Remove", "删除";
    take: "Take away", "收回";
    give: "Give", "授予";
    ask: "Ask", "查询";
    show: "Show", "显示";
    back: "Back", "返回";
    cancel: "Cancel", "取消";
    preview: "Preview", "预览";
    search: "Search", "搜索";
    filter: "Filter", "筛选";
    previous: "Previous", "上一页";
    next: "Next", "下一页";
    older: "Older", "更早";
    choose: "Choose", "选择";
    choose_all: "Choose all", "全选";
    action: "Action", "操作";
    reason: "Reason, for the audit trail", "原因（写入审计）";
    comma: ", ", "、";
    you: "you", "本机";
    program: "program", "程序";
    people: "people", "人";
    where_: "Where", "范围";
    everywhere: "everywhere", "全域";
    from: "From", "起";
    until: "Until", "止";
    from_when: "from {}", "{} 起";
    until_when: "until {}", "至 {}";
    saved: "Saved as version {} of the policy.", "已保存为策略版本 {}。";
    policy_version: "Policy version", "策略版本";
    version_word: "Version", "版本";
    overview_lede: "The policy at a glance: who is in, what ends soon, what changed last.", "策略一览：在册人员、即将到期的授权与最近的变更。";
    tile_active: "{} active", "{} 人启用";
    tile_enabled: "{} enabled", "{} 个启用";
    tile_declared: "{} declared in code", "代码声明 {} 项";
    tile_online: "signed in, on all servers", "当前登录（所有服务器）";
    refunds_due: "Refunds due", "待退款";
    refunds_due_lede: "The money came after the seat was gone. Their pages have a button that gives it back.", "款到时名额已无。在订单页可原路退回。";
    problems: "Rows that take no part", "未生效的数据行";
    problems_lede: "They name what does not exist. All other rows work as if they were not there.", "它们指向不存在的对象；其余数据照常生效。";
    soon: "Begins or ends soon", "即将开始或到期";
    nothing_soon: "No assignment has a beginning or an end near.", "没有临近起止的授权。";
    changed_last: "Changed last", "最近变更";
    users_lede: "Everybody whom the policy knows. Choose some to give or take a role; you see who gains what before it is done.", "策略中的全部人员。勾选后可批量授予或收回角色，确认前先预览影响。";
    add_user: "Add a user", "新增用户";
    search_users: "Name, sign-in name or id", "姓名、登录名或标识";
    no_role: "No role.", "没有角色";
    no_department: "No department", "无部门";
    devices: "Devices", "设备";
    nobody_fits: "Nobody fits.", "没有符合条件的用户。";
    clear_filter: "Show everybody", "显示全部";
    with_chosen: "With the chosen", "对所选用户";
    give_role: "Give a role", "授予角色";
    take_role: "Take a role away", "收回角色";
    move_to: "Move to a department", "调入部门";
    activate: "Activate", "启用";
    deactivate: "Deactivate", "停用";
    signs_in_as: "signs in as", "登录名";
    no_account: "no account yet", "尚无账号";
    why: "Why?", "为什么？";
    why_lede: "Ask about any permission: the answer names the roles and the grant it rests on, or the nearest way to it.", "查询任一权限：答案会列出所依据的角色与规则，或最近的获得途径。";
    may: "May", "允许";
    may_not: "May not", "不允许";
    overrules: "which overrules", "压过了";
    effective: "Effective permissions", "有效权限";
    effective_lede: "What holds at this moment, each with the way to the grant.", "此刻生效的权限及其来源路径。";
    nothing_held: "Nothing.", "没有任何权限。";
    rows: "Rows", "数据范围";
    sensitive: "sensitive", "敏感";
    profile: "Profile", "资料";
    sessions: "Signed in on", "登录设备";
    no_session: "Not signed in anywhere.", "没有登录的设备。";
    kick: "Sign out", "下线";
    kick_all: "Sign out everywhere", "全部下线";
    about_user: "Changed about this user", "与此用户有关的变更";
    roles_lede: "A role is a bundle of grants. It may inherit other roles, and it says which rows it opens.", "角色是一组规则，可继承其他角色，并决定能看到哪些数据。";
    add_role: "Add a role", "新增角色";
    grants: "Grants", "规则";
    grants_lede: "What is said of this role itself. A denial beats every allowance, at any depth.", "直接写在此角色上的规则。任何层级的禁止都优先于允许。";
    inherits: "Inherits", "继承";
    inherits_none: "Inherits nobody.", "不继承任何角色。";
    inherited_by: "Inherited by", "被继承于";
    data_scope: "Data scope", "数据范围";
    data_scope_lede: "Which rows it opens, for the permissions that it carries.", "就其携带的权限而言，可见哪些数据行。";
    scope_nothing: "no rows", "无数据";
    scope_own: "own rows", "仅本人";
    scope_department: "own department", "本部门";
    scope_below: "own department and below", "本部门及以下";
    scope_departments: "these departments", "指定部门";
    scope_all: "all rows", "全部数据";
    members: "Members", "成员";
    enable: "Enable", "启用";
    disable: "Disable", "停用";
    allow: "allow", "允许";
    deny: "deny", "禁止";
    effect: "Effect", "效果";
    pattern: "Permission or pattern", "权限或通配";
    wildcards: "Wildcards as in", "通配方式";
    role_effective_lede: "Everything this role stands to, and where that comes from.", "此角色对每项权限的状态及来源。";
    power_nothing: "nothing is said", "未规定";
    power_direct: "granted to this role by name", "直接授予";
    power_wildcard: "granted to this role by {}", "由通配 {} 授予";
    power_inherited: "inherited from {} by {}", "继承自 {}（{}）";
    power_denied: "denied to this role by {}", "被 {} 禁止";
    power_denied_by: "denied by {}, which it inherits, by {}", "被所继承的 {} 禁止（{}）";
    matrix_lede: "Roles by permissions. A click on a cell, or the space bar, says allow, deny or nothing to the role by name; nothing is saved before you have seen what it comes to.", "角色 × 权限。点击单元格或按空格键，在“允许、禁止、不规定”间切换；保存前可先查看影响。";
    filter_permissions: "Filter permissions", "筛选权限";
    columns: "Columns…", "选择列…";
    choose_roles: "Roles to show, at most", "要显示的角色，至多";
    legend: "Legend", "图例";
    legend_direct: "granted by name", "直接";
    legend_wildcard: "by wildcard", "通配";
    legend_inherited: "inherited", "继承";
    legend_denied: "denied", "禁止";
    legend_nothing: "nothing", "未规定";
    unsaved: "unsaved changes", "项未保存的修改";
    discard: "Discard", "放弃";
    review: "Review…", "查看影响…";
    one_change: "One change without clicking through the grid", "不用表格，逐项修改";
    permissions_lede: "Module by module: who gives each, who holds it, and which room of this office it opens.", "按模块列出：由哪些角色授予、多少人持有、打开哪些菜单。";
    register: "Register a permission", "登记权限";
    registered: "registered", "已登记";
    opens: "opens this room", "打开此菜单";
    who_can_short: "Who can?", "谁有？";
    who_can_lede: "Everybody who holds a permission at this moment, and by which way.", "此刻持有某项权限的所有人及其途径。";
    graph_lede: "Who inherits whom: a role has everything that the roles below it have.", "继承关系：上方角色拥有下方角色的全部权限。";
    graph_left_out: "roles are left out of the drawing.", "个角色未画出。";
    duties_lede: "Sets of roles of which nobody may have too many, inherited ones counted. Static: nobody has them together. Dynamic: nobody uses them together.", "限制同一人可拥有的角色数（含继承）。静态：不得同时拥有；动态：不得同时启用。";
    duty_static: "static", "静态";
    duty_dynamic: "dynamic", "动态";
    at_most: "at most", "至多";
    near_limit: "As many as one may have", "已达上限";
    refused_from: "Refused from", "达到即拒绝";
    add_duty: "Add a set", "新增分离规则";
    departments_lede: "The tree that data scopes refer to. A department that is in use cannot be removed.", "数据范围所依据的部门树。使用中的部门不能删除。";
    add_department: "Add a department", "新增部门";
    under: "Under", "上级";
    top: "at the top", "顶级";
    expiry_lede: "Assignments with a beginning or an end, what ends soonest first. They begin and end by themselves.", "有起止时间的授权，最先到期的在前；到时自动生效或失效。";
    term_holds: "holds", "生效中";
    term_soon: "ends soon", "即将到期";
    term_later: "not yet", "未开始";
    term_over: "over", "已到期";
    audit_lede: "Every change of the policy: who, when, why, and the rows before and after.", "策略的每次变更：谁、何时、为何，以及前后数据。";
    actor_id: "Id of who did it", "操作人标识";
    row: "Row", "数据行";
    before: "Before", "变更前";
    after: "After", "变更后";
    before_after: "Before and after", "变更前后";
    revert: "Revert", "回退";
    revert_lede: "Brings back the rows before this change and takes those after it away. It is a change like any other: the rules hold, and it is recorded.", "恢复变更前的数据并去掉变更后的数据。回退本身也是一次变更，同样受规则约束并被记录。";
    revert_reason: "revert of version {}", "回退版本 {}";
    preview_title: "What would come of it", "变更预览";
    preview_lede: "Nothing is changed yet.", "尚未做任何修改。";
    changes: "Changes", "变更";
    skipped: "are so already and are left out.", "项本就如此，已略过。";
    effects: "Who gains, who loses", "影响：谁得到、谁失去";
    nobody_gains: "Nobody gains or loses anything.", "没有人因此得到或失去权限。";
    and_others: "and {} others alike", "等 {} 人";
    nothing_to_do: "Nothing has to be changed.", "无需修改。";
    confirm_title: "Make these changes?", "确认以上变更？";
    confirm: "Make them", "确认变更";
    cannot: "This cannot be done as it is.", "当前无法执行。";
}

/// A text with its first `{}` filled in.
pub(crate) fn with(text: &str, value: impl Display) -> String {
    text.replacen("{}", &value.to_string(), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_have_the_same_holes() {
        let tables = [PAIRS, super::super::text_rooms::PAIRS, super::super::text_till::PAIRS];
        for (key, en, zh) in tables.into_iter().flatten() {
            assert!(!en.is_empty() && !zh.is_empty(), "{key}");
            assert_eq!(en.matches("{}").count(), zh.matches("{}").count(), "{key}");
        }
    }

    #[test]
    fn holes_are_filled_in_their_order() {
        assert_eq!(with(&with("{} → {}", 1), 2), "1 → 2");
    }
}
