//! Trials of recipes without a configuration, and suggestions for rules.

use credwatch::config::load_text;
use serde_json::Value as Json;

use super::{OWN, own, run};
use crate::support::endpoint::{Endpoint, http};

#[test]
fn probe_can_try_a_recipe_without_a_configuration() {
    let endpoint =
        Endpoint::json("200 OK", "{\"access_token\":\"a-token-of-the-tests\",\"expires_in\":60}");
    let (folder, path) = own(OWN);
    let secret = folder.path().join("key");
    std::fs::write(&secret, "S3cr3t-of-a-file\n").expect("written");
    let url = format!("base_url={}", endpoint.url());
    let from_file = format!("key=file:{}", secret.display());
    for (credential, value) in
        [("key=env:OWN_KEY", "S3cr3t-of-a-variable"), (from_file.as_str(), "S3cr3t-of-a-file")]
    {
        let arguments = [
            "probe", "--recipe", &path, "--parameter", &url, "--credential", credential,
            "--explain",
        ];
        let (status, text, problem) = run(&arguments, "", &[("OWN_KEY", "S3cr3t-of-a-variable")]);
        assert_eq!(status, Some(0), "{problem}");
        assert!(text.contains("OK a token was issued") && !text.contains("S3cr3t"), "{text}");
        assert!(endpoint.requests().last().expect("a request").contains(value));
    }
    // The same with a provider table in the file. Its path is relative to the file.
    let table = format!(
        "{OWN}[providers.mine]\nrecipe = \"own\"\nparameters.base_url = \"{}\"\n\
         credentials.key.file = \"key\"\n",
        endpoint.url()
    );
    std::fs::write(&path, table).expect("written");
    for name in [&[][..], &["own"], &["mine"]] {
        let (status, text, problem) = run(&[&["probe", "--recipe", &path], name].concat(), "", &[]);
        assert_eq!(status, Some(0), "{problem}");
        assert!(text.starts_with("mine  recipe own"), "{text}");
    }
}

#[test]
fn the_error_of_a_trial_shows_the_missing_arguments() {
    let (_folder, path) = own(OWN);
    let (_other, two) = own(&format!("{OWN}{}", OWN.replace("recipes.own", "recipes.other")));
    let (_none, empty) = own("");
    let (_wrong, wrong) = own(&OWN.replace("{{ key }}", "{{ kye }}"));
    for (arguments, status, words) in [
        (
            vec!["--recipe", &path],
            2,
            "add --parameter base_url=VALUE --credential key=env:KEY; a secret",
        ),
        (vec!["--recipe", &path, "--parameter", "base_url"], 2, "NAME=VALUE"),
        (
            vec!["--recipe", &path, "--credential", "key=S3cr3t"],
            2,
            "NAME=env:VARIABLE, NAME=file:PATH or NAME=command:PROGRAM",
        ),
        (
            vec!["--recipe", &path, "--credential", "key=S3cr3t:x"],
            2,
            "NAME=env:VARIABLE, NAME=file:PATH or NAME=command:PROGRAM",
        ),
        (
            vec![
                "--recipe", &path, "--parameter", "base_url=x.example", "--credential", "key=env:K",
            ],
            78,
            "the command line:3:25: error: this is no URL",
        ),
        (
            vec![
                "--recipe", &path, "--parameter", "base_url=https://x.example", "--parameter",
                "b=1", "--credential", "key=env:K",
            ],
            78,
            "has no parameter of this name",
        ),
        (vec!["--recipe", &two], 2, "name one of `other`, `own`"),
        (vec!["--recipe", &two, "othr"], 2, "did you mean `other`?"),
        (vec!["--recipe", &empty], 2, "there is no recipe in"),
        (vec!["--recipe", "/nonexistent.toml"], 78, "cannot read /nonexistent.toml"),
        (vec!["--recipe", &wrong], 78, "own.toml:4:59: error: unknown name `kye`"),
        (vec!["--recipe", &path, "--config.file", "x.toml"], 2, "cannot be used with"),
        (vec!["--recipe", "oauth2-pasword"], 2, "did you mean `oauth2-password`?"),
        (vec![], 2, "<NAME>"),
    ] {
        let (code, text, problem) = run(&[&["probe"], arguments.as_slice()].concat(), "", &[]);
        assert_eq!((code, text.as_str()), (Some(status), ""), "{arguments:?}: {problem}");
        assert!(problem.contains(words) && !problem.contains("S3cr3t"), "{arguments:?}: {problem}");
    }
}

