//! Endpoints that misbehave on purpose. Each has a free loopback port and its own thread.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A server on loopback. Dropping it fails the test if there was no connection.
pub struct Endpoint {
    port: u16,
    calls: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
    may_be_unused: bool,
}

impl Endpoint {
    /// Answers each request with these bytes and closes the connection.
    pub fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::serving(move |mut stream, requests| {
            requests.lock().expect("not poisoned").push(read_request(&mut stream));
            let _ = stream.write_all(&answer);
            let _ = stream.shutdown(std::net::Shutdown::Write);
            // A close with unread bytes would reset the connection before the client reads.
            let _ = stream.read_to_end(&mut Vec::new());
        })
    }

    /// Answers with a status line, JSON headers and this body.
    pub fn json(status: &str, body: &str) -> Self {
        Self::answering(http(status, "Content-Type: application/json\r\n", body.as_bytes()))
    }

    /// Answers with JSON by method and path, such as `GET /login`. `HERE` in a body becomes the
    /// address of this server. Status 0 means no answer; an unknown route gets 404.
    pub fn routing(routes: &[(&str, u16, &str)]) -> Self {
        let routes: Vec<(String, u16, String)> = routes
            .iter()
            .map(|(route, status, body)| ((*route).to_owned(), *status, (*body).to_owned()))
            .collect();
        Self::serving(move |mut stream, requests| {
            let here = format!("http://{}", stream.local_addr().expect("an address"));
            let request = read_request(&mut stream);
            let line = request.lines().next().unwrap_or_default();
            let route = line
                .rsplit_once(' ')
                .map_or(line, |(route, _)| route.split('?').next().unwrap_or(route))
                .to_owned();
            requests.lock().expect("not poisoned").push(request);
            let (status, body) = routes
                .iter()
                .find(|(known, _, _)| *known == route)
                .map_or((404, "{}"), |(_, status, body)| (*status, body));
            if status == 0 {
                let _ = stream.read_to_end(&mut Vec::new());
                return;
            }
            let answer = http(
                &format!("{status} X"),
                "Content-Type: application/json\r\nX-Session: session-of-the-tests\r\n",
                body.replace("HERE", &here).as_bytes(),
            );
            let _ = stream.write_all(&answer);
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = stream.read_to_end(&mut Vec::new());
        })
    }

    /// The method and path of each request so far.
    pub fn routes(&self) -> Vec<String> {
        self.requests()
            .iter()
            .map(|request| {
                request
                    .lines()
                    .next()
                    .and_then(|line| line.rsplit_once(' '))
                    .map_or_else(String::new, |(route, _)| route.to_owned())
            })
            .collect()
    }

    /// Calls `serve` for each connection.
    pub fn serving(serve: impl Fn(TcpStream, &Mutex<Vec<String>>) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (calls, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
        let (counter, kept, serve) = (Arc::clone(&calls), Arc::clone(&requests), Arc::new(serve));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counter.fetch_add(1, Ordering::SeqCst);
                let _ = stream.set_read_timeout(Some(Duration::from_secs(20)));
                let (kept, serve) = (Arc::clone(&kept), Arc::clone(&serve));
                std::thread::spawn(move || serve(stream, &kept));
            }
        });
        Self { port, calls, requests, may_be_unused: false }
    }

    /// Answers with a token over TLS, with this certificate.
    pub fn tls(identity: &Identity) -> Self {
        Self::tls_answering(identity, r#"{"access_token":"a-token-over-tls","expires_in":3600}"#)
    }

    /// Answers with this JSON body over TLS, with this certificate.
    pub fn tls_answering(identity: &Identity, body: &str) -> Self {
        Self::tls_with(identity.server(), body)
    }

    /// Answers with this JSON body over TLS, with these settings.
    pub fn tls_with(config: rustls::ServerConfig, body: &str) -> Self {
        let headers = "Content-Type: application/json\r\n";
        Self::tls_bytes(config, http("200 OK", headers, body.as_bytes()))
    }

    /// Answers with these bytes over TLS, with these settings.
    pub fn tls_bytes(config: rustls::ServerConfig, answer: Vec<u8>) -> Self {
        let config = Arc::new(config);
        Self::serving(move |stream, requests| {
            let Ok(connection) = rustls::ServerConnection::new(Arc::clone(&config)) else { return };
            let mut tls = rustls::StreamOwned::new(connection, stream);
            requests.lock().expect("not poisoned").push(read_request(&mut tls));
            let _ = tls.write_all(&answer);
            tls.conn.send_close_notify();
            let _ = tls.flush();
            let _ = tls.read_to_end(&mut Vec::new());
        })
    }

    /// Allows that there is no connection.
    pub fn that_must_not_be_called(mut self) -> Self {
        self.may_be_unused = true;
        self
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/token", self.port)
    }

    /// The number of connections so far.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// The requests so far: head and body.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("not poisoned").clone()
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        if !self.may_be_unused && !std::thread::panicking() {
            assert!(self.calls() > 0, "the endpoint on port {} was never called", self.port);
        }
    }
}

/// The bytes of a response, with a `Content-Length`.
pub fn http(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut answer = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )
    .into_bytes();
    answer.extend_from_slice(body);
    answer
}

