//! The web config: the message for each fault, and the documents.

use std::collections::BTreeSet;
use std::path::Path;

use credwatch::web_config::WebConfig;

use super::support::daemon::credwatch;
use super::support::documents::{blocks, document, rows, section};
use super::support::endpoint::Authority;
use super::support::web::Folder;
use super::support::{files, repository};

#[test]
fn every_bad_web_configuration_is_refused_with_its_exact_message() {
    let mut wrong = Vec::new();
    for file in files("tests/configs/bad-web", "yml", 25) {
        let expected = std::fs::read_to_string(file.with_extension("expected"))
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let output = credwatch()
            .current_dir(file.parent().expect("a folder"))
            .args(["check", "--config.file=fine.toml", "--web.config.file"])
            .arg(file.file_name().expect("a name"))
            .output()
            .expect("it runs");
        let message = String::from_utf8_lossy(&output.stderr);
        if output.status.code() != Some(78) || message != expected || message.contains("hunter2") {
            wrong.push(format!(
                "{}: {}\n--- expected\n{expected}--- got\n{message}",
                file.display(),
                output.status
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn check_reports_the_faults_of_both_files_and_run_does_not_start() {
    let (fine, bad) = (
        repository("tests/configs/bad-web/fine.toml"),
        repository("tests/configs/bad/unknown-recipe.toml"),
    );
    let run = |command: &str, config: &Path, web: &str| {
        let output = credwatch()
            .arg(command)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!(
                "--web.config.file={}",
                repository("tests/configs/bad-web").join(web).display()
            ))
            .output()
            .expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (status, message) = run("run", &fine, "unknown-key.yml");
    assert_eq!(status, Some(78), "{message}");
    assert!(message.contains("unknown-key.yml:2:3: error: unknown key `cert_filse`"), "{message}");
    let (status, message) = run("check", &bad, "unknown-key.yml");
    assert!(
        status == Some(78)
            && message.contains("unknown-recipe.toml")
            && message.contains("unknown-key.yml"),
        "{message}"
    );
    let (status, message) = run("run", &fine, "nowhere.yml");
    assert!(
        status == Some(78) && message.contains("nowhere.yml: there is no such file"),
        "{message}"
    );
}

/// A folder with the certificate `server.crt` and the key `server.key`.
fn with_identity() -> Folder {
    let folder = Folder::new();
    let server = Authority::new("ca").issue("localhost", 2020, 2099);
    folder.write("server.crt", &server.pem);
    folder.write("server.key", &server.key_pem());
    folder
}

#[test]
fn a_fault_in_a_certificate_or_key_names_the_file() {
    let folder = with_identity();
    let other = Authority::new("ca").issue("localhost", 2020, 2099);
    folder.write("other.key", &other.key_pem());
    folder.write("garbled.crt", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    folder.write(
        "locked.key",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    let path = |name: &str| folder.path().join(name).display().to_string();
    for (certificate, key, expected) in [
        (
            "server.crt",
            "other.key",
            format!(
                "3:13: error: the private key in {} does not belong to the certificate in {}",
                path("other.key"),
                path("server.crt")
            ),
        ),
        (
            "garbled.crt",
            "server.key",
            format!("2:14: error: the certificate in {} cannot be used", path("garbled.crt")),
        ),
        (
            "server.crt",
            "locked.key",
            format!(
                "3:13: error: {}: the private key in it is encrypted, and the daemon has no \
                 password for it",
                path("locked.key")
            ),
        ),
        (
            "server.crt",
            "server.crt",
            format!(
                "3:13: error: {}: it is a certificate; there is no private key in it",
                path("server.crt")
            ),
        ),
        (
            "server.crt",
            ".",
            format!("3:13: error: cannot read {}: it is a directory, not a file", path(".")),
        ),
        (
            "server.crt",
            "nowhere.key",
            format!("3:13: error: cannot read {}: there is no such file", path("nowhere.key")),
        ),
    ] {
        let faults = folder
            .load(&format!("tls_server_config:\n  cert_file: {certificate}\n  key_file: {key}\n"))
            .err()
            .expect("refused");
        assert!(
            faults.contains(&format!("web.yml:{expected}")),
            "{certificate} and {key}: {faults}"
        );
    }
    let inline = format!(
        "tls_server_config:\n  cert_file: server.crt\n  key: |\n    {}\n",
        other.key_pem().replace('\n', "\n    ")
    );
    let faults = folder.load(&inline).err().expect("refused");
    assert!(
        faults
            .contains("the private key in the inline text does not belong to the certificate in "),
        "{faults}"
    );
    let secret = other.key_pem().lines().nth(1).expect("a line").to_owned();
    assert!(!faults.contains(&secret), "{faults}");
}

#[test]
fn a_web_config_names_its_files_and_warns_of_what_has_no_effect() {
    let folder = with_identity();
    folder.write("ca.pem", Authority::new("clients").pem());
    let web_config = folder.web_config(
        "tls_server_config:\n  cert_file: server.crt\n  key_file: ./server.key\n  \
         client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: ca.pem\n  \
         cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]\n  \
         curve_preferences: [CurveP521, X25519]\n  min_version: TLS10\n  \
         prefer_server_cipher_suites: no\nhttp_server_config: {http2: true}\nrate_limit: \
         {interval: 0, burst: 0}\n",
    );
    let names: Vec<_> = web_config
        .files()
        .iter()
        .map(|file| file.file_name().expect("a name").to_string_lossy().into_owned())
        .collect();
    assert_eq!(names, ["web.yml", "server.crt", "server.key", "ca.pem"]);
    let warnings: Vec<_> =
        web_config.warnings().iter().map(|fault| fault.message.as_str()).collect();
    assert_eq!(
        warnings,
        [
            "credwatch does not support TLS before 1.2",
            "the cipher suite TLS_RSA_WITH_AES_128_CBC_SHA is not offered here",
            "the curve CurveP521 is not offered here"
        ]
    );
    assert!(web_config.uses_tls() && web_config.users() == 0);
    let unlocked = folder.web_config(
        "basic_auth_users: {ann: $2y$10$abcdefghijklmnopqrstuuLL/yj83dfjz.vJ1Q40f2H5zyNqFutFS}",
    );
    assert!(
        unlocked.users() == 1 && unlocked.warnings()[0].message.as_str().starts_with("without TLS")
    );
    let open = WebConfig::load(None).unwrap_or_else(|faults| panic!("{}", faults[0]));
    assert!(!open.uses_tls() && open.files().is_empty());
}

/// The known words at a place of the web config. The message about an unknown word lists them.
fn known_words(text: &str) -> BTreeSet<String> {
    let folder = Folder::new();
    let faults = folder.load(text).err().expect("refused");
    let list = faults.split("expected one of ").nth(1).unwrap_or_else(|| panic!("{faults}"));
    list.lines()
        .next()
        .expect("a line")
        .split(", ")
        .map(|word| word.trim_matches('`').to_owned())
        .collect()
}

#[test]
fn the_web_configuration_is_documented_with_every_key_and_an_example_that_works() {
    let section = section(&document("docs/configuration.md"), "## Web configuration");
    let mut keys = BTreeSet::new();
    for table in known_words("zzzzzzzzzzzz: 1") {
        match table.as_str() {
            "basic_auth_users" => assert!(keys.insert(table)),
            table => keys.extend(
                known_words(&format!("{table}: {{zzzzzzzzzzzz: 1}}"))
                    .iter()
                    .map(|key| format!("{table}.{key}")),
            ),
        }
    }
    let rows = rows(&section);
    assert_eq!(
        rows.keys().cloned().collect::<BTreeSet<_>>(),
        keys,
        "the page on the left, the program on the right"
    );
    for header in known_words("http_server_config: {headers: {Zzzzzzzzzzzz: 1}}") {
        assert!(rows["http_server_config.headers"][0].contains(&format!("`{header}`")), "{header}");
    }
    let (folder, authority) = (Folder::new(), Authority::new("ca"));
    let server = authority.issue("localhost", 2020, 2099);
    for (name, text) in [
        ("server.crt", &*server.pem),
        ("server.key", &server.key_pem()),
        ("clients.pem", authority.pem()),
    ] {
        folder.write(name, text);
    }
    let examples = blocks(&section, "yaml web-config");
    assert!(!examples.is_empty());
    for (_, example) in examples {
        let web_config = folder.web_config(&example);
        assert!(
            web_config.uses_tls() && web_config.users() == 1 && web_config.warnings().is_empty()
        );
        let hash = example
            .split("prometheus: ")
            .nth(1)
            .and_then(|rest| rest.split_whitespace().next())
            .expect("a hash");
        assert!(bcrypt::verify("change-me", hash).expect("a hash"));
    }
    let bounds = credwatch::web::Bounds::default();
    let expected = format!(
        "| Clients | {} connections, and {} on probe addresses; {} s for the TLS handshake, {} s \
         for a request or idle between two, {} s from",
        bounds.connections,
        bounds.probe_connections,
        bounds.handshake.as_secs(),
        bounds.head.as_secs(),
        bounds.answer.as_secs()
    );
    assert!(document("docs/scaling.md").contains(&expected), "{expected}");
}
