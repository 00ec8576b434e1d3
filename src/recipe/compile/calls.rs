//! Compiles all calls except the token request.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use super::compiler::Compiler;
use super::limits::MOST_STEPS;
use super::request::Requested;
use crate::diagnostic::{Sentence, Shown};
use crate::language::expression::Compiled;
use crate::language::names::Secrecy;
use crate::recipe::call::{Call, Condition, Kind, Rules, own_names};
use crate::recipe::definition::{Answer, Format, Ordered, Request, Step, Text};

impl Compiler<'_> {
    /// Compiles the calls of one list. Later calls can use the values that a call gives.
    pub fn steps(
        &mut self,
        steps: &[Step],
        kind: Kind,
        known: &mut Vec<Arc<str>>,
        place: &Range<usize>,
    ) -> Vec<Call> {
        let list = if kind == Kind::Cleanup { "cleanup" } else { "steps" };
        if steps.len() > MOST_STEPS {
            self.fault(
                place.clone(),
                Sentence::fill(
                    "these are more than {} calls under `{}`",
                    [MOST_STEPS.into(), list.into()],
                ),
            );
        }
        let mut calls = Vec::new();
        for step in steps.iter().take(MOST_STEPS) {
            let name: Arc<str> = match &step.name {
                None => {
                    let problem = Sentence::fill("a call under `{}` has no `name`", [list.into()]);
                    self.fault(place.clone(), problem).hint = Some(
                        "it is shown to people, and is the label `step`: `name = \"login\"`".into(),
                    );
                    continue;
                }
                Some(text) => {
                    let name = text.0.get_ref().as_str();
                    let valid = !name.is_empty()
                        && name.len() <= 40
                        && name.bytes().all(|byte| {
                            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
                        });
                    if !valid {
                        self.fault(text.0.span(), "this cannot be the name of a call").hint =
                            Some("it has 1 to 40 letters, digits, `_` and `-`".into());
                    } else if known.iter().any(|known| **known == *name) {
                        let problem = Sentence::fill("the name `{}` is taken", [Shown::name(name)]);
                        self.fault(text.0.span(), problem).hint = Some(Sentence::naming(
                            "each call has a name of its own; {} are ours",
                            Shown::list(own_names(self.kind).iter().copied()),
                            "each call has a name of its own",
                        ));
                    }
                    name.into()
                }
            };
            known.push(Arc::clone(&name));
            calls.push(self.call(
                Arc::clone(&name),
                kind,
                format!("{list}.{name}."),
                &step.request,
                &step.response,
                place,
            ));
        }
        calls
    }

    pub fn call(
        &mut self,
        name: Arc<str>,
        kind: Kind,
        part: String,
        request: &Request,
        answer: &Answer,
        place: &Range<usize>,
    ) -> Call {
        let request = self.request(request, kind, place);
        let outside = self.names.clone();
        self.add_answer_names();
        self.hide(answer.gives.0.iter().map(|(_, text)| text));
        let condition = answer.ok.as_ref().and_then(|text| self.rule(text));
        let condition = condition.map(|rule| Condition::new("ok", rule));
        let (code, message) = (self.rules(&answer.code), self.rules(&answer.message));
        let meanings = self.meanings(answer.signs());
        let retry_after = self.times(&answer.retry_after.0);
        let ends = self.ends(&answer.credential_expiry, &answer.credential_created);
        let gives = self.gives(&answer.gives);
        self.names = outside;
        let rules = Rules {
            format: Format::Any,
            statuses: answer.statuses.clone(),
            condition,
            code,
            message,
            meanings,
            retry_after,
            ends,
            ..Rules::default()
        };
        self.finish(name, kind, part, request, rules, gives)
    }

    /// Adds the names that only the rules for an answer can use.
    pub fn add_answer_names(&mut self) {
        for tree in ["json", "form", "xml"] {
            self.names.add_members(tree, &[]);
        }
        self.names.add_members("http", &["status", "headers"]);
        self.names.add("body", false);
    }

    /// Compiles the values that an answer gives. All are secret, because an answer can hold
    /// anything.
    pub fn gives(&mut self, table: &Ordered<Text>) -> Vec<(String, Compiled)> {
        let mut gives = Vec::new();
        for (given, text) in &table.0 {
            self.check_name(given.get_ref(), given.span());
            let compiled = self.found(text);
            let secrecy = compiled.as_ref().map_or(Secrecy::Whole, |compiled| compiled.secrecy);
            gives.extend(compiled.map(|compiled| (given.get_ref().clone(), compiled)));
            self.names.set(given.get_ref(), secrecy);
        }
        gives
    }

    pub fn finish(
        &mut self,
        name: Arc<str>,
        kind: Kind,
        part: String,
        request: Requested,
        rules: Rules,
        gives: Vec<(String, Compiled)>,
    ) -> Call {
        let uses = std::mem::take(&mut self.uses);
        self.all.extend(uses.iter().cloned());
        let needs: BTreeSet<String> = request.uses.intersection(&self.answers).cloned().collect();
        let follows = request
            .templates
            .url
            .origin()
            .any(|expression| expression.uses.iter().any(|name| self.answers.contains(name)));
        self.all.extend(request.uses);
        // Later calls can use the values of this answer.
        for (given, rule) in &gives {
            self.names.set(given, rule.secrecy);
            if !rule.secret {
                self.names.add_answer(given);
            }
            self.answers.insert(given.clone());
        }
        let members = ["json", "form", "xml", "http", "token"];
        let reads_only_members =
            rules.ends.is_empty() && uses.iter().all(|name| members.contains(&name.as_str()));
        let request = request.templates;
        Call { name, kind, part, request, rules, gives, needs, follows, uses, reads_only_members }
    }
}
