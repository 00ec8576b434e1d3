//! From a `[providers.NAME]` table to a [`Provider`].

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use minijinja::Value;
use secrecy::SecretString;
use toml::Spanned;
use toml::value::Datetime;

use super::file::{self, Credential};
use super::{Parsed, Recipes, builtin};
use crate::diagnostic::{Fault, Source, suggestion};
use crate::document::At;
use crate::provider::{Cadence, Provider, Proxy, Transport};
use crate::recipe::definition::{Scalar, Text, Tokens};
use crate::recipe::{Attempt, Expectations, Recipe};
use crate::secret::SecretSource;
use crate::time::Span;

/// Shorter intervals are refused: they would be a load test of somebody else's server.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);

/// Label names that the exposition or Prometheus itself uses.
const TAKEN_LABELS: [&str; 8] = ["provider", "recipe", "le", "quantile", "state", "class", "reason", "code"];

/// Resolves one provider after the other; what they have in common is shared.
pub struct Resolver<'a> {
    recipes: &'a Recipes,
    /// Built-in recipes, compiled when the first provider asks for them.
    compiled: HashMap<String, Arc<Recipe>>,
    main: &'a Parsed,
    transports: HashSet<Arc<Transport>>,
    endpoints: HashSet<Arc<str>>,
    rehearsed: HashSet<(String, Vec<String>)>,
    attempt: Attempt,
}

struct Context<'a> {
    source: &'a Arc<Source>,
    folder: &'a Path,
    place: Range<usize>,
    faults: &'a mut Vec<Fault>,
}

impl Context<'_> {
    fn error(&mut self, span: Range<usize>, message: impl Into<String>) -> &mut Fault {
        self.faults.push(Fault::error(self.source, span, message));
        self.faults.last_mut().expect("pushed just above")
    }

    fn warn(&mut self, span: Range<usize>, message: impl Into<String>) -> &mut Fault {
        self.faults.push(Fault::warning(self.source, span, message));
        self.faults.last_mut().expect("pushed just above")
    }
}

impl<'a> Resolver<'a> {
    pub fn new(recipes: &'a Recipes, main: &'a Parsed) -> Self {
        Self {
            recipes,
            compiled: HashMap::new(),
            main,
            transports: HashSet::new(),
            endpoints: HashSet::new(),
            rehearsed: HashSet::new(),
            attempt: Attempt { now: Timestamp::now(), uuid: uuid::Uuid::nil() },
        }
    }

    /// The provider, or `None` when it has faults, which are added.
    pub fn provider(&mut self, parsed: &Parsed, name: &Spanned<String>, file: &file::Provider, faults: &mut Vec<Fault>) -> Option<Arc<Provider>> {
        let before = faults.iter().filter(|fault| fault.severity == crate::diagnostic::Severity::Error).count();
        let mut context = Context { source: &parsed.source, folder: &parsed.folder, place: name.span(), faults };
        check_name(name, &mut context);
        let recipe = self.recipe(file, &mut context)?;
        let parameters = parameters(&recipe, file, &mut context);
        let credentials = credentials(&recipe, file, &mut context);
        let transport = self.transport(file, &mut context);
        let provider = Provider {
            name: name.get_ref().clone(),
            labels: self.labels(file, &mut context),
            cadence: self.cadence(file, &mut context),
            timeout: self.timeout(file, &mut context),
            expectations: self.expectations(&recipe, file, &mut context),
            secret_expires: secret_expires(file, &mut context),
            endpoint: self.endpoint(&recipe, &parameters, file, &mut context),
            transport: self.share(transport),
            parameters,
            credentials,
            recipe,
        };
        self.rehearse(&provider, &mut context);
        warn_of_recipe(&provider, file, &mut context);
        let after = context.faults.iter().filter(|fault| fault.severity == crate::diagnostic::Severity::Error).count();
        (after == before).then(|| Arc::new(provider))
    }

    fn recipe(&mut self, file: &file::Provider, context: &mut Context<'_>) -> Option<Arc<Recipe>> {
        let Some(text) = &file.recipe else {
            let place = context.place.clone();
            context.error(place, "the provider names no recipe").hint = Some("add `recipe = \"…\"`; `credwatch recipes list` shows what is built in".into());
            return None;
        };
        let name = text.0.get_ref();
        if let Some(own) = self.recipes.own.get(name) {
            return Some(Arc::clone(own));
        }
        if let Some(known) = self.compiled.get(name) {
            return Some(Arc::clone(known));
        }
        let Some(recipe) = builtin::recipe(name) else {
            let hint = suggestion(name, self.recipes.names());
            context.error(text.0.span(), format!("there is no recipe {name:?}")).hint = Some(hint);
            return None;
        };
        let recipe = Arc::new(recipe);
        self.compiled.insert(name.clone(), Arc::clone(&recipe));
        Some(recipe)
    }

