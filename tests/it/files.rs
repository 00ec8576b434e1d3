//! Files of the wrong kind and files that are too large; what the process keeps to itself.

use std::fmt::Write as _;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::fs::{CWD, Mode, mkfifoat};

use super::support::daemon::{Daemon, credwatch};
use super::support::endpoint::{Authority, Endpoint};
use super::support::wait_for;

const SECRET_BYTES: usize = 64 * 1024;

/// Things that are not regular files of a sensible size, with the message about each.
fn traps(folder: &Path) -> [(PathBuf, &'static str); 6] {
    let at = |name: &str| folder.join(name);
    mkfifoat(CWD, at("pipe"), Mode::RUSR | Mode::WUSR).expect("a pipe");
    symlink(at("pipe"), at("link")).expect("a link");
    drop(UnixListener::bind(at("socket")).expect("a socket"));
    std::fs::create_dir(at("folder")).expect("a folder");
    let sparse = std::fs::File::create(at("sparse")).expect("a file");
    sparse.set_len(30 << 30).expect("a sparse file");
    [
        (at("pipe"), "it is a pipe, not a file"),
        (at("link"), "it is a pipe, not a file"),
        (at("socket"), "it is a socket, not a file"),
        (at("folder"), "it is a directory, not a file"),
        (at("sparse"), "it is larger than"),
        (PathBuf::from("/dev/zero"), "it is a device, not a file"),
    ]
}

const PROVIDER: &str = "[providers.p]\nrecipe = \"oauth2-client-credentials\"\n\
                        parameters.token_url = \"http://127.0.0.1:1/\"\n\
                        credentials = { client_id = \"id\", client_secret = \"s\" }\n";

#[test]
fn each_file_of_a_configuration_is_refused_at_once_when_it_is_no_regular_file_or_too_large() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("credwatch.toml");
    for (path, message) in traps(folder.path()) {
        for text in [
            format!("recipe_files = [{path:?}]\n{PROVIDER}"),
            format!("provider_files = [{path:?}]\n{PROVIDER}"),
            format!("{PROVIDER}tls.ca_file = {path:?}\n"),
            format!(
                "{PROVIDER}tls.client_certificate_file = {path:?}\ntls.client_key_file = {path:?}\n"
            ),
        ] {
            std::fs::write(&config, &text).expect("written");
            let printed = checked(&config, None);
            assert!(printed.contains(message), "{text}\n{printed}");
        }
        std::fs::write(&config, PROVIDER).expect("written");
        let printed = checked(&config, Some(&path));
        assert!(printed.contains(message), "{}: {printed}", path.display());
    }
}

#[test]
fn a_check_of_certificate_files_does_not_read_the_certificates_of_the_system() {
    let folder = tempfile::tempdir().expect("a folder");
    // A program that opens it waits for a writer.
    let bundle = folder.path().join("bundle.pem");
    mkfifoat(CWD, &bundle, Mode::RUSR | Mode::WUSR).expect("a pipe");
    let config = folder.path().join("credwatch.toml");
    let authority = Authority::new("authority");
    let text = format!("{PROVIDER}tls.ca_file = {:?}\n", authority.file(&folder));
    std::fs::write(&config, text).expect("written");
    let mut command = credwatch();
    command.arg("check").arg("--config.file").arg(&config).env("SSL_CERT_FILE", &bundle);
    let mut child = command.stderr(Stdio::null()).spawn().expect("it starts");
    let ended = catch_unwind(AssertUnwindSafe(|| {
        wait_for("the end of the check", || child.try_wait().expect("it was not waited for"))
    }));
    let _ = child.kill();
    assert!(ended.is_ok_and(|status| status.success()));
}

