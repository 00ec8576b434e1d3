//! Certificates and handshakes.

use std::io::{Read, Write};

use credwatch::outcome::Outcome;

use super::{assert_failure, failure, probe};
use crate::support::endpoint::{Authority, Endpoint};

#[tokio::test]
async fn an_expired_certificate_is_tls_and_its_expiry_is_known() {
    let authority = Authority::new("authority");
    let folder = tempfile::tempdir().expect("a folder");
    let endpoint = Endpoint::tls(&authority.issue("127.0.0.1", 2019, 2020));
    let more = format!("tls.ca_file = {:?}", authority.file(&folder));
    let probe = probe(&format!("https://127.0.0.1:{}/token", endpoint.port()), &more).await;
    assert_failure(&probe, "network", "tls", "");
    assert_eq!(
        failure(&probe).message.as_str(),
        "the certificate expired on 2020-01-01 00:00:00 UTC"
    );
    assert_eq!(
        probe.certificate_expiry.map(|end| end.to_string()).as_deref(),
        Some("2020-01-01T00:00:00Z")
    );
}

#[tokio::test]
async fn a_certificate_for_another_name_is_tls() {
    let authority = Authority::new("authority");
    let folder = tempfile::tempdir().expect("a folder");
    let endpoint = Endpoint::tls(&authority.issue("other.example", 2020, 2099));
    let more = format!("tls.ca_file = {:?}", authority.file(&folder));
    let probe = probe(&format!("https://127.0.0.1:{}/token", endpoint.port()), &more).await;
    assert_failure(&probe, "network", "tls", "");
    assert!(
        failure(&probe).message.as_str().starts_with("the certificate is for another name"),
        "{}",
        failure(&probe).message.as_str()
    );
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_tls_unless_its_file_is_given() {
    let authority = Authority::new("authority");
    let folder = tempfile::tempdir().expect("a folder");
    let endpoint = Endpoint::tls(&authority.issue("127.0.0.1", 2020, 2099));
    let url = format!("https://127.0.0.1:{}/token", endpoint.port());
    let unknown = probe(&url, "").await;
    assert_failure(&unknown, "network", "tls", "");
    assert_eq!(
        failure(&unknown).message.as_str(),
        "the certificate is from an authority that this host does not trust"
    );
    let known = probe(&url, &format!("tls.ca_file = {:?}", authority.file(&folder))).await;
    assert!(matches!(known.outcome, Outcome::Issued(_)), "{known:?}");
    assert!(
        known.phases.tls > 0.0 && known.phases.connect > 0.0 && known.phases.processing > 0.0,
        "{:?}",
        known.phases
    );
    assert_eq!(
        known.certificate_expiry.map(|end| end.to_string()).as_deref(),
        Some("2099-01-01T00:00:00Z")
    );
}

#[tokio::test]
async fn an_insecure_provider_accepts_any_certificate_and_its_expiry_is_known() {
    let endpoint = Endpoint::tls(&Authority::new("authority").issue("other.example", 2019, 2020));
    let probe =
        probe(&format!("https://127.0.0.1:{}/token", endpoint.port()), "tls.insecure = true").await;
    assert!(matches!(probe.outcome, Outcome::Issued(_)), "{probe:?}");
    assert!(probe.certificate_expiry.is_some());
}

#[tokio::test]
async fn a_server_that_demands_a_client_certificate_gets_the_configured_one() {
    let (authority, folder) = (Authority::new("authority"), tempfile::tempdir().expect("a folder"));
    let endpoint = Endpoint::tls(&authority.issue("127.0.0.1", 2020, 2099).demanding(&authority));
    let url = format!("https://127.0.0.1:{}/token", endpoint.port());
    let ca = format!("tls.ca_file = {:?}", authority.file(&folder));
    let without = probe(&url, &ca).await;
    assert_failure(&without, "network", "tls", "");
    assert_eq!(
        failure(&without).message.as_str(),
        "the endpoint broke the handshake off: CertificateRequired"
    );
    let (certificate, key) = authority.issue("client.example", 2020, 2099).files(&folder);
    let with = probe(
        &url,
        &format!(
            "{ca}\ntls.client_certificate_file = {certificate:?}\ntls.client_key_file = {key:?}"
        ),
    )
    .await;
    assert!(matches!(with.outcome, Outcome::Issued(_)), "{with:?}");
}

#[tokio::test]
async fn plain_text_where_tls_is_expected_is_tls() {
    let endpoint = Endpoint::serving(|mut stream, _| {
        let _ = stream.read(&mut [0; 1]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        let _ = stream.read_to_end(&mut Vec::new());
    });
    assert_failure(
        &probe(&format!("https://127.0.0.1:{}/token", endpoint.port()), "").await,
        "network",
        "tls",
        "",
    );
}
