//! The other commands than `run`, as users run them.

use std::process::{Command, Stdio};

use super::support::daemon::{credwatch, get, post};
use super::support::fakes::Fakes;
use super::support::wait_for;

#[test]
fn the_exit_status_distinguishes_wrong_usage_from_a_failed_credential() {
    let fakes = Fakes::start();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("c.toml");
    std::fs::write(&file, fakes.provider("enkash", "")).expect("written");
    let config = format!("--config.file={}", file.display());
    let status = |arguments: &[&str]| {
        credwatch()
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("it runs")
            .code()
    };
    assert_eq!(status(&["probe", "enkash", &config]), Some(0));
    fakes.fake.revoke("enkash", true);
    assert_eq!(status(&["probe", "enkash", &config]), Some(1));
    assert_eq!(status(&["probe", "nobody", &config]), Some(2));
    assert_eq!(status(&["frobnicate"]), Some(2));
    assert_eq!(status(&["run", "--web.listen-address=nowhere", &config]), Some(2));
    assert_eq!(status(&["check", "--config.file=/nonexistent"]), Some(78));
    assert_eq!(status(&["recipes", "show", "nobody"]), Some(1));
}

#[test]
fn probe_tells_that_a_refused_secret_has_ended() {
    let fakes = Fakes::start();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("c.toml");
    let more = "secret_expires = 2020-01-31\ncredentials_next.client_secret = \"a-new-secret\"";
    std::fs::write(&file, fakes.provider("enkash", more)).expect("written");
    fakes.fake.revoke("enkash", true);
    let config = format!("--config.file={}", file.display());
    let next_step = |arguments: &[&str]| {
        let output = credwatch().args(arguments).arg(&config).output().expect("it runs");
        let text = String::from_utf8(output.stdout).expect("text");
        let line = text.lines().find_map(|line| line.trim().strip_prefix("Next "));
        line.unwrap_or_else(|| panic!("{text}")).trim().to_owned()
    };
    let current = next_step(&["probe", "enkash"]);
    assert!(current.starts_with("The secret ended on 2020-01-31. Create a new one"), "{current}");
    // The date is about the current secret.
    let next = next_step(&["probe", "--next", "enkash"]);
    assert!(next.starts_with("Is the new secret valid and active at the vendor"), "{next}");
}

#[test]
fn probe_prints_an_explanation_as_text_and_as_json() {
    let fakes = Fakes::start();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("c.toml");
    std::fs::write(&file, fakes.provider("sms-cx", "required_scopes = [\"sms\", \"numbers\"]"))
        .expect("written");
    let config = format!("--config.file={}", file.display());
    let text = String::from_utf8(
        credwatch().args(["probe", "sms-cx", &config]).output().expect("it runs").stdout,
    )
    .expect("text");
    for part in [
        "POST http://127.0.0.1:",
        "Authorization: Basic [hidden]",
        "grant_type=client_credentials",
        "HTTP 200",
        "json.access_token",
        "FAILED credential / scope",
        "lacks the scope numbers",
    ] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
    let json = credwatch()
        .args(["probe", "sms-cx", "--output=json", &config])
        .output()
        .expect("it runs")
        .stdout;
    let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    assert_eq!(
        (&json["outcome"]["reason"], &json["outcome"]["missing_scopes"], &json["http_status"]),
        (&"scope".into(), &1.into(), &200.into())
    );
}