/// What `credwatch check` prints about a configuration with faults.
fn checked(config: &Path, web_config: Option<&Path>) -> String {
    let mut command = credwatch();
    command.arg("check").arg(format!("--config.file={}", config.display()));
    if let Some(path) = web_config {
        command.arg(format!("--web.config.file={}", path.display()));
    }
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let output = child.wait_with_output().expect("it ends");
    assert!(!output.status.success());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

#[test]
fn a_secret_is_refused_when_its_source_is_no_regular_file_or_too_large_and_it_is_never_cut() {
    let endpoint = Endpoint::json("200 OK", "{}").that_must_not_be_called();
    let folder = tempfile::tempdir().expect("a folder");
    let large = "x".repeat(SECRET_BYTES + 1);
    std::fs::write(folder.path().join("large"), &large).expect("written");
    let mut sources = vec![
        ("{ env = \"LARGE\" }".to_owned(), "LARGE is larger than 64 KiB"),
        (format!("{{ file = {:?} }}", folder.path().join("large")), "it is larger than 64 KiB"),
        ("{ systemd = \"large\" }".to_owned(), "it is larger than 64 KiB"),
        (
            format!("{{ command = [\"/bin/cat\", {:?}] }}", folder.path().join("large")),
            "printed more than 64 KiB",
        ),
    ];
    for (path, message) in traps(folder.path()) {
        sources.push((format!("{{ file = {path:?} }}"), message));
    }
    let mut text = String::new();
    for (number, (source, _)) in sources.iter().enumerate() {
        let _ = writeln!(
            text,
            "[providers.p{number}]\nrecipe = \"oauth2-client-credentials\"\n\
             parameters.token_url = \"{}\"\ncredentials.client_id = \"id\"\n\
             credentials.client_secret = {source}",
            endpoint.url()
        );
    }
    let directory = folder.path().display().to_string();
    let environment = [("LARGE", large.as_str()), ("CREDENTIALS_DIRECTORY", &directory)];
    let daemon = Daemon::start_with(&text, &[], &environment);
    for (number, (source, message)) in sources.iter().enumerate() {
        let provider = format!("provider=p{number} ");
        let is_told = |line: &str| line.contains(&provider) && line.contains(message);
        wait_for(&format!("{message} for {source}"), || {
            daemon.log().lines().any(is_told).then_some(())
        });
    }
    assert_eq!(endpoint.calls(), 0, "no part of a secret was sent");
    let config = folder.path().join("inline.toml");
    std::fs::write(&config, PROVIDER.replace("\"s\"", &format!("{large:?}"))).expect("written");
    let printed = checked(&config, None);
    assert!(printed.contains("`client_secret` is larger than 64 KiB"), "{printed}");
}

#[test]
fn a_secret_of_just_64_kib_is_sent_as_a_whole() {
    let endpoint = Endpoint::json("200 OK", r#"{"access_token":"a-token-of-the-tests"}"#);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("secret");
    let secret = "x".repeat(SECRET_BYTES);
    std::fs::write(&file, &secret).expect("written");
    let text = format!(
        "[providers.p]\nrecipe = \"oauth2-client-credentials\"\n\
         parameters = {{ token_url = \"{}\", auth_method = \"client_secret_post\" }}\n\
         credentials = {{ client_id = \"id\", client_secret = {{ file = {file:?} }} }}\n",
        endpoint.url()
    );
    let daemon = Daemon::start(&text);
    daemon.wait_for_state("p", "healthy");
    assert!(endpoint.requests()[0].contains(&format!("client_secret={secret}")));
}

#[test]
fn the_daemon_leaves_no_core_dump_and_still_knows_its_own_figures() {
    let daemon = Daemon::start(PROVIDER);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", daemon.id())).expect("limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size"));
    let figures: Vec<&str> = core.expect("its limit").split_whitespace().skip(4).take(2).collect();
    assert_eq!(figures, ["0", "0"], "the soft and the hard limit");
    for name in ["process_open_fds", "process_resident_memory_bytes", "process_threads"] {
        assert!(daemon.sample(name).is_some_and(|value| value > 0.0), "{name}");
    }
}
