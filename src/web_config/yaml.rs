//! YAML as a tree with the place of every part, for the messages about faults.
//!
//! It supports what the format needs: tables, arrays and scalars in one document. The caller knows
//! the expected type of a plain scalar, as in the exporter-toolkit.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle, Span, Tag};

use crate::diagnostic::{Fault, Outline, Sentence, Shown, Source};

/// The deepest nesting; the format has three levels.
const DEEPEST: usize = 16;

/// A part of the document.
#[derive(Clone)]
pub struct Node {
    /// Its bytes in the text.
    pub span: Range<usize>,
    pub value: Value,
}

/// The value of a part of a document. It can hold secrets, so it has no `Debug`.
#[derive(Clone)]
pub enum Value {
    /// An empty text without quotes, `~` or `null`.
    Null,
    /// A text, a number or a boolean.
    Scalar {
        /// The text without quotes and escapes.
        text: String,
        /// Whether it has no quotes, so that it can be a number or a boolean.
        plain: bool,
    },
    /// `[…]` or lines that begin with `-`.
    Array(Vec<Node>),
    /// Keys and values, in the order of the text.
    Table(Vec<(Key, Node)>),
}

/// The key of a table.
#[derive(Clone)]
pub struct Key {
    /// The name.
    pub text: String,
    /// Its bytes in the text.
    pub span: Range<usize>,
}

impl Node {
    /// The kind of the value, for messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Scalar { text, plain: true } if text.parse::<f64>().is_ok() => "a number",
            Value::Scalar { .. } => "a string",
            Value::Array(_) => "an array",
            Value::Table(_) => "a table",
        }
    }

    /// Adds all keys and values in it. A key is shown when it is known or nearly known.
    fn tokens(&self, known: &[&'static str], tokens: &mut Vec<(Range<usize>, bool)>) {
        match &self.value {
            Value::Null => {}
            Value::Scalar { .. } => tokens.push((self.span.clone(), false)),
            Value::Array(items) => items.iter().for_each(|item| item.tokens(known, tokens)),
            Value::Table(entries) => {
                for (key, value) in entries {
                    let shown = Shown::near(&key.text, known.iter().copied()).is_some();
                    tokens.push((key.span.clone(), shown));
                    value.tokens(known, tokens);
                }
            }
        }
    }
}

/// A collection that has not ended yet.
struct Open {
    start: usize,
    items: Items,
}

enum Items {
    Array(Vec<Node>),
    /// The entries so far, and the key whose value comes next.
    Table(Vec<(Key, Node)>, Option<Key>),
}

/// Reads the document of a text; an empty text gives [`Value::Null`].
///
/// # Errors
/// The first syntax fault.
///
/// Faults show the `known` keys of the text, and no values until the caller reveals them.
pub fn parse(source: &Arc<Source>, known: &[&'static str]) -> Result<Node, Fault> {
    let mut tree =
        Tree { source, open: Vec::new(), root: None, scalars: HashMap::new(), documents: 0 };
    let words = known.iter().map(|word| (*word).to_owned()).collect();
    if let Err(fault) = tree.read() {
        source.set_outline(Outline { words, tokens: None });
        return Err(fault);
    }
    let root = tree.root.unwrap_or(Node { span: 0..0, value: Value::Null });
    let mut tokens = Vec::new();
    root.tokens(known, &mut tokens);
    tokens.sort_by_key(|(place, _)| place.start);
    source.set_outline(Outline { words, tokens: Some(tokens) });
    Ok(root)
}

struct Tree<'a> {
    source: &'a Arc<Source>,
    open: Vec<Open>,
    root: Option<Node>,
    /// Scalars with an anchor, by its number.
    scalars: HashMap<usize, Node>,
    documents: usize,
}

