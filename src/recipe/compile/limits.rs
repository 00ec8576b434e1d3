//! Limits for the size of a recipe. No API for one token needs as much.

use std::ops::Range;

use super::compiler::Compiler;
use crate::diagnostic::Sentence;
use crate::document::{Node, Text};
use crate::printable::is_deceptive;
use crate::recipe::definition::Definition;

/// The most expressions, and texts of requests, of one recipe. A compiled expression takes about
/// 12 KB.
pub const MOST_EXPRESSIONS: usize = 500;
/// The most calls under `steps`, and under `cleanup`.
pub const MOST_STEPS: usize = 8;
/// The most values under `let`.
pub const MOST_BINDINGS: usize = 50;
/// The most parameters, and the most credentials.
pub const MOST_INPUTS: usize = 100;
/// The most codes of one reason, and the most items of `statuses` and `one_of`.
pub const MOST_WORDS: usize = 200;
/// The longest name of a recipe, in bytes.
const LONGEST_NAME: usize = 100;
/// The longest title, description and the like, in bytes.
const LONGEST_PROSE: usize = 2_000;

impl Compiler<'_> {
    /// Checks the sizes that need no compilation.
    pub fn sizes(&mut self, name: &str, definition: &Definition, place: &Range<usize>) {
        if name.is_empty() || name.len() > LONGEST_NAME || name.contains(is_deceptive) {
            let message = Sentence::fill(
                "the name of a recipe must be 1 to {} bytes of text without control characters \
                 and invisible characters",
                [LONGEST_NAME.into()],
            );
            self.fault(place.clone(), message);
        }
        let described = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let parameters =
            definition.parameters.0.iter().map(|(_, parameter)| &parameter.description);
        let credentials = definition.credentials.0.iter().map(|(_, one)| &one.description);
        let prose = [
            &definition.title, &definition.vendor, &definition.documentation,
            &definition.side_effects,
        ];
        let aliases: usize = definition.aliases.iter().map(String::len).sum();
        if prose.into_iter().chain(parameters).chain(credentials).map(described).max()
            > Some(LONGEST_PROSE)
            || aliases > LONGEST_PROSE
        {
            let message = Sentence::fill(
                "a title or description of the recipe is longer than {} bytes",
                [LONGEST_PROSE.into()],
            );
            self.fault(place.clone(), message);
        }
        let inputs = [definition.parameters.0.len(), definition.credentials.0.len()];
        if inputs.into_iter().max() > Some(MOST_INPUTS) {
            let message = Sentence::fill(
                "these are more than {} parameters or credentials",
                [MOST_INPUTS.into()],
            );
            self.fault(place.clone(), message);
        }
        let response = &definition.response;
        let answers = definition.steps.iter().chain(&definition.cleanup).flat_map(|step| {
            let answer = &step.response;
            answer
                .signs()
                .map(|(_, signs)| signs.codes.len())
                .into_iter()
                .chain([answer.statuses.len()])
        });
        let choices = definition.parameters.0.iter().map(|(_, parameter)| parameter.one_of.len());
        let own = response
            .signs()
            .map(|(_, signs)| signs.codes.len())
            .into_iter()
            .chain([response.statuses.len()]);
        if own.chain(answers).chain(choices).max() > Some(MOST_WORDS) {
            let message = Sentence::fill(
                "a list of the recipe has more than {} items: codes, `statuses` or `one_of`",
                [MOST_WORDS.into()],
            );
            self.fault(place.clone(), message);
        }
    }

    /// Counts `more` expressions or texts; `false` when the recipe has too many. The first one too
    /// many is a fault.
    pub fn has_room(&mut self, more: usize, place: impl FnOnce() -> Range<usize>) -> bool {
        let before = self.expressions;
        self.expressions = before.saturating_add(more);
        if self.expressions <= MOST_EXPRESSIONS {
            return true;
        }
        if before <= MOST_EXPRESSIONS {
            let message = Sentence::fill(
                "the recipe has more than {} expressions and texts",
                [MOST_EXPRESSIONS.into()],
            );
            self.fault(place(), message);
        }
        false
    }
}

/// The number of values in a JSON body, and the place of the first text.
pub fn nodes(node: &Node) -> (usize, Option<&Text>) {
    let (mut count, mut first) = (0, None);
    let mut open = vec![node];
    while let Some(node) = open.pop() {
        count += 1;
        match node {
            Node::Text(text) => first = Some(text),
            Node::Plain(_) => {}
            Node::Array(items) => open.extend(items),
            Node::Object(members) => open.extend(members.iter().map(|(_, node)| node)),
        }
    }
    (count, first)
}
