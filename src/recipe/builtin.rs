//! The table of built-in recipes: the one place in the code that names providers.

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use serde_json::Value as Json;

use super::call::Recipe;
use super::definition::Definition;
use crate::diagnostic::{Fault, Source};
use crate::document;

/// Name and text of each built-in recipe.
pub const BUILTINS: [(&str, &str); 34] = [
    ("auth0", include_str!("builtin/auth0.toml")),
    ("aws-sts", include_str!("builtin/aws-sts.toml")),
    ("cashfree-payouts", include_str!("builtin/cashfree-payouts.toml")),
    ("directus", include_str!("builtin/directus.toml")),
    ("docker-registry", include_str!("builtin/docker-registry.toml")),
    ("docuware", include_str!("builtin/docuware.toml")),
    ("enablex-rcs", include_str!("builtin/enablex-rcs.toml")),
    ("enablex-whatsapp", include_str!("builtin/enablex-whatsapp.toml")),
    ("enkash", include_str!("builtin/enkash.toml")),
    ("enkash-payment-gateway", include_str!("builtin/enkash-payment-gateway.toml")),
    ("enos", include_str!("builtin/enos.toml")),
    ("f5-big-ip", include_str!("builtin/f5-big-ip.toml")),
    ("feishu", include_str!("builtin/feishu.toml")),
    ("github-app", include_str!("builtin/github-app.toml")),
    ("google-service-account", include_str!("builtin/google-service-account.toml")),
    ("ibm-cloud-iam", include_str!("builtin/ibm-cloud-iam.toml")),
    ("keystone", include_str!("builtin/keystone.toml")),
    ("magento", include_str!("builtin/magento.toml")),
    ("microsoft-entra", include_str!("builtin/microsoft-entra.toml")),
    ("mpesa", include_str!("builtin/mpesa.toml")),
    ("oauth2-client-credentials", include_str!("builtin/oauth2-client-credentials.toml")),
    ("oauth2-jwt-bearer", include_str!("builtin/oauth2-jwt-bearer.toml")),
    ("oauth2-password", include_str!("builtin/oauth2-password.toml")),
    ("oauth2-refresh-token", include_str!("builtin/oauth2-refresh-token.toml")),
    ("oauth2-token-exchange", include_str!("builtin/oauth2-token-exchange.toml")),
    ("okta", include_str!("builtin/okta.toml")),
    ("paypal", include_str!("builtin/paypal.toml")),
    ("sabre", include_str!("builtin/sabre.toml")),
    ("salesforce", include_str!("builtin/salesforce.toml")),
    ("sms-cx", include_str!("builtin/sms-cx.toml")),
    ("tuya", include_str!("builtin/tuya.toml")),
    ("vault-approle", include_str!("builtin/vault-approle.toml")),
    ("wechat", include_str!("builtin/wechat.toml")),
    ("zoom", include_str!("builtin/zoom.toml")),
];

static SCHEMA: LazyLock<Json> = LazyLock::new(document::schema_of::<Definition>);

/// The text of a built-in recipe.
#[must_use]
pub fn text(name: &str) -> Option<&'static str> {
    BUILTINS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// Compiles a recipe that stands alone in a file.
///
/// # Errors
/// All faults of the file.
pub fn compile_file(name: &str, source: &Arc<Source>) -> Result<Recipe, Vec<Fault>> {
    let (definition, mut faults): (Definition, _) = document::read(source, &SCHEMA, |_| ());
    let place: Range<usize> = 0..0;
    let recipe = Recipe::compile(name, &definition, source, &place, &mut faults);
    if faults.is_empty() { Ok(recipe) } else { Err(faults) }
}

/// Compiles a built-in recipe; `None` for an unknown name.
///
/// # Panics
/// Never in a released program: a test compiles all of them.
#[must_use]
pub fn recipe(name: &str) -> Option<Recipe> {
    let source = Arc::new(Source::new(format!("<built-in {name}>"), text(name)?));
    match compile_file(name, &source) {
        Ok(recipe) => Some(recipe),
        Err(faults) => panic!("the built-in recipe {name} is broken: {}", faults[0]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_recipe_compiles_and_says_what_it_is() {
        for (name, _) in BUILTINS {
            let recipe = recipe(name).expect("in the table");
            assert!(recipe.title.is_some() && recipe.documentation.is_some(), "{name}");
        }
    }
}
