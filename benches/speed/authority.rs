//! A private certificate authority with a chain of two certificates, like those of public
//! authorities. The root has a P-384 key, so a client verifies one signature of that kind.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, SanType,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::Result;

/// The file with the certificate of the root.
pub const ROOT: &str = "root.pem";

/// Creates root, intermediate and leaf, and writes the root to `folder`. Returns the configuration
/// of the server. A session cannot be resumed, so each handshake is full.
pub fn server(folder: &Path) -> Result<ServerConfig> {
    let root_key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384)?;
    let root = authority("credwatch bench root")?;
    std::fs::write(folder.join(ROOT), root.self_signed(&root_key)?.pem())?;
    let root = Issuer::new(root, root_key);
    let intermediate_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let intermediate = authority("credwatch bench intermediate")?;
    let intermediate_certificate = intermediate.signed_by(&intermediate_key, &root)?;
    let intermediate = Issuer::new(intermediate, intermediate_key);
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut leaf = CertificateParams::new(vec!["localhost".to_owned()])?;
    for address in [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)] {
        leaf.subject_alt_names.push(SanType::IpAddress(address));
    }
    let chain = vec![
        leaf.signed_by(&key, &intermediate)?.der().clone(),
        intermediate_certificate.der().clone(),
    ];
    let key = PrivateKeyDer::try_from(key.serialize_der())?;
    let mut config = ServerConfig::builder_with_provider(credwatch::tls::crypto())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.send_tls13_tickets = 0;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn authority(name: &str) -> Result<CertificateParams> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}

/// A client configuration that trusts only this root, with the cryptography provider of credwatch.
pub fn client(root: &Path) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(root)?)?;
    let builder = ClientConfig::builder_with_provider(credwatch::tls::crypto())
        .with_safe_default_protocol_versions()?;
    let mut config = builder.with_root_certificates(Arc::new(roots)).with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
