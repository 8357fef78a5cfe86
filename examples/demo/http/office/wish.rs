//! A change to the policy as a form or the API words it, before it is known to make sense.

use rbac::{
    Assignment, Change, DataScope, DepartmentId, DomainName, Duty, DutyKind, DutyName, Effect, Label,
    PermissionName, PermissionPattern, RoleName, UnixMillis, UserId, WildcardMode, Window,
};
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::http::problem::Problem;

/// One change, in plain texts. `kind` says which; the rest is what that kind needs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Wish {
    pub(crate) kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) user: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) role: String,
    /// The role that is inherited.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) junior: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) domain: String,
    /// UTC, `2026-03-01` or `2026-03-01T08:00`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) from: String,
    /// The same.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) until: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) permission: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) pattern: String,
    /// `strict`, `shiro` or `satoken`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) mode: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) label: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) department: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) parent: String,
    /// `nothing`, `own`, `department`, `below`, `departments` or `all`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) scope: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) departments: Vec<String>,
    /// Of a separation of duty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) name: String,
    /// `static` or `dynamic`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) separation: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) cardinality: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) roles: Vec<String>,
}

impl Wish {
    /// The change that is wished for.
    pub(crate) fn change(&self) -> Result<Change, Problem> {
        for read in [Self::of_users, Self::of_roles, Self::of_grants, Self::of_places] {
            if let Some(change) = read(self)? {
                return Ok(change);
            }
        }
        let kind = self.kind.chars().take(40).collect::<String>();
        Err(invalid(format!("`{}` is no kind of change", kind.escape_debug())))
    }

    fn of_users(&self) -> Result<Option<Change>, Problem> {
        Ok(Some(match self.kind.as_str() {
            "add_user" => Change::AddUser { user: self.user()?, label: self.label()? },
            "label_user" => Change::SetUserLabel { user: self.user()?, label: self.label()? },
            "activate" => Change::SetUserActive { user: self.user()?, active: true },
            "deactivate" => Change::SetUserActive { user: self.user()?, active: false },
            "move_user" => Change::SetUserDepartment {
                user: self.user()?,
                department: maybe_department(&self.department)?,
            },
            "remove_user" => Change::RemoveUser { user: self.user()? },
            "assign" => Change::Assign { assignment: self.assignment()?, window: self.window()? },
            "unassign" => Change::Unassign { assignment: self.assignment()? },
            _ => return Ok(None),
        }))
    }

    fn of_roles(&self) -> Result<Option<Change>, Problem> {
        Ok(Some(match self.kind.as_str() {
            "add_role" => Change::AddRole { role: self.role()?, label: self.label()? },
            "label_role" => Change::SetRoleLabel { role: self.role()?, label: self.label()? },
            "enable_role" => Change::SetRoleEnabled { role: self.role()?, enabled: true },
            "disable_role" => Change::SetRoleEnabled { role: self.role()?, enabled: false },
            "scope_role" => Change::SetDataScope { role: self.role()?, scope: self.scope()? },
            "remove_role" => Change::RemoveRole { role: self.role()? },
            "inherit" => Change::Inherit { senior: self.role()?, junior: RoleName::new(&self.junior)? },
            "disinherit" => Change::Disinherit { senior: self.role()?, junior: RoleName::new(&self.junior)? },
            _ => return Ok(None),
        }))
    }

    fn of_grants(&self) -> Result<Option<Change>, Problem> {
        let grant = |effect| -> Result<Change, Problem> {
            Ok(Change::Grant { role: self.role()?, pattern: self.pattern()?, effect })
        };
        Ok(Some(match self.kind.as_str() {
            "allow" => grant(Effect::Allow)?,
            "deny" => grant(Effect::Deny)?,
            "revoke" => Change::Revoke { role: self.role()?, pattern: self.pattern()? },
            "add_permission" => {
                Change::AddPermission { permission: self.permission()?, label: self.label()? }
            }
            "label_permission" => {
                Change::SetPermissionLabel { permission: self.permission()?, label: self.label()? }
            }
            "remove_permission" => Change::RemovePermission { permission: self.permission()? },
            _ => return Ok(None),
        }))
    }

    fn of_places(&self) -> Result<Option<Change>, Problem> {
        let department = || department(&self.department);
        Ok(Some(match self.kind.as_str() {
            "add_domain" => {
                Change::AddDomain { domain: DomainName::new(&self.domain)?, label: self.label()? }
            }
            "label_domain" => {
                Change::SetDomainLabel { domain: DomainName::new(&self.domain)?, label: self.label()? }
            }
            "remove_domain" => Change::RemoveDomain { domain: DomainName::new(&self.domain)? },
            "add_department" => Change::AddDepartment {
                department: department()?,
                label: self.label()?,
                parent: maybe_department(&self.parent)?,
            },
            "label_department" => {
                Change::SetDepartmentLabel { department: department()?, label: self.label()? }
            }
            "move_department" => {
                Change::MoveDepartment { department: department()?, parent: maybe_department(&self.parent)? }
            }
            "remove_department" => Change::RemoveDepartment { department: department()? },
            "set_duty" => Change::SetDuty { name: DutyName::new(&self.name)?, duty: self.duty()? },
            "remove_duty" => Change::RemoveDuty { name: DutyName::new(&self.name)? },
            _ => return Ok(None),
        }))
    }

