//! The frame around every page: who is signed in, which tab is on, how it looks, which instance answered.

use std::sync::OnceLock;

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use rbac::PolicyVersion;

use super::office::look::Look;
use super::office::rooms::MenuWing;
use super::office::text::Text;
use super::problem::{PageProblem, Problem};

static INSTANCE: OnceLock<String> = OnceLock::new();

/// Names this process in the foot of its pages. The first name stays.
pub(crate) fn name_instance(name: String) {
    INSTANCE.get_or_init(|| name);
}

/// What `base.html` and the back office's `shell.html` need.
#[derive(Debug, Clone)]
pub(crate) struct Chrome {
    pub(crate) user: Option<ChromeUser>,
    pub(crate) instance: &'static str,
    pub(crate) look: Look,
    pub(crate) t: &'static Text,
    /// The address of this page, to come back to.
    pub(crate) here: String,
    /// The version of the policy that the page shows; its forms send it back.
    pub(crate) version: PolicyVersion,
    pub(crate) notice: Option<Notice>,
    /// The roles that the visitor uses, if they chose some.
    pub(crate) active_roles: Option<String>,
    /// Whether there is anything to choose.
    pub(crate) may_choose_roles: bool,
    tab: &'static str,
}

/// The signed-in person, as the bar shows them.
#[derive(Debug, Clone)]
pub(crate) struct ChromeUser {
    pub(crate) display_name: String,
    pub(crate) initial: String,
    /// The rooms of the back office that they may enter.
    pub(crate) menu: Vec<MenuWing>,
}

/// What a page says first: what came of a form.
#[derive(Debug, Clone)]
pub(crate) struct Notice {
    /// `good` or `bad`.
    pub(crate) tone: &'static str,
    pub(crate) words: String,
}

impl Notice {
    /// Nothing was done, and why.
    pub(crate) const fn bad(words: String) -> Self {
        Self { tone: "bad", words }
    }

    /// It is done.
    pub(crate) const fn good(words: String) -> Self {
        Self { tone: "good", words }
    }
}

impl Chrome {
    /// The frame for somebody who is not signed in.
    pub(crate) fn anonymous() -> Self {
        Self::new(None, Look::default(), "")
    }

    /// The frame for somebody who is.
    pub(crate) fn of(display_name: &str, menu: Vec<MenuWing>, look: Look, tab: &'static str) -> Self {
        let user = ChromeUser { display_name: display_name.to_owned(), initial: initial(display_name), menu };
        Self::new(Some(user), look, tab)
    }

    fn new(user: Option<ChromeUser>, look: Look, tab: &'static str) -> Self {
        Self {
            user,
            instance: instance(),
            look,
            t: look.text(),
            here: String::new(),
            version: PolicyVersion::START,
            notice: None,
            active_roles: None,
            may_choose_roles: false,
            tab,
        }
    }

    /// Whether a tab is the one that is on.
    pub(crate) fn at(&self, tab: &str) -> bool {
        self.tab == tab
    }
}

/// The first letter of a name, large.
pub(crate) fn initial(name: &str) -> String {
    name.chars().next().map(|first| first.to_uppercase().collect()).unwrap_or_default()
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
