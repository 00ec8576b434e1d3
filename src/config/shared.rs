//! The keys that `[defaults]` and `[providers.NAME]` share: each table is checked, then both are
//! merged.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use minijinja::Value;

use super::file::{self, Http, Shared};
use super::parsed::Parsed;
use crate::diagnostic::{Fault, Sentence, Shown, Source};
use crate::files;
use crate::printable::is_deceptive;
use crate::provider::{Cadence, Proxy, Transport};
use crate::recipe::definition::Text;

/// Shorter intervals are refused, because they would be a load test of the provider.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);

/// Longer timeouts are refused, because a hanging probe takes the place of others.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(600);

/// The most labels of a provider.
const MOST_LABELS: usize = 30;

/// Label names that the exposition or Prometheus uses.
const TAKEN_LABELS: [&str; 13] = [
    "provider", "recipe", "api_host", "owner", "renew_url", "vendor_url", "le", "quantile",
    "state", "class", "reason", "code", "message",
];

/// The label names that are keys of a provider too.
const KEYS: [&str; 3] = ["owner", "renew_url", "vendor_url"];

/// The longest owner, in characters. It is a label.
const LONGEST_OWNER: usize = 100;

/// The table that is checked, and its faults.
pub struct Context<'a> {
    pub source: &'a Arc<Source>,
    pub folder: &'a Path,
    /// The key of the table, for faults of the whole table.
    pub place: Range<usize>,
    /// The time at which the table is read.
    pub now: Timestamp,
    pub faults: Vec<Fault>,
}

impl<'a> Context<'a> {
    pub fn new(file: &'a Parsed, place: Range<usize>) -> Self {
        Self {
            source: &file.source,
            folder: &file.folder,
            place,
            now: Timestamp::now(),
            faults: Vec::new(),
        }
    }

    pub fn error(&mut self, span: Range<usize>, message: impl Into<Sentence>) -> &mut Fault {
        self.faults.push(Fault::error(self.source, span, message));
        self.faults.last_mut().expect("pushed just above")
    }

    pub fn warn(&mut self, span: Range<usize>, message: impl Into<Sentence>) -> &mut Fault {
        self.faults.push(Fault::warning(self.source, span, message));
        self.faults.last_mut().expect("pushed just above")
    }
}

/// Checks one table.
pub fn check(shared: &Shared<'_>, context: &mut Context<'_>) {
    if let Some(interval) = shared.interval
        && interval.0.get_ref().0 < SHORTEST_INTERVAL
    {
        let shortest = Shown::outside_of_files(format_args!("{SHORTEST_INTERVAL:?}"));
        let problem = Sentence::fill("this interval is too short: at least {}", [shortest]);
        context.error(interval.0.span(), problem);
    }
    if let Some(timeout) = shared.timeout {
        let value = timeout.0.get_ref().0;
        if value.is_zero() || value > LONGEST_TIMEOUT {
            context.error(timeout.0.span(), "the timeout must be longer than 0 and at most 10m");
        } else if shared
            .interval
            .is_some_and(|interval| (SHORTEST_INTERVAL..value).contains(&interval.0.get_ref().0))
        {
            context.warn(
                timeout.0.span(),
                "the timeout is longer than the interval: a hanging probe makes the next ones late",
            );
        }
    }
    if let Some(owner) = shared.owner {
        check_owner(owner, context);
    }
    check_labels(shared, context);
    check_files(shared, context);
    if let Some(proxy) = shared.proxy {
        check_proxy(proxy, context);
    }
}

fn check_owner(owner: &Text, context: &mut Context<'_>) {
    let text = owner.0.get_ref();
    let is_long = text.chars().count() > LONGEST_OWNER;
    if text.trim().is_empty() || is_long || text.chars().any(is_deceptive) {
        let problem = "an owner is 1 to 100 characters of text without control characters and \
                       invisible characters";
        context.error(owner.0.span(), problem);
    }
}

fn check_labels(shared: &Shared<'_>, context: &mut Context<'_>) {
    for (number, (name, _)) in shared.labels.0.iter().enumerate() {
        let text = name.get_ref();
        let mut characters = text.chars();
        let valid = characters
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
            && characters.all(|character| character.is_ascii_alphanumeric() || character == '_');
        let not_a_name = Sentence::from("this cannot be the name of a label");
        let (problem, hint) = if !valid {
            let hint = "a name has letters of the English alphabet, digits and `_`, and begins \
                        with a letter";
            (not_a_name, Some(Sentence::from(hint)))
        } else if text.starts_with("__") {
            (not_a_name, Some("names that begin with `__` belong to Prometheus itself".into()))
        } else if let Some(taken) = TAKEN_LABELS.iter().find(|taken| *taken == text) {
            let problem =
                Sentence::fill("the label `{}` is set by credwatch itself", [(*taken).into()]);
            let key = KEYS.contains(taken);
            let key = key.then(|| Sentence::fill("use the key `{}` instead", [(*taken).into()]));
            (problem, Some(key.unwrap_or_else(|| "choose another name".into())))
        } else if number == MOST_LABELS {
            (Sentence::fill("these are more than {} labels", [MOST_LABELS.into()]), None)
        } else {
            continue;
        };
        context.error(name.span(), problem).hint = hint;
    }
}