    fn user(&self) -> Result<UserId, Problem> {
        Ok(UserId::new(&self.user)?)
    }

    fn role(&self) -> Result<RoleName, Problem> {
        Ok(RoleName::new(&self.role)?)
    }

    fn permission(&self) -> Result<PermissionName, Problem> {
        Ok(PermissionName::new(&self.permission)?)
    }

    fn label(&self) -> Result<Label, Problem> {
        Ok(Label::new(self.label.trim())?)
    }

    fn pattern(&self) -> Result<PermissionPattern, Problem> {
        let mode = match self.mode.as_str() {
            "" => WildcardMode::Strict,
            text => WildcardMode::parse(text)
                .ok_or_else(|| invalid("a wildcard is read as `strict`, `shiro` or `satoken`".to_owned()))?,
        };
        Ok(PermissionPattern::with_mode(&self.pattern, mode)?)
    }

    fn assignment(&self) -> Result<Assignment, Problem> {
        let (user, role) = (self.user()?, self.role()?);
        Ok(match self.domain.as_str() {
            "" => Assignment::new(user, role),
            domain => Assignment::in_domain(user, role, DomainName::new(domain)?),
        })
    }

    fn window(&self) -> Result<Window, Problem> {
        Ok(Window::new(moment(&self.from)?, moment(&self.until)?)?)
    }

    fn scope(&self) -> Result<DataScope, Problem> {
        Ok(match self.scope.as_str() {
            "nothing" => DataScope::Nothing,
            "own" => DataScope::Own,
            "department" => DataScope::OwnDepartment,
            "below" => DataScope::OwnDepartmentAndBelow,
            "departments" => {
                let chosen =
                    self.departments.iter().map(|text| department(text)).collect::<Result<_, _>>()?;
                DataScope::Departments(chosen)
            }
            "all" => DataScope::All,
            _ => return Err(invalid("choose which rows the role opens".to_owned())),
        })
    }

    fn duty(&self) -> Result<Duty, Problem> {
        let kind = match self.separation.as_str() {
            "static" => DutyKind::Static,
            "dynamic" => DutyKind::Dynamic,
            _ => return Err(invalid("duties are separated `static` or `dynamic`".to_owned())),
        };
        let cardinality = self.cardinality.parse();
        let cardinality =
            cardinality.map_err(|_| invalid("the number of roles is a number from 2 up".to_owned()))?;
        let roles = self.roles.iter().map(|role| RoleName::new(role)).collect::<Result<_, _>>()?;
        Ok(Duty::new(self.label()?, kind, cardinality, roles))
    }
}

fn invalid(words: String) -> Problem {
    Problem::bad_request("invalid", words)
}

fn department(text: &str) -> Result<DepartmentId, Problem> {
    let number = text.parse().map_err(|_| invalid("a department is a number".to_owned()))?;
    Ok(DepartmentId::new(number))
}

/// A department, or none for an empty text.
fn maybe_department(text: &str) -> Result<Option<DepartmentId>, Problem> {
    if text.is_empty() { Ok(None) } else { department(text).map(Some) }
}

/// A moment, or none for an empty text.
fn moment(text: &str) -> Result<Option<UnixMillis>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    let millis = clock::parse(text)
        .ok_or_else(|| invalid("a time is written `2026-03-01` or `2026-03-01T08:00`, in UTC".to_owned()))?;
    Ok(Some(UnixMillis::new(millis)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(json: serde_json::Value) -> Result<Change, Problem> {
        serde_json::from_value::<Wish>(json).unwrap().change()
    }

    #[test]
    fn each_kind_needs_what_it_needs() {
        let assign =
            serde_json::json!({ "kind": "assign", "user": "u1", "role": "teacher", "until": "2026-03-01" });
        let Change::Assign { assignment, window } = change(assign).unwrap() else { panic!("another change") };
        assert_eq!((assignment.user.as_str(), assignment.domain), ("u1", None));
        assert_eq!(window.not_after().map(UnixMillis::get), Some(1_772_323_200_000));
        let scope = serde_json::json!({ "kind": "scope_role", "role": "head", "scope": "departments", "departments": ["1", "2"] });
        assert!(
            matches!(change(scope).unwrap(), Change::SetDataScope { scope: DataScope::Departments(set), .. } if set.len() == 2)
        );
        for (kind, code) in [("assign", "invalid"), ("conquer", "invalid"), ("set_duty", "invalid")] {
            assert_eq!(change(serde_json::json!({ "kind": kind })).unwrap_err().code, code);
        }
        let odd = serde_json::json!({ "kind": "assign", "user": "u1", "role": "r", "from": "2026-02-30" });
        assert_eq!(change(odd).unwrap_err().code, "invalid");
    }
}
