//! The client certificate of a provider: its end is told everywhere, and a new one counts at once.

use std::time::Duration;

use credwatch::probe::Prober;
use rustix::process::Signal;

use super::support::daemon::{Daemon, credwatch};
use super::support::endpoint::{Authority, Endpoint};
use super::support::{self, wait_for};

/// A provider with the client certificate in these files.
fn provider(url: &str, (certificate, key): &(std::path::PathBuf, std::path::PathBuf)) -> String {
    format!(
        "[providers.p]\nrecipe = \"oauth2-client-credentials\"\ninterval = \"1h\"\n\
         confirm_after = \"50ms\"\nparameters.token_url = \"{url}\"\n\
         credentials = {{ client_id = \"id\", client_secret = \"any\" }}\n\
         tls.client_certificate_file = '{}'\ntls.client_key_file = '{}'\n",
        certificate.display(),
        key.display()
    )
}

#[tokio::test(start_paused = true)]
async fn another_client_certificate_counts_as_a_changed_secret_and_a_copied_file_does_not() {
    let (authority, folder) = (Authority::new("ours"), tempfile::tempdir().expect("a folder"));
    let issue = || authority.issue("client.example", 2020, 2099);
    let first = issue();
    let files = first.files(&folder);
    let provider = support::provider(&provider("https://127.0.0.1:1/", &files));
    let prober = Prober::new();
    let read = async || {
        // The files are not looked at again within a second.
        tokio::time::advance(Duration::from_secs(1)).await;
        prober.credentials(&provider).await.expect("they can be read")
    };
    let before = read().await;
    let copy = folder.path().join("copy.pem");
    std::fs::copy(&files.0, &copy).expect("copied");
    std::fs::rename(&copy, &files.0).expect("renamed");
    assert_eq!(read().await, before);
    let second = issue();
    std::fs::write(&files.0, &second.pem).expect("written");
    assert_eq!(read().await, before, "its key is missing");
    second.files(&folder);
    let after = read().await;
    assert_ne!(after, before);
    std::fs::write(&files.0, second.pem.clone() + authority.pem()).expect("written");
    assert_ne!(read().await, after, "the chain is longer");
    first.files(&folder);
    assert_eq!(read().await, before);
}

/// A certificate of X.509 version 1, of the key of the demo. OpenSSL makes such ones by default:
/// `openssl x509 -req -in client.csr -signkey client.key`.
const VERSION_1: &str = "\
-----BEGIN CERTIFICATE-----
MIIBOzCB4gIBBzAKBggqhkjOPQQDAjApMScwJQYDVQQDDB5wYXJ0bmVyLWFwaSBj
bGllbnQgb2YgdGhlIGRlbW8wIBcNMjYxMTMwMTU0MjIzWhgPMjEyNjExMDYxNTQy
MjNaMCkxJzAlBgNVBAMMHnBhcnRuZXItYXBpIGNsaWVudCBvZiB0aGUgZGVtbzBZ
MBMGByqGSM49AgEGCCqGSM49AwEHA0IABPQUV+f2CQgnTEIBlMAawmHq3eD6+jOA
qmr006qhdQO0zTsV61wTA7+1648k7mDKyZBaAoHTGrAImlw3Pf9YiRIwCgYIKoZI
zj0EAwIDSAAwRQIhAI3JN5kvim1taMXrY6oQcOLBY6li0d9aQh438CSz8190AiBU
txVP68ISjY4kFHCcp/2pOHXJRUULSDqZ8UBJlz+geA==
-----END CERTIFICATE-----
";

#[tokio::test]
async fn a_client_certificate_of_version_1_is_used_with_its_own_key_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = ["client.pem", "client.key"].map(|name| folder.path().join(name));
    std::fs::write(&files[0], VERSION_1).expect("written");
    let key = support::repository("src/fake/ended.key");
    std::fs::copy(key, &files[1]).expect("copied");
    let [certificate, key] = files;
    let files = (certificate, key);
    let provider = support::provider(&provider("https://127.0.0.1:1/", &files));
    assert!(Prober::new().credentials(&provider).await.is_some());
    let other = Authority::new("ours").issue("client.example", 2020, 2099);
    std::fs::write(&files.1, other.key_pem()).expect("written");
    assert!(Prober::new().credentials(&provider).await.is_none(), "the key of another one");
}

