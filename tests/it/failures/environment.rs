//! Faults of this host and of its environment, seen by a process of its own.

use std::process::Command;

use crate::support::daemon::credwatch;
use crate::support::endpoint::{Endpoint, http};

/// A configuration with one provider `p`.
fn configured(url: &str, more: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("c.toml");
    let text = format!(
        "[providers.p]\nrecipe = \"oauth2-client-credentials\"\nparameters.token_url = {url:?}\n\
         credentials = {{ client_id = \"a-client\", client_secret = \"a-secret\" }}\n{more}\n"
    );
    std::fs::write(&file, text).expect("written");
    (folder, format!("--config.file={}", file.display()))
}

/// All output of a command.
fn output(command: &mut Command) -> String {
    let output = command.output().expect("it runs");
    let both = [output.stdout, output.stderr].concat();
    String::from_utf8(both).expect("text")
}

#[test]
fn no_free_file_descriptor_is_local_and_not_a_missing_name() {
    let refused = Endpoint::json("200 OK", "{}").that_must_not_be_called();
    let port = refused.port();
    for host in ["127.0.0.1", "localhost"] {
        let (_folder, config) = configured(&format!("http://{host}:{port}/token"), "");
        let program = credwatch();
        // The program needs about nine descriptors before its first connection.
        let outputs = (7..14).map(|limit| {
            let line = format!("ulimit -n {limit}; exec \"$0\" \"$@\"");
            let program = program.get_program();
            output(
                Command::new("sh").args(["-c", &line]).arg(program).args(["probe", "p", &config]),
            )
        });
        let outputs: Vec<String> = outputs.collect();
        assert!(outputs.iter().all(|text| !text.contains("FAILED network")), "{outputs:?}");
        let local = outputs.iter().find(|text| text.contains("FAILED config / local"));
        let local = local.unwrap_or_else(|| panic!("{host}: {outputs:?}"));
        assert!(local.contains("no file descriptors left"), "{local}");
    }
}

#[test]
fn a_proxy_of_the_environment_that_cannot_be_used_is_refused_before_the_first_request() {
    let (_folder, config) =
        configured("https://a.corp.test/token", "proxy_from_environment = true");
    for (name, value) in [
        ("HTTPS_PROXY", "http://a-user:a-password@a b"),
        ("ALL_PROXY", "socks5://a-user:a-password@127.0.0.1:1"),
        ("NO_PROXY", "localhost,*.corp.test"),
        ("no_proxy", "a.corp.test:443"),
    ] {
        for command in ["check", "run", "probe"] {
            let mut program = credwatch();
            program.args([command, &config]).env(name, value);
            match command {
                "run" => program.arg("--web.listen-address=127.0.0.1:0"),
                "probe" => program.arg("p"),
                _ => &mut program,
            };
            let text = output(&mut program);
            assert!(text.contains(&format!("`{name}`")), "{command}: {text}");
            assert!(!text.contains("a-password"), "{text}");
            let is_blamed = text.contains("FAILED config / local");
            assert_eq!(is_blamed, command == "probe", "{text}");
        }
    }
}

#[test]
fn a_host_of_no_proxy_is_reached_without_the_proxy() {
    let token = http("200 OK", "", br#"{"access_token":"abcdefgh"}"#);
    let (target, proxy) = (Endpoint::answering(token.clone()), Endpoint::answering(token));
    let address = format!("127.0.0.1:{}", proxy.port());
    let (_folder, config) = configured(&target.url(), "proxy_from_environment = true");
    for (list, calls) in [("*", (1, 0)), ("127.0.0.0/8", (2, 0)), (".corp.test", (2, 1))] {
        let mut program = credwatch();
        program.args(["probe", "p", &config]);
        let text = output(program.envs([("ALL_PROXY", address.as_str()), ("no_proxy", list)]));
        assert!(text.contains("OK a token"), "{text}");
        assert_eq!((target.calls(), proxy.calls()), calls, "{list}");
    }
}
