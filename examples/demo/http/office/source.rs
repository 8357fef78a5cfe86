//! A policy to import: its format, its texts, and what reading it gives.

use rbac::PolicyRows;
use rbac::import::{self, Imported, UserKey};
use serde::Deserialize;

use super::fields::Fields;
use super::labels::Choice;
use super::text::Text;
use crate::http::problem::Problem;

/// The longest text that is read here, in bytes.
pub(crate) const TEXT_BYTES_MAX: usize = 1024 * 1024;

/// A format that can be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// Our own, with everything in it.
    #[default]
    Json,
    /// Our own table.
    Csv,
    /// A model and a policy.
    Casbin,
    /// `dumpdata` of `auth`.
    Django,
    /// A MySQL dump of the `sys_` tables.
    Ruoyi,
    /// Roles and bindings, YAML.
    Kubernetes,
}

impl Format {
    const ALL: [Self; 6] = [Self::Json, Self::Csv, Self::Casbin, Self::Django, Self::Ruoyi, Self::Kubernetes];

    /// Its name in forms.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Casbin => "casbin",
            Self::Django => "django",
            Self::Ruoyi => "ruoyi",
            Self::Kubernetes => "kubernetes",
        }
    }

    const fn words(self, t: &Text) -> &'static str {
        match self {
            Self::Json => t.rooms.format_json,
            Self::Csv => t.rooms.format_csv,
            Self::Casbin => t.rooms.format_casbin,
            Self::Django => t.rooms.format_django,
            Self::Ruoyi => t.rooms.format_ruoyi,
            Self::Kubernetes => t.rooms.format_kubernetes,
        }
    }

    fn parse(text: &str) -> Result<Self, Problem> {
        let found = Self::ALL.into_iter().find(|format| format.as_str() == text);
        found.ok_or_else(|| Problem::bad_request("invalid", "choose one of the formats of the list"))
    }

    /// All of them, for a select.
    pub(crate) fn choices(chosen: Self, t: &Text) -> Vec<Choice> {
        let choice = |format: Self| Choice {
            code: format.as_str().to_owned(),
            words: format.words(t).to_owned(),
            chosen: format == chosen,
        };
        Self::ALL.into_iter().map(choice).collect()
    }
}

/// What users are known by, where a format has two names for them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Key {
    /// The name to sign in with.
    #[default]
    Name,
    /// The number in the tables.
    Number,
}

/// What is to be imported.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) format: Format,
    pub(crate) text: String,
    /// Of casbin alone: the model beside the policy.
    pub(crate) model: String,
    pub(crate) users: Key,
}

impl Source {
    /// What a form holds.
    pub(crate) fn of(fields: &Fields) -> Result<Self, Problem> {
        let users = if fields.one("users") == "number" { Key::Number } else { Key::Name };
        Ok(Self {
            format: Format::parse(fields.one("format"))?,
            text: fields.whole("text").replace("\r\n", "\n"),
            model: fields.whole("model").replace("\r\n", "\n"),
            users,
        })
    }

    /// Reads it.
    pub(crate) fn read(&self) -> Result<Imported, Problem> {
        if self.text.len().max(self.model.len()) > TEXT_BYTES_MAX {
            let words =
                format!("a text may have {TEXT_BYTES_MAX} bytes here; split it, or use the library's import");
            return Err(Problem::bad_request("too_large", words));
        }
        if self.text.trim().is_empty() {
            return Err(Problem::bad_request(
                "invalid",
                "there is no text to read; paste it, or choose a file",
            ));
        }
        let users = match self.users {
            Key::Name => UserKey::Name,
            Key::Number => UserKey::Number,
        };
        Ok(match self.format {
            Format::Json => {
                let mut imported = Imported::default();
                imported.rows = PolicyRows::from_json(&self.text)?;
                imported
            }
            Format::Csv => import::csv(&self.text)?,
            Format::Casbin => import::casbin(&self.model, &self.text)?,
            Format::Django => import::django(&self.text, users)?,
            Format::Ruoyi => import::ruoyi(&self.text, users)?,
            Format::Kubernetes => import::kubernetes(&self.text)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(body: &str) -> Result<Source, Problem> {
        Source::of(&Fields::parse(body.as_bytes()))
    }

    #[test]
    fn a_form_is_read_as_its_format_says() {
        let table = source("format=csv&text=kind,name%0D%0Auser,alice%0D%0A").unwrap();
        assert_eq!(table.read().unwrap().rows.users.len(), 1);
        assert_eq!(
            source("format=json&text=%7B%22rbac%22%3A1%7D").unwrap().read().unwrap().rows,
            PolicyRows::default()
        );
        assert_eq!(source("format=excel&text=a").unwrap_err().code, "invalid");
        for odd in ["format=json&text=%7B", "format=csv&text=+", "format=casbin&text=p,a,b,c"] {
            assert_eq!(source(odd).unwrap().read().unwrap_err().code, "invalid", "{odd}");
        }
        let long = Source { text: "x".repeat(TEXT_BYTES_MAX + 1), ..Source::default() };
        assert_eq!(long.read().unwrap_err().code, "too_large");
    }
}
