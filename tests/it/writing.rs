//! Writing a recipe: the list of recipes, the schema, and the place of each mistake. `commands`
//! tests drafts from sample commands, `drafts` tests details of drafts, `keys` tests drafts that
//! present a key, `kinds` tests which parts of a sample are kept, computed or asked for, `logins`
//! tests login names, scopes and hints, `secrets` tests what drafts must not show, `overrides`
//! tests inputs of the command line, `shapes` tests values of a special form, `shown` tests what
//! commands say, and `trials` tests trials and suggestions.

mod commands;
mod drafts;
mod keys;
mod kinds;
mod logins;
mod overrides;
mod secrets;
mod shapes;
mod shown;
mod trials;

use std::io::Write as _;
use std::process::{Output, Stdio};

use credwatch::authoring::{curl, draft};
use credwatch::config::{load_text, recipe_schema, schema};
use credwatch::recipe::builtin::BUILTINS;
use credwatch::recipe::{Attempt, Inputs};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value as Json;

use super::support::daemon::credwatch;
use super::support::documents::document;
use commands::KNOWN;

/// The sample commands of well-known APIs.
pub fn sample_commands() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().map(|known| known.command)
}

fn now() -> Timestamp {
    "2023-11-14T22:13:20Z".parse().expect("a date")
}

fn drafted(command: &str, answers: &[&str]) -> String {
    let sample = curl::parse(command).unwrap_or_else(|problem| panic!("{command}: {problem}"));
    let answers: Vec<_> = answers.iter().map(|answer| draft::answer(answer)).collect();
    draft::draft(&sample, draft::Options::default(), &answers, now())
        .unwrap_or_else(|problem| panic!("{command}: {problem}"))
}

fn has_line(text: &str, line: &str) {
    assert!(text.lines().any(|shown| shown == line), "{line} is not in\n{text}");
}

/// The request of a draft: method and URL, headers, body. Each credential is `v-` and its name, but
/// a private key is one.
fn sent(text: &str) -> String {
    let configuration =
        load_text("draft", text).unwrap_or_else(|faults| panic!("{}\n{text}", faults[0]));
    let provider = &configuration.providers[0];
    let credentials: Vec<(String, SecretString)> = provider
        .credentials
        .iter()
        .map(|(name, _)| match name.as_str() {
            "private_key" => (name.clone(), document("tests/keys/rsa8.pem").into()),
            _ => (name.clone(), format!("v-{name}").into()),
        })
        .collect();
    let attempt = Attempt { now: now(), uuid: uuid::Uuid::nil() };
    let mut values = provider
        .recipe
        .begin(&Inputs { parameters: &provider.parameters, credentials: &credentials }, &attempt)
        .unwrap_or_else(|error| panic!("{error}\n{text}"));
    let request =
        provider.recipe.main.render(&mut values).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let mut headers: Vec<String> = request
        .headers
        .pairs()
        .map(|(name, value)| (name, value.to_str().expect("text")))
        // Only the filter `jwt` decides what a signed token has in it.
        .map(|(name, value)| match value.strip_prefix("Bearer eyJ") {
            Some(_) => format!("{name}: Bearer JWT"),
            None => format!("{name}: {value}"),
        })
        .collect();
    headers.sort();
    let body = request
        .body
        .map(|body| String::from_utf8(body.to_vec()).expect("text"))
        .unwrap_or_default();
    format!("{} {}\n{}\n\n{body}", request.method, request.url, headers.join("\n"))
}

/// Runs credwatch with this standard input. Returns exit status, standard output and standard
/// error.
fn run(
    arguments: &[&str],
    input: &str,
    variables: &[(&str, &str)],
) -> (Option<i32>, String, String) {
    let mut child = credwatch()
        .args(arguments)
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    // A command that reads no input may end before this write.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    let Output { status, stdout, stderr } = child.wait_with_output().expect("it ends");
    (
        status.code(),
        String::from_utf8(stdout).expect("text"),
        String::from_utf8(stderr).expect("text"),
    )
}

