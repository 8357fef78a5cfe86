//! A form's fields as they came, so that one name may stand several times, as check boxes send it.

use std::collections::BTreeSet;
use std::fmt;

use rbac::PolicyVersion;

use super::changes::within_limit;
use super::wish::Wish;
use crate::http::problem::Problem;

/// The fields of a change that many users may share.
const SHARED: [&str; 7] = ["kind", "role", "domain", "from", "until", "label", "department"];
/// The most bytes in them: all of the longest names and then some.
const SHARED_BYTES_MAX: usize = 1_024;

/// What a form wishes.
#[derive(Debug)]
pub(crate) struct Wishes {
    pub(crate) wishes: Vec<Wish>,
    /// Whether they are one wish, each time for another of the users that were ticked.
    pub(crate) several: bool,
}

/// Names and values in their order.
#[derive(Clone, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// The fields of a body or of a query.
    pub(crate) fn parse(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    /// The first value of a name without blanks around it; empty if there is none.
    pub(crate) fn one(&self, name: &str) -> &str {
        self.0.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value.trim())
    }

    /// The same with its blanks: of a password or a text of many lines.
    pub(crate) fn whole(&self, name: &str) -> &str {
        self.0.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
    }

    /// All of them.
    pub(crate) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// The same without a name.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.retain(|(found, _)| found != name);
        self
    }

    /// Every value of a name that is not empty.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        self.values(name).map(str::to_owned).collect()
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let values = self.0.iter().filter(move |(found, value)| found == name && !value.is_empty());
        values.map(|(_, value)| value.as_str())
    }

    /// The version of the policy that the form was filled in for, if it says so.
    pub(crate) fn expected(&self) -> Result<Option<PolicyVersion>, Problem> {
        let text = self.one("expected");
        if text.is_empty() {
            return Ok(None);
        }
        let odd = |_| Problem::bad_request("invalid", "the version that the form is for cannot be read");
        text.parse().map(PolicyVersion::new).map(Some).map_err(odd)
    }

    /// What the form wishes: the list in its field `changes`, or one change for each of its users.
    pub(crate) fn wishes(&self) -> Result<Wishes, Problem> {
        let collected = self.one("changes");
        if !collected.is_empty() {
            let wishes = serde_json::from_str(collected).map_err(|cause| {
                Problem::bad_request("invalid", format!("the changes cannot be read: {cause}"))
            })?;
            return Ok(Wishes { wishes, several: false });
        }
        // Who is ticked twice is ticked.
        let mut seen = BTreeSet::new();
        let users: Vec<_> = self.values("user").filter(|user| seen.insert(*user)).collect();
        if users.len() < 2 {
            return Ok(Wishes { wishes: vec![self.wish()], several: false });
        }
        within_limit(users.len())?;
        let shared = self.shared()?;
        let wish = |user: &str| Wish { user: user.to_owned(), ..shared.clone() };
        Ok(Wishes { wishes: users.into_iter().map(wish).collect(), several: true })
    }

    /// What may be wished for several users at once, of nobody yet. It is copied for each of them, so it has to be
    /// short, and has none of the lists that only changes of roles need.
    fn shared(&self) -> Result<Wish, Problem> {
        let bytes: usize = SHARED.iter().map(|name| self.one(name).len()).sum();
        if bytes > SHARED_BYTES_MAX {
            let words = format!("the fields beside the users may have {SHARED_BYTES_MAX} bytes together");
            return Err(Problem::bad_request("invalid", words));
        }
        let [kind, role, domain, from, until, label, department] =
            SHARED.map(|name| self.one(name).to_owned());
        Ok(Wish { kind, role, domain, from, until, label, department, ..Wish::default() })
    }

    fn wish(&self) -> Wish {
        let one = |name| self.one(name).to_owned();
        Wish {
            kind: one("kind"),
            user: one("user"),
            role: one("role"),
            junior: one("junior"),
            domain: one("domain"),
            from: one("from"),
            until: one("until"),
            permission: one("permission"),
            pattern: one("pattern"),
            mode: one("mode"),
            label: one("label"),
            department: one("department"),
            parent: one("parent"),
            scope: one("scope"),
            departments: self.all("departments"),
            name: one("name"),
            separation: one("separation"),
            cardinality: one("cardinality"),
            roles: self.all("roles"),
        }
    }
}

/// Values may hold a password.
impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_boxes_become_one_change_a_user() {
        let fields =
            Fields::parse(b"kind=assign&role=teacher&user=u1&user=u2&user=u1&departments=1&departments=2");
        let Wishes { wishes, several } = fields.wishes().unwrap();
        assert!(several);
        assert_eq!(wishes.iter().map(|wish| wish.user.as_str()).collect::<Vec<_>>(), ["u1", "u2"]);
        assert!(wishes.iter().all(|wish| wish.role == "teacher" && wish.departments.is_empty()));
    }

    #[test]
    fn a_form_for_many_users_stays_small() {
        let form = |users: usize, more: &str| {
            let users: String = (0..users).map(|user| format!("user={user}&")).collect();
            Fields::parse(format!("{users}kind=assign&role=teacher&{more}").as_bytes()).wishes()
        };
        assert_eq!(form(2_000, "").unwrap().wishes.len(), 2_000);
        assert_eq!(form(2_001, "").unwrap_err().code, "too_many_changes");
        let lists = form(2, &"roles=a&departments=1&".repeat(2_000)).unwrap();
        assert!(lists.wishes.iter().all(|wish| wish.roles.is_empty() && wish.departments.is_empty()));
        assert_eq!(form(2, &format!("domain={}", "x".repeat(2_000))).unwrap_err().code, "invalid");
    }

    #[test]
    fn collected_changes_are_read_strictly() {
        let body = |json: &str| {
            let text = form_urlencoded::Serializer::new(String::new()).append_pair("changes", json).finish();
            Fields::parse(text.as_bytes()).wishes()
        };
        let two =
            body(r#"[{"kind":"revoke","role":"a","pattern":"b"},{"kind":"deny","role":"a","pattern":"b"}]"#);
        let two = two.unwrap();
        assert_eq!((two.wishes.len(), two.several), (2, false));
        assert!(body(r#"[{"kind":"allow","rolle":"a"}]"#).is_err());
        assert!(body("[").is_err());
    }
}
