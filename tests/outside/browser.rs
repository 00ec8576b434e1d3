//! The pages in a real browser: `tests/browser/drive.mjs` controls Chromium, and axe-core checks
//! accessibility.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use super::support::daemon::Daemon;
use super::support::endpoint::{Endpoint, http};
use super::support::fakes::Fakes;
use super::support::repository;

/// A browser that runs a scenario. Dropping this value kills it.
struct Browser {
    child: Child,
}

impl Browser {
    /// Runs a scenario on the pages of a daemon. The scenario calls `act` for actions outside the
    /// browser.
    fn run(scenario: &str, address: &str, mut act: impl FnMut(&str)) {
        let home = repository("tests/browser");
        for installed in ["playwright-core", "axe-core"] {
            let installed = home.join("node_modules").join(installed).join("package.json");
            assert!(
                installed.is_file(),
                "{} is missing; run `make test`, which installs it",
                installed.display()
            );
        }
        assert!(
            std::path::Path::new("/usr/bin/chromium").exists(),
            "Chromium is missing; run `make test`, which installs it"
        );
        let child = Command::new("node")
            .args(["drive.mjs", scenario, address])
            .current_dir(home)
            .env_remove("NODE_OPTIONS")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("cannot start node ({error}); run `make test`, which installs it")
            });
        let mut browser = Self { child };
        let mut input = browser.child.stdin.take().expect("a pipe");
        let mut last = String::new();
        for line in BufReader::new(browser.child.stdout.take().expect("a pipe"))
            .lines()
            .map_while(Result::ok)
        {
            if let Some(what) = line.strip_prefix("do ") {
                act(what);
                writeln!(input, "done").expect("sent");
            }
            last = line;
        }
        let status = browser.child.wait().expect("its status");
        assert!(
            status.success() && last == "pass",
            "the scenario failed: {status}, {last:?}; its output is above"
        );
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const QUICK: &str = "[defaults]\ninterval = \"200ms\"\nconfirm_after = \"100ms\"\ntimeout = \
                     \"5s\"\nmax_backoff = \"400ms\"\n";

#[test]
fn each_page_is_accessible_in_both_schemes_and_sizes_and_requests_nothing_from_other_hosts() {
    let fakes = Fakes::start();
    let rotating = fakes
        .provider("enos", "credentials_next.app_secret = \"a-wrong-one\"\ntls.insecure = true")
        .replace("[providers.enos]", "[providers.rotating]");
    let soon = fakes.provider("sms-cx", "secret_expires = 2020-01-01\nlabels = { team = \"ops\" }");
    let text = format!(
        "{QUICK}{}{}{rotating}{soon}",
        fakes.provider("enkash", "labels = { team = \"pay\" }"),
        fakes.provider("enablex-rcs", "")
    );
    let daemon = Daemon::start(&text);
    for api in ["enkash", "enablex-rcs", "rotating", "sms-cx"] {
        daemon.wait_for_state(api, "healthy");
    }
    fakes.fake.revoke("enkash", true);
    daemon.wait_for_state("enkash", "broken");
    Browser::run("audit", daemon.address(), |what| panic!("{what}"));
}

#[test]
fn filters_search_labels_and_pages_work_with_and_without_a_script() {
    let fakes = Fakes::start();
    fakes.fake.revoke("enkash", true);
    let mut text = format!(
        "[defaults]\ninterval = \"1h\"\nconfirm_after = \"100ms\"\n{}",
        fakes.provider("enkash", "")
    );
    let one = fakes.provider("sms-cx", "");
    for number in 0..131 {
        let team = if number % 2 == 0 { "even" } else { "odd" };
        text.push_str(&one.replace("[providers.sms-cx]", &format!("[providers.p-{number:03}]")));
        let _ = writeln!(text, "labels = {{ team = \"{team}\" }}");
    }
    let daemon = Daemon::start(&text);
    daemon.wait_for_state("enkash", "broken");
    super::support::wait_for("all first probes", || {
        (daemon.get("/readyz").status == 200).then_some(())
    });
    Browser::run("choose", daemon.address(), |what| panic!("{what}"));
}

