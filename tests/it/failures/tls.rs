//! Certificates and handshakes.

use std::io::{Read, Write};
use std::sync::Arc;

use credwatch::outcome::{Detail, Outcome, Probe, TlsProblem};
use credwatch::probe::Validity;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, SignatureScheme};

use super::{assert_failure, failure, probe};
use crate::support::endpoint::{Authority, Endpoint, Identity, http};

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
        "the certificate expired on 2020-01-01 00:00:00 UTC (subject CN=rcgen self signed cert; \
         issuer CN=authority; names: 127.0.0.1)"
    );
    assert_eq!(failure(&probe).detail, Detail::Tls(TlsProblem::Expired));
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
    assert_eq!(
        failure(&probe).message.as_str(),
        "the certificate is for another name than 127.0.0.1 (subject CN=rcgen self signed cert; \
         issuer CN=authority; names: other.example)"
    );
    assert_eq!(failure(&probe).detail, Detail::Tls(TlsProblem::WrongName));
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
        "the endpoint does not send the certificate of the issuer CN=authority, and this host does \
         not trust it: an intermediate certificate is missing, or `tls.ca_file` (subject CN=rcgen \
         self signed cert; issuer CN=authority; names: 127.0.0.1)"
    );
    assert_eq!(failure(&unknown).detail, Detail::Tls(TlsProblem::UnknownIssuer));
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
    assert_failure(&without, "credential", "certificate", "");
    assert_eq!(
        failure(&without).message.as_str(),
        "the endpoint demands a client certificate (TLS alert certificate_required), and \
         `tls.client_certificate_file` is not set"
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
    assert_eq!(
        with.client_certificate_expiry.map(|end| end.to_string()).as_deref(),
        Some("2099-01-01T00:00:00Z")
    );
}

/// The keys of a provider with this client certificate.
fn presenting(identity: &Identity, ca: &std::path::Path, folder: &tempfile::TempDir) -> String {
    let (certificate, key) = identity.files(folder);
    format!(
        "tls.ca_file = '{}'\ntls.client_certificate_file = '{}'\ntls.client_key_file = '{}'",
        ca.display(),
        certificate.display(),
        key.display()
    )
}

#[tokio::test]
async fn a_refused_client_certificate_is_blamed_on_the_credential_in_each_version_of_tls() {
    let (authority, folder) = (Authority::new("authority"), tempfile::tempdir().expect("a folder"));
    let ca = authority.file(&folder);
    let server = authority.issue("127.0.0.1", 2020, 2099).demanding(&authority);
    let expired = authority.issue("client.example", 2019, 2020);
    let stranger = Authority::new("stranger").issue("client.example", 2020, 2099);
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        for alpn in ["http/1.1", "h2"] {
            for (identity, alert, end) in [
                (&expired, "certificate_expired", ": our client certificate expired on 2020-01-01"),
                (&stranger, "unknown_ca", ", which is valid until 2099-01-01"),
            ] {
                let mut config = server.server_with(&[version]);
                config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
                let endpoint = Endpoint::tls_with(config, "{}");
                let url = format!("https://127.0.0.1:{}/token", endpoint.port());
                let probe = probe(&url, &presenting(identity, &ca, &folder)).await;
                assert_failure(&probe, "credential", "certificate", "");
                let message = failure(&probe).message.as_str();
                let start = "the endpoint refuses our client certificate";
                // HTTP/2 keeps only the kind of an error of TLS 1.3.
                let told = [format!(" (TLS alert {alert})"), String::new()];
                assert!(
                    told.iter().any(|told| message.starts_with(&format!("{start}{told}{end}"))),
                    "{version:?} {alpn}: {message}"
                );
            }
        }
    }
}

/// Asks for a client certificate and accepts each, as nginx does with `optional_no_ca`.
#[derive(Debug)]
struct AnyCertificate;

impl ClientCertVerifier for AnyCertificate {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }
    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        credwatch::tls::crypto().signature_verification_algorithms.supported_schemes()
    }
}

#[tokio::test]
async fn a_refusal_by_status_is_blamed_on_our_client_certificate_only_when_that_has_ended() {
    let (authority, folder) = (Authority::new("authority"), tempfile::tempdir().expect("a folder"));
    let ca = authority.file(&folder);
    let server = authority.issue("127.0.0.1", 2020, 2099);
    let answer = http("400 Bad Request", "", b"<title>The SSL certificate error</title>");
    let config = |asks: bool| {
        if !asks {
            return server.server();
        }
        let key = rustls::pki_types::PrivateKeyDer::from_pem_slice(server.key_pem().as_bytes());
        rustls::ServerConfig::builder_with_provider(credwatch::tls::crypto())
            .with_protocol_versions(rustls::ALL_VERSIONS)
            .expect("versions")
            .with_client_cert_verifier(Arc::new(AnyCertificate))
            .with_single_cert(server.chain.clone(), key.expect("a key"))
            .expect("fits")
    };
    for (asks, until, class, reason) in [
        (true, 2020, "credential", "certificate"),
        (true, 2099, "credential", "rejected"),
        (false, 2020, "credential", "rejected"),
    ] {
        let endpoint = Endpoint::tls_bytes(config(asks), answer.clone());
        let url = format!("https://127.0.0.1:{}/token", endpoint.port());
        let identity = authority.issue("client.example", 2019, until);
        let probe = probe(&url, &presenting(&identity, &ca, &folder)).await;
        assert_failure(&probe, class, reason, "http_400");
        let told = failure(&probe).message.as_str().contains("our client certificate expired on");
        assert_eq!(told, asks && until == 2020);
    }
}

