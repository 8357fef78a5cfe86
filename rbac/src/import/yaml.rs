//! A YAML stream as plain trees, with limits: no aliases, so that a short text cannot stand for a long one, and no
//! deep nesting.

use std::collections::BTreeSet;

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::unreadable;
use crate::error::Error;
use crate::name::shown;

const WHAT: &str = "kubernetes objects";
/// How deep lists and maps may stand in each other.
const DEPTH_MAX: usize = 32;
/// The longest stream: 16 MiB. Trees take more room than text.
const YAML_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A value, and the line that it begins on.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) value: Value,
}

#[derive(Debug)]
pub(super) enum Value {
    Null,
    Text(String),
    List(Vec<Node>),
    /// In the order of the text; no name stands twice.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// What a map has under a name. A null is as good as nothing.
    pub(super) fn at(&self, name: &str) -> Option<&Self> {
        let Value::Map(entries) = &self.value else { return None };
        let found = entries.iter().find(|(key, _)| key == name).map(|(_, node)| node);
        found.filter(|node| !matches!(node.value, Value::Null))
    }

    pub(super) fn text(&self) -> Option<&str> {
        if let Value::Text(text) = &self.value { Some(text) } else { None }
    }

    /// A text under a name.
    pub(super) fn text_at(&self, name: &str) -> Option<&str> {
        self.at(name).and_then(Self::text)
    }

    pub(super) fn list(&self) -> Option<&[Self]> {
        if let Value::List(list) = &self.value { Some(list) } else { None }
    }

    pub(super) fn entries(&self) -> Option<&[(String, Self)]> {
        if let Value::Map(entries) = &self.value { Some(entries) } else { None }
    }
}

/// Reads all documents of a stream.
///
/// # Errors
///
/// The text is no YAML, holds an alias, nests too deep or has a name twice in one map.
pub(super) fn documents(text: &str) -> Result<Vec<Node>, Error> {
    if text.len() > YAML_BYTES_MAX {
        let fault = format!("it has {} bytes, at most {YAML_BYTES_MAX} are read; split it", text.len());
        return Err(unreadable(WHAT, "the beginning", fault));
    }
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            unreadable(
                WHAT,
                format!("line {}", error.marker().line()),
                format!("it is no yaml: {}", shown(error.info())),
            )
        })?;
        let line = span.start.line();
        builder.take(event, line).map_err(|fault| unreadable(WHAT, format!("line {line}"), fault))?;
    }
    Ok(builder.documents)
}

/// A list or a map that is not complete yet.
enum Open {
    List { line: usize, nodes: Vec<Node> },
    Map { line: usize, entries: Vec<(String, Node)>, names: BTreeSet<String>, key: Option<String> },
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    documents: Vec<Node>,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, line: usize) -> Result<(), String> {
        match event {
            Event::Alias(_) => Err("an alias stands there; write out what it stands for".to_owned()),
            Event::Scalar(text, style, ..) => {
                let plain = style == ScalarStyle::Plain;
                let null = plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                let value = if null { Value::Null } else { Value::Text(text.into_owned()) };
                self.add(Node { line, value })
            }
            Event::SequenceStart(..) => self.begin(Open::List { line, nodes: Vec::new() }),
            Event::MappingStart(..) => {
                self.begin(Open::Map { line, entries: Vec::new(), names: BTreeSet::new(), key: None })
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List { line, nodes }) => self.add(Node { line, value: Value::List(nodes) }),
                Some(Open::Map { line, entries, .. }) => self.add(Node { line, value: Value::Map(entries) }),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn begin(&mut self, open: Open) -> Result<(), String> {
        if self.open.len() == DEPTH_MAX {
            return Err(format!("lists and maps stand more than {DEPTH_MAX} deep in each other"));
        }
        self.open.push(open);
        Ok(())
    }

    fn add(&mut self, node: Node) -> Result<(), String> {
        match self.open.last_mut() {
            None => self.documents.push(node),
            Some(Open::List { nodes, .. }) => nodes.push(node),
            Some(Open::Map { entries, names, key, .. }) => match (key.take(), node.value) {
                (Some(name), value) => entries.push((name, Node { line: node.line, value })),
                (None, Value::Text(name)) => {
                    if !names.insert(name.clone()) {
                        return Err(format!("`{}` stands twice in one map", shown(&name)));
                    }
                    *key = Some(name);
                }
                (None, _) => return Err("the name of an entry is no text".to_owned()),
            },
        }
        Ok(())
    }
}