#[test]
fn a_page_updates_itself_and_says_when_it_cannot() {
    let fakes = Fakes::start();
    let daemon = Daemon::start(&format!("{QUICK}{}", fakes.all()));
    for api in fakes.fake.token_apis() {
        daemon.wait_for_state(api, "healthy");
    }
    let address = daemon.address().to_owned();
    let mut daemon = Some(daemon);
    Browser::run("renew", &address, |what| match what {
        "revoke" => fakes.fake.revoke("enkash", true),
        "restore" => fakes.fake.revoke("enkash", false),
        "stop" => drop(daemon.take()),
        other => panic!("{other}"),
    });
}

/// Texts that would run a script if a page inserted them as markup.
const PAYLOADS: [&str; 6] = [
    "<script>executed=1</script>",
    "<img src=x onerror=executed=1>",
    "\"><svg onload=executed=1>",
    "'-executed-'",
    "</title></textarea><iframe srcdoc='<script>top.executed=1</script>'>",
    "&lt;script&gt;executed=1&lt;/script&gt;<i style=\"position:fixed\">",
];

#[test]
fn text_that_looks_like_markup_stays_text_whatever_its_source() {
    let long = "w".repeat(5_000);
    let tricks = format!("\u{202e}\u{2066}\u{0}\u{1b}[31m{long}");
    let endpoints: Vec<Endpoint> = PAYLOADS
        .iter()
        .map(|payload| {
            let body = serde_json::json!({
                "error": payload,
                "error_description": format!("{payload}{tricks}"),
                "scope": payload,
                "access_token": null,
            })
            .to_string();
            let type_of_body = "Content-Type: application/json\r\n";
            Endpoint::answering(http("400 <b>X", type_of_body, body.as_bytes()))
        })
        .collect();
    let mut text = format!("{QUICK}tls.insecure = true\n");
    for (endpoint, payload) in endpoints.iter().zip(PAYLOADS) {
        // A label can have all characters, and a name all that do not deceive a reader.
        let name = toml::Value::from(payload);
        let label = toml::Value::from(format!("{payload}\u{202e}{}", "w".repeat(150)));
        let _ = writeln!(
            text,
            "[providers.{name}]\nrecipe = \"hostile\"\nparameters.url = {:?}\nlabels = {{ team = \
             {label} }}\nrequired_scopes = [{}]\n\
             credentials.secret = \"a-secret-of-ours\"",
            endpoint.url(),
            // A scope is one word.
            toml::Value::from(payload.replace(' ', "/")),
        );
    }
    for name in ["..", "."] {
        let _ = writeln!(
            text,
            "[providers.{name:?}]\nrecipe = \"hostile\"\nparameters.url = {:?}\ncredentials.secret \
             = \"a-secret-of-ours\"",
            endpoints[0].url()
        );
    }
    let title = toml::Value::from(PAYLOADS[1]);
    let documentation = toml::Value::from("javascript:executed=1");
    let _ = writeln!(
        text,
        "[recipes.hostile]\ntitle = {title}\ndocumentation = {documentation}\nparameters.url = \
         {{}}\ncredentials = [\"secret\"]\n[recipes.hostile.request]\nurl = \"{{{{ url }}}}\"\n\
         form = {{ s = \"{{{{ secret }}}}\" }}\n[recipes.hostile.response]\ntoken = \
         \"json.access_token\"\nscopes = \"json.scope\"\ncode = \"json.error\"\nmessage = \
         \"json.error_description\""
    );
    let daemon = Daemon::start(&text);
    super::support::wait_for("all to be broken", || {
        let health: serde_json::Value =
            serde_json::from_str(&daemon.get("/healthz").body).expect("JSON");
        health["providers"]
            .as_object()
            .expect("providers")
            .values()
            .all(|provider| provider["state"] == "broken")
            .then_some(())
    });
    Browser::run("hostile", daemon.address(), |what| panic!("{what}"));
}