#[test]
fn a_certificate_without_an_end_is_valid_until_the_last_time() {
    let mut params = rcgen::CertificateParams::new(vec!["a.example".to_owned()]).expect("valid");
    params.not_after = rcgen::date_time_ymd(9999, 12, 31);
    let certificate = params.self_signed(&rcgen::KeyPair::generate().expect("a key"));
    let validity = Validity::of(certificate.expect("signed").der()).expect("it is read");
    assert_eq!(validity.until, jiff::Timestamp::MAX);
}

#[tokio::test]
async fn an_own_certificate_in_the_file_of_authorities_is_trusted_for_its_name_and_time() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, until, problem) in [
        ("127.0.0.1", 2099, None),
        ("127.0.0.1", 2021, Some("the certificate expired on 2021-01-01")),
        ("other.example", 2099, Some("the certificate is for another name than 127.0.0.1")),
    ] {
        let identity = Identity::self_signed_for(name, until);
        let file = folder.path().join("own.pem");
        std::fs::write(&file, &identity.pem).expect("written");
        let endpoint = Endpoint::tls(&identity);
        let url = format!("https://127.0.0.1:{}/token", endpoint.port());
        let trusting = probe(&url, &format!("tls.ca_file = {file:?}")).await;
        match problem {
            None => assert!(matches!(trusting.outcome, Outcome::Issued(_)), "{trusting:?}"),
            Some(problem) => {
                assert_failure(&trusting, "network", "tls", "");
                let message = failure(&trusting).message.as_str();
                assert!(message.starts_with(problem), "{message}");
            }
        }
    }
    let endpoint = Endpoint::tls(&Identity::self_signed_for("127.0.0.1", 2099));
    let unknown = probe(&format!("https://127.0.0.1:{}/token", endpoint.port()), "").await;
    let message = failure(&unknown).message.as_str();
    assert!(message.contains("put this very certificate into `tls.ca_file`"), "{message}");
}

#[tokio::test]
async fn the_shown_expiry_is_that_of_the_verified_path() {
    let (authority, folder) = (Authority::new("authority"), tempfile::tempdir().expect("a folder"));
    let ca = format!("tls.ca_file = {:?}", authority.file(&folder));
    let mut identity = authority.issue("127.0.0.1", 2020, 2098);
    // The old certificate of an authority that is trusted by another one.
    identity.chain.push(authority.certified_by(&Authority::new("old root"), 2021));
    let endpoint = Endpoint::tls(&identity);
    let url = format!("https://127.0.0.1:{}/token", endpoint.port());
    let issued = probe(&url, &ca).await;
    assert!(matches!(issued.outcome, Outcome::Issued(_)), "{issued:?}");
    let end = |probe: &Probe| probe.certificate_expiry.map(|end| end.to_string());
    assert_eq!(end(&issued).as_deref(), Some("2098-01-01T00:00:00Z"));
    let refused = probe(&url, "").await;
    assert_failure(&refused, "network", "tls", "");
    assert_eq!(end(&refused).as_deref(), Some("2098-01-01T00:00:00Z"));
}

#[tokio::test]
async fn a_certificate_without_names_says_so() {
    let (authority, folder) = (Authority::new("authority"), tempfile::tempdir().expect("a folder"));
    let more = format!("tls.ca_file = {:?}", authority.file(&folder));
    let endpoint = Endpoint::tls(&authority.issue_for(&[], 2020, 2099));
    let nameless = probe(&format!("https://127.0.0.1:{}/token", endpoint.port()), &more).await;
    let message = failure(&nameless).message.as_str();
    assert!(message.starts_with("the certificate is for no host: it has no subject"), "{message}");
    let names: Vec<String> = (0..300).map(|number| format!("h{number}.example")).collect();
    let endpoint = Endpoint::tls(&authority.issue_for(&names, 2020, 2099));
    let other = probe(&format!("https://127.0.0.1:{}/token", endpoint.port()), &more).await;
    let message = failure(&other).message.as_str();
    assert!(
        message.ends_with("names: h0.example, h1.example, h2.example and 297 more)"),
        "{message}"
    );
}

#[tokio::test]
async fn a_key_or_certificate_that_cannot_be_used_is_a_fault_of_this_host() {
    let (authority, folder) = (Authority::new("authority"), tempfile::tempdir().expect("a folder"));
    let ca = authority.file(&folder);
    let identity = authority.issue("client.example", 2020, 2099);
    let more = presenting(&identity, &ca, &folder);
    let (_, key) = identity.files(&folder);
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nQUJD\n-----END ENCRYPTED PRIVATE \
                     KEY-----\n";
    for (text, problem) in [
        (encrypted.to_owned(), "the private key in it is encrypted"),
        (identity.pem.clone(), "it is a certificate; there is no private key in it"),
        (String::new(), "there is no private key in it"),
        (
            authority.issue("client.example", 2020, 2099).key_pem(),
            "it is an EC key (P-256), but not the key of the first certificate in",
        ),
    ] {
        std::fs::write(&key, text).expect("written");
        let probe = probe("https://127.0.0.1:1/token", &more).await;
        assert_failure(&probe, "config", "secret", "");
        let message = failure(&probe).message.as_str();
        assert!(message.contains(problem), "{message}");
    }
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