fn check_files(shared: &Shared<'_>, context: &mut Context<'_>) {
    let tls = shared.tls;
    for text in
        [&tls.ca_file, &tls.client_certificate_file, &tls.client_key_file].into_iter().flatten()
    {
        let path = context.folder.join(text.0.get_ref());
        if let Err(error) = files::open(&path, files::PEM) {
            let parts = [Shown::path(&path, text.0.get_ref()), Shown::outside_of_files(error)];
            context.error(text.0.span(), Sentence::fill("cannot read {}: {}", parts));
        }
    }
    if let (Some(lone), None) | (None, Some(lone)) =
        (&tls.client_certificate_file, &tls.client_key_file)
    {
        context.error(
            lone.0.span(),
            "`tls.client_certificate_file` and `tls.client_key_file` go together",
        );
    }
}

fn check_proxy(proxy: &Text, context: &mut Context<'_>) {
    let text = proxy.0.get_ref();
    if text.is_empty() {
        return;
    }
    let fine = url::Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.host_str().is_some_and(|host| !host.is_empty())
    });
    if !fine {
        context.error(proxy.0.span(), "this is no URL of an HTTP proxy").hint =
            Some("write it as \"http://proxy.example:3128\"".into());
    }
}

/// The labels of a provider. Its own labels take precedence.
pub fn labels(own: &Shared<'_>, defaults: &Shared<'_>) -> Vec<(String, String)> {
    let mut labels: Vec<(String, String)> = Vec::new();
    for (name, value) in defaults.labels.0.iter().chain(&own.labels.0) {
        let value = value.0.get_ref().clone();
        match labels.iter_mut().find(|(known, _)| known == name.get_ref()) {
            Some(known) => known.1 = value,
            None => labels.push((name.get_ref().clone(), value)),
        }
    }
    labels
}

/// The cadence of a provider. `safe` is the interval that its recipe calls safe: it can make the
/// interval of `[defaults]` or the default longer and never shorter.
pub fn cadence(own: &Shared<'_>, defaults: &Shared<'_>, safe: Option<Duration>) -> Cadence {
    let fallback = Cadence::default();
    let shared = || {
        let interval = defaults.interval.map_or(fallback.interval, |at| at.0.get_ref().0);
        interval.max(safe.unwrap_or_default())
    };
    let interval = own.interval.map_or_else(shared, |at| at.0.get_ref().0).max(SHORTEST_INTERVAL);
    Cadence {
        interval,
        confirm_after: own
            .confirm_after
            .or(defaults.confirm_after)
            .map_or(fallback.confirm_after, |at| at.0.get_ref().0)
            .min(interval),
        failure_threshold: own
            .failure_threshold
            .or(defaults.failure_threshold)
            .unwrap_or(fallback.failure_threshold)
            .max(1),
        max_backoff: own
            .max_backoff
            .or(defaults.max_backoff)
            .map_or(fallback.max_backoff, |at| at.0.get_ref().0),
    }
}

/// The deadline of a probe.
pub fn timeout(own: &Shared<'_>, defaults: &Shared<'_>) -> Duration {
    own.timeout.or(defaults.timeout).map_or(Duration::from_secs(10), |at| at.0.get_ref().0)
}

/// How connections of a provider are made. Paths are relative to the file in which they stand.
pub fn transport(
    own: &Shared<'_>,
    own_folder: &Path,
    defaults: &Shared<'_>,
    main_folder: &Path,
) -> Transport {
    let path = |own: &Option<Text>, shared: &Option<Text>| -> Option<PathBuf> {
        match (own, shared) {
            (Some(text), _) => Some(own_folder.join(text.0.get_ref())),
            (None, Some(text)) => Some(main_folder.join(text.0.get_ref())),
            (None, None) => None,
        }
    };
    let (own_tls, shared_tls) = (own.tls, defaults.tls);
    let certificate = path(&own_tls.client_certificate_file, &shared_tls.client_certificate_file);
    let key = path(&own_tls.client_key_file, &shared_tls.client_key_file);
    Transport {
        ca_file: path(&own_tls.ca_file, &shared_tls.ca_file),
        client_certificate: certificate.zip(key),
        insecure: own_tls.insecure.or(shared_tls.insecure).unwrap_or(false),
        proxy: proxy(own).or_else(|| proxy(defaults)).unwrap_or_default(),
        http1: own.http.or(defaults.http) == Some(Http::Http1),
    }
}

