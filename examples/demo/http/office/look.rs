//! How a visitor wants pages to look: the language and the colours, kept in one cookie of the browser.

use axum::extract::RawForm;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect};
use rbac::Lang;

use super::fields::Fields;
use super::text::{EN, Text, ZH};
use crate::http::auth::local_path;
use crate::http::problem::{PageResult, Problem};
use crate::http::visitor::cookies;

/// The name of the cookie.
const COOKIE: &str = "look";
/// How long a browser keeps it: a year.
const KEPT_SECS: u32 = 365 * 24 * 3600;

/// The colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Theme {
    /// What the system is set to.
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// Its name in the cookie, in forms and in style sheets.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.as_str() == text)
    }
}

/// Language and colours of one request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) lang: Lang,
    pub(crate) theme: Theme,
}

impl Look {
    /// What the cookie says; without one, the first language that the browser asks for.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let asked = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let mut look = Self { lang: lang(asked.unwrap_or_default()), theme: Theme::System };
        let line = cookies(headers);
        let pairs = line.split(';').filter_map(|pair| pair.trim().split_once('='));
        for (_, value) in pairs.filter(|(name, _)| *name == COOKIE) {
            let (code, theme) = value.split_once('.').unwrap_or((value, ""));
            look.lang = lang(code);
            look.theme = Theme::parse(theme).unwrap_or_default();
        }
        look
    }

    /// `zh` or `en`.
    pub(crate) const fn code(self) -> &'static str {
        match self.lang {
            Lang::Zh => "zh",
            _ => "en",
        }
    }

    /// The language as HTML names it.
    pub(crate) const fn html_lang(self) -> &'static str {
        match self.lang {
            Lang::Zh => "zh-CN",
            _ => "en",
        }
    }

    /// The words of the back office.
    pub(crate) const fn text(self) -> &'static Text {
        match self.lang {
            Lang::Zh => &ZH,
            _ => &EN,
        }
    }

    fn cookie(self) -> String {
        let (code, theme) = (self.code(), self.theme.as_str());
        format!("{COOKIE}={code}.{theme}; Path=/; Max-Age={KEPT_SECS}; SameSite=Lax; HttpOnly")
    }
}

/// The language of a text such as `zh-CN,zh;q=0.9`: its first one if we speak it.
fn lang(text: &str) -> Lang {
    if text.trim_start().to_ascii_lowercase().starts_with("zh") { Lang::Zh } else { Lang::En }
}

/// `POST /admin/look`: remembers what was chosen and goes back.
pub(crate) async fn choose(headers: HeaderMap, RawForm(body): RawForm) -> PageResult {
    let fields = Fields::parse(&body);
    let mut look = Look::of(&headers);
    match fields.one("lang") {
        "" => {}
        code => look.lang = lang(code),
    }
    if let Some(theme) = Theme::parse(fields.one("theme")) {
        look.theme = theme;
    }
    let mut reply = Redirect::to(local_path(fields.one("back"))).into_response();
    let cookie = HeaderValue::from_str(&look.cookie());
    let cookie = cookie.map_err(|cause| Problem::broken("cookie", false, &cause))?;
    reply.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(name: header::HeaderName, value: &'static str) -> Look {
        Look::of(&HeaderMap::from_iter([(name, HeaderValue::from_static(value))]))
    }

    #[test]
    fn a_cookie_says_more_than_the_browser() {
        assert_eq!(look(header::ACCEPT_LANGUAGE, "zh-CN,zh;q=0.9,en;q=0.8").lang, Lang::Zh);
        assert_eq!(look(header::ACCEPT_LANGUAGE, "en-GB,zh;q=0.9").lang, Lang::En);
        let chosen = look(header::COOKIE, "sid=1; look=zh.dark");
        assert_eq!(chosen, Look { lang: Lang::Zh, theme: Theme::Dark });
        assert_eq!(look(header::COOKIE, "look=%00.purple"), Look::default());
        assert!(chosen.cookie().starts_with("look=zh.dark; Path=/;"));
    }
}
