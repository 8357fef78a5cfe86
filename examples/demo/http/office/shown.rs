//! The pages of the back office by their address: where a refused form is shown again.

use axum::response::{IntoResponse, Redirect, Response};

use super::desk::Desk;
use super::{audit, departments, domains, duties, expiry, matrix, permissions, role, roles, user, users};
use crate::http::problem::PageProblem;

/// The page at an address, as it is now.
pub(crate) async fn at(desk: &Desk, address: &str) -> Result<Response, PageProblem> {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let segments: Vec<String> = path.trim_start_matches('/').split('/').map(unescaped).collect();
    match segments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["admin", "users"] => users::show(desk, query).await,
        ["admin", "users", id] => user::show(desk, id, query).await,
        ["admin", "roles"] => roles::show(desk).await,
        ["admin", "roles", name] => role::show(desk, name).await,
        ["admin", "matrix"] => matrix::show(desk, query).await,
        ["admin", "permissions"] => permissions::show(desk).await,
        ["admin", "duties"] => duties::show(desk).await,
        ["admin", "domains"] => domains::show(desk).await,
        ["admin", "domains", name] => domains::show_one(desk, name).await,
        ["admin", "departments"] => departments::show(desk).await,
        ["admin", "expiry"] => expiry::show(desk).await,
        ["admin", "audit"] => audit::show(desk, query).await,
        ["admin", "audit", version] => audit::show_one(desk, version).await,
        _ => Ok(Redirect::to("/admin").into_response()),
    }
}

/// A segment of an address as its sender meant it.
fn unescaped(segment: &str) -> String {
    // In a path a plus is a plus, which the parser of queries takes for a blank.
    let plain = segment.replace('+', "%2B");
    form_urlencoded::parse(plain.as_bytes()).map(|(name, _)| name.into_owned()).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::unescaped;

    #[test]
    fn names_in_addresses_are_read_back() {
        assert_eq!(unescaped("head%2Fteacher"), "head/teacher");
        assert_eq!(unescaped("a+b%3A%40"), "a+b:@");
        assert_eq!(unescaped(""), "");
    }
}