const OWN: &str = "[recipes.own]
parameters = { base_url = {} }
credentials = [\"key\"]
request = { url = \"{{ base_url }}/t\", headers.X-Key = \"{{ key }}\" }
response.token = \"json.access_token\"
";

/// Writes a recipe to its own file. Returns the folder and the path.
fn own(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("own.toml").to_str().expect("text").to_owned();
    std::fs::write(&path, text).expect("written");
    (folder, path)
}

#[test]
fn the_list_of_recipes_can_be_searched_for_several_words_in_any_case() {
    let found = |words: &[&str]| -> Vec<String> {
        let (status, text, _) = run(&[&["recipes", "list"], words].concat(), "", &[]);
        assert_eq!(status, Some(0), "{words:?}");
        text.lines()
            .filter(|line| !line.starts_with([' ', '?']))
            .filter_map(|line| line.split_whitespace().next())
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(found(&[]).len(), BUILTINS.len());
    // Words can be in the name, in the title, or in an input and its description.
    assert!(found(&["GOOGLE"]).contains(&"google-service-account".to_owned()));
    assert_eq!(found(&["server-to-server", "Zoom"]), ["zoom"]);
    // What has the words in its name or its vendor comes first, and a plural finds the singular.
    let first = |words: &[&str], count: usize| -> Vec<String> {
        found(words).into_iter().take(count).collect()
    };
    assert_eq!(first(&["github"], 3), ["github-app", "github-app-key", "github-pat"]);
    assert_eq!(first(&["aws", "access", "keys"], 1), ["aws-access-key"]);
    assert!(first(&["pat"], 3).iter().all(|name| name.ends_with("-pat")), "{:?}", found(&["pat"]));
    assert!(
        found(&["consumer_key"]).contains(&"mpesa".to_owned())
            && !found(&["consumer_key"]).contains(&"zoom".to_owned())
    );
    // A word is found by its beginning, and a recipe by other names of its products.
    for (word, names) in [
        ("synapse", &["matrix"][..]),
        (
            "aad",
            &[
                "entra-app-secrets", "microsoft-entra", "microsoft-entra-certificate",
                "microsoft-entra-federated", "microsoft-entra-secret",
            ],
        ),
        ("adfs", &["oauth2-client-credentials"]),
        ("irsa", &["aws-sts-web-identity"]),
        ("imdsv2", &["aws-imds"]),
        ("openst", &["keystone"]),
    ] {
        assert_eq!(found(&[word]), names, "{word}");
    }
    // `ecret` is in "secret", `hatsapp` in "WhatsApp".
    for word in ["ecret", "hatsapp"] {
        assert_eq!(run(&["recipes", "list", word], "", &[]).0, Some(1), "{word}");
    }
    assert!(found(&["client_secret"]).len() > found(&["client_secret", "tenant"]).len());
    // A heading for each vendor, and the recipes of a whole standard under one of their own.
    let (_, text, _) = run(&["recipes", "list", "hashicorp"], "", &[]);
    assert!(text.starts_with("  HashiCorp\nconsul-token "), "{text}");
    assert_eq!(text.matches("  HashiCorp\n").count(), 1);
    let (_, text, _) = run(&["recipes", "list", "rfc", "6749", "2.3.1"], "", &[]);
    assert!(text.starts_with("  Any provider\noauth2-client-credentials "), "{text}");
}

#[test]
fn a_provider_that_uses_a_recipe_is_ready_to_copy_with_all_inputs() {
    let (status, text, _) = run(&["recipes", "show", "--provider", "github-pat"], "", &[]);
    assert_eq!(status, Some(0));
    assert_eq!(
        text,
        "# GitHub personal access token\n\
         # GitHub Docs: REST API endpoints for users, Get the authenticated user; \
         https://docs.github.com/en/rest/users/users#get-the-authenticated-user\n\
         [providers.github-pat]\n\
         recipe = \"github-pat\"\n\
         # Personal access token, classic or fine-grained.\n\
         credentials.token = { file = \"secrets/github-pat-token\" }\n\
         # Optional. Scheme and host; GitHub Enterprise Server adds /api/v3.\n\
         #parameters.base_url = \"https://api.github.com\"\n"
    );
    let (status, text, _) = run(&["recipes", "show", "--provider", "f5-big-ip"], "", &[]);
    assert_eq!(status, Some(0));
    assert!(text.contains("# Side effects: "), "{text}");
    let (status, _, problem) = run(&["recipes", "show", "--provider", "mars"], "", &[]);
    assert_eq!(status, Some(1));
    assert!(problem.contains("`credwatch recipes list WORDS` finds one"), "{problem}");
}

#[test]
fn a_search_without_a_result_suggests_a_similar_name() {
    let (status, text, problem) = run(&["recipes", "list", "zooom"], "", &[]);
    assert_eq!((status, text.as_str()), (Some(1), ""));
    assert_eq!(
        problem,
        "error: no built-in recipe has \"zooom\"\n  hint: did you mean `zoom`? for an API with \
         OAuth 2.0 take one of `oauth2-client-credentials`, `oauth2-jwt-bearer`, \
         `oauth2-password`, `oauth2-refresh-token`, `oauth2-token-exchange`; \
         `credwatch recipes new` drafts a recipe for any other API and for a key that each request \
         presents, from a command of the vendor's page; `credwatch recipes list` shows all\n"
    );
    assert_eq!(
        run(&["recipes", "list", "zoom", "microsoft"], "", &[]).0,
        Some(1),
        "every word has to be found"
    );
}

#[test]
fn the_schema_of_recipe_files_accepts_valid_recipes_and_refuses_others() {
    let (status, text, _) = run(&["schema", "--recipes"], "", &[]);
    assert_eq!(status, Some(0));
    let shown: Json = serde_json::from_str(&text).expect("JSON");
    assert_eq!(&shown, recipe_schema());
    let validator = jsonschema::validator_for(&shown).expect("a schema");
    let document = |text: &str| -> Json {
        serde_json::to_value(text.parse::<toml::Table>().expect(text)).expect("JSON")
    };
    for (name, text) in BUILTINS {
        let recipe: toml::Table = text.parse().expect(name);
        let file = serde_json::json!({ "recipes": { name: recipe } });
        assert!(
            validator.is_valid(&file),
            "{name}: {:?}",
            validator.iter_errors(&file).map(|error| error.to_string()).collect::<Vec<_>>()
        );
    }
    assert!(validator.is_valid(&document(OWN)));
    for (from, to) in [
        ("parameters", "paramaters"),
        ("base_url = {}", "base_url = \"x\""),
        ("credentials = [\"key\"]", "credentials = \"key\""),
        ("response.token = \"json.access_token\"", "response.token = 1"),
        (
            "response.token",
            "response.expiry = [{ value = \"json.a\", unit = \"sec\" }]\nresponse.token",
        ),
        ("response.token", "response.expiry = [{ value = \"json.a\" }]\nresponse.token"),
        ("[recipes.own]", "[providers.own]"),
    ] {
        let broken = OWN.replacen(from, to, 1);
        assert_ne!(broken, OWN);
        assert!(!validator.is_valid(&document(&broken)), "{broken}");
        assert!(load_text("broken", &broken).is_err() || to.starts_with("[providers"), "{broken}");
    }
    // A draft has a provider too, so it must match the schema of the configuration.
    let configuration = jsonschema::validator_for(schema()).expect("a schema");
    for known in &KNOWN {
        assert!(
            configuration.is_valid(&document(&drafted(known.command, &[]))),
            "{}",
            known.command
        );
    }
}

#[test]
fn mistakes_in_a_recipe_are_reported_at_the_exact_character() {
    for (line, place, wrong) in [
        (
            "request.headers.X-Sign = \"{{ now_s | hmac_sha256(kee) | hex }}\"",
            50,
            "unknown name `kee`",
        ),
        (
            "request.headers.X-Sign = '{{ now_s | hmac_sha265(key) | hex }}'",
            38,
            "unknown filter `hmac_sha265`",
        ),
        ("request.body = \"\\\"k\\\": \\\"{{ kee }}\\\"\"", 29, "unknown name `kee`"),
        ("request.body = \"\\u00e4 {{ kee }}\"", 27, "unknown name `kee`"),
        ("request.json = { a = [{ b = \"x {{ kee }}\" }] }", 35, "unknown name `kee`"),
        ("request.headers.X-A = \"x {{ key }\"", 26, "`{{` without `}}`"),
        ("request.headers.X-A = \"{% if key %}\"", 24, "`{%` is not possible"),
        ("response.code = [\"json.a\", \"json.b is strng\"]", 39, "unknown test `strng`"),
        ("response.code = \"http.stats\"", 23, "`http` has no member `stats`"),
        ("response.issued = \"json.a = 1\"", 27, "the expression cannot be read"),
        (
            "response.expiry = [{ value = \"json.a\", unit = \"sec\" }]",
            47,
            "this is not one of the words",
        ),
        (
            "response.expirey = [{ value = \"json.a\", unit = \"seconds\" }]",
            10,
            "unknown key `expirey`",
        ),
        ("request.methud = \"GET\"", 9, "unknown key `methud`"),
        ("response.format = \"jsn\"", 19, "\"jsn\" is not one of the words"),
    ] {
        let (folder, path) = own(&format!(
            "[recipes.own]\nparameters = {{ base_url = {{}} }}\ncredentials = [\"key\"]\n\
             request.url = \"{{{{ base_url }}}}\"\nresponse.token = \"json.t\"\n{line}\n"
        ));
        let expected = format!("own.toml:6:{place}: error: {wrong}");
        // As a single file, and as a file that a configuration names.
        let (status, _, problem) = run(&["probe", "--recipe", &path], "", &[]);
        assert!(
            status == Some(78) && problem.contains(&expected),
            "{line}\nexpected {expected}, got\n{problem}"
        );
        let main = folder.path().join("credwatch.toml");
        std::fs::write(&main, "recipe_files = [\"own.toml\"]\n").expect("written");
        let (status, _, problem) =
            run(&["check", "--config.file", main.to_str().expect("text")], "", &[]);
        assert!(
            status == Some(78) && problem.contains(&expected),
            "{line}\nexpected {expected}, got\n{problem}"
        );
    }
}
