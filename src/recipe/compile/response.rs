//! Compiles the rules for the answer to the token request.

use std::ops::Range;

use toml::Spanned;

use super::compiler::Compiler;
use crate::diagnostic::Sentence;
use crate::language::expression::Compiled;
use crate::language::names::Secrecy;
use crate::recipe::call::{Condition, Rules, TokenRules};
use crate::recipe::definition::{
    CredentialKind, Definition, Expressions, Format, Response, Text, Tokens,
};

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
        let Replaced { issued, codes, messages } = Replaced::of(response);
        let condition = issued.and_then(|text| self.rule(&text));
        let condition = condition.map(|rule| Condition::new("issued", rule));
        let dead = response.dead.as_ref().and_then(|text| self.condition("dead", text));
        let alive = response.alive.as_ref().and_then(|text| self.condition("alive", text));
        let token: Vec<_> = response.token.0.iter().filter_map(|text| self.found(text)).collect();
        let mut code = self.rules(&codes);
        code.extend(self.rules(&response.code));
        let mut message = self.rules(&messages);
        message.extend(self.rules(&response.message));
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
                    let told = ends.expiry.iter().chain(&ends.created).map(|end| &end.rule);
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
            ends,
        };
        (rules, TokenRules { token, expiry, never, scopes })
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

/// What `replaces` adds to the rules, so that nobody has to write it three times.
struct Replaced {
    /// `issued` of the recipe, and that no credential is replaced.
    issued: Option<Text>,
    codes: Expressions,
    messages: Expressions,
}

impl Replaced {
    fn of(response: &Response) -> Self {
        if response.replaces.0.is_empty() {
            let (codes, messages) = (Expressions::default(), Expressions::default());
            return Self { issued: response.issued.clone(), codes, messages };
        }
        let mut issued: Vec<String> =
            response.issued.iter().map(|text| format!("({})", text.0.get_ref())).collect();
        let mut span = response.issued.as_ref().map(|text| text.0.span());
        let (mut codes, mut messages) = (Vec::new(), Vec::new());
        for (name, member) in &response.replaces.0 {
            let (name, place) = (name.get_ref(), member.0.span());
            let member = member.0.get_ref();
            issued.push(format!(
                "({member} is not string or {name} is undefined or same({member}, {name}))"
            ));
            let when =
                format!("{member} is string and {name} is defined and not same({member}, {name})");
            let text =
                |said: &str| Text(Spanned::new(place.clone(), format!("'{said}' if {when}")));
            codes.push(text(&format!("{name}_replaced")));
            messages.push(text(&format!(
                "the server has replaced `{name}`: the one that is configured is used up"
            )));
            span.get_or_insert(place.clone());
        }
        let issued = span.map(|span| Text(Spanned::new(span, issued.join(" and "))));
        Self { issued, codes: Expressions(codes), messages: Expressions(messages) }
    }
}
