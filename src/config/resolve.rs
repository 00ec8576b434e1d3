//! From a `[providers.NAME]` table to a [`Provider`].

use std::collections::hash_map::DefaultHasher;
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use toml::Spanned;
use toml::value::Datetime;

use super::file::{self, Shared};
use super::inputs;
use super::parsed::{Parsed, Recipes};
use super::shared::{self, Context};
use crate::diagnostic::{Fault, Severity, nearest};
use crate::provider::{Provider, Slot, Transport};
use crate::recipe::definition::{Tokens, Verify};
use crate::recipe::{Attempt, Expectations, Recipe, Verification, builtin};

/// Resolves one provider after the other; what they have in common is shared.
pub struct Resolver<'a> {
    recipes: &'a Recipes,
    /// Built-in recipes, compiled when the first provider asks for them.
    compiled: HashMap<String, Arc<Recipe>>,
    main: &'a Parsed,
    transports: HashSet<Arc<Transport>>,
    endpoints: HashSet<Arc<str>>,
    /// The steps that were found for a recipe and inputs.
    rehearsed: HashMap<(String, u64), Arc<[Arc<str>]>>,
    attempt: Attempt,
}

impl<'a> Resolver<'a> {
    pub fn new(recipes: &'a Recipes, main: &'a Parsed) -> Self {
        Self {
            recipes,
            compiled: HashMap::new(),
            main,
            transports: HashSet::new(),
            endpoints: HashSet::new(),
            rehearsed: HashMap::new(),
            attempt: Attempt { now: Timestamp::now(), uuid: uuid::Uuid::nil() },
        }
    }

    /// What is wrong with `[defaults]` by itself.
    pub fn check_defaults(&self) -> Vec<Fault> {
        let mut context = Context {
            source: &self.main.source,
            folder: &self.main.folder,
            place: 0..0,
            faults: Vec::new(),
        };
        shared::check(&self.defaults(), &mut context);
        context.faults
    }

