//! Reading replies of providers without trust: JSON, JSONP, forms, numbers that are sometimes text.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind};
use crate::strict_json;

/// The longest reply that is read, in bytes.
pub(crate) const REPLY_BYTES_MAX: usize = 64 * 1024;

pub(crate) type Members = Map<String, Value>;

/// A reply of a provider whose name is put into the errors. Its bytes never are.
#[derive(Clone, Copy)]
pub(crate) struct Reply<'a> {
    pub(crate) provider: &'a str,
    response: &'a Response<Bytes>,
}

impl<'a> Reply<'a> {
    /// A reply that is worth reading.
    pub(crate) fn new(provider: &'a str, response: &'a Response<Bytes>) -> Result<Self, Error> {
        let status = response.status();
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            let words = format!("`{provider}` answered {}", status.as_u16());
            return Err(Error::new(ErrorKind::Unavailable, words).transient());
        }
        let reply = Self { provider, response };
        if status.is_informational() || status.is_redirection() {
            return Err(reply.broken("answers with a redirect"));
        }
        if response.body().len() > REPLY_BYTES_MAX {
            return Err(reply.broken("sends too long a reply"));
        }
        Ok(reply)
    }

    /// The status as text.
    pub(crate) fn status(&self) -> String {
        self.response.status().as_u16().to_string()
    }

    /// The provider broke its protocol.
    pub(crate) fn broken(&self, what: &str) -> Error {
        let words = format!("`{}` {what} (status {})", self.provider, self.status());
        Error::new(ErrorKind::PeerMisbehaved, words)
    }

    /// A reply that says it failed and not why.
    pub(crate) fn succeeded(&self) -> Result<(), Error> {
        if self.response.status().is_success() {
            Ok(())
        } else {
            Err(self.broken("refuses without a reason"))
        }
    }

    /// The body as text. All providers send UTF-8, whatever their headers say.
    pub(crate) fn text(&self) -> Result<&'a str, Error> {
        let text = std::str::from_utf8(self.response.body()).map_err(|_| self.broken("sends no utf-8"))?;
        Ok(text.trim_start_matches('\u{feff}').trim())
    }

    /// The body as a JSON object in which no member is repeated.
    pub(crate) fn json(&self) -> Result<Members, Error> {
        strict_json::object(self.text()?.as_bytes()).ok_or_else(|| self.broken("sends no json object"))
    }

    /// The body as any JSON.
    pub(crate) fn any_json(&self) -> Result<Value, Error> {
        serde_json::from_str(self.text()?).map_err(|_| self.broken("sends no json"))
    }

    /// The body as JSON, as JSON in a call of a function, or as a form: all three are in use at QQ.
    pub(crate) fn json_jsonp_or_form(&self) -> Result<Members, Error> {
        let text = self.text()?;
        if text.starts_with('{') {
            return self.json();
        }
        if let Some(json) = unwrap_call(text) {
            let members = strict_json::object(json.as_bytes());
            return members.ok_or_else(|| self.broken("sends no json in its jsonp"));
        }
        form(text).ok_or_else(|| self.broken("sends neither json nor jsonp nor a form"))
    }
}

/// What is inside the one call of a function with a plain name: `callback( {..} );`.
fn unwrap_call(text: &str) -> Option<&str> {
    let (function, rest) = text.split_once('(')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.' || c == '$';
    let function = function.trim_end();
    if function.is_empty() || !function.chars().all(plain) {
        return None;
    }
    let inside = rest.trim_end().trim_end_matches(';').trim_end().strip_suffix(')')?;
    Some(inside.trim())
}

/// The pairs of a form in which no name is repeated.
fn form(text: &str) -> Option<Members> {
    if text.is_empty() || !text.contains('=') || text.contains(['<', '{', '\n']) {
        return None;
    }
    let mut members = Members::new();
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        if members.insert(name.into_owned(), Value::String(value.into_owned())).is_some() {
            return None;
        }
    }
    Some(members)
}