impl Tree<'_> {
    fn fault(&self, span: Range<usize>, message: impl Into<Sentence>) -> Fault {
        Fault::error(self.source, span, message)
    }

    fn read(&mut self) -> Result<(), Fault> {
        let options = granit_parser::options! {
            emit_comments: false, flow_nesting_limit: DEEPEST, block_nesting_limit: DEEPEST
        };
        let source = Arc::clone(self.source);
        for event in Parser::new_from_str_with_options(&source.text, options) {
            let (event, span) = event.map_err(|error| {
                let place = error
                    .marker()
                    .byte_offset()
                    .unwrap_or(source.text.len())
                    .min(source.text.len());
                self.fault(
                    place..place,
                    Sentence::fill("this is not YAML: {}", [Shown::outside_of_files(error.info())]),
                )
                .hint("a text with special characters needs quotes, and tabs do not indent")
            })?;
            let span = bytes(&span);
            match event {
                Event::DocumentStart(..) => {
                    self.documents += 1;
                    if self.documents > 1 {
                        return Err(self
                            .fault(
                                span,
                                "a second document begins here; the file must have only \
                                one",
                            )
                            .hint("remove the line with `---`"));
                    }
                }
                Event::Scalar(text, style, anchor, tag) => {
                    self.scalar(span, &text, style, anchor, tag.as_deref())?;
                }
                Event::SequenceStart(_, _, tag) => {
                    self.check_tag(&span, tag.as_deref(), "seq")?;
                    self.open.push(Open { start: span.start, items: Items::Array(Vec::new()) });
                }
                Event::MappingStart(_, _, tag) => {
                    self.check_tag(&span, tag.as_deref(), "map")?;
                    self.open
                        .push(Open { start: span.start, items: Items::Table(Vec::new(), None) });
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    if let Some(Open { start, items }) = self.open.pop() {
                        let value = match items {
                            Items::Array(items) => Value::Array(items),
                            Items::Table(entries, _) => Value::Table(entries),
                        };
                        self.put(Node { span: start..span.end.max(start), value })?;
                    }
                }
                Event::Alias(anchor) => match self.scalars.get(&anchor).cloned() {
                    Some(node) => self.put(Node { span, ..node })?,
                    // Aliases of tables could make the document grow without a bound.
                    None => {
                        return Err(self
                            .fault(span, "an alias can stand only for a text")
                            .hint("write the table or array out"));
                    }
                },
                _ => {}
            }
        }
        Ok(())
    }

    fn scalar(
        &mut self,
        span: Range<usize>,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
    ) -> Result<(), Fault> {
        let known = ["str", "bool", "int", "float", "null"]
            .iter()
            .find(|word| tag.is_some_and(|tag| tag.is_yaml_core_schema_tag(word)));
        if known.is_none() {
            self.check_tag(&span, tag, "str")?;
        }
        let plain = style == ScalarStyle::Plain && known != Some(&"str");
        let value = match text {
            "" | "~" | "null" | "Null" | "NULL" if plain => Value::Null,
            text => Value::Scalar { text: text.to_owned(), plain },
        };
        let node = Node { span, value };
        if anchor > 0 {
            self.scalars.insert(anchor, node.clone());
        }
        self.put(node)
    }

    fn check_tag(
        &self,
        span: &Range<usize>,
        tag: Option<&Tag>,
        allowed: &str,
    ) -> Result<(), Fault> {
        match tag {
            Some(tag) if !tag.is_yaml_core_schema_tag(allowed) => Err(self
                .fault(span.clone(), "tags are not supported here")
                .hint("remove the word with the `!`")),
            _ => Ok(()),
        }
    }

    /// Adds a complete part to the collection that is open.
    fn put(&mut self, node: Node) -> Result<(), Fault> {
        match self.open.last_mut().map(|open| &mut open.items) {
            None => self.root = Some(node),
            Some(Items::Array(items)) => items.push(node),
            Some(Items::Table(entries, key)) => match key.take() {
                Some(key) => entries.push((key, node)),
                None => match node.value {
                    Value::Scalar { text, .. } => *key = Some(Key { text, span: node.span }),
                    _ => return Err(self.fault(node.span, "expected a key, which must be a text")),
                },
            },
        }
        Ok(())
    }
}

