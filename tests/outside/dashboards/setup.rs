//! A daemon whose providers fail in many ways, and a Prometheus with the shipped rules.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use credwatch::fake::{Behaviour, Fake};

use crate::programs::servers::{Prometheus, Version};
use crate::support::alerts::{RULES, read};
use crate::support::daemon::Daemon;
use crate::support::endpoint::{Authority, Endpoint};

/// A daemon whose providers fail in many ways, and a Prometheus that scraped it from the start.
pub struct Setup {
    pub prometheus: Prometheus,
    pub instance: String,
    _daemon: Daemon,
    _endpoints: Vec<Endpoint>,
    /// Has the certificate of the authority, which the daemon reads for each probe.
    _folder: tempfile::TempDir,
    _runtime: tokio::runtime::Runtime,
}

/// The credentials that do not work at the end, and those whose API does not work.
pub const FAILING: [&str; 2] = ["rcs-campaigns", "unreadable"];
pub const UNREACHED: [&str; 2] = ["cut-off", "whatsapp-support"];

/// Labels for people, which the links of the boards need.
const LINKS: &str = "owner = \"Ines\"\nrenew_url = \"https://console.example\"\nvendor_url = \
                     \"https://status.example\"\n";

/// A list of keys: one that ends, one without an end, and one that replaces another of its name.
const LISTED: &str = r#"[{"name":"a","ends":4070908800},{"name":"b"},
    {"name":"c","ends":1500000000},{"name":"c","ends":4070908800}]"#;

