//! Compiles a whole recipe, and the calls that verify the token of a provider.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::compiler::Compiler;
use super::limits::MOST_EXPRESSIONS;
use super::response::{of_the_token, with_rows};
use crate::diagnostic::{Fault, Source};
use crate::language::names::Names;
use crate::recipe::call::{Call, Kind, Recipe, Rules, own_names};
use crate::recipe::definition::{CredentialKind, Definition, VerifyCall};

/// A longer interval would be no watch. A recipe of another author could otherwise stop the probes.
const LONGEST_INTERVAL: Duration = Duration::from_secs(24 * 3600);

impl Recipe {
    /// Compiles a definition and adds all mistakes to `faults`. `place` is the place of mistakes
    /// that concern the whole recipe.
    #[must_use]
    pub fn compile(
        name: &str,
        definition: &Definition,
        source: &Arc<Source>,
        place: &Range<usize>,
        faults: &mut Vec<Fault>,
    ) -> Self {
        let before = faults.len();
        let mut compiler = Compiler::new(source, faults, Names::default(), BTreeSet::new());
        compiler.kind = definition.kind;
        compiler.sizes(name, definition, place);
        if definition.interval.is_some_and(|interval| interval.0 > LONGEST_INTERVAL) {
            compiler.fault(place.clone(), "the `interval` of a recipe is at most `1d`").hint =
                Some("a provider can set a longer one itself".into());
        }
        let (parameters, credentials) = compiler.inputs(definition);
        compiler.set_credentials(&credentials);
        for clock in ["now_s", "now_ms", "now_iso", "uuid"] {
            compiler.names.add(clock, false);
        }
        let bindings = compiler.bindings(definition);
        let mut known: Vec<Arc<str>> =
            own_names(definition.kind).iter().copied().map(Arc::from).collect();
        let steps = compiler.steps(&definition.steps, Kind::Step, &mut known, place);
        let kind = match definition.kind {
            CredentialKind::Issued => Kind::Token,
            CredentialKind::Static => Kind::Read,
        };
        let request = compiler.request(&definition.request, kind, place);
        let outside = compiler.names.clone();
        compiler.add_answer_names();
        let response = &definition.response;
        let texts = response.gives.0.iter().map(|(_, text)| text);
        let next = response.replaces.0.iter().map(|(_, text)| text);
        compiler.hide(response.token.0.iter().chain(texts).chain(next));
        let gives = compiler.gives(&response.gives);
        let replaces = compiler.replaces(&response.replaces);
        let (rules, reading) = compiler.response(definition, place);
        let rules = Rules { replaces, ..rules };
        let list = response.list.as_ref().and_then(|list| compiler.list(list, place));
        let rules = match list.as_ref().filter(|_| response.format.is_none()) {
            Some(list) => with_rows(rules, list),
            None => rules,
        };
        compiler.names = outside;
        let (name_of_call, part) = (kind.own_name().into(), String::new());
        let main = compiler.finish(name_of_call, kind, part, request, rules, gives);
        if kind == Kind::Token {
            compiler.names.set("token", of_the_token(&reading.token));
            compiler.answers.insert("token".into());
        }
        let cleanup = compiler.steps(&definition.cleanup, Kind::Cleanup, &mut known, place);
        // What an expression with a mistake uses is not known.
        if compiler.faults.len() == before {
            compiler.unused(definition);
        }
        let Compiler { names, all, expressions, .. } = compiler;
        Self {
            name: name.to_owned(),
            title: definition.title.clone(),
            documentation: definition.documentation.clone(),
            side_effects: definition.side_effects.clone(),
            known: definition.known,
            interval: definition.interval.map(|span| span.0),
            tokens: definition.tokens,
            parameters,
            credentials,
            steps,
            main,
            cleanup,
            bindings,
            reading,
            list,
            names,
            definition: definition.clone(),
            uses: all,
            expressions: expressions.min(MOST_EXPRESSIONS),
        }
    }

    /// Compiles a call that verifies the token and adds all mistakes to `faults`.
    pub(in crate::recipe) fn compile_check(
        &self,
        kind: Kind,
        VerifyCall { request, response }: &VerifyCall,
        source: &Arc<Source>,
        place: &Range<usize>,
        faults: &mut Vec<Fault>,
    ) -> Call {
        let name = kind.own_name();
        let given = self
            .steps
            .iter()
            .chain([&self.main])
            .flat_map(|step| step.gives.iter().map(|(name, _)| name.clone()));
        let answers = given.chain(["token".to_owned()]).collect();
        let mut compiler = Compiler::new(source, faults, self.names.clone(), answers);
        compiler.set_credentials(&self.credentials);
        compiler.call(name.into(), kind, format!("verify.{name}."), request, response, place)
    }
}
