//! The rows that a dump of MySQL or MariaDB inserts, read as data. No statement is run, and none but `CREATE TABLE`
//! (for the names of the columns) and `INSERT ... VALUES` is looked into.

use std::collections::BTreeMap;

use super::sql_tokens::{Lexer, Token};
use crate::error::Error;

/// A value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Literal {
    Null,
    /// A text or a number, as it is written.
    Text(String),
    /// Something that a database would have to work out, such as `sysdate()`.
    Expression,
}

/// What is met in a dump.
pub(super) enum Item<'a> {
    Row {
        line: usize,
        table: &'a str,
        columns: &'a [String],
        values: &'a [Literal],
    },
    /// An insertion that cannot be read as rows.
    Odd {
        line: usize,
        table: &'a str,
        why: &'static str,
    },
}

/// Hands over every row of a dump, in order.
///
/// # Errors
///
/// A text, a name or a comment that never ends.
pub(super) fn read(text: &str, mut take: impl FnMut(Item<'_>)) -> Result<(), Error> {
    let mut reader = Reader { lexer: Lexer::new(text), next: None, columns: BTreeMap::new() };
    while let Some(token) = reader.token()? {
        let Token::Word(word) = token else {
            if token != Token::Sign(';') {
                reader.skip_statement()?;
            }
            continue;
        };
        if word.eq_ignore_ascii_case("insert") || word.eq_ignore_ascii_case("replace") {
            reader.insert(&mut take)?;
        } else if word.eq_ignore_ascii_case("create") {
            reader.create()?;
        } else {
            reader.skip_statement()?;
        }
    }
    Ok(())
}

struct Reader<'a> {
    lexer: Lexer<'a>,
    /// A token that was looked at and not taken.
    next: Option<Token<'a>>,
    /// The columns of the tables that were created above, by the lower-case name.
    columns: BTreeMap<String, Vec<String>>,
}

impl<'a> Reader<'a> {
    fn token(&mut self) -> Result<Option<Token<'a>>, Error> {
        match self.next.take() {
            Some(token) => Ok(Some(token)),
            None => self.lexer.token(),
        }
    }

    /// Takes a sign if it comes next.
    fn sign(&mut self, wanted: char) -> Result<bool, Error> {
        let token = self.token()?;
        if token == Some(Token::Sign(wanted)) {
            return Ok(true);
        }
        self.next = token;
        Ok(false)
    }

    fn skip_statement(&mut self) -> Result<(), Error> {
        while let Some(token) = self.token()? {
            if token == Token::Sign(';') {
                break;
            }
        }
        Ok(())
    }

    /// A table's name in lower case, without that of its database, after words such as `INTO`.
    fn table(&mut self) -> Result<String, Error> {
        const BEFORE: [&str; 9] = [
            "into",
            "ignore",
            "low_priority",
            "delayed",
            "high_priority",
            "if",
            "not",
            "exists",
            "temporary",
        ];
        let mut table = String::new();
        while let Some(token) = self.token()? {
            match token {
                Token::Word(word)
                    if table.is_empty() && BEFORE.contains(&word.to_ascii_lowercase().as_str()) => {}
                Token::Word(word) if table.is_empty() => {
                    word.rsplit('.').next().unwrap_or_default().clone_into(&mut table);
                }
                Token::Name(name) | Token::Text(name) if table.is_empty() => table = name,
                Token::Sign('.') => table.clear(),
                other => {
                    self.next = Some(other);
                    break;
                }
            }
        }
        Ok(table.to_lowercase())
    }

    fn insert(&mut self, take: &mut impl FnMut(Item<'_>)) -> Result<(), Error> {
        let table = self.table()?;
        let line = self.lexer.line;
        let mut odd = |why| take(Item::Odd { line, table: &table, why });
        let named = if self.sign('(')? { Some(self.names()?) } else { None };
        let values = self.token()?;
        if !matches!(&values, Some(Token::Word(word)) if ["values", "value"].contains(&word.to_ascii_lowercase().as_str()))
        {
            odd("it has no `VALUES`; dump the rows themselves");
            self.next = values;
            return self.skip_statement();
        }
        let Some(columns) = named.or_else(|| self.columns.get(&table).cloned()) else {
            odd("its columns are not named; dump with `--complete-insert`, or the `CREATE TABLE` before it");
            return self.skip_statement();
        };
        while self.sign('(')? {
            let line = self.lexer.line;
            let values = self.values()?;
            if values.len() == columns.len() {
                take(Item::Row { line, table: &table, columns: &columns, values: &values });
            } else {
                take(Item::Odd { line, table: &table, why: "it has not as many values as columns" });
            }
            if !self.sign(',')? {
                break;
            }
        }
        self.skip_statement()
    }

    /// Names up to the closing parenthesis.
    fn names(&mut self) -> Result<Vec<String>, Error> {
        let mut names = Vec::new();
        while let Some(token) = self.token()? {
            match token {
                Token::Word(name) => names.push(name.to_lowercase()),
                Token::Name(name) | Token::Text(name) => names.push(name.to_lowercase()),
                Token::Sign(')') => break,
                Token::Sign(_) => {}
            }
        }
        Ok(names)
    }

    /// The values of one row, up to its closing parenthesis.
    fn values(&mut self) -> Result<Vec<Literal>, Error> {
        let (mut values, mut tokens, mut depth) = (Vec::new(), Vec::new(), 0_usize);
        while let Some(token) = self.token()? {
            match token {
                Token::Sign(')') if depth == 0 => break,
                Token::Sign(',') if depth == 0 => {
                    values.push(literal(&tokens));
                    tokens.clear();
                    continue;
                }
                Token::Sign('(') => depth += 1,
                Token::Sign(')') => depth -= 1,
                _ => {}
            }
            tokens.push(token);
        }
        values.push(literal(&tokens));
        Ok(values)
    }

    /// Remembers the columns of a table.
    fn create(&mut self) -> Result<(), Error> {
        const NO_COLUMN: [&str; 9] =
            ["primary", "key", "unique", "index", "constraint", "fulltext", "spatial", "foreign", "check"];
        let is_table = |token: &Option<Token<'_>>, word| matches!(token, Some(Token::Word(found)) if found.eq_ignore_ascii_case(word));
        let mut first = self.token()?;
        if is_table(&first, "temporary") {
            first = self.token()?;
        }
        if !is_table(&first, "table") {
            self.next = first;
            return self.skip_statement();
        }
        let table = self.table()?;
        if !self.sign('(')? {
            return self.skip_statement();
        }
        let (mut columns, mut depth, mut begins) = (Vec::new(), 0_usize, true);
        while let Some(token) = self.token()? {
            let began = std::mem::take(&mut begins);
            match token {
                Token::Sign('(') => depth += 1,
                Token::Sign(')') if depth == 0 => break,
                Token::Sign(')') => depth -= 1,
                Token::Sign(',') if depth == 0 => begins = true,
                Token::Word(word) if began => {
                    let word = word.to_lowercase();
                    columns.extend((!NO_COLUMN.contains(&word.as_str())).then_some(word));
                }
                Token::Name(name) | Token::Text(name) if began => columns.push(name.to_lowercase()),
                _ => {}
            }
        }
        self.columns.insert(table, columns);
        self.skip_statement()
    }
}

