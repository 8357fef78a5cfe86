//! What the list of users is asked for, as its address says it.

use std::cmp::Ordering;

use super::facets::Found;
use super::fields::Fields;

/// Users on one page.
pub(crate) const USERS_A_PAGE: usize = 20;
/// The last page that an address may name.
const PAGES_MAX: usize = 100_000;

/// Search, facets, order and page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct UsersQuery {
    /// Words that stand in the name, the sign-in name or the id; all of them must.
    pub(crate) q: String,
    /// `yes` or `no`; empty for both.
    pub(crate) active: String,
    /// A role that is assigned; `-` for none at all; empty for any.
    pub(crate) role: String,
    /// The number of a department; `-` for none at all; empty for any.
    pub(crate) department: String,
    /// `name`, `department` or `roles`; `-` before it turns it round.
    pub(crate) sort: String,
    pub(crate) page: usize,
}

impl UsersQuery {
    /// The query of an address. What it cannot mean is as if it were not there.
    pub(crate) fn of(fields: &Fields) -> Self {
        let one = |name| fields.one(name).to_owned();
        let page = fields.one("page").parse().unwrap_or(1);
        Self {
            q: one("q"),
            active: one("active"),
            role: one("role"),
            department: one("department"),
            sort: one("sort"),
            page: page.clamp(1, PAGES_MAX),
        }
    }

    /// Its address.
    pub(crate) fn href(&self) -> String {
        let page = if self.page > 1 { self.page.to_string() } else { String::new() };
        let pairs = [
            ("q", self.q.as_str()),
            ("active", &self.active),
            ("role", &self.role),
            ("department", &self.department),
            ("sort", &self.sort),
            ("page", &page),
        ];
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(pairs.into_iter().filter(|(_, value)| !value.is_empty()));
        let query = query.finish();
        if query.is_empty() { "/admin/users".to_owned() } else { format!("/admin/users?{query}") }
    }

    /// The same on another page.
    pub(crate) fn at_page(&self, page: usize) -> Self {
        Self { page, ..self.clone() }
    }

    /// The same in another order; a second time turns the order round.
    pub(crate) fn sorted_by(&self, key: &str) -> Self {
        let sort = if self.sort == key { format!("-{key}") } else { key.to_owned() };
        Self { sort, page: 1, ..self.clone() }
    }

    /// How a column is sorted, as ARIA says it.
    pub(crate) fn direction(&self, key: &str) -> &'static str {
        let now = if self.sort.is_empty() { "name" } else { &self.sort };
        match now.strip_prefix('-') {
            None if now == key => "ascending",
            Some(turned) if turned == key => "descending",
            _ => "none",
        }
    }

    /// Whether a user is asked for.
    pub(crate) fn fits(&self, found: &Found<'_>) -> bool {
        self.fits_words(found)
            && self.fits_active(found)
            && self.fits_role(found)
            && self.fits_department(found)
    }

    /// The search.
    pub(crate) fn fits_words(&self, found: &Found<'_>) -> bool {
        let text = format!("{} {} {}", found.label, found.login, found.id).to_lowercase();
        self.q.split_whitespace().all(|word| text.contains(&word.to_lowercase()))
    }

    /// The facet of active users.
    pub(crate) fn fits_active(&self, found: &Found<'_>) -> bool {
        match self.active.as_str() {
            "yes" => found.active,
            "no" => !found.active,
            _ => true,
        }
    }

    /// The facet of roles.
    pub(crate) fn fits_role(&self, found: &Found<'_>) -> bool {
        match self.role.as_str() {
            "" => true,
            "-" => found.roles.is_empty(),
            name => found.roles.iter().any(|role| role.as_str() == name),
        }
    }

    /// The facet of departments.
    pub(crate) fn fits_department(&self, found: &Found<'_>) -> bool {
        match self.department.as_str() {
            "" => true,
            "-" => found.department.is_none(),
            number => found.department.is_some_and(|department| department.to_string() == number),
        }
    }

    /// Puts users in order; equals by id.
    pub(crate) fn sort(&self, users: &mut [&Found<'_>]) {
        let (key, turned) = match self.sort.strip_prefix('-') {
            Some(key) => (key, true),
            None => (self.sort.as_str(), false),
        };
        users.sort_by(|one, other| {
            let order = match key {
                "department" => one.department.cmp(&other.department),
                "roles" => one.roles.len().cmp(&other.roles.len()),
                _ => one.label.to_lowercase().cmp(&other.label.to_lowercase()),
            };
            let order = if turned { order.reverse() } else { order };
            if order == Ordering::Equal { one.id.cmp(other.id) } else { order }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_comes_back_as_it_was() {
        let query =
            UsersQuery::of(&Fields::parse("q=韩 a&role=head/teacher&sort=-roles&page=3&odd=1".as_bytes()));
        let address = query.href();
        let (_, text) = address.split_once('?').unwrap();
        assert_eq!(UsersQuery::of(&Fields::parse(text.as_bytes())), query);
        assert_eq!((query.direction("roles"), query.direction("name")), ("descending", "none"));
        assert_eq!(query.sorted_by("name").page, 1);
        let odd = UsersQuery::of(&Fields::parse(b"page=-1"));
        assert_eq!((odd.page, odd.href().as_str()), (1, "/admin/users"));
    }
}