    fn cadence(&self, file: &file::Provider, context: &mut Context<'_>) -> Cadence {
        let defaults = &self.main.file.defaults;
        let fallback = Cadence::default();
        let pick =
            |own: &Option<At<Span>>, shared: &Option<At<Span>>, fallback: Duration| own.as_ref().or(shared.as_ref()).map_or(fallback, |at| at.0.get_ref().0);
        let interval = pick(&file.interval, &defaults.interval, fallback.interval);
        if interval < SHORTEST_INTERVAL {
            let span = file.interval.as_ref().map_or(context.place.clone(), |at| at.0.span());
            context.error(span, format!("an interval of {interval:?} is too short: at least {SHORTEST_INTERVAL:?}"));
        }
        Cadence {
            interval,
            confirm_after: pick(&file.confirm_after, &defaults.confirm_after, fallback.confirm_after).min(interval),
            failure_threshold: file.failure_threshold.or(defaults.failure_threshold).unwrap_or(fallback.failure_threshold).max(1),
            max_backoff: pick(&file.max_backoff, &defaults.max_backoff, fallback.max_backoff),
        }
    }

    fn timeout(&self, file: &file::Provider, context: &mut Context<'_>) -> Duration {
        let chosen = file.timeout.as_ref().or(self.main.file.defaults.timeout.as_ref());
        let timeout = chosen.map_or(Duration::from_secs(10), |at| at.0.get_ref().0);
        if timeout.is_zero() || timeout > Duration::from_secs(600) {
            let span = file.timeout.as_ref().map_or(context.place.clone(), |at| at.0.span());
            context.error(span, "the timeout must be more than nothing and at most 10m");
        }
        timeout
    }

    fn expectations(&self, recipe: &Recipe, file: &file::Provider, context: &mut Context<'_>) -> Expectations {
        let min_lifetime = file.min_lifetime.as_ref().or(self.main.file.defaults.min_lifetime.as_ref());
        if let Some(own) = &file.min_lifetime
            && recipe.tokens == Tokens::Cached
        {
            context
                .warn(own.0.span(), format!("`{}` hands the same token out until it expires, so every token gets shorter-lived than this", recipe.name))
                .hint = Some("leave `min_lifetime` out here, or keep it far below `interval`".into());
        }
        if !file.required_scopes.is_empty() && !recipe.reads_scopes() {
            let place = context.place.clone();
            context.error(place, format!("`required_scopes` cannot be checked: the recipe `{}` reads no scopes", recipe.name));
        }
        Expectations { required_scopes: file.required_scopes.clone(), min_lifetime: min_lifetime.map(|at| at.0.get_ref().0) }
    }

    fn labels(&self, file: &file::Provider, context: &mut Context<'_>) -> Vec<(String, String)> {
        let mut labels: Vec<(String, String)> = Vec::new();
        for (name, value) in self.main.file.defaults.labels.0.iter().chain(&file.labels.0) {
            let text = name.get_ref();
            let mut characters = text.chars();
            let valid = characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
                && characters.all(|character| character.is_ascii_alphanumeric() || character == '_')
                && !text.starts_with("__");
            if !valid {
                context.error(name.span(), format!("{text:?} cannot be the name of a label")).hint =
                    Some("letters, digits and `_`; it begins with a letter".into());
            } else if TAKEN_LABELS.contains(&text.as_str()) {
                context.error(name.span(), format!("the label `{text}` is set by credwatch itself")).hint = Some("choose another name".into());
            }
            let value = value.0.get_ref().clone();
            match labels.iter_mut().find(|(known, _)| known == text) {
                Some(known) => known.1 = value,
                None => labels.push((text.clone(), value)),
            }
        }
        labels
    }

    fn transport(&self, file: &file::Provider, context: &mut Context<'_>) -> Transport {
        let defaults = &self.main.file.defaults;
        let own = |text: &Option<Text>, shared: &Option<Text>| -> Option<(PathBuf, Range<usize>, bool)> {
            match (text, shared) {
                (Some(text), _) => Some((context.folder.join(text.0.get_ref()), text.0.span(), true)),
                (None, Some(text)) => Some((self.main.folder.join(text.0.get_ref()), text.0.span(), false)),
                (None, None) => None,
            }
        };
        let ca = own(&file.tls.ca_file, &defaults.tls.ca_file);
        let certificate = own(&file.tls.client_certificate_file, &defaults.tls.client_certificate_file);
        let key = own(&file.tls.client_key_file, &defaults.tls.client_key_file);
        for (path, span, is_own) in [&ca, &certificate, &key].into_iter().flatten() {
            if let Err(error) = std::fs::metadata(path) {
                let span = if *is_own { span.clone() } else { context.place.clone() };
                context.error(span, format!("cannot read {}: {error}", path.display()));
            }
        }
        let client_certificate = match (certificate, key) {
            (Some((certificate, ..)), Some((key, ..))) => Some((certificate, key)),
            (None, None) => None,
            (Some((_, span, _)), None) | (None, Some((_, span, _))) => {
                context.error(span, "`tls.client_certificate_file` and `tls.client_key_file` go together");
                None
            }
        };
        let insecure = file.tls.insecure.or(defaults.tls.insecure).unwrap_or(false);
        if insecure {
            let place = context.place.clone();
            context.warn(place, "`tls.insecure` accepts any certificate: what is sent, the secret included, can be read by anybody on the way").hint =
                Some("for a private authority, set `tls.ca_file` instead".into());
        }
        Transport { ca_file: ca.map(|(path, ..)| path), client_certificate, insecure, proxy: self.proxy(file, context) }
    }

