//! The frame around every page: who is signed in, which tab is on, which instance answered.

use std::sync::OnceLock;

use askama::Template;
use axum::response::{Html, IntoResponse, Response};

use super::problem::{PageProblem, Problem};

static INSTANCE: OnceLock<String> = OnceLock::new();

/// Names this process in the foot of its pages. The first name stays.
pub(crate) fn name_instance(name: String) {
    INSTANCE.get_or_init(|| name);
}

/// What `base.html` needs.
#[derive(Debug, Clone)]
pub(crate) struct Chrome {
    pub(crate) user: Option<ChromeUser>,
    pub(crate) instance: &'static str,
    tab: &'static str,
}

/// The signed-in person, as the bar shows them.
#[derive(Debug, Clone)]
pub(crate) struct ChromeUser {
    pub(crate) display_name: String,
    pub(crate) initial: String,
    pub(crate) doors: Doors,
}

/// Which rooms of the back office somebody may see.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Doors {
    /// Users and roles.
    pub(crate) users: bool,
    /// Sales.
    pub(crate) sales: bool,
    /// Orders.
    pub(crate) orders: bool,
    /// Bills.
    pub(crate) bills: bool,
}

impl Chrome {
    /// The frame for somebody who is not signed in.
    pub(crate) fn anonymous() -> Self {
        Self { user: None, instance: instance(), tab: "" }
    }

    /// The frame for somebody who is.
    pub(crate) fn of(display_name: &str, doors: Doors, tab: &'static str) -> Self {
        let initial =
            display_name.chars().next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
        let user = ChromeUser { display_name: display_name.to_owned(), initial, doors };
        Self { user: Some(user), instance: instance(), tab }
    }

    /// Whether a tab is the one that is on.
    pub(crate) fn at(&self, tab: &str) -> bool {
        self.tab == tab
    }
}

fn instance() -> &'static str {
    INSTANCE.get().map_or("unnamed", String::as_str)
}

/// Renders a page; a template that fails is a problem, not a panic.
pub(crate) fn page(template: &impl Template) -> Result<Response, PageProblem> {
    match template.render() {
        Ok(text) => Ok(Html(text).into_response()),
        Err(cause) => Err(PageProblem::from(Problem::broken("page", false, &cause))),
    }
}
