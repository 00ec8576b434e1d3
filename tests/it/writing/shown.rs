//! What `probe` and `check` say, and the short forms of a recipe.

use credwatch::config::load_text;
use serde_json::Value as Json;

use super::{OWN, own, run};
use crate::support::endpoint::Endpoint;

const VARIABLES: [(&str, &str); 1] = [("OWN_KEY", "S3cr3t-of-a-variable")];

/// The text and the JSON of `probe` for this recipe.
fn probed(recipe: &str, endpoint: &Endpoint, more: &[&str]) -> (String, Json) {
    let (_folder, path) = own(recipe);
    let url = format!("base_url={}", endpoint.url());
    let mut arguments =
        vec!["probe", "--recipe", &path, "--parameter", &url, "--credential", "key=env:OWN_KEY"];
    arguments.extend(more);
    let (_, text, problem) = run(&arguments, "", &VARIABLES);
    assert_eq!(problem, "");
    arguments.push("--output=json");
    let (_, json, _) = run(&arguments, "", &VARIABLES);
    assert!(!text.contains("S3cr3t") && !json.contains("S3cr3t"), "{text}{json}");
    (text, serde_json::from_str(&json).expect("JSON"))
}

#[test]
fn probe_tells_side_effects_and_a_cleanup_that_was_not_made() {
    let recipe = format!(
        "{}{}",
        OWN.replace("[recipes.own]\n", "[recipes.own]\nside_effects = \"It makes a session.\"\n"),
        "[[recipes.own.cleanup]]\nname = \"logout\"\n\
         request.url = \"{{ base_url }}/logout/{{ token }}\"\n"
    );
    let refusing = Endpoint::json("401 X", "{\"error\":\"no\"}");
    let (text, json) = probed(&recipe, &refusing, &[]);
    let skipped = "Cleanup that was not made\n  logout           no answer gave `token`\n";
    assert!(text.contains(skipped), "{text}");
    assert!(text.contains("Side effects\n  It makes a session.\n"), "{text}");
    assert_eq!(json["skipped"], serde_json::json!([{ "step": "logout", "missing": ["token"] }]));
    assert_eq!(json["side_effects"], "It makes a session.");
    let issuing = Endpoint::json("200 OK", "{\"access_token\":\"a-token-of-the-tests\"}");
    let (text, json) = probed(&recipe, &issuing, &[]);
    assert!(!text.contains("not made"), "{text}");
    assert_eq!(json["skipped"], serde_json::json!([]));
    let (text, json) = probed(OWN, &issuing, &[]);
    assert!(!text.contains("Side effects") && json["side_effects"].is_null(), "{text}");
}

#[test]
fn an_answer_shows_what_a_rule_shows_and_what_stands_in_the_request() {
    let recipe = OWN
        .replace("base_url = {}", "base_url = {}, tenant = {}")
        .replace("/t\"", "/{{ tenant }}\"")
        + "response.code = \"json.messageKey\"\n";
    let body = "{\"messageKey\":\"login.failed\",\"otherKey\":\"login.failed2\",\
                \"tenant\":\"72f988bf-86f1-41af-91ab-2d7cd011db47\",\
                \"trace\":\"72f988bf-86f1-41af-91ab-2d7cd011db4\",\
                \"issuedAt\":\"1700000000123\",\"serial\":\"1700000000123\"}";
    let endpoint = Endpoint::json("401 X", body);
    let tenant = ["--parameter", "tenant=72f988bf-86f1-41af-91ab-2d7cd011db47"];
    let (text, _) = probed(&recipe, &endpoint, &tenant);
    for line in [
        "messageKey: \"login.failed\"",
        "otherKey: [hidden] (a string of 13 characters)",
        "tenant: \"72f988bf-86f1-41af-91ab-2d7cd011db47\"",
        "trace: [hidden] (a string of 35 characters)",
        "issuedAt: \"1700000000123\"",
        "serial: [hidden] (a string of 13 characters)",
    ] {
        assert!(text.lines().any(|shown| shown.trim() == line), "{line} is not in\n{text}");
    }
}

