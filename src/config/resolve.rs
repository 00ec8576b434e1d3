//! Makes a [`Provider`] from a `[providers.NAME]` table.

use std::borrow::Borrow;
use std::collections::hash_map::DefaultHasher;
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use foldhash::fast::RandomState;
use jiff::Timestamp;
use toml::Spanned;
use url::Url;

use super::dates::secret_expires;
use super::facts::facts;
use super::file::{self, Shared};
use super::hosts::{is_link_local, is_loopback};
use super::inputs;
use super::maintenance::Maintenance;
use super::parsed::{Parsed, Recipes};
use super::requirements::{expectations, policy, verification};
use super::shared::{self, Context};
use super::shown::{built_in, render_error};
use crate::credentials::CredentialSources;
use crate::diagnostic::{Fault, Sentence, Severity, Shown, nearest};
use crate::printable::is_deceptive;
use crate::provider::{Facts, Parameters, Provider, Slot, Transport, text};
use crate::recipe::{Attempt, Recipe, Repeated, builtin};

/// Where the requests of a provider go.
#[derive(Clone, Default)]
struct Endpoint {
    /// Host and port of the first request whose URL is not secret.
    first: Option<Arc<str>>,
    /// See [`Provider::api_host`].
    api_host: Option<Arc<str>>,
}

/// Resolves one provider after the other. Equal parts of providers are kept once.
pub struct Resolver<'a> {
    recipes: &'a Recipes,
    /// The built-in recipes that the providers so far use, compiled.
    compiled: HashMap<String, Arc<Recipe>, RandomState>,
    main: &'a Parsed,
    transports: HashSet<Arc<Transport>, RandomState>,
    labels: HashSet<Arc<[(String, String)]>, RandomState>,
    facts: HashSet<Arc<Facts>, RandomState>,
    parameters: HashSet<Parameters, RandomState>,
    endpoints: HashSet<Arc<str>, RandomState>,
    /// The endpoints without faults, by recipe and inputs.
    known_endpoints: HashMap<(usize, u64), Endpoint, RandomState>,
    /// The steps of each recipe with each set of inputs.
    rehearsed: HashMap<(String, u64), Arc<[Arc<str>]>, RandomState>,
    attempt: Attempt,
    pub(super) maintenance: Maintenance,
}

impl<'a> Resolver<'a> {
    pub fn new(recipes: &'a Recipes, main: &'a Parsed, maintenance: Maintenance) -> Self {
        Self {
            maintenance,
            recipes,
            compiled: HashMap::default(),
            main,
            transports: HashSet::default(),
            labels: HashSet::default(),
            facts: HashSet::default(),
            parameters: HashSet::default(),
            endpoints: HashSet::default(),
            known_endpoints: HashMap::default(),
            rehearsed: HashMap::default(),
            attempt: Attempt { now: Timestamp::now(), uuid: uuid::Uuid::nil() },
        }
    }

    /// The faults of `[defaults]`.
    pub fn check_defaults(&self) -> Vec<Fault> {
        let mut context = Context::new(self.main, 0..0);
        shared::check(&self.defaults(), &mut context);
        context.faults
    }

