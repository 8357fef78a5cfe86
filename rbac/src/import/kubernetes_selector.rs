//! Label selectors of Kubernetes: which objects one asks for.

use super::yaml::Node;

/// One condition of a label selector: a label in or not in some values, there or not.
pub(super) enum Ask<'a> {
    In(&'a str, Vec<&'a str>),
    NotIn(&'a str, Vec<&'a str>),
    Exists(&'a str),
    DoesNotExist(&'a str),
}

impl Ask<'_> {
    pub(super) fn holds(&self, labels: &[(&str, &str)]) -> bool {
        let value = |key: &str| labels.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
        match self {
            Self::In(key, values) => value(key).is_some_and(|value| values.contains(&value)),
            Self::NotIn(key, values) => value(key).is_none_or(|value| !values.contains(&value)),
            Self::Exists(key) => value(key).is_some(),
            Self::DoesNotExist(key) => value(key).is_none(),
        }
    }
}

/// What a label selector asks, all of which must hold.
pub(super) fn asks(selector: &Node) -> Result<Vec<Ask<'_>>, &'static str> {
    const WHY: &str = "it is no label selector as Kubernetes has them";
    let mut asks = Vec::new();
    for (name, value) in selector.entries().ok_or(WHY)? {
        match name.as_str() {
            "matchLabels" => {
                for (key, value) in value.entries().ok_or(WHY)? {
                    asks.push(Ask::In(key, vec![value.text().ok_or(WHY)?]));
                }
            }
            "matchExpressions" => {
                for ask in value.list().ok_or(WHY)? {
                    let key = ask.text_at("key").ok_or(WHY)?;
                    let values = ask.at("values").and_then(Node::list).unwrap_or_default();
                    let values: Option<Vec<&str>> = values.iter().map(Node::text).collect();
                    let values = values.ok_or(WHY)?;
                    asks.push(match ask.text_at("operator") {
                        Some("In") => Ask::In(key, values),
                        Some("NotIn") => Ask::NotIn(key, values),
                        Some("Exists") => Ask::Exists(key),
                        Some("DoesNotExist") => Ask::DoesNotExist(key),
                        _ => return Err(WHY),
                    });
                }
            }
            _ => return Err(WHY),
        }
    }
    Ok(asks)
}