/// What the tokens of one value come to.
fn literal(tokens: &[Token<'_>]) -> Literal {
    let number = |word: &str| word.starts_with(|c: char| c.is_ascii_digit()) && !word.starts_with("0x");
    match tokens {
        [Token::Word(word)] if word.eq_ignore_ascii_case("null") => Literal::Null,
        [Token::Word(word)] if number(word) => Literal::Text((*word).to_owned()),
        [Token::Sign('-'), Token::Word(word)] if number(word) => Literal::Text(format!("-{word}")),
        [Token::Word(word), texts @ ..] if word.starts_with('_') || word.eq_ignore_ascii_case("n") => {
            joined(texts)
        }
        texts => joined(texts),
    }
}

/// Texts that stand side by side are one text.
fn joined(tokens: &[Token<'_>]) -> Literal {
    let texts = tokens.iter().map(|token| match token {
        Token::Text(text) => Some(text.as_str()),
        _ => None,
    });
    match texts.collect::<Option<String>>() {
        Some(text) if !tokens.is_empty() => Literal::Text(text),
        _ => Literal::Expression,
    }
}

#[cfg(test)]
mod tests {
    use super::{Item, Literal, read};

    fn rows(text: &str) -> Vec<String> {
        let mut rows = Vec::new();
        read(text, |item| {
            rows.push(match item {
                Item::Row { line, table, columns, values } => {
                    let value = |value: &Literal| match value {
                        Literal::Null => "null".to_owned(),
                        Literal::Text(text) => format!("{text:?}"),
                        Literal::Expression => "?".to_owned(),
                    };
                    let pairs = columns.iter().zip(values).map(|(name, it)| format!("{name}={}", value(it)));
                    format!("{line} {table} {}", pairs.collect::<Vec<_>>().join(" "))
                }
                Item::Odd { line, table, why } => format!("{line} {table} {why}"),
            });
        })
        .unwrap();
        rows
    }

    #[test]
    fn literals_are_read_as_mysql_reads_them() {
        let text = r#"-- it's a comment; insert into t values (9)
/*!40000 ALTER TABLE `t` DISABLE KEYS */; # another '
create table if not exists `ry`.`T` (a int default '1,(', `key` decimal(3,2), primary key (a), c char(1));
INSERT IGNORE INTO `ry`.`T` VALUES (1,'a\'b''c\\\n\%\_\q',NULL),(-2.5,"x""y",sysdate()),
  (0x41, _utf8mb4'z', f('),(', (1)));
insert into t (c) values('a' 'b');insert into t(a, b) values (1);
insert into u values (1); insert into t set a = 1; insert into t select * from v;"#;
        assert_eq!(
            rows(text),
            [
                r#"4 t a="1" key="a'b'c\\\n\\%\\_q" c=null"#,
                r#"4 t a="-2.5" key="x\"y" c=?"#,
                r#"5 t a=? key="z" c=?"#,
                r#"6 t c="ab""#,
                "6 t it has not as many values as columns",
                "7 u its columns are not named; dump with `--complete-insert`, or the `CREATE TABLE` before it",
                "7 t it has no `VALUES`; dump the rows themselves",
                "7 t it has no `VALUES`; dump the rows themselves",
            ]
        );
    }

    #[test]
    fn what_never_ends_is_named() {
        for bad in ["insert into t(a) values ('x", "\n/* x", "\n`x", "'\\'"] {
            let error = read(bad, |_| {}).unwrap_err().to_string();
            assert!(error.contains("line "), "{error}");
        }
    }
}