/// Reads a request with its body.
pub fn read_request(stream: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_lowercase()
                        .strip_prefix("content-length:")?
                        .trim()
                        .parse::<usize>()
                        .ok()
                })
                .unwrap_or_default();
            if body.len() >= length {
                return text;
            }
        }
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return text,
            Ok(length) => bytes.extend_from_slice(&piece[..length]),
        }
    }
}

/// A private certificate authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    name: String,
}

/// A certificate with its key.
pub struct Identity {
    pub chain: Vec<CertificateDer<'static>>,
    key: KeyPair,
    pub pem: String,
    client_authority: Option<CertificateDer<'static>>,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("valid");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("signed");
        Self { pem: certificate.pem(), issuer: Issuer::new(params, key), name: name.to_owned() }
    }

    /// Issues a certificate for this name, valid from and until these years.
    pub fn issue(&self, subject: &str, from: i32, until: i32) -> Identity {
        self.issue_for(&[subject.to_owned()], from, until)
    }

    /// Issues a certificate for these names, valid from and until these years.
    pub fn issue_for(&self, names: &[String], from: i32, until: i32) -> Identity {
        let mut params = CertificateParams::new(names).expect("valid");
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        self.sign(&params)
    }

    /// Issues a certificate for this name that ends in so many days.
    pub fn issue_ending_in(&self, subject: &str, days: i32) -> Identity {
        let mut params = CertificateParams::new([subject.to_owned()]).expect("valid");
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        let day = Duration::from_secs(86_400) * days.unsigned_abs();
        let now = SystemTime::now();
        params.not_after = if days < 0 { now - day } else { now + day }.into();
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Identity {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("signed");
        Identity {
            chain: vec![certificate.der().clone()],
            pem: certificate.pem(),
            key,
            client_authority: None,
        }
    }

    /// A certificate of this authority, issued by another one and valid until this year.
    pub fn certified_by(&self, other: &Self, until: i32) -> CertificateDer<'static> {
        let mut params = CertificateParams::new(Vec::new()).expect("valid");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, self.name.clone());
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        params.signed_by(self.issuer.key(), &other.issuer).expect("signed").der().clone()
    }

    /// The certificate of the authority, as PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Writes the certificate of the authority to a file. Returns its path.
    pub fn file(&self, folder: &tempfile::TempDir) -> PathBuf {
        let path = folder.path().join(format!("{}.pem", self.name));
        std::fs::write(&path, &self.pem).expect("written");
        path
    }

    fn der(&self) -> CertificateDer<'static> {
        use rustls::pki_types::pem::PemObject;
        CertificateDer::from_pem_slice(self.pem.as_bytes()).expect("its own certificate")
    }
}

impl Identity {
    /// The server demands a client certificate of this authority.
    pub fn demanding(mut self, authority: &Authority) -> Self {
        self.client_authority = Some(authority.der());
        self
    }

    /// A self-signed certificate that may sign others, like those of `openssl req -x509`.
    pub fn self_signed(until: i32) -> Self {
        Self::self_signed_for("self.example", until)
    }

    /// The same, for this name.
    pub fn self_signed_for(name: &str, until: i32) -> Self {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("valid");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("signed");
        Self {
            chain: vec![certificate.der().clone()],
            pem: certificate.pem(),
            key,
            client_authority: None,
        }
    }

    /// The private key, as PEM.
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// A client that trusts this authority, sends this certificate if there is one, and supports
    /// these versions.
    pub fn client(
        trusted: &Authority,
        shown: Option<&Self>,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> Arc<rustls::ClientConfig> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(trusted.der()).expect("added");
        let builder = rustls::ClientConfig::builder_with_provider(credwatch::tls::crypto());
        let builder = builder
            .with_protocol_versions(versions)
            .expect("versions")
            .with_root_certificates(roots);
        Arc::new(match shown {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let key = PrivateKeyDer::try_from(identity.key.serialize_der()).expect("a key");
                builder.with_client_auth_cert(identity.chain.clone(), key).expect("fits")
            }
        })
    }

    /// Writes certificate and key to files. Returns their paths.
    pub fn files(&self, folder: &tempfile::TempDir) -> (PathBuf, PathBuf) {
        let (certificate, key) =
            (folder.path().join("client.pem"), folder.path().join("client.key"));
        std::fs::write(&certificate, &self.pem).expect("written");
        std::fs::write(&key, self.key.serialize_pem()).expect("written");
        (certificate, key)
    }

    /// A server with this certificate.
    pub fn server(&self) -> rustls::ServerConfig {
        self.server_with(rustls::ALL_VERSIONS)
    }

    /// A server with this certificate and these versions of TLS.
    pub fn server_with(
        &self,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> rustls::ServerConfig {
        let provider = credwatch::tls::crypto();
        let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .expect("versions");
        let builder = match &self.client_authority {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = rustls::RootCertStore::empty();
                roots.add(authority.clone()).expect("added");
                let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(
                    Arc::new(roots),
                    provider,
                )
                .build()
                .expect("built");
                builder.with_client_cert_verifier(verifier)
            }
        };
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).expect("a key");
        builder.with_single_cert(self.chain.clone(), key).expect("fits")
    }
}
