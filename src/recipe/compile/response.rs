//! Compiles the rules for the answer to the token request.

use std::ops::Range;
use std::sync::Arc;

use super::compiler::Compiler;
use crate::diagnostic::Sentence;
use crate::language::expression::Compiled;
use crate::language::names::Secrecy;
use crate::recipe::call::{Condition, Rules, TokenRules};
use crate::recipe::definition::{
    CredentialKind, Definition, Format, Ordered, Response, Text, Tokens,
};
use crate::recipe::list_rules::ListRules;

/// What `token` reveals when it comes from these rules.
pub fn of_the_token(rules: &[Compiled]) -> Secrecy {
    rules.iter().map(|rule| rule.secrecy).max().unwrap_or(Secrecy::Whole)
}

/// The format of a body from which rules for a success take their values.
fn used_format(rules: &[&Compiled]) -> Format {
    let formats = [Format::Json, Format::Xml, Format::Form];
    let is_used = |format: &Format| rules.iter().any(|rule| rule.uses.contains(format.word()));
    formats.into_iter().find(is_used).unwrap_or(Format::Any)
}

/// The rules with the form in which the rows of a list stand, which counts where no format is
/// given.
pub fn with_rows(rules: Rules, list: &ListRules) -> Rules {
    Rules { rows_in: Some(used_format(&[&list.rows])), ..rules }
}

impl Compiler<'_> {
    pub fn response(
        &mut self,
        definition: &Definition,
        place: &Range<usize>,
    ) -> (Rules, TokenRules) {
        let response = &definition.response;
        match definition.kind {
            CredentialKind::Issued => self.needs_a_token(response, place),
            CredentialKind::Static => self.has_no_token(definition, place),
        }
        let condition = response.issued.as_ref().and_then(|text| self.rule(text));
        let condition = condition.map(|rule| Condition::new("issued", rule));
        let dead = response.dead.as_ref().and_then(|text| self.condition("dead", text));
        let alive = response.alive.as_ref().and_then(|text| self.condition("alive", text));
        let token: Vec<_> = response.token.0.iter().filter_map(|text| self.found(text)).collect();
        let (code, message) = (self.rules(&response.code), self.rules(&response.message));
        let meanings = self.meanings(response.signs());
        let retry_after = self.times(&response.retry_after.0);
        let ends = self.ends(&response.credential_expiry, &response.credential_created);
        let scopes = response.scopes.as_ref().and_then(|text| self.rule(text));
        if definition.kind == CredentialKind::Issued {
            // Only the rules whose values are not shown can use the token.
            self.names.set("token", of_the_token(&token));
        }
        let expiry = self.times(&response.expiry.0);
        let never = response.never.as_ref().and_then(|text| self.rule(text));
        let (format, refuses_pages) = match (response.format, definition.kind) {
            (Some(format), _) => (format, false),
            (None, CredentialKind::Issued) => (Format::Json, false),
            (None, CredentialKind::Static) => (
                {
                    let told = ends.places().map(|end| &end.rule);
                    used_format(&dead.iter().chain(&scopes).chain(told).collect::<Vec<_>>())
                },
                true,
            ),
        };
        let rules = Rules {
            format,
            refuses_pages,
            statuses: response.statuses.clone(),
            condition,
            dead,
            alive,
            code,
            message,
            meanings,
            retry_after,
            lists: response.list.is_some(),
            rows_in: None,
            ends,
            // Compiled before the rules that must not show them.
            replaces: Vec::new(),
        };
        (rules, TokenRules { token, expiry, never, scopes })
    }

    /// Where the answer has new values of credentials. They are as secret as given values.
    pub fn replaces(&mut self, table: &Ordered<Text>) -> Vec<(Arc<str>, Compiled)> {
        let mut replaces = Vec::new();
        for (name, text) in &table.0 {
            let (credential, found) = (self.credential(name), self.found(text));
            // The rule compares the value with the configured one.
            self.uses.extend(credential.as_deref().map(str::to_owned));
            replaces.extend(credential.zip(found));
        }
        replaces
    }

    fn needs_a_token(&mut self, response: &Response, place: &Range<usize>) {
        if response.token.0.is_empty() {
            self.fault(place.clone(), "the recipe has no `response.token`").hint = Some(
                "say where the token is in the answer, such as `token = \"json.access_token\"`; a \
                 recipe that presents the credential itself has `kind = \"static\"`"
                    .into(),
            );
        }
        if let Some(text) = &response.alive {
            self.fault(text.0.span(), "`response.alive` needs `kind = \"static\"`").hint =
                Some("an answer that refuses has no token, so it cannot be a success".into());
        }
    }

    /// The keys about a token are faults in a recipe that requests none.
    fn has_no_token(&mut self, definition: &Definition, place: &Range<usize>) {
        let response = &definition.response;
        let cached = (definition.tokens != Tokens::default()).then(|| ("tokens", place.clone()));
        let token = response.token.0.first().map(|text| ("response.token", text.0.span()));
        let issued = response.issued.as_ref().map(|text| ("response.issued", text.0.span()));
        let replaces = response.replaces.0.first();
        let replaces = replaces.map(|(name, _)| ("response.replaces", name.span()));
        let expiry = response.expiry.0.first();
        let expiry = expiry.map(|rule| ("response.expiry", rule.value.0.span()));
        let never = response.never.as_ref().map(|text| ("response.never", text.0.span()));
        for (key, span) in [cached, token, issued, replaces, expiry, never].into_iter().flatten() {
            let problem = Sentence::fill(
                "`{}` is about a token, and `kind = \"static\"` issues none",
                [key.into()],
            );
            self.fault(span, problem).hint = Some(
                match key {
                    "response.issued" => "write the opposite as `response.dead`",
                    "response.expiry" | "response.never" => {
                        "for the end of the credential itself write `response.credential_expiry`"
                    }
                    _ => "leave it out",
                }
                .into(),
            );
        }
    }
}