    fn proxy(&self, file: &file::Provider, context: &mut Context<'_>) -> Proxy {
        let defaults = &self.main.file.defaults;
        let from_environment = file.proxy_from_environment.or(defaults.proxy_from_environment).unwrap_or(false);
        match file.proxy.as_ref().or(defaults.proxy.as_ref()) {
            Some(text) => {
                let valid = url::Url::parse(text.0.get_ref()).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some());
                if !valid {
                    let span = file.proxy.as_ref().map_or(context.place.clone(), |own| own.0.span());
                    context.error(span, "the proxy is no URL such as \"http://proxy.example:3128\"");
                }
                Proxy::Url(text.0.get_ref().clone())
            }
            None if from_environment => Proxy::Environment,
            None => Proxy::Direct,
        }
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
    fn endpoint(&mut self, recipe: &Recipe, parameters: &[(String, Value)], file: &file::Provider, context: &mut Context<'_>) -> Option<Arc<str>> {
        let missing = recipe.parameters.iter().any(|(name, parameter)| !parameter.optional && !parameters.iter().any(|(known, _)| known == name));
        if missing {
            return None;
        }
        let span = file
            .parameters
            .0
            .iter()
            .find(|(name, _)| name.get_ref().ends_with("url"))
            .or(file.parameters.0.first())
            .map_or(context.place.clone(), |(_, value)| value.0.span());
        let url = match recipe.endpoint(parameters, &self.attempt) {
            Ok(url) => url,
            Err(error) => {
                context.error(span, format!("no request can be made from this: {error}"));
                return None;
            }
        };
        let host = url.host_str().unwrap_or_default();
        let loopback = matches!(host, "localhost" | "[::1]") || host.starts_with("127.");
        if url.scheme() == "http" && !loopback {
            context.warn(span, "http:// sends the credential in clear text, readable by anybody on the way").hint = Some("use https://".into());
        }
        if recipe.url_is_secret() {
            return None;
        }
        let endpoint = format!("{host}:{}", url.port_or_known_default().unwrap_or_default());
        if let Some(known) = self.endpoints.get(endpoint.as_str()) {
            return Some(Arc::clone(known));
        }
        let endpoint: Arc<str> = endpoint.into();
        self.endpoints.insert(Arc::clone(&endpoint));
        Some(endpoint)
    }

    /// Renders the whole request once for each set of inputs that are given.
    fn rehearse(&mut self, provider: &Provider, context: &mut Context<'_>) {
        let parameters = provider.parameters.iter().map(|(name, _)| name.as_str());
        let credentials: Vec<&str> = provider.credentials.iter().map(|(name, _)| name.as_str()).collect();
        let given: Vec<String> = parameters.chain(credentials.iter().copied()).map(str::to_owned).collect();
        if context.faults.iter().any(|fault| fault.severity == crate::diagnostic::Severity::Error)
            || !self.rehearsed.insert((provider.recipe.name.clone(), given))
        {
            return;
        }
        if let Err(error) = provider.recipe.rehearse(&provider.parameters, &credentials, &self.attempt) {
            let place = context.place.clone();
            context.error(place, format!("the recipe `{}` cannot make a request from these inputs: {error}", provider.recipe.name));
        }
    }
}

fn check_name(name: &Spanned<String>, context: &mut Context<'_>) {
    let text = name.get_ref();
    if text.trim().is_empty() || text.len() > 200 || text.chars().any(char::is_control) {
        context.error(name.span(), "the name of a provider must be 1 to 200 bytes of text without control characters");
    }
}

