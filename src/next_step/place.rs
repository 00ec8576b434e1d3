//! What the request of a provider is called in sentences.

use crate::provider::Provider;

/// What the request of a provider is called in sentences.
pub struct Place {
    pub url: String,
    pub host: String,
    /// The name of the host, as the beginning of a sentence.
    pub name: String,
}

impl Place {
    /// That of this provider.
    pub fn of(provider: &Provider) -> Self {
        let recipe = &provider.recipe;
        let url = recipe.url_parameter().map_or_else(
            || format!("the URL of recipe `{}`", recipe.name),
            |parameter| format!("`parameters.{parameter}`"),
        );
        // A secret in the path hides the endpoint, but not the host of the main call.
        let of_main = provider.api_host.as_deref().filter(|_| provider.steps.is_empty());
        let known = provider.endpoint.as_deref().or(of_main);
        let host = known.map_or("the endpoint".to_owned(), |host| format!("`{host}`"));
        let name = known.map(|host| host.rsplit_once(':').map_or(host, |(name, _)| name));
        let name = name.map_or("The name of the endpoint".to_owned(), |name| format!("`{name}`"));
        Self { url, host, name }
    }
}
