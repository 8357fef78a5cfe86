//! The permissions that guard the policy itself. Every policy has them.
//!
//! [`admin::check`](crate::admin::check) asks for them when a user changes the policy.

crate::__permissions! { own
    user("用户", "Users") {
        VIEW = "rbac:user:view" ("查看用户", "View users"),
        EDIT = "rbac:user:edit" ("编辑用户", "Add, change and remove users"),
        ASSIGN = "rbac:user:assign" ("分配角色", "Assign roles to users") sensitive,
    }
    role("角色", "Roles") {
        VIEW = "rbac:role:view" ("查看角色", "View roles"),
        EDIT = "rbac:role:edit" ("编辑角色", "Change roles, their grants and what they inherit") sensitive,
    }
    permission("权限", "Permissions") {
        EDIT = "rbac:permission:edit" ("编辑权限", "Register and remove permissions"),
    }
    domain("域", "Domains") {
        EDIT = "rbac:domain:edit" ("编辑域", "Add and remove domains"),
    }
    department("部门", "Departments") {
        EDIT = "rbac:department:edit" ("编辑部门", "Change the tree of departments"),
    }
    duty("职责分离", "Separation of duty") {
        EDIT = "rbac:duty:edit" ("编辑职责分离", "Change the separation of duty") sensitive,
    }
    audit("审计", "Audit trail") {
        VIEW = "rbac:audit:view" ("查看审计记录", "View the audit trail"),
    }
    delegation("授权", "Delegation") {
        ESCALATE = "rbac:escalate" ("越权授予", "Give what one does not hold") sensitive,
    }
}
