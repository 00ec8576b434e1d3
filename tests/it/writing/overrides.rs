//! Inputs of the command line take precedence over those of a file.

use super::{OWN, own, run};
use crate::support::endpoint::Endpoint;

const ISSUED: &str = "{\"access_token\":\"a-token-of-the-tests\",\"expires_in\":60}";

const PROVIDERS: &str = r#"
[providers.mine]
recipe = "own"
parameters.base_url = "http://127.0.0.1:1"
credentials.key = "S3cr3t-of-the-file"

[providers.other]
recipe = "own"
parameters.base_url = "http://127.0.0.1:1"
credentials.key = "S3cr3t-of-the-other"
credentials_next.key = "S3cr3t-that-is-next"
"#;

#[test]
fn inputs_of_the_command_line_replace_those_of_a_provider() {
    let endpoint = Endpoint::json("200 OK", ISSUED);
    let (folder, path) = own(&format!("{OWN}{PROVIDERS}"));
    let main = folder.path().join("main.toml");
    let more = "provider_files = [\"providers.toml\"]\n";
    std::fs::write(&main, format!("{more}{OWN}")).expect("written");
    std::fs::write(folder.path().join("providers.toml"), PROVIDERS).expect("written");
    let main = main.display().to_string();
    let url = format!("base_url={}", endpoint.url());
    let secret = folder.path().join("key");
    std::fs::write(&secret, "S3cr3t-of-a-command\n").expect("written");
    let command = format!("key=command:/bin/cat {}", secret.display());
    for (place, credential, value, next) in [
        ("--recipe", "key=env:OWN_KEY", "S3cr3t-of-a-variable", false),
        ("--recipe", command.as_str(), "S3cr3t-of-a-command", false),
        ("--recipe", "", "S3cr3t-of-the-other", false),
        ("--recipe", "", "S3cr3t-that-is-next", true),
        ("--config.file", "key=env:OWN_KEY", "S3cr3t-of-a-variable", false),
        ("--config.file", "key=env:OWN_KEY", "S3cr3t-of-a-variable", true),
        ("--config.file", command.as_str(), "S3cr3t-of-a-command", false),
        ("--config.file", "", "S3cr3t-that-is-next", true),
    ] {
        let file = if place == "--recipe" { &path } else { &main };
        let mut arguments = vec!["probe", "other", place, file, "--parameter", &url];
        if !credential.is_empty() {
            arguments.extend(["--credential", credential]);
        }
        if next {
            arguments.push("--next");
        }
        let (status, text, problem) = run(&arguments, "", &[("OWN_KEY", "S3cr3t-of-a-variable")]);
        assert_eq!(status, Some(0), "{arguments:?}: {text}{problem}");
        assert!(text.starts_with("other  recipe own") && !text.contains("S3cr3t"), "{text}");
        let sent = endpoint.requests().last().cloned().expect("a request");
        assert!(sent.contains(value), "{arguments:?}: {sent}");
    }
}

#[test]
fn a_built_in_recipe_is_tried_by_its_name() {
    let endpoint = Endpoint::json("200 OK", ISSUED);
    let url = format!("token_url={}/oauth2/token", endpoint.url());
    let arguments = [
        "probe", "--recipe", "oauth2-client-credentials", "--parameter", &url, "--credential",
        "client_id=env:OWN_ID", "--credential", "client_secret=env:OWN_SECRET",
    ];
    let variables = [("OWN_ID", "an-id-of-the-tests"), ("OWN_SECRET", "S3cr3t-of-a-variable")];
    let (status, text, problem) = run(&arguments, "", &variables);
    assert_eq!(status, Some(0), "{text}{problem}");
    assert!(text.starts_with("oauth2-client-credentials  recipe oauth2-client-credentials"));
    assert!(text.contains(&format!("POST {}/oauth2/token\n", endpoint.url())), "{text}");
}

#[test]
fn an_input_of_the_command_line_that_does_not_fit_is_an_error() {
    let (_folder, path) = own(&format!("{OWN}{PROVIDERS}"));
    for (arguments, status, words) in [
        (["--parameter", "base_uri=http://127.0.0.1:2"], 78, "did you mean `base_url`?"),
        (["--credential", "kye=env:OWN_KEY"], 78, "did you mean `key`?"),
        (["--credential", "base_url=env:OWN_KEY"], 78, "it is a parameter"),
        (["--parameter", "base_url=here"], 78, "the command line:3:25: error: this is no URL"),
        (["--credential", "key=command:cat x"], 78, "the absolute path of a program"),
        (["--credential", "key=systemd"], 2, "NAME=command:PROGRAM"),
    ] {
        for place in ["--recipe", "--config.file"] {
            let all = [&["probe", "mine", place, path.as_str()][..], &arguments].concat();
            let (code, text, problem) = run(&all, "", &[]);
            assert_eq!((code, text.as_str()), (Some(status), ""), "{all:?}: {problem}");
            assert!(problem.contains(words) && !problem.contains("S3cr3t"), "{all:?}: {problem}");
        }
    }
}
