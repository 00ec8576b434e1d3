//! The state of a compilation: the faults so far, and the names that an expression can use.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::{Fault, Sentence, Shown, Source, within, within_all};
use crate::language::expression::{Compiled, Side};
use crate::language::flow::{given, is_web_token};
use crate::language::known::{is_all_known, known_parts};
use crate::language::names::{Mistake, Names};
use crate::language::scan::KEYWORDS;
use crate::language::taint::{deciding_secret, shown_secret, taken_paths, timed_secret};
use crate::language::template::Template;
use crate::language::uses::SAME;
use crate::recipe::definition::{Credential, CredentialKind, Expressions, Text};

/// Names with a fixed meaning in expressions.
const RESERVED: [&str; 11] =
    ["json", "form", "xml", "http", "body", "token", "now_s", "now_ms", "now_iso", "uuid", SAME];

/// Whether a name has a fixed meaning in expressions, so that no input can have it.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name) || KEYWORDS.contains(&name)
}

/// Compiles the parts of one recipe, in the order in which a probe uses them.
pub struct Compiler<'a> {
    pub source: &'a Arc<Source>,
    pub faults: &'a mut Vec<Fault>,
    /// The names that an expression can use at this point.
    pub names: Names,
    /// Those of them that come from answers.
    pub answers: BTreeSet<String>,
    /// The names that the current call uses: its request, then its response.
    pub uses: BTreeSet<String>,
    /// The names that the whole recipe uses.
    pub all: BTreeSet<String>,
    /// The secret paths of the current answer: the token and the given values.
    pub hidden: Vec<Vec<String>>,
    /// How many expressions and texts the recipe has so far.
    pub expressions: usize,
    /// The credentials by name, those that are optional first, and whether each is optional.
    pub credentials: Vec<(Arc<str>, bool)>,
    /// Whether the recipe requests a token or presents the credential itself.
    pub kind: CredentialKind,
}

impl<'a> Compiler<'a> {
    pub fn new(
        source: &'a Arc<Source>,
        faults: &'a mut Vec<Fault>,
        names: Names,
        answers: BTreeSet<String>,
    ) -> Self {
        Self {
            source,
            faults,
            names,
            answers,
            uses: BTreeSet::new(),
            all: BTreeSet::new(),
            hidden: Vec::new(),
            expressions: 0,
            credentials: Vec::new(),
            kind: CredentialKind::default(),
        }
    }

    /// Sets the credentials that can end.
    pub fn set_credentials(&mut self, credentials: &[(String, Credential)]) {
        let named = credentials.iter().map(|(name, one)| (Arc::from(name.as_str()), one.optional));
        self.credentials = named.collect();
        self.credentials.sort_by_key(|(_, optional)| !optional);
    }

    pub fn fault(&mut self, span: Range<usize>, message: impl Into<Sentence>) -> &mut Fault {
        self.faults.push(Fault::error(self.source, span, message));
        self.faults.last_mut().expect("pushed just above")
    }

    pub fn mistake(&mut self, text: &Text, mistake: Mistake) {
        let (value, known) = (text.0.get_ref(), known_parts(text.0.get_ref(), &self.names));
        let span = text.0.span();
        for place in within_all(&self.source.text, &span, value, &known) {
            self.source.reveal(place);
        }
        // The quotes.
        self.source.reveal(span.start..span.start + 1);
        self.source.reveal(span.end - 1..span.end);
        let span = match mistake.range {
            Some(range) => within(&self.source.text, text.0.span(), text.0.get_ref(), range),
            None => text.0.span(),
        };
        let fault = self.fault(span, mistake.message);
        fault.hint = mistake.hint;
        fault.kind = mistake.kind;
    }

    pub fn check_name(&mut self, name: &str, span: Range<usize>) {
        let mut characters = name.chars();
        let valid = characters
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
            && characters.all(|character| character.is_ascii_alphanumeric() || character == '_');
        if !valid {
            self.fault(span, "this name cannot be used in expressions").hint =
                Some("a name has letters, digits and `_`, and begins with a letter".into());
        } else if is_reserved(name) && (name != "token" || self.kind == CredentialKind::Issued) {
            let problem =
                Sentence::fill("`{}` has a meaning of its own in expressions", [Shown::name(name)]);
            self.fault(span, problem).hint = Some("choose another name".into());
        } else if self.names.contains(name) {
            let problem = Sentence::fill("the name `{}` is given twice", [Shown::name(name)]);
            self.fault(span, problem).hint = Some(
                "parameters, credentials, `let` and what steps give share one set of names".into(),
            );
        }
    }