/// Runs `probe` with these rules and this answer. Returns the text output, and the suggestions of
/// the JSON output.
fn explained(
    response: &str,
    status: &str,
    headers: &str,
    body: &str,
) -> (String, Vec<(String, String)>) {
    let endpoint = Endpoint::answering(http(status, headers, body.as_bytes()));
    let (_folder, path) = own(&OWN.replace("response.token = \"json.access_token\"", response));
    let url = format!("base_url={}", endpoint.url());
    let arguments =
        ["probe", "--recipe", &path, "--parameter", &url, "--credential", "key=env:OWN_KEY"];
    let variables = [("OWN_KEY", "S3cr3t-of-a-variable")];
    let (_, text, problem) = run(&arguments, "", &variables);
    assert_eq!(problem, "");
    let (_, json, _) = run(&[&arguments[..], &["--output=json"]].concat(), "", &variables);
    let json: Json = serde_json::from_str(&json).expect("JSON");
    let list = json["suggestions"].as_array().expect("a list").iter();
    let word = |value: &Json| value.as_str().expect("text").to_owned();
    let suggestions: Vec<(String, String)> =
        list.map(|one| (word(&one["rule"]), word(&one["line"]))).collect();
    assert_eq!(text.contains("\nNot read\n"), !suggestions.is_empty(), "{text}");
    for (_, line) in &suggestions {
        assert!(text.lines().any(|shown| shown.trim() == line), "{line} is not in\n{text}");
        // The recipe is valid with the suggested line.
        let rest = response.lines().filter(|known| {
            !known.starts_with(line.split(' ').next().expect("a key"))
                && !known
                    .starts_with(&format!("response.{}", line.split(' ').next().expect("a key")))
        });
        let token =
            if line.starts_with("token") || rest.clone().any(|known| known.contains("token")) {
                ""
            } else {
                "response.token = \"json.x\"\n"
            };
        let pasted = OWN.replace(
            "response.token = \"json.access_token\"",
            &format!("{token}{}\nresponse.{line}", rest.collect::<Vec<_>>().join("\n")),
        );
        load_text("pasted", &pasted).unwrap_or_else(|faults| panic!("{}\n{pasted}", faults[0]));
    }
    for secret in ["S3cr3t", "a-token-of-the-tests-1234567890", "Zm9vYmFyMTIzNDU2Nzg5MGFiY2RlZg"] {
        assert!(!text.contains(secret) && !json.to_string().contains(secret), "{text}");
    }
    (text, suggestions)
}

/// The second rule for the message is not tried, because the first one finds it.
#[test]
fn probe_does_not_suggest_a_rule_that_the_recipe_has() {
    let response = "response.token = \"json.access_token\"\nresponse.message = [\"json.detail\", \
                    \"json.errors[0].title\"]";
    let body = "{\"detail\":\"The client is not known here.\",\
                \"errors\":[{\"title\":\"Wrong client given\"}]}";
    let (text, suggestions) = explained(response, "401 Unauthorized", "", body);
    assert!(suggestions.is_empty(), "{text}");
}