    fn defaults(&self) -> Shared<'a> {
        self.main.file.defaults.shared()
    }

    /// The provider, and a second one when it has next credentials; none when it has errors. All
    /// faults are returned too.
    pub fn provider(
        &mut self,
        parsed: &Parsed,
        name: &Spanned<String>,
        file: &file::Provider,
    ) -> (Vec<Arc<Provider>>, Vec<Fault>) {
        let mut context = Context::new(parsed, name.span());
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
        let transport = shared::transport(&own, &parsed.folder, &defaults, &self.main.folder);
        shared::check_proxy_and_certificate(&transport, &own, &mut context);
        // A faulty key may have been that of the certificate.
        if whole {
            shared::check_certificate_of_method(&transport, &parameters, file, &mut context);
        }
        let transport = shared_value(&mut self.transports, transport);
        let parameters = Parameters::from(parameters);
        let parameters = self.parameters.get(&parameters).cloned().unwrap_or(parameters);
        self.parameters.insert(parameters.clone());
        let sound = whole && !self.recipes.faulty.contains(&recipe.name);
        let labels = shared_value(&mut self.labels, shared::labels(&own, &defaults));
        let pauses = self.maintenance.pauses(name.get_ref(), &labels, file, &mut context);
        let mut provider = Provider {
            name: name.get_ref().clone(),
            slot: Slot::Current,
            facts: shared_value(&mut self.facts, facts(file, &own, &defaults, &mut context)),
            labels,
            pauses,
            cadence: shared::cadence(&own, &defaults, recipe.interval),
            timeout: shared::timeout(&own, &defaults),
            expectations: expectations(&recipe, file, &defaults, sound, &mut context),
            verification: file
                .verify
                .as_ref()
                .and_then(|verify| verification(&recipe, verify, sound, &mut context)),
            steps: Arc::default(),
            secret_expires: secret_expires(file, &mut context),
            policy: policy(file, &defaults, &mut context),
            endpoint: None,
            api_host: None,
            repeated: Repeated::default(),
            transport,
            parameters,
            credentials: Arc::new(CredentialSources::new(credentials)),
            recipe,
        };
        if sound && !has_errors(&context) {
            let Endpoint { first, api_host } = self.endpoint(&provider, file, &mut context);
            (provider.endpoint, provider.api_host) = (first, api_host);
            provider.steps = self.rehearse(&provider, &mut context);
        }
        warn(&provider, file, &mut context);
        let mut providers = Vec::new();
        if !has_errors(&context) && whole {
            let next = next.map(|credentials| {
                Arc::new(Provider {
                    slot: Slot::Next,
                    credentials: Arc::new(CredentialSources::new(credentials)),
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
                context.error(context.place.clone(), "the provider names no recipe").hint = Some(
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
            // A recipe file that cannot be read may define it.
            if !self.recipes.incomplete {
                // A list of all names would fill a screen.
                let hint = nearest(name, self.recipes.names()).map_or_else(
                    || {
                        "`credwatch recipes list` shows what is built in; one of your own is a \
                         table [recipes.NAME]"
                            .into()
                    },
                    |near| Sentence::fill("did you mean `{}`?", [Shown::name(near)]),
                );
                let shown = Sentence::fill("there is no recipe \"{}\"", [Shown::name(name)]);
                context.error(text.0.span(), shown).hint = Some(hint);
            }
            return None;
        };
        let recipe = Arc::new(recipe);
        self.compiled.insert(name.clone(), Arc::clone(&recipe));
        Some(recipe)
    }

    /// Where the requests go. It is a fault when the parameters make no URL.
    fn endpoint(
        &mut self,
        provider: &Provider,
        file: &file::Provider,
        context: &mut Context<'_>,
    ) -> Endpoint {
        let recipe = &provider.recipe;
        // Each provider has its own verification.
        let key = provider.verification.is_none().then(|| {
            let mut inputs = DefaultHasher::new();
            (&provider.parameters, provider.credentials.is_empty()).hash(&mut inputs);
            (Arc::as_ptr(recipe).addr(), inputs.finish())
        });
        if let Some(known) = key.and_then(|key| self.known_endpoints.get(&key)) {
            return known.clone();
        }
        let (mut first, mut api_host, mut warned) = (None, None, false);
        for call in provider.calls() {
            // An answer decides the other addresses.
            let chosen = || {
                let url = recipe.chosen_endpoint(call, &provider.parameters, &self.attempt);
                url.filter(|_| call.kind.is_main())
            };
            let (url, is_chosen) = match recipe.endpoint(call, &provider.parameters, &self.attempt)
            {
                Ok(Some(url)) => (url, false),
                Ok(None) => match chosen() {
                    Some(url) => (url, true),
                    None => continue,
                },
                Err(error) => {
                    let problem =
                        render_error("no request can be made from these parameters: {}", &error);
                    context.error(context.place.clone(), problem);
                    return Endpoint::default();
                }
            };
            let host = url.host_str().unwrap_or_default();
            let is_metadata = provider.credentials.iter().next().is_none() && is_link_local(host);
            let is_plain = url.scheme() == "http" && !is_loopback(host) && !is_metadata;
            if is_plain && !std::mem::replace(&mut warned, true) {
                let given =
                    file.parameters.0.iter().find(|(name, _)| name.get_ref().ends_with("_url"));
                let span = given.map_or(context.place.clone(), |(_, value)| value.0.span());
                let problem =
                    "http:// sends the credential in clear text, readable by anybody on the way";
                context.warn(span, problem).hint = Some("use https://".into());
            }
            if (is_chosen || !call.url_is_secret()) && first.is_none() {
                first = Some(format!("{host}:{}", url.port_or_known_default().unwrap_or_default()));
            }
            let is_shown = is_chosen || !call.host_is_secret();
            if is_shown && (api_host.is_none() || call.kind.is_main()) {
                api_host = Some(host_of(&url));
            }
        }
        let mut shared =
            |text: Option<String>| text.map(|text| shared_value(&mut self.endpoints, text));
        let endpoint = Endpoint { first: shared(first), api_host: shared(api_host) };
        if let Some(key) = key.filter(|_| !warned) {
            self.known_endpoints.insert(key, endpoint.clone());
        }
        endpoint
    }

    /// Renders all requests with made-up secrets, once for each different set of inputs. Returns
    /// the names of the calls of a probe; none when there is only the token request.
    fn rehearse(&mut self, provider: &Provider, context: &mut Context<'_>) -> Arc<[Arc<str>]> {
        let mut inputs = DefaultHasher::new();
        for (name, value) in &*provider.parameters {
            name.hash(&mut inputs);
            // `endpoint` has checked the URLs, which can differ between thousands of providers.
            if !name.ends_with("_url") {
                text(value).hash(&mut inputs);
            }
        }
        let credentials: Vec<&str> =
            provider.credentials.iter().map(|(name, _)| name.as_str()).collect();
        credentials.hash(&mut inputs);
        let key = (provider.recipe.name.clone(), inputs.finish());
        if has_errors(context) {
            return Arc::default();
        }
        // Each provider has its own verification.
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
                let problem =
                    render_error("the recipe cannot make a request from these inputs: {}", &error);
                context.error(context.place.clone(), problem);
                Arc::default()
            }
        };
        if provider.verification.is_none() {
            self.rehearsed.insert(key, Arc::clone(&steps));
        }
        steps
    }

    /// Makes each recipe be rehearsed again, so that a second reading finds the same faults.
    pub fn forget_rehearsals(&mut self) {
        self.rehearsed.clear();
    }
}

/// The host of a URL, with its port unless that is the usual one of the scheme.
fn host_of(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}{port}", url.host_str().unwrap_or_default())
}

/// The same value from `known`, or the new value, which is then added.
fn shared_value<T: Eq + Hash + ?Sized, V: Borrow<T> + Into<Arc<T>>>(
    known: &mut HashSet<Arc<T>, RandomState>,
    value: V,
) -> Arc<T> {
    if let Some(same) = known.get(value.borrow()) {
        return Arc::clone(same);
    }
    let value = value.into();
    known.insert(Arc::clone(&value));
    value
}

fn has_errors(context: &Context<'_>) -> bool {
    context.faults.iter().any(|fault| fault.severity == Severity::Error)
}

fn check_name(name: &Spanned<String>, context: &mut Context<'_>) {
    let text = name.get_ref();
    if text.trim().is_empty() || text.len() > 200 || text.chars().any(is_deceptive) {
        context.error(
            name.span(),
            "the name of a provider must be 1 to 200 bytes of text without control characters and \
             invisible characters",
        );
    }
}

/// Warns about settings that work but are often mistakes.
fn warn(provider: &Provider, file: &file::Provider, context: &mut Context<'_>) {
    if let Some(side_effects) = &provider.recipe.side_effects {
        let span = file.recipe.as_ref().map_or(context.place.clone(), |text| text.0.span());
        let problem = Sentence::naming(
            "a probe has side effects: {}",
            built_in(side_effects),
            "a probe has side effects: see `side_effects` of its recipe",
        );
        context.warn(span, problem);
    }
    if let (Some(safe), Some(own)) = (provider.recipe.interval, &file.interval)
        && own.0.get_ref().0 < safe
    {
        let parts =
            [Shown::name(&provider.recipe.name), Shown::outside_of_files(format_args!("{safe:?}"))];
        let problem =
            Sentence::fill("the recipe `{}` calls {} a safe interval, and this is shorter", parts);
        context.warn(own.0.span(), problem).hint =
            Some("see its side effects: `credwatch recipes show` prints them".into());
    }
    if provider.transport.insecure {
        let problem = "`tls.insecure` accepts any certificate: what is sent, the secret included, \
                       can be read by anybody on the way";
        context.warn(context.place.clone(), problem).hint =
            Some("for a private authority, set `tls.ca_file` instead".into());
    }
}