#[test]
fn another_code_is_suggested_in_place_of_one_that_repeats_the_status() {
    let recipe = format!("{OWN}response.code = \"json.status\"\n");
    for (body, line) in [
        ("{\"status\":401,\"type\":\"LOGIN_FAILED\"}", "code = \"json.type\""),
        ("{\"status\":401,\"reason\":\"keyExpired\",\"code\":401}", "code = \"json.reason\""),
        ("{\"status\":401,\"message\":\"invalid_grant\"}", "code = \"json.message\""),
        ("{\"status\":401,\"statusCode\":401}", ""),
    ] {
        let (text, json) = probed(&recipe, &Endpoint::json("401 X", body), &[]);
        let lines: Vec<&str> = json["suggestions"]
            .as_array()
            .expect("a list")
            .iter()
            .filter(|one| one["rule"] == "code")
            .filter_map(|one| one["line"].as_str())
            .collect();
        assert_eq!(lines.first().copied().unwrap_or_default(), line, "{body}: {text}");
    }
}

#[test]
fn a_single_table_stands_for_a_list_of_one_time() {
    for (key, value) in [
        ("expiry", "{ value = \"json.expires_in\", unit = \"seconds\" }"),
        ("retry_after", "{ value = \"json.wait\", unit = \"seconds\" }"),
    ] {
        let one = format!("{OWN}response.{key} = {value}\n");
        let list = format!("{OWN}response.{key} = [{value}]\n");
        for text in [&one, &list] {
            assert!(load_text("own", text).is_ok(), "{text}");
        }
        let wrong = format!("{OWN}response.{key} = {{ value = \"json.a\", unti = \"seconds\" }}\n");
        let faults = load_text("own", &wrong).err().expect("faults");
        assert!(faults.iter().any(|fault| fault.to_string().contains("`unit`")), "{}", faults[0]);
    }
    let recipe = format!("{OWN}response.expiry = {{ value = \"json.ttl\", unit = \"minutes\" }}\n");
    let body = "{\"access_token\":\"a-token-of-the-tests\",\"ttl\":5}";
    let endpoint = Endpoint::json("200 OK", body);
    let (_, json) = probed(&recipe, &endpoint, &[]);
    assert_eq!(json["outcome"]["lifetime_seconds"], 300.0);
}

#[test]
fn plain_http_to_a_metadata_service_without_credentials_has_no_warning() {
    let warns = |url: &str, credentials: bool| {
        let (list, given) = if credentials {
            let list = "credentials = [\"key\"]\nrequest.headers.X = \"{{ key }}\"\n";
            (list, "credentials.key = \"x1\"")
        } else {
            ("", "")
        };
        let text = format!(
            "[recipes.own]\nparameters = {{ base_url = {{}} }}\n{list}\
             request.url = \"{{{{ base_url }}}}/t\"\nresponse.token = \"json.access_token\"\n\
             [providers.p]\nrecipe = \"own\"\nparameters.base_url = \"{url}\"\n{given}\n"
        );
        let plan = load_text("own", &text).unwrap_or_else(|faults| panic!("{}", faults[0]));
        plan.warnings.iter().any(|warning| warning.to_string().contains("in clear text"))
    };
    for (url, with, without) in [
        ("http://169.254.169.254/x", true, false),
        ("http://169.254.170.2", true, false),
        ("http://[fd00:ec2::254]", true, false),
        ("http://[fe80::1]:80", true, false),
        ("http://[::ffff:169.254.169.254]", true, false),
        ("http://169.255.0.1", true, true),
        ("http://[fd00:ec2::255]", true, true),
        ("http://metadata.example", true, true),
        ("http://127.0.0.1", false, false),
    ] {
        assert_eq!((warns(url, true), warns(url, false)), (with, without), "{url}");
    }
}