/// A recipe that reads the list.
const LISTING: &str = "[recipes.listing]
kind = \"static\"
parameters = { url = {} }
credentials = [\"key\"]
request.url = \"{{ url }}\"
request.headers.X-Key = \"{{ key }}\"
[recipes.listing.response.list]
rows = \"json\"
name = \"row.name\"
expiry = { value = \"row.ends\", unit = \"epoch\", absent = \"never\" }
";

impl Setup {
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let fake = runtime.block_on(Fake::start()).expect("a port");
        let authority = Authority::new("dashboards");
        let folder = tempfile::tempdir().expect("a folder");
        let endpoints = vec![
            Endpoint::tls(&authority.issue("localhost", 2020, 2099)),
            Endpoint::tls(&authority.issue("elsewhere", 2020, 2099)),
            Endpoint::serving(|_, _| ()),
            Endpoint::json("200 OK", LISTED),
        ];
        let text = configuration(&fake, &authority.file(&folder), &endpoints);
        fake.lifetime("sms-cx", None);
        fake.lifetime("enablex-rcs", Some(Duration::from_secs(600)));
        fake.revoke("enkash", true);
        let daemon =
            Daemon::start_with(&text, &["--web.external-url=https://credwatch.example/"], &[]);
        let prometheus = with_rules(daemon.address());
        let seen = |provider: &str, state: &str| {
            prometheus.wait_for(&format!(
                "credwatch_provider_state{{provider={provider:?},state={state:?}}} == 1"
            ))
        };
        for provider in [
            "rcs-campaigns", "whatsapp-support", "plant-telemetry", "sms-alerts", "private",
            "insecure", "listing",
        ] {
            seen(provider, "healthy");
        }
        seen("expense-payouts", "broken");
        fake.revoke("enkash", false);
        fake.revoke("enablex-rcs", true);
        fake.behave("enablex-whatsapp", Behaviour::Answer("throttled".into()));
        seen("expense-payouts", "healthy");
        for provider in FAILING.into_iter().chain(UNREACHED) {
            seen(provider, "broken");
        }
        daemon.configure(&format!(
            "{text}\n[providers.late]\nrecipe = \"sms-cx\"\n{}",
            fake_provider(&fake, "sms-cx")
        ));
        seen("late", "healthy");
        Self {
            prometheus,
            instance: daemon.address().to_owned(),
            _daemon: daemon,
            _endpoints: endpoints,
            _folder: folder,
            _runtime: runtime,
        }
    }
}

/// A Prometheus that scrapes the daemon, with the shipped rules. Their days and hours are seconds,
/// as the test takes seconds.
fn with_rules(target: &str) -> Prometheus {
    let quick = |text: String| {
        [("[1d:1h]", "[20s:1s]"), ("[30d:1h]", "[30s:1s]"), ("[1h]", "[10s]"), ("interval: 2m", "")]
            .iter()
            .fold(text, |text, (from, to)| text.replace(from, to))
    };
    let rules: Vec<(String, String)> = RULES
        .iter()
        .map(|file| (format!("{file}.yml"), quick(read(&format!("dashboards/{file}.yml")))))
        .collect();
    let files: Vec<(&str, &str)> =
        rules.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let configuration = format!(
        "global: {{ scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 400ms }}\n\
         rule_files: [alerts.yml, recording.yml]\nscrape_configs: [{{ job_name: credwatch, \
         static_configs: [{{ targets: [\"{target}\"] }}] }}]\n"
    );
    Prometheus::start(Version::Distribution, &configuration, &files)
}

fn fake_provider(fake: &Arc<Fake>, api: &str) -> String {
    let mut text = format!("parameters.base_url = {:?}\n", fake.base_url(api));
    for (name, value) in fake.credentials(api) {
        let _ = writeln!(text, "credentials.{name} = {value:?}");
    }
    text
}

fn configuration(fake: &Arc<Fake>, authority: &std::path::Path, endpoints: &[Endpoint]) -> String {
    let mut text =
        "[defaults]\ninterval = \"300ms\"\nconfirm_after = \"100ms\"\nmax_backoff = \"300ms\"\n\
         timeout = \"5s\"\nlabels = { team = \"messaging\" }\n"
            .to_owned();
    for (name, api, more) in [
        ("rcs-campaigns", "enablex-rcs", LINKS),
        ("whatsapp-support", "enablex-whatsapp", LINKS),
        ("switched-off", "enos", &format!("enabled = false\n{LINKS}")),
        ("plant-telemetry", "enos", ""),
        (
            "expense-payouts",
            "enkash",
            "secret_expires = 2099-06-30\ncredentials_next.client_secret = \
             \"demo-client-secret-7d2\"\n",
        ),
        (
            "sms-alerts",
            "sms-cx",
            "required_scopes = [\"sms\"]\ncredentials_next.application_secret = \"a-wrong-one\"\n",
        ),
    ] {
        let _ = write!(
            text,
            "[providers.{name}]\nrecipe = {api:?}\n{more}{}",
            fake_provider(fake, api)
        );
    }
    let client = "credentials = { client_id = \"a-client\", client_secret = \"a-secret\" }";
    let ports: Vec<u16> = endpoints.iter().map(Endpoint::port).collect();
    for (name, url, more) in [
        (
            "private",
            format!("https://localhost:{}/token", ports[0]),
            format!("tls.ca_file = \"{}\"\n{client}", authority.display()),
        ),
        (
            "insecure",
            format!("https://localhost:{}/token", ports[1]),
            format!("tls.insecure = true\n{client}"),
        ),
        ("cut-off", endpoints[2].url(), client.to_owned()),
        (
            "unreadable",
            endpoints[2].url(),
            "credentials.client_id = \"a-client\"\ncredentials.client_secret.file = \"not-there\""
                .to_owned(),
        ),
    ] {
        let _ = writeln!(
            text,
            "[providers.{name}]\nrecipe = \"oauth2-client-credentials\"\nparameters.token_url = \
             {url:?}\n{more}"
        );
    }
    let _ = writeln!(
        text,
        "{LISTING}[providers.listing]\nrecipe = \"listing\"\nparameters.url = {:?}\n\
         credentials.key = \"a-key-of-the-tests\"",
        endpoints[3].url()
    );
    text
}