    pub fn expression(&mut self, side: Side, text: &Text) -> Option<Compiled> {
        if !self.has_room(1, || text.0.span()) {
            return None;
        }
        match Compiled::new(side, text.0.get_ref(), &self.names) {
            Ok(compiled) => {
                self.uses.extend(compiled.uses.iter().cloned());
                Some(compiled)
            }
            Err(mistake) => {
                self.mistake(text, mistake);
                None
            }
        }
    }

    pub fn template(&mut self, text: &Text) -> Option<Template> {
        if !self.has_room(Template::count(text.0.get_ref()).max(1), || text.0.span()) {
            return None;
        }
        match Template::new(text.0.get_ref(), &self.names) {
            Ok(template) => {
                self.uses.extend(
                    template.expressions().flat_map(|expression| expression.uses.iter().cloned()),
                );
                Some(template)
            }
            Err(mistake) => {
                self.mistake(text, mistake);
                None
            }
        }
    }

    /// Marks the paths of the answer that are secret: those of the token and of the given values.
    pub fn hide<'b>(&mut self, texts: impl Iterator<Item = &'b Text>) {
        self.hidden = texts.flat_map(|text| taken_paths(text.0.get_ref())).collect();
    }

    /// Compiles a rule for the answer whose value may be shown. It must not use a secret.
    pub fn rule(&mut self, text: &Text) -> Option<Compiled> {
        self.rule_of(Side::Response, text)
    }

    /// As [`Self::rule`], for a rule of this side.
    pub fn rule_of(&mut self, side: Side, text: &Text) -> Option<Compiled> {
        let compiled = self.expression(side, text)?;
        let source = text.0.get_ref();
        let shown = shown_secret(source, |name| self.names.secrecy(name), &self.hidden);
        let timed = || (side == Side::Expiry).then(|| timed_secret(source, &self.hidden)).flatten();
        match shown.or_else(timed) {
            None => Some(compiled),
            Some(shown) => self.shows(text, shown, "this rule would show `{}`, which is secret"),
        }
    }

    /// Compiles a rule for a value that is kept secret. No part of a secret decides whether the
    /// value is there.
    pub fn found(&mut self, text: &Text) -> Option<Compiled> {
        let mut compiled = self.expression(Side::Response, text)?;
        let source = text.0.get_ref();
        let secrecy = given(source, &self.names);
        let deciding = deciding_secret(source, |name| self.names.secrecy(name), &self.hidden);
        match (secrecy, deciding) {
            (Ok(secrecy), None) => {
                compiled.secrecy = secrecy;
                Some(compiled)
            }
            (Err(place), _) | (_, Some(place)) => {
                let problem =
                    "whether this rule finds a value would depend on `{}`, which is secret";
                self.shows(text, place, problem)
            }
        }
    }

    /// Compiles a rule for a JSON Web Token, of which only the time is shown.
    pub fn web_token(&mut self, text: &Text) -> Option<Compiled> {
        if is_web_token(text.0.get_ref(), &self.names) {
            return self.expression(Side::Expiry, text);
        }
        self.rule_of(Side::Expiry, text)
    }

    /// Adds the fault that a rule shows a secret.
    fn shows(
        &mut self,
        text: &Text,
        shown: Range<usize>,
        problem: &'static str,
    ) -> Option<Compiled> {
        let source = text.0.get_ref();
        let used = &source[shown.clone()];
        let is_known = is_all_known(used, &self.names);
        let used = if is_known { Shown::outside_of_files(used) } else { "***".into() };
        let place = within(&self.source.text, text.0.span(), source, shown);
        let problem = Sentence::fill(problem, [used]);
        self.fault(place, problem).hint = Some(Sentence::fill(
            "a rule for the answer may use a secret only in `{}(a, b)`, in a test such as \
             `is defined`, and as a whole in `expiry` or `retry_after` with the unit `jwt`; the \
             whole body may stand by itself, as `body | trim`, in `body | length` and in \
             `'a text' in body`",
            [SAME.into()],
        ));
        None
    }

    pub fn rules(&mut self, texts: &Expressions) -> Vec<Compiled> {
        texts.0.iter().filter_map(|text| self.rule(text)).collect()
    }
}