#[test]
fn the_end_of_a_client_certificate_is_known_after_a_restart_and_a_new_file_ends_the_back_off() {
    let endpoint = Endpoint::json("401 Unauthorized", r#"{"error":"invalid_client"}"#);
    let (authority, folder) = (Authority::new("ours"), tempfile::tempdir().expect("a folder"));
    let issue = |until| authority.issue("client.example", 2020, until).files(&folder);
    let files = issue(2099);
    let place = tempfile::tempdir().expect("a folder");
    std::fs::write(place.path().join("credwatch.toml"), provider(&endpoint.url(), &files))
        .expect("written");
    let state = place.path().join("state");
    std::fs::create_dir(&state).expect("made");
    let storage = format!("--storage.path={}", state.display());
    let start = |place| Daemon::start_in(place, &[&*storage], &[]);
    let series = "credwatch_credential_expiry_timestamp_seconds{provider=\"p\",credential=\
                  \"tls.client_certificate_file\",source=\"certificate\"}";

    let daemon = start(place);
    daemon.wait_for_state("p", "broken");
    let asked = endpoint.calls();
    let daemon = start(daemon.stop());
    daemon.wait_for_state("p", "broken");
    // `date -ud 2099-01-01 +%s`
    assert_eq!(daemon.sample(series), Some(4_070_908_800.0));
    let answer = daemon.get("/api/v1/providers/p").body;
    let member = "\"client_certificate_expires\":\"2099-01-01T00:00:00Z\"";
    assert!(answer.contains(member), "{answer}");
    let page = daemon.get("/providers/p").body;
    assert!(page.contains("Client certificate expires"), "{page}");
    assert_eq!(endpoint.calls(), asked, "nothing was asked after the restart");

    let place = daemon.stop();
    issue(2098);
    let daemon = start(place);
    wait_for("it to be asked again", || (endpoint.calls() > asked).then_some(()));
    // `date -ud 2098-01-01 +%s`
    wait_for("the new end", || daemon.sample(series).filter(|end| *end < 4.04e9));

    std::fs::write(
        daemon.folder().join("credwatch.toml"),
        provider(&endpoint.url(), &files)
            .lines()
            .filter(|line| !line.starts_with("tls"))
            .collect::<Vec<_>>()
            .join("\n"),
    )
    .expect("written");
    daemon.signal(Signal::HUP);
    wait_for("the series to disappear", || daemon.sample(series).is_none().then_some(()));
    let answer = daemon.get("/api/v1/providers/p").body;
    assert!(!answer.contains("client_certificate_expires"), "{answer}");
}

#[test]
fn check_warns_of_a_client_certificate_that_has_ended_or_ends_within_thirty_days() {
    let (authority, folder) = (Authority::new("ours"), tempfile::tempdir().expect("a folder"));
    let file = folder.path().join("credwatch.toml");
    for (days, warns) in [(-1, "expired on "), (29, "ends on "), (31, "")] {
        let files = authority.issue_ending_in("client.example", days).files(&folder);
        std::fs::write(&file, provider("https://127.0.0.1:1/", &files)).expect("written");
        let config = format!("--config.file={}", file.display());
        let output = credwatch().args(["check", &config]).output().expect("it runs");
        assert_eq!(output.status.code(), Some(0), "{days}");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        let sentence = "warning: the provider `p`: our client certificate ";
        if warns.is_empty() {
            assert!(!told.contains("certificate"), "{told}");
        } else {
            assert!(told.contains(&format!("{sentence}{warns}")), "{days}: {told}");
            let hint = "renew the certificate in `tls.client_certificate_file`";
            assert!(told.contains(hint), "{told}");
        }
    }
}
