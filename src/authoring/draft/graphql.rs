//! GraphQL in a sample: the text of the call stays, and its quoted values become inputs.

use super::inputs::Inputs;
use super::logins::logins;
use super::names::escaped;
use super::values;
use crate::secret::is_api_name;

/// Whether a text is a call of GraphQL.
fn is_call(text: &str) -> bool {
    let text = text.trim();
    let named = ["mutation", "query"].iter().any(|word| {
        text.strip_prefix(word)
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
    });
    (named || text.starts_with('{') && text.contains('('))
        && text.ends_with('}')
        && text.contains('{')
}

/// Whether the code between the quoted values has only words and small numbers.
fn is_plain(code: &str) -> bool {
    code.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).all(is_api_name)
}

/// The name of the value behind this code.
fn name_before(code: &str) -> &str {
    let before = code.trim_end().strip_suffix(':').unwrap_or("value");
    before.rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next().unwrap_or_default()
}

impl Inputs {
    /// The code between quoted values. A variable that the call does not declare is one of a shell.
    fn code(&mut self, code: &str, text: &str) -> String {
        let mut pieces = code.split('$');
        let mut out = escaped(pieces.next().unwrap_or_default());
        for piece in pieces {
            let end = piece.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            let (name, rest) = piece.split_at(end.unwrap_or(piece.len()));
            if name.is_empty() || text.contains(&format!("${name}:")) {
                out.push_str(&format!("${}", escaped(piece)));
            } else {
                let input = self.placeholder(None, values::clean(name), Some(name.to_owned()));
                out.push_str(&format!("{{{{ {input} | json }}}}{}", escaped(rest)));
            }
        }
        out
    }

    /// The text with expressions instead of its quoted values; `None` for other texts, and where
    /// another part could be secret.
    pub fn graphql(&mut self, text: &str) -> Option<String> {
        let pieces: Vec<&str> = text.split('"').collect();
        let is_plain = pieces.iter().step_by(2).all(|code| is_plain(code));
        if !is_call(text) || text.contains('\\') || pieces.len().is_multiple_of(2) || !is_plain {
            return None;
        }
        let names = pieces.iter().step_by(2).map(|code| name_before(code));
        let fields: Vec<(&str, &str)> =
            names.zip(pieces.iter().skip(1).step_by(2).copied()).collect();
        let logins = logins(&fields);
        let mut out = String::new();
        let mut name = "value";
        for (place, piece) in pieces.iter().enumerate() {
            if place % 2 == 0 {
                out.push_str(&self.code(piece, text));
                name = name_before(piece);
                continue;
            }
            let value = self.member(name, piece, logins.contains(&name));
            let lone = value.strip_prefix("{{ ").and_then(|rest| rest.strip_suffix(" }}"));
            out.push_str(&match lone.filter(|inner| !inner.contains("{{")) {
                Some(inner) => format!("{{{{ {inner} | json }}}}"),
                None => format!("\"{value}\""),
            });
        }
        if pieces.len() > 1 {
            self.todo("the quoted values of the GraphQL text are inputs: check them");
        }
        Some(out)
    }
}