/// Refuses a client certificate beside a proxy that is reached by TLS. The HTTP library has one
/// setting for both handshakes, so the proxy could ask for the certificate, too.
pub fn check_proxy_and_certificate(
    transport: &Transport,
    own: &Shared<'_>,
    context: &mut Context<'_>,
) {
    let Proxy::Url(proxy) = &transport.proxy else { return };
    let speaks_tls = url::Url::parse(proxy).is_ok_and(|url| url.scheme() == "https");
    if transport.client_certificate.is_none() || !speaks_tls {
        return;
    }
    let place = own.proxy.or(own.tls.client_certificate_file.as_ref());
    let span = place.map_or_else(|| context.place.clone(), |text| text.0.span());
    let problem = "a proxy that is reached by TLS could ask for `tls.client_certificate_file`, too";
    context.error(span, problem).hint =
        Some("use an http:// proxy, which only forwards the connection with the provider".into());
}

/// The methods of RFC 8705 by which a client authenticates with its certificate.
pub const CERTIFICATE_METHODS: [&str; 2] = ["tls_client_auth", "self_signed_tls_client_auth"];

/// Warns of a method that needs a client certificate where there is none. Behind an `http://` URL
/// another program makes the TLS connection.
pub fn check_certificate_of_method(
    transport: &Transport,
    parameters: &[(String, Value)],
    file: &file::Provider,
    context: &mut Context<'_>,
) {
    let has = |wanted: &dyn Fn(&str) -> bool| {
        parameters.iter().find(|(_, value)| value.as_str().is_some_and(wanted))
    };
    let Some((name, _)) = has(&|text| CERTIFICATE_METHODS.contains(&text)) else { return };
    if transport.client_certificate.is_some() || has(&|url| url.starts_with("http://")).is_some() {
        return;
    }
    let given = file.parameters.0.iter().find(|(known, _)| known.get_ref() == name);
    let span = given.map_or_else(|| context.place.clone(), |(_, value)| value.0.span());
    let problem = "this method needs a client certificate, and the provider has none";
    // The value is a word of the standard.
    context.source.reveal(span.clone());
    context.warn(span, problem).hint =
        Some("add `tls.client_certificate_file` and `tls.client_key_file`".into());
}

/// The proxy of one table; `None` when the table does not set it.
fn proxy(shared: &Shared<'_>) -> Option<Proxy> {
    match (shared.proxy.map(|text| text.0.get_ref().as_str()), shared.proxy_from_environment) {
        (Some(""), _) | (None, Some(false)) => Some(Proxy::Direct),
        (Some(url), _) => Some(Proxy::Url(url.to_owned())),
        (None, Some(true)) => Some(Proxy::Environment),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::config::load_text;

    /// The warnings about a provider with these keys.
    fn warnings(url: &str, keys: &str) -> Vec<String> {
        let text = format!(
            "[providers.p]\nrecipe = \"oauth2-client-credentials\"\nparameters.token_url = \
             \"{url}\"\ncredentials.client_id = {{ env = \"ID\" }}\n{keys}\n"
        );
        let plan = load_text("test", &text).unwrap_or_else(|faults| panic!("{}", faults[0]));
        plan.warnings.iter().map(|fault| fault.message.as_str().to_owned()).collect()
    }

    #[test]
    fn a_method_that_needs_a_client_certificate_is_not_used_without_one() {
        let method = "parameters.auth_method = \"tls_client_auth\"";
        let missing = "this method needs a client certificate, and the provider has none";
        assert_eq!(warnings("https://a.example/t", method), [missing]);
        let file = tempfile::NamedTempFile::new().expect("a file");
        let keys = ["tls.client_certificate_file", "tls.client_key_file"];
        let both = keys.map(|key| format!("{key} = {:?}\n", file.path())).concat();
        let none: [&str; 0] = [];
        assert_eq!(warnings("https://a.example/t", &format!("{method}\n{both}")), none);
        // A program on this host adds the certificate.
        assert_eq!(warnings("http://127.0.0.1:1/t", method), none);
        let secret = "credentials.client_secret = { env = \"SECRET\" }";
        assert_eq!(warnings("https://a.example/t", secret), none);
    }
}
