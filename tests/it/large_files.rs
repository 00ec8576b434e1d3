//! Large configurations are read in pieces and mean the same.

use std::fmt::Write as _;
use std::sync::Arc;

use credwatch::config::load_text;
use credwatch::diagnostic::Fault;
use credwatch::provider::Provider;

const SETTINGS: &str = "[defaults]\ninterval = \"2m\"\nlabels.team = \"payments\"\n";

/// So many providers are far above the size of two pieces.
const COUNT: usize = 1_000;

fn provider(number: usize) -> String {
    format!(
        "[providers.p{number}]\nrecipe = \"oauth2-client-credentials\"\n\
         parameters.token_url = \"https://api.example/token\"\n\
         credentials.client_id = \"id-{number}\"\ncredentials.client_secret = \"s\"\n\
         [providers.p{number}.labels]\nnumber = \"{number}\"\nstage = '''\n[prod]'''\n\n"
    )
}

/// A configuration with its providers after `settings`, then `end`.
fn configuration(settings: &str, end: &str) -> String {
    let mut text = settings.to_owned();
    for number in 0..COUNT {
        text += &provider(number);
    }
    text + end
}

fn providers(text: &str) -> Vec<Arc<Provider>> {
    load_text("c.toml", text).unwrap_or_else(|faults| panic!("{}", faults[0])).providers
}

/// The faults as they are printed.
fn faults(text: &str) -> Vec<String> {
    let Err(faults) = load_text("c.toml", text) else { panic!("it has no fault") };
    faults.iter().map(Fault::to_string).collect()
}

#[test]
fn the_providers_of_a_large_file_are_those_of_the_same_tables_in_another_order() {
    // Settings at the end, as in the second text, forbid to cut it.
    let plain = configuration(SETTINGS, "").replace("[prod]", "prod");
    let (cut, whole) = (providers(&plain), providers(&configuration("", SETTINGS)));
    assert_eq!(cut.len(), COUNT);
    for (number, (cut, whole)) in cut.iter().zip(&whole).enumerate() {
        assert_eq!(cut.name, format!("p{number}"));
        let labels: Vec<_> = cut.labels.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(labels, ["team", "number", "stage"]);
        assert_eq!(cut.labels[1].1, number.to_string());
        assert!(*cut.credentials == *whole.credentials && cut.cadence == whole.cadence);
    }
}

#[test]
fn providers_share_what_is_equal() {
    let providers = providers(&configuration(SETTINGS, ""));
    for provider in &providers {
        assert!(Arc::ptr_eq(&provider.recipe, &providers[0].recipe), "compiled once");
        assert_eq!(provider.parameters.as_ptr(), providers[0].parameters.as_ptr());
        assert!(Arc::ptr_eq(&provider.transport, &providers[0].transport));
    }
}

#[test]
fn faults_of_a_large_file_have_their_lines_in_the_file() {
    let text = configuration(SETTINGS, "").replace("[prod]", "prod");
    let (mut expected, mut broken) = (Vec::new(), String::new());
    for (line, row) in (1..).zip(text.lines()) {
        let row = if row == "credentials.client_id = \"id-700\"" {
            expected.push(format!(
                "c.toml:{line}:13: error: the credential `client_id` is empty\n     |\n{line} | \
                 credentials.client_id = \"\"\n"
            ));
            "credentials.client_id = \"\""
        } else {
            row
        };
        let _ = writeln!(broken, "{row}");
    }
    let printed = faults(&broken);
    assert_eq!(printed.len(), 1);
    assert!(printed[0].starts_with(&expected[0]), "{}", printed[0]);
}

#[test]
fn a_file_that_is_read_a_second_time_has_its_faults_again() {
    let mut text = "[recipes.mine]\nparameters.tenant = {}\ncredentials.key = {}\n\
        request.url = \"https://api.example/token\"\nrequest.headers.x-tenant = \"{{ tenant }}\"\n\
        request.form.s = \"{{ key }}\"\nresponse.token = \"json.access_token\"\n"
        .to_owned();
    for number in 0..2 * COUNT {
        let tenant = if number == 5 { "a\\nb" } else { "a" };
        let _ = write!(
            text,
            "[providers.p{number}]\nrecipe = \"mine\"\nparameters.tenant = \"{tenant}\"\n\
             credentials.key = \"a-secret-of-the-usual-size\"\n"
        );
    }
    let in_pieces = faults(&text);
    assert!(in_pieces.len() == 1 && in_pieces[0].starts_with("c.toml:28:"), "{in_pieces:?}");
    assert_eq!(faults(&(text + "[providers.p3.labels]\nx = \"y\"\n")), in_pieces);
}

#[test]
fn a_large_file_has_the_faults_of_the_whole_file() {
    let again = "[providers.p3]\nrecipe = \"keycloak\"\n";
    let more = "[providers.p3.tls]\ninsecure = true\n";
    for (settings, end, problem) in [
        (SETTINGS, again, "duplicate key"),
        (SETTINGS, SETTINGS, "duplicate key"),
        ("providers.x = {}\n", "", "the provider names no recipe"),
        (SETTINGS, "[providers]\n[providers.y\n", "unclosed table"),
        (SETTINGS, "[providers.q]\nrecip = \"a\"\n", "unknown key `recip`"),
    ] {
        let printed = faults(&configuration(settings, end));
        assert!(printed.iter().any(|fault| fault.contains(problem)), "{end}\n{printed:?}");
    }
    let text = configuration(SETTINGS, more);
    let far: Vec<_> =
        providers(&text).into_iter().filter(|provider| provider.transport.insecure).collect();
    assert_eq!(far.len(), 1, "the table belongs to the provider far above");
    assert_eq!(far[0].name, "p3");
}
