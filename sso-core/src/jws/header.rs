//! The header of a token (RFC 7515, section 4): what counts in it, and what is refused.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};

use crate::jws;
use crate::key_set::signing_key::SigningKey;
use crate::rejected::TokenRejected;
use crate::strict_json::Unique;

/// Members of a header that change what a signature means, or that bring or point to a key.
/// A verifier that knows its keys needs none of them (RFC 8725, sections 3.5 and 3.10).
const REFUSED: [&str; 10] = ["crit", "b64", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "enc", "zip"];

/// How many members a header has. It is read before its signature is verified, and each is compared with all before it.
const MEMBERS_MAX: usize = 16;

/// The members of a header that count.
#[derive(Default)]
pub(crate) struct Header {
    pub(crate) alg: String,
    pub(crate) typ: Option<String>,
    pub(crate) kid: Option<String>,
}

impl Header {
    /// The header of tokens of this type that this key signs, as base64url.
    pub(crate) fn of(key: &SigningKey, typ: &str) -> String {
        // Neither an algorithm nor a kid nor a checked type holds anything that needs escaping.
        jws::encode(format!(r#"{{"alg":"{}","typ":"{typ}","kid":"{}"}}"#, key.algorithm(), key.kid()))
    }

    pub(crate) fn parse(text: &str) -> Result<Self, TokenRejected> {
        let json = jws::decode(text)?;
        let read: Read = serde_json::from_slice(&json).map_err(|_| TokenRejected::Malformed)?;
        if read.refused {
            return Err(TokenRejected::UnsupportedHeader);
        }
        let alg = read.alg.ok_or(TokenRejected::Malformed)?;
        Ok(Self { alg, typ: read.typ, kid: read.kid })
    }

    /// Whether the type is this one, with or without `application/` in front (RFC 7515, section 4.1.9).
    pub(crate) fn is_typ(&self, wanted: &str) -> bool {
        let said = self.typ.as_deref().unwrap_or_default();
        let short = match said.split_at_checked("application/".len()) {
            Some((tree, rest)) if tree.eq_ignore_ascii_case("application/") => rest,
            _ => said,
        };
        short.eq_ignore_ascii_case(wanted)
    }
}

#[derive(Default)]
struct Read {
    alg: Option<String>,
    typ: Option<String>,
    kid: Option<String>,
    refused: bool,
}

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = Read;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a header without repeated members")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Read, A::Error> {
        let mut read = Read::default();
        let mut others: Vec<String> = Vec::new();
        let mut room = MEMBERS_MAX;
        while let Some(name) = map.next_key::<String>()? {
            room = room.checked_sub(1).ok_or_else(|| A::Error::custom("a header has too many members"))?;
            let slot = match name.as_str() {
                "alg" => &mut read.alg,
                "typ" => &mut read.typ,
                "kid" => &mut read.kid,
                _ => {
                    let Unique(_) = map.next_value()?;
                    read.refused |= REFUSED.contains(&name.as_str());
                    if others.contains(&name) {
                        return Err(A::Error::custom("a member appears twice"));
                    }
                    others.push(name);
                    continue;
                }
            };
            if slot.replace(map.next_value()?).is_some() {
                return Err(A::Error::custom("a member appears twice"));
            }
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn with_members(count: usize) -> String {
        let mut json = r#"{"alg":"RS256","kid":"k""#.to_owned();
        for member in 2..count {
            write!(json, r#","m{member}":{member}"#).unwrap();
        }
        jws::encode(json + "}")
    }

    #[test]
    fn a_header_has_sixteen_members_at_most() {
        assert_eq!(Header::parse(&with_members(MEMBERS_MAX)).unwrap().kid.as_deref(), Some("k"));
        for count in [MEMBERS_MAX + 1, 1000] {
            assert_eq!(Header::parse(&with_members(count)).err(), Some(TokenRejected::Malformed), "{count}");
        }
    }
}