#[test]
fn the_demo_runs_without_a_configuration() {
    let mut child = credwatch()
        .args(["demo", "--web.listen-address=127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut lines = std::io::BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    let address = loop {
        line.clear();
        assert!(
            std::io::BufRead::read_line(&mut lines, &mut line).is_ok_and(|length| length > 0),
            "the demo ended"
        );
        if let Some(rest) = line.trim().strip_prefix("http://") {
            break rest.split('/').next().unwrap_or_default().to_owned();
        }
    };
    let ready = wait_for("all providers of the demo", || {
        Some(get(&address, "/readyz")).filter(|answer| answer.status == 200)
    });
    assert_eq!(ready.body, "ok\n");
    let metrics = get(&address, "/metrics").body;
    assert_eq!(metrics.matches("\ncredwatch_provider_info{").count(), 9);
    // Keys that end, a list of three keys, and a client certificate that ended on 1 June 2026.
    for sample in [
        "credwatch_credential_expiry_timestamp_seconds{provider=\"pull-mirror\",",
        "credwatch_listed_credentials{provider=\"project-tokens\"} 3\n",
        "{provider=\"partner-api\",credential=\"tls.client_certificate_file\",\
         source=\"certificate\"} 1780272000\n",
    ] {
        assert!(metrics.contains(sample), "{sample}");
    }
    let page = get(&address, "/");
    assert!(
        page.body.contains("rcs-campaigns")
            && page.head.to_lowercase().contains("content-security-policy")
    );
    // The command that it tells works as it is written, in any directory.
    let told = loop {
        line.clear();
        let read = std::io::BufRead::read_line(&mut lines, &mut line);
        assert!(read.is_ok_and(|length| length > 0), "the demo ended");
        if line.contains(" probe --config.file=") {
            break line.trim().to_owned();
        }
    };
    let shell = ["-c", &told];
    let probed = Command::new("sh").args(shell).current_dir("/").output().expect("it runs");
    let shown = String::from_utf8_lossy(&probed.stdout).into_owned();
    assert!(shown.contains("How it was read"), "{told}: {shown}");
    // The answers for `init` are right.
    let mut answers = std::collections::BTreeMap::new();
    while !answers.contains_key("client_secret") {
        line.clear();
        std::io::BufRead::read_line(&mut lines, &mut line).expect("the demo goes on");
        if let [name, value] = line.split_whitespace().collect::<Vec<_>>()[..] {
            answers.insert(name.to_owned(), value.to_owned());
        }
    }
    let of = |name: &str| format!("{name}={}", answers[name]);
    let secret = |name: &str| format!("--credential={name}=env:{}", name.to_uppercase());
    let tried = credwatch()
        .args(["probe", "--recipe", &answers["recipe"], "--parameter", &of("token_url")])
        .args([secret("client_id"), secret("client_secret")])
        .env("CLIENT_ID", &answers["client_id"])
        .env("CLIENT_SECRET", &answers["client_secret"])
        .output()
        .expect("it runs");
    assert!(tried.status.success(), "{}", String::from_utf8_lossy(&tried.stdout));
    let probed = post(&address, "/api/v1/providers/newsletter/probe");
    assert!([200, 202, 429].contains(&probed.status), "{}: the button of the page", probed.status);
    child.kill().expect("killed");
    child.wait().expect("its status");
}

#[test]
fn the_demo_names_the_temporary_folder_that_it_cannot_make() {
    let output = credwatch()
        .args(["demo", "--web.listen-address=127.0.0.1:0"])
        .env("TMPDIR", "/none")
        .output()
        .expect("it runs");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(error.starts_with("error: cannot make the temporary folder /none/"), "{error}");
}

#[test]
fn every_built_in_recipe_can_be_shown_copied_and_used_under_another_name() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, _) in credwatch::recipe::builtin::BUILTINS {
        let shown = String::from_utf8(
            credwatch().args(["recipes", "show", name]).output().expect("it runs").stdout,
        )
        .expect("text");
        let mut text = shown.replace(&format!("[recipes.{name}"), "[recipes.mine");
        text.push_str("\n[providers.p]\nrecipe = \"mine\"\n");
        let recipe = credwatch::recipe::builtin::recipe(name).expect("built in");
        for (parameter, definition) in recipe.parameters.iter().filter(|(name, definition)| {
            definition.default.is_none() && (!definition.optional || name == "token_url")
        }) {
            text.push_str(&format!(
                "parameters.{parameter} = \"https://api.example\" # {:?}\n",
                definition.description
            ));
        }
        for (credential, _) in &recipe.credentials {
            text.push_str(&format!("credentials.{credential} = {{ env = \"X\" }}\n"));
        }
        let file = folder.path().join("c.toml");
        std::fs::write(&file, text).expect("written");
        let output = credwatch()
            .env("X", "x")
            .arg("check")
            .arg(format!("--config.file={}", file.display()))
            .output()
            .expect("it runs");
        // The only warning about a working recipe is the one about its side effects.
        let warnings = String::from_utf8_lossy(&output.stderr);
        let expected = recipe
            .side_effects
            .as_ref()
            .map_or(0, |text| usize::from(warnings.contains(text.as_str())));
        assert!(
            output.status.success()
                && warnings.matches("warning: ").count() == expected
                && warnings.is_empty() == recipe.side_effects.is_none(),
            "{name}: {warnings}"
        );
    }
}