fn bytes(span: &Span) -> Range<usize> {
    let range = span.byte_range().unwrap_or_default();
    range.start..range.end.max(range.start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> Result<Node, String> {
        parse(&Arc::new(Source::new("w.yml", text)), &[]).map_err(|fault| fault.to_string())
    }

    /// The tree in one line, each part with the piece of text that it stands on.
    fn outline(text: &str, node: &Node) -> String {
        let piece = &text[node.span.clone()];
        match &node.value {
            Value::Null => "null".into(),
            Value::Scalar { text, plain } => {
                format!("{text:?}{}<{piece}>", if *plain { "p" } else { "" })
            }
            Value::Array(items) => format!(
                "[{}]",
                items.iter().map(|item| outline(text, item)).collect::<Vec<_>>().join(",")
            ),
            Value::Table(entries) => {
                let entry = |(key, value): &(Key, Node)| {
                    format!("{}<{}>:{}", key.text, &text[key.span.clone()], outline(text, value))
                };
                format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(","))
            }
        }
    }

    #[test]
    fn every_part_has_its_place() {
        let text = "\u{feff}# c\na: 'x''y' # z\nb: [1, \"ü\\n\"]\nc: {d: ~, e: yes}\nf: !!str \
            5\ng: &q no\nh: *q\nk:\n";
        let node = tree(text).expect("it is YAML");
        assert_eq!(
            outline(text, &node),
            concat!(
                r#"{a<a>:"x'y"<'x''y'>,b<b>:["1"p<1>,"ü\n"<"ü\n">],"#,
                r#"c<c>:{d<d>:null,e<e>:"yes"p<yes>},"#,
                r#"f<f>:"5"<5>,g<g>:"no"p<no>,h<h>:"no"p<*q>,k<k>:null}"#
            )
        );
    }

    #[test]
    fn a_text_over_several_lines_is_hidden_as_a_whole() {
        let text = "key: |\n  -----BEGIN\n  s3cret\n  -----END\nnext: 1\n";
        let source = Arc::new(Source::new("w.yml", text));
        let node = parse(&source, &["key"]).unwrap_or_else(|fault| panic!("{fault}"));
        for line in ["-----BEGIN", "s3cret", "-----END"] {
            let place = text.find(line).expect("it is there");
            let shown = Fault::error(&source, place..place + 1, "m").to_string();
            assert!(!shown.contains(line), "{shown}");
        }
        assert_eq!(outline(text, &node).matches("next<next>").count(), 1);
    }

    #[test]
    fn unsupported_yaml_is_refused_with_its_place_and_without_values() {
        for (text, expected) in [
            ("a: [s3cret\n", "w.yml:1:4: error: this is not YAML: "),
            ("a: b: s3cret\n", "w.yml:1:5: error: this is not YAML: "),
            (
                "a: 1\n--- \nb: s3cret\n",
                "w.yml:2:1: error: a second document begins here; the file must have only one",
            ),
            ("a: &x {k: s3cret}\nb: *x\n", "w.yml:2:4: error: an alias can stand only for a text"),
            ("a: !mine s3cret\n", "w.yml:1:10: error: tags are not supported here"),
            ("? [s3cret]\n: 1\n", "w.yml:1:3: error: expected a key, which must be a text"),
        ] {
            let shown = tree(text).err().unwrap_or_else(|| panic!("{text:?} was read"));
            assert!(shown.starts_with(expected) && !shown.contains("s3cret"), "{text:?}: {shown}");
        }
        assert!(tree(&"[".repeat(100)).is_err());
        assert!(matches!(tree("").expect("empty").value, Value::Null));
        assert!(matches!(tree("# only\n---\n").expect("empty").value, Value::Null));
    }
}