#[test]
fn probe_suggests_rules_for_members_that_no_rule_reads() {
    let token = "\"a-token-of-the-tests-1234567890\"";
    let wrong = "response.token = \"json.access_token\"";
    for (response, status, headers, body, expected) in [
        // The token has another name and is nested, with its expiry beside it.
        (
            wrong,
            "200 OK",
            "",
            format!("{{\"data\":{{\"authToken\":{token},\"expire\":7200}}}}"),
            vec![
                "token = \"json.data.authToken\"",
                "expiry = [{ value = \"json.data.expire\", unit = \"seconds\" }]",
            ],
        ),
        // No rule reads the expiry.
        (
            wrong,
            "200 OK",
            "",
            format!("{{\"access_token\":{token},\"validUntil\":4102444800000}}"),
            vec!["expiry = [{ value = \"json.validUntil\", unit = \"epoch_milliseconds\" }]"],
        ),
        // The rules read everything.
        (
            "response.token = \"json.access_token\"\nresponse.expiry = \
             [{ value = \"json.expires_in\", unit = \"seconds\" }]",
            "200 OK",
            "",
            format!(
                "{{\"access_token\":{token},\"expires_in\":60,\
                 \"expires_at\":\"2100-01-01T00:00:00Z\"}}"
            ),
            vec![],
        ),
        // The unit is wrong: as a date of 1970 the expiry is in the past.
        (
            "response.token = \"json.access_token\"\nresponse.expiry = \
             [{ value = \"json.expires_in\", unit = \"epoch_seconds\" }]",
            "200 OK",
            "",
            format!("{{\"access_token\":{token},\"expires_in\":3600}}"),
            vec!["expiry = [{ value = \"json.expires_in\", unit = \"seconds\" }]"],
        ),
        // The token is in a header.
        (
            wrong,
            "201 Created",
            "X-Auth-Token: Zm9vYmFyMTIzNDU2Nzg5MGFiY2RlZg\r\n",
            "{}".into(),
            vec!["token = \"http.headers['x-auth-token']\""],
        ),
        (
            wrong,
            "201 Created",
            "X-Auth-Token: Zm9vYmFyMTIzNDU2Nzg5MGFiY2RlZg\r\n",
            String::new(),
            vec!["format = \"any\"", "token = \"http.headers['x-auth-token']\""],
        ),
        // The body is the token.
        (
            wrong,
            "200 OK",
            "",
            "Zm9vYmFyMTIzNDU2Nzg5MGFiY2RlZg".into(),
            vec!["format = \"text\"", "token = \"body\""],
        ),
        // XML.
        (
            wrong,
            "200 OK",
            "",
            "<r><Token>Zm9vYmFyMTIzNDU2Nzg5MGFiY2RlZg</Token></r>".into(),
            vec!["format = \"xml\"", "token = \"xml.r.Token\""],
        ),
        // No rule reads the code of a refusal.
        (
            wrong,
            "401 Unauthorized",
            "",
            "{\"fault\":{\"errorCode\":\"E-17\",\"detail\":\"no such key\"}}".into(),
            vec!["code = \"json.fault.errorCode\"", "message = \"json.fault.detail\""],
        ),
        // A rule reads the message already.
        (
            "response.token = \"json.access_token\"\nresponse.message = \"json.fault.detail\"",
            "401 Unauthorized",
            "",
            "{\"fault\":{\"errorCode\":\"E-17\",\"detail\":\"no such key\"}}".into(),
            vec!["code = \"json.fault.errorCode\""],
        ),
        // An echo of the credential is neither code nor message.
        (
            wrong,
            "401 Unauthorized",
            "",
            "{\"code\":\"S3cr3t-of-a-variable\",\"S3cr3t-of-a-variable\":{\"code\":\"x\"}}".into(),
            vec![],
        ),
    ] {
        let (text, suggestions) = explained(response, status, headers, &body);
        let lines: Vec<&str> = suggestions.iter().map(|(_, line)| line.as_str()).collect();
        assert_eq!(lines, expected, "{text}");
        assert!(
            !body.starts_with('<')
                || text.contains("    Token: [hidden] (a string of 30 characters)"),
            "{text}"
        );
    }
}