    fn defaults(&self) -> Shared<'a> {
        self.main.file.defaults.shared()
    }

    /// The provider, with the one of its credentials that are to follow; none when it has faults.
    /// Faults and warnings are returned with it.
    pub fn provider(
        &mut self,
        parsed: &Parsed,
        name: &Spanned<String>,
        file: &file::Provider,
    ) -> (Vec<Arc<Provider>>, Vec<Fault>) {
        let mut context = Context {
            source: &parsed.source,
            folder: &parsed.folder,
            place: name.span(),
            faults: Vec::new(),
        };
        let whole = !parsed.is_damaged(&name.span());
        check_name(name, &mut context);
        let (own, defaults) = (file.shared(), self.defaults());
        shared::check(&own, &mut context);
        let Some(recipe) = self.recipe(file, whole, &mut context) else {
            return (Vec::new(), context.faults);
        };
        let parameters = inputs::parameters(&recipe, file, whole, &mut context);
        let credentials = inputs::credentials(&recipe, file, whole, &mut context);
        let next = inputs::credentials_next(&recipe, file, &credentials, &mut context);
        let transport =
            self.share(shared::transport(&own, &parsed.folder, &defaults, &self.main.folder));
        let sound = whole && !self.recipes.faulty.contains(&recipe.name);
        let mut provider = Provider {
            name: name.get_ref().clone(),
            slot: Slot::Current,
            labels: shared::labels(&own, &defaults),
            cadence: shared::cadence(&own, &defaults, recipe.interval),
            timeout: shared::timeout(&own, &defaults),
            expectations: expectations(&recipe, file, &defaults, sound, &mut context),
            verification: file
                .verify
                .as_ref()
                .and_then(|verify| verification(&recipe, verify, sound, &mut context)),
            steps: Arc::default(),
            secret_expires: secret_expires(file, &mut context),
            endpoint: None,
            transport,
            parameters,
            credentials: credentials.into(),
            recipe,
        };
        if sound && !has_errors(&context) {
            provider.endpoint = self.endpoint(&provider, file, &mut context);
            provider.steps = self.rehearse(&provider, &mut context);
        }
        warn(&provider, file, &mut context);
        let mut providers = Vec::new();
        if !has_errors(&context) && whole {
            let next = next.map(|credentials| {
                Arc::new(Provider {
                    slot: Slot::Next,
                    credentials: credentials.into(),
                    ..provider.clone()
                })
            });
            providers.push(Arc::new(provider));
            providers.extend(next);
        }
        (providers, context.faults)
    }

    fn recipe(
        &mut self,
        file: &file::Provider,
        whole: bool,
        context: &mut Context<'_>,
    ) -> Option<Arc<Recipe>> {
        let Some(text) = &file.recipe else {
            if whole {
                let place = context.place.clone();
                context.error(place, "the provider names no recipe").hint = Some(
                    "add `recipe = \"…\"`; `credwatch recipes list` shows what is built in".into(),
                );
            }
            return None;
        };
        let name = text.0.get_ref();
        if let Some(known) = self.recipes.own.get(name).or_else(|| self.compiled.get(name)) {
            return Some(Arc::clone(known));
        }
        let Some(recipe) = builtin::recipe(name) else {
            // A file of recipes that cannot be read may have held it.
            if !self.recipes.incomplete {
                // All names would fill a screen.
                let hint = nearest(name, self.recipes.names()).map_or_else(
                    || "`credwatch recipes list` shows what is built in; one of your own is a table [recipes.NAME]".into(),
                    |near| format!("did you mean `{near}`?"),
                );
                context.error(text.0.span(), format!("there is no recipe {name:?}")).hint =
                    Some(hint);
            }
            return None;
        };
        let recipe = Arc::new(recipe);
        self.compiled.insert(name.clone(), Arc::clone(&recipe));
        Some(recipe)
    }

    fn share(&mut self, transport: Transport) -> Arc<Transport> {
        if let Some(known) = self.transports.get(&transport) {
            return Arc::clone(known);
        }
        let transport = Arc::new(transport);
        self.transports.insert(Arc::clone(&transport));
        transport
    }

    /// Host and port that requests go to; told as a fault when the parameters make no URL.
    fn endpoint(
        &mut self,
        provider: &Provider,
        file: &file::Provider,
        context: &mut Context<'_>,
    ) -> Option<Arc<str>> {
        let recipe = &provider.recipe;
        let (mut first, mut warned) = (None, false);
        for call in provider.calls() {
            let url = match recipe.endpoint(call, &provider.parameters, &self.attempt) {
                Ok(Some(url)) => url,
                Ok(None) => continue,
                Err(error) => {
                    let place = context.place.clone();
                    context.error(
                        place,
                        format!("no request can be made from these parameters: {error}"),
                    );
                    return None;
                }
            };
            let host = url.host_str().unwrap_or_default();
            if url.scheme() == "http" && !is_loopback(host) && !std::mem::replace(&mut warned, true)
            {
                let given =
                    file.parameters.0.iter().find(|(name, _)| name.get_ref().ends_with("_url"));
                let span = given.map_or(context.place.clone(), |(_, value)| value.0.span());
                context.warn(span, "http:// sends the credential in clear text, readable by anybody on the way").hint = Some("use https://".into());
            }
            if !call.url_is_secret() && first.is_none() {
                first = Some(format!("{host}:{}", url.port_or_known_default().unwrap_or_default()));
            }
        }
        let endpoint = first?;
        if let Some(known) = self.endpoints.get(endpoint.as_str()) {
            return Some(Arc::clone(known));
        }
        let endpoint: Arc<str> = endpoint.into();
        self.endpoints.insert(Arc::clone(&endpoint));
        Some(endpoint)
    }

    /// Renders all requests with made-up secrets, once for each set of inputs that could differ;
    /// returns the names of what a probe does, when it is more than the token request.
    fn rehearse(&mut self, provider: &Provider, context: &mut Context<'_>) -> Arc<[Arc<str>]> {
        let mut inputs = DefaultHasher::new();
        for (name, value) in &provider.parameters {
            name.hash(&mut inputs);
            // URLs have been looked at, and are what differs between thousands of providers.
            if !name.ends_with("_url") {
                value.to_string().hash(&mut inputs);
            }
        }
        let credentials: Vec<&str> =
            provider.credentials.iter().map(|(name, _)| name.as_str()).collect();
        credentials.hash(&mut inputs);
        let key = (provider.recipe.name.clone(), inputs.finish());
        if has_errors(context) {
            return Arc::default();
        }
        // What verifies the token is each provider's own.
        if let Some(known) = self.rehearsed.get(&key).filter(|_| provider.verification.is_none()) {
            return Arc::clone(known);
        }
        let steps: Arc<[Arc<str>]> = match provider.recipe.rehearse(
            &provider.parameters,
            &credentials,
            provider.verification.as_deref(),
            &self.attempt,
        ) {
            Ok(steps) if steps.len() > 1 => steps.into(),
            Ok(_) => Arc::default(),
            Err(error) => {
                let place = context.place.clone();
                context.error(
                    place,
                    format!(
                        "the recipe `{}` cannot make a request from these inputs: {error}",
                        provider.recipe.name
                    ),
                );
                Arc::default()
            }
        };
        if provider.verification.is_none() {
            self.rehearsed.insert(key, Arc::clone(&steps));
        }
        steps
    }
}

