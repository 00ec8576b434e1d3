//! What a provider requires of its credential and of the tokens.

use std::sync::Arc;
use std::time::Duration;

use super::file::{self, Shared};
use super::shared::Context;
use crate::diagnostic::{Sentence, Shown};
use crate::document::At;
use crate::provider::CredentialPolicy;
use crate::recipe::definition::{Tokens, Verify};
use crate::recipe::{Expectations, Recipe, Verification};
use crate::time::Span;

pub fn expectations(
    recipe: &Recipe,
    file: &file::Provider,
    defaults: &Shared<'_>,
    sound: bool,
    context: &mut Context<'_>,
) -> Expectations {
    let is_static = !recipe.issues_tokens();
    if let Some(own) = file.min_lifetime.as_ref().filter(|_| is_static) {
        let problem = Sentence::fill(
            "`min_lifetime` is about a token, and the recipe `{}` issues none",
            [Shown::name(&recipe.name)],
        );
        context.error(own.0.span(), problem).hint = Some("leave it out".into());
    }
    let min_lifetime = file.min_lifetime.as_ref().or(defaults.min_lifetime);
    let min_lifetime = min_lifetime.filter(|_| !is_static);
    if min_lifetime.is_some() && recipe.tokens == Tokens::Cached {
        let span = file.min_lifetime.as_ref().map_or(context.place.clone(), |own| own.0.span());
        let problem = Sentence::fill(
            "`{}` returns the same token until it expires, so every token falls below this \
             lifetime",
            [Shown::name(&recipe.name)],
        );
        context.warn(span, problem).hint =
            Some("remove `min_lifetime` here, or keep it far below `interval`".into());
    }
    if let Some(first) = file.required_scopes.first()
        && sound
        && !recipe.reads_scopes()
    {
        let problem = Sentence::fill(
            "`required_scopes` cannot be checked: the recipe `{}` reads no scopes",
            [Shown::name(&recipe.name)],
        );
        context.error(first.0.span(), problem);
    }
    for scope in &file.required_scopes {
        if scope.0.get_ref().is_empty() || scope.0.get_ref().contains([' ', ',', '\t']) {
            context
                .error(scope.0.span(), "a scope is one word: no answer can grant this one")
                .hint = Some("write each scope as a text of its own: [\"sms\", \"groups\"]".into());
        }
    }
    let required_scopes = file.required_scopes.iter().map(|scope| scope.0.get_ref().clone());
    Expectations {
        required_scopes: required_scopes.collect(),
        min_lifetime: min_lifetime.map(|at| at.0.get_ref().0),
    }
}

pub fn verification(
    recipe: &Recipe,
    verify: &Verify,
    sound: bool,
    context: &mut Context<'_>,
) -> Option<Arc<Verification>> {
    // The names of a recipe with faults are not complete.
    if !sound {
        return None;
    }
    let place = context.place.clone();
    if !recipe.issues_tokens() {
        let problem = Sentence::fill(
            "the recipe `{}` issues no token, so there is nothing that `verify` can check",
            [Shown::name(&recipe.name)],
        );
        context.error(place, problem).hint = Some("leave `verify` out".into());
        return None;
    }
    Verification::compile(recipe, verify, context.source, &place, &mut context.faults).map(Arc::new)
}

/// How old the credential may become, and how long before its end the alerts fire.
pub fn policy(
    file: &file::Provider,
    defaults: &Shared<'_>,
    context: &mut Context<'_>,
) -> CredentialPolicy {
    let own = file.shared();
    let chosen = |own: Option<&At<Span>>, other: Option<&At<Span>>, usual: Duration| {
        own.or(other).map_or(usual, |span| span.0.get_ref().0)
    };
    let usual = CredentialPolicy::default();
    let policy = CredentialPolicy {
        max_age: own.credential_max_age.or(defaults.credential_max_age).map(|at| at.0.get_ref().0),
        warning: chosen(own.credential_warning, defaults.credential_warning, usual.warning),
        critical: chosen(own.credential_critical, defaults.credential_critical, usual.critical),
    };
    if policy.critical > policy.warning
        && let Some(at) = own.credential_critical.or(own.credential_warning)
    {
        let problem = "`credential_critical` is longer than `credential_warning`, so the ticket \
                       comes after the page";
        context.warn(at.0.span(), problem);
    }
    policy
}