fn parameters(recipe: &Recipe, file: &file::Provider, context: &mut Context<'_>) -> Vec<(String, Value)> {
    for (name, _) in &file.parameters.0 {
        let text = name.get_ref().as_str();
        if recipe.parameters.iter().any(|(known, _)| known == text) {
            continue;
        }
        let hint = if recipe.credentials.iter().any(|(known, _)| known == text) {
            format!("it is a credential: `credentials.{text}`")
        } else {
            suggestion(text, recipe.parameters.iter().map(|(known, _)| known.as_str()))
        };
        context.error(name.span(), format!("the recipe `{}` has no parameter `{text}`", recipe.name)).hint = Some(hint);
    }
    let mut values = Vec::new();
    for (name, parameter) in &recipe.parameters {
        let given = file.parameters.0.iter().find(|(known, _)| known.get_ref() == name).map(|(_, value)| &value.0);
        if let (Some(value), false) = (given, parameter.one_of.is_empty()) {
            let text = match value.get_ref() {
                Scalar::Text(text) => text.clone(),
                Scalar::Integer(number) => number.to_string(),
                Scalar::Boolean(truth) => truth.to_string(),
            };
            if !parameter.one_of.contains(&text) {
                let hint = suggestion(&text, parameter.one_of.iter().map(String::as_str));
                context.error(value.span(), format!("{text:?} is no value of the parameter `{name}`")).hint = Some(hint);
            }
        }
        match given.map(Spanned::get_ref).or(parameter.default.as_ref()) {
            // A base URL ends where the path of the recipe begins.
            Some(Scalar::Text(text)) if name == "base_url" => values.push((name.clone(), Value::from(text.trim().trim_end_matches('/')))),
            Some(Scalar::Text(text)) => values.push((name.clone(), Value::from(text.trim()))),
            Some(scalar) => values.push((name.clone(), Value::from(scalar))),
            None if parameter.optional => {}
            None => {
                let place = context.place.clone();
                context.error(place, format!("the recipe `{}` needs the parameter `{name}`", recipe.name)).hint = Some(match &parameter.description {
                    Some(description) => format!("parameters.{name} = \"…\"  # {description}"),
                    None => format!("parameters.{name} = \"…\""),
                });
            }
        }
    }
    values
}

fn credentials(recipe: &Recipe, file: &file::Provider, context: &mut Context<'_>) -> Vec<(String, SecretSource)> {
    for (name, _) in &file.credentials.0 {
        let text = name.get_ref().as_str();
        if recipe.credentials.iter().any(|(known, _)| known == text) {
            continue;
        }
        let hint = if recipe.parameters.iter().any(|(known, _)| known == text) {
            format!("it is a parameter: `parameters.{text}`")
        } else {
            suggestion(text, recipe.credentials.iter().map(|(known, _)| known.as_str()))
        };
        context.error(name.span(), format!("the recipe `{}` has no credential `{text}`", recipe.name)).hint = Some(hint);
    }
    let mut sources = Vec::new();
    for (name, credential) in &recipe.credentials {
        let Some((key, value)) = file.credentials.0.iter().find(|(known, _)| known.get_ref() == name) else {
            if !credential.optional {
                let place = context.place.clone();
                context.error(place, format!("the recipe `{}` needs the credential `{name}`", recipe.name)).hint =
                    Some(format!("credentials.{name} = {{ file = \"…\" }}, {{ systemd = \"…\" }}, {{ env = \"…\" }} or a plain string"));
            }
            continue;
        };
        let source = match value {
            Credential::Inline(text) => {
                if text.trim().is_empty() {
                    context.error(key.span(), format!("the credential `{name}` is empty"));
                }
                SecretSource::Inline(SecretString::from(text.trim()))
            }
            Credential::Environment(from) => SecretSource::Environment(from.env.clone()),
            Credential::File(from) => SecretSource::File(context.folder.join(&from.file)),
            Credential::Systemd(from) => {
                if from.systemd.is_empty() || from.systemd.contains('/') || from.systemd.starts_with('.') {
                    context.error(key.span(), format!("{:?} cannot be the name of a systemd credential", from.systemd));
                }
                SecretSource::Systemd(from.systemd.clone())
            }
        };
        sources.push((name.clone(), source));
    }
    sources
}

fn secret_expires(file: &file::Provider, context: &mut Context<'_>) -> Option<Timestamp> {
    let date = file.secret_expires.as_ref()?;
    let Some(time) = timestamp(date.0.get_ref()) else {
        context.error(date.0.span(), "expected a date such as 2027-01-31, or a date with time and offset");
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

fn warn_of_recipe(provider: &Provider, file: &file::Provider, context: &mut Context<'_>) {
    if let Some(side_effects) = &provider.recipe.side_effects {
        let span = file.recipe.as_ref().map_or(context.place.clone(), |text| text.0.span());
        context.warn(span, format!("a probe has side effects: {side_effects}"));
    }
    if provider.timeout > provider.cadence.interval {
        let span = file.timeout.as_ref().map_or(context.place.clone(), |at| at.0.span());
        context.warn(span, "the timeout is longer than the interval: a hanging probe makes the next ones late");
    }
}
