//! What may be done in the school: its own permissions, declared here, and those of the policy itself. A check names one of
//! these constants, so a slip does not compile.

use rbac::{Entry, Module, Permission};

rbac::permissions! {
    /// The school's own permissions.
    pub(crate) mod school {
        course("课程", "Courses") {
            VIEW = "course:view" ("查看课程与抢购", "See courses and sales"),
            EDIT = "course:edit" ("修改课程", "Change courses"),
        }
        sale("抢购", "Flash sales") {
            BUY = "sale:buy" ("参加抢购", "Take part in flash sales"),
            EDIT = "sale:edit" ("暂停、恢复、结束抢购并核对名额", "Pause, resume and close sales, change their seats"),
        }
        lab("实验室", "Labs") {
            OPEN = "lab:open" ("打开实验终端", "Open a lab's terminal"),
            WATCH = "lab:watch" ("旁观与结束学员终端", "Watch and end learners' terminals"),
        }
        payment("支付", "Payments") {
            VIEW = "payment:view" ("查看订单与收款", "See orders, payments and refunds"),
            REFUND = "payment:refund" ("退款", "Give money back") sensitive,
            RECONCILE = "payment:reconcile" ("对账", "Compare bills, ask gateways about open orders"),
        }
        session("登录会话", "Sessions") {
            VIEW = "session:view" ("查看在线用户", "See who is signed in"),
            END = "session:end" ("强制下线", "Sign other people out") sensitive,
        }
    }
}

pub(crate) use school::CATALOGUE;

pub(crate) const COURSE_VIEW: Permission = school::course::VIEW;
pub(crate) const COURSE_EDIT: Permission = school::course::EDIT;
pub(crate) const SALE_BUY: Permission = school::sale::BUY;
pub(crate) const SALE_EDIT: Permission = school::sale::EDIT;
pub(crate) const LAB_OPEN: Permission = school::lab::OPEN;
pub(crate) const LAB_WATCH: Permission = school::lab::WATCH;
pub(crate) const PAYMENT_VIEW: Permission = school::payment::VIEW;
pub(crate) const PAYMENT_REFUND: Permission = school::payment::REFUND;
pub(crate) const PAYMENT_RECONCILE: Permission = school::payment::RECONCILE;
pub(crate) const SESSION_VIEW: Permission = school::session::VIEW;
pub(crate) const SESSION_END: Permission = school::session::END;
pub(crate) const USER_VIEW: Permission = rbac::perm::user::VIEW;
pub(crate) const USER_EDIT: Permission = rbac::perm::user::EDIT;
pub(crate) const USER_ASSIGN: Permission = rbac::perm::user::ASSIGN;
pub(crate) const ROLE_VIEW: Permission = rbac::perm::role::VIEW;
pub(crate) const ROLE_EDIT: Permission = rbac::perm::role::EDIT;
pub(crate) const PERMISSION_EDIT: Permission = rbac::perm::permission::EDIT;
pub(crate) const DOMAIN_EDIT: Permission = rbac::perm::domain::EDIT;
pub(crate) const DEPARTMENT_EDIT: Permission = rbac::perm::department::EDIT;
pub(crate) const DUTY_EDIT: Permission = rbac::perm::duty::EDIT;
pub(crate) const AUDIT_VIEW: Permission = rbac::perm::audit::VIEW;

/// The modules of both catalogues: the school's first.
pub(crate) fn modules() -> impl Iterator<Item = &'static Module> {
    CATALOGUE.modules().iter().chain(rbac::perm::CATALOGUE.modules())
}

/// The module that declares a permission; none for one that only a row registers.
pub(crate) fn module_of(name: &str) -> Option<&'static Module> {
    modules().find(|module| module.entries.iter().any(|entry| entry.name == name))
}

/// A declared permission.
pub(crate) fn entry(name: &str) -> Option<&'static Entry> {
    modules().flat_map(|module| module.entries).find(|entry| entry.name == name)
}