/// A member that is text, and not empty.
pub(crate) fn text<'a>(members: &'a Members, name: &str) -> Option<&'a str> {
    members.get(name)?.as_str().filter(|text| !text.is_empty())
}

/// A member that is text or a whole number, as text.
pub(crate) fn text_or_number(members: &Members, name: &str) -> Option<String> {
    match members.get(name)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) if number.is_u64() || number.is_i64() => Some(number.to_string()),
        _ => None,
    }
}

/// Whether a member that may be text or a number says something else than nothing and zero.
pub(crate) fn error_code(members: &Members, name: &str) -> Option<String> {
    text_or_number(members, name).filter(|code| code != "0")
}

/// Text of a member for a person, or nothing.
pub(crate) fn words<'a>(members: &'a Members, name: &str) -> &'a str {
    text(members, name).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(body: &str) -> Result<Members, Error> {
        let response = Response::new(Bytes::from(body.to_owned()));
        Reply::new("qq", &response)?.json_jsonp_or_form()
    }

    #[test]
    fn four_shapes_are_one() {
        for body in [
            r#"{"error":100020,"error_description":"x"}"#,
            r#"callback( {"error":100020,"error_description":"x"} );"#,
            "\u{feff} callback({\"error\":100020,\"error_description\":\"x\"})\n",
            "error=100020&error_description=x",
        ] {
            let members = read(body).unwrap();
            assert_eq!(error_code(&members, "error").unwrap(), "100020", "{body}");
            assert_eq!(words(&members, "error_description"), "x");
        }
    }

    #[test]
    fn what_is_no_shape_is_the_providers_fault() {
        for body in [
            "",
            "x",
            "callback(",
            "callback()",
            "callback({)",
            "(x)",
            "a b({})",
            "<a href=\"?a=b\">",
            "a=1&a=2",
            "[]",
        ] {
            assert_eq!(read(body).unwrap_err().kind(), ErrorKind::PeerMisbehaved, "{body}");
        }
        assert!(read(&format!("{{\"a\":\"{}\"}}", "x".repeat(REPLY_BYTES_MAX))).is_err());
    }

    #[test]
    fn a_status_counts() {
        let with = |status: u16| {
            let response = Response::builder().status(status).body(Bytes::from_static(b"{}")).unwrap();
            Reply::new("qq", &response)
                .and_then(|reply| reply.succeeded())
                .map_err(|error| (error.kind(), error.is_transient()))
        };
        assert_eq!(with(200), Ok(()));
        assert_eq!(with(302), Err((ErrorKind::PeerMisbehaved, false)));
        assert_eq!(with(400), Err((ErrorKind::PeerMisbehaved, false)));
        assert_eq!(with(429), Err((ErrorKind::Unavailable, true)));
        assert_eq!(with(503), Err((ErrorKind::Unavailable, true)));
    }

    #[test]
    fn numbers_and_text_are_the_same_identifier() {
        let members =
            strict_json::object(br#"{"a":1404376560,"b":"1404376560","c":1.5,"d":null,"e":""}"#).unwrap();
        assert_eq!(text_or_number(&members, "a"), text_or_number(&members, "b"));
        assert!(["c", "d", "e", "f"].iter().all(|name| text_or_number(&members, name).is_none()));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "(callback)?[(]?[ ]?[{]?\\PC{0,30}[}]?[ ]?[)]?;?") {
            for body in [Bytes::from(bytes), Bytes::from(text)] {
                let response = Response::new(body);
                let read = Reply::new("qq", &response).and_then(|reply| reply.json_jsonp_or_form());
                prop_assert!(read.is_ok() || read.is_err_and(|error| error.kind() == ErrorKind::PeerMisbehaved));
            }
        }

        #[test]
        fn a_form_survives(pairs in proptest::collection::btree_map("[a-z]{1,8}", "[^\u{0}]{1,9}", 1..5)) {
            let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
            let members = read(&body).unwrap();
            prop_assert!(pairs.iter().all(|(name, value)| text(&members, name) == Some(value)));
        }
    }
}