fn has_errors(context: &Context<'_>) -> bool {
    context.faults.iter().any(|fault| fault.severity == Severity::Error)
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn check_name(name: &Spanned<String>, context: &mut Context<'_>) {
    let text = name.get_ref();
    if text.trim().is_empty() || text.len() > 200 || text.chars().any(char::is_control) {
        context.error(
            name.span(),
            "the name of a provider must be 1 to 200 bytes of text without control characters",
        );
    }
}

fn expectations(
    recipe: &Recipe,
    file: &file::Provider,
    defaults: &Shared<'_>,
    sound: bool,
    context: &mut Context<'_>,
) -> Expectations {
    let min_lifetime = file.min_lifetime.as_ref().or(defaults.min_lifetime);
    if min_lifetime.is_some() && recipe.tokens == Tokens::Cached {
        let span = file.min_lifetime.as_ref().map_or(context.place.clone(), |own| own.0.span());
        context.warn(span, format!("`{}` hands the same token out until it expires, so every token gets shorter-lived than this", recipe.name)).hint =
            Some("leave `min_lifetime` out here, or keep it far below `interval`".into());
    }
    if let Some(first) = file.required_scopes.first()
        && sound
        && !recipe.reads_scopes()
    {
        context.error(
            first.0.span(),
            format!(
                "`required_scopes` cannot be checked: the recipe `{}` reads no scopes",
                recipe.name
            ),
        );
    }
    for scope in &file.required_scopes {
        if scope.0.get_ref().is_empty() || scope.0.get_ref().contains([' ', ',', '\t']) {
            context
                .error(scope.0.span(), "a scope is one word: no answer could ever grant this one")
                .hint = Some("write each scope as a text of its own: [\"sms\", \"groups\"]".into());
        }
    }
    Expectations {
        required_scopes: file
            .required_scopes
            .iter()
            .map(|scope| scope.0.get_ref().clone())
            .collect(),
        min_lifetime: min_lifetime.map(|at| at.0.get_ref().0),
    }
}

fn verification(
    recipe: &Recipe,
    verify: &Verify,
    sound: bool,
    context: &mut Context<'_>,
) -> Option<Arc<Verification>> {
    // Of a recipe with faults the names are not known.
    if !sound {
        return None;
    }
    let place = context.place.clone();
    Verification::compile(recipe, verify, context.source, &place, &mut context.faults).map(Arc::new)
}

fn secret_expires(file: &file::Provider, context: &mut Context<'_>) -> Option<Timestamp> {
    let date = file.secret_expires.as_ref()?;
    let Some(time) = timestamp(date.0.get_ref()) else {
        context.error(date.0.span(), "expected a date such as 2027-01-31, or a date with time and offset, before the year 9999");
        return None;
    };
    if time < Timestamp::now() {
        context.warn(date.0.span(), "this secret has run out already, by its own date");
    }
    Some(time)
}

/// A date counts from its first moment in UTC: rather too early than too late.
fn timestamp(date: &Datetime) -> Option<Timestamp> {
    let text = date.to_string();
    match (date.date, date.time, date.offset) {
        (Some(_), Some(_), Some(_)) => text.parse().ok(),
        (Some(_), Some(_), None) => format!("{text}Z").parse().ok(),
        (Some(_), None, None) => format!("{text}T00:00:00Z").parse().ok(),
        _ => None,
    }
}

/// What can be run, but its author would want to know.
fn warn(provider: &Provider, file: &file::Provider, context: &mut Context<'_>) {
    if let Some(side_effects) = &provider.recipe.side_effects {
        let span = file.recipe.as_ref().map_or(context.place.clone(), |text| text.0.span());
        context.warn(span, format!("a probe has side effects: {side_effects}"));
    }
    if let (Some(safe), Some(own)) = (provider.recipe.interval, &file.interval)
        && own.0.get_ref().0 < safe
    {
        context
            .warn(
                own.0.span(),
                format!(
                    "the recipe `{}` calls {safe:?} a safe interval, and this is shorter",
                    provider.recipe.name
                ),
            )
            .hint = Some("see its side effects: `credwatch recipes show` prints them".into());
    }
    if provider.transport.insecure {
        let place = context.place.clone();
        context.warn(place, "`tls.insecure` accepts any certificate: what is sent, the secret included, can be read by anybody on the way").hint =
            Some("for a private authority, set `tls.ca_file` instead".into());
    }
}
