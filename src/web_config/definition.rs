//! The web config as plain data, before it is checked.

use std::ops::Range;

/// A text with its place. It can be a secret, so it has no `Debug`.
#[derive(Clone)]
pub struct Text {
    /// The text without quotes and escapes.
    pub value: String,
    /// Its bytes in the file.
    pub span: Range<usize>,
}

/// The whole file.
#[derive(Default)]
pub struct File {
    pub tls: Tls,
    /// `http_server_config.headers`: names and values.
    pub headers: Vec<(Text, Text)>,
    /// `basic_auth_users`: names and bcrypt hashes.
    pub users: Vec<(Text, Text)>,
    pub rate: Rate,
    /// What the file switches off in so many words.
    pub off: Off,
}

/// The protection that a file switches off in so many words. A reload must not take it away when a
/// key is only missing, because the file may have been cut.
#[derive(Clone, Copy, Default)]
pub struct Off {
    /// `tls_server_config: {}`
    pub tls: bool,
    /// `basic_auth_users: {}`
    pub users: bool,
    /// `client_auth_type: NoClientCert`
    pub client_certificates: bool,
}

/// `tls_server_config`. An empty text is `None`, as in the exporter-toolkit.
#[derive(Default)]
pub struct Tls {
    /// The place of its key.
    pub place: Range<usize>,
    /// Whether a part was unreadable, so that a missing key is not reported again.
    pub damaged: bool,
    /// The certificate with its chain, in PEM form.
    pub cert: Option<Text>,
    /// The private key, in PEM form.
    pub key: Option<Text>,
    /// The authorities of clients, in PEM form.
    pub client_ca: Option<Text>,
    pub cert_file: Option<Text>,
    pub key_file: Option<Text>,
    pub client_ca_file: Option<Text>,
    pub client_auth_type: Option<Text>,
    /// The accepted names in client certificates.
    pub client_allowed_sans: Option<(Range<usize>, Vec<Text>)>,
    /// Cipher suites of TLS 1.2, by their names in Go.
    pub cipher_suites: Vec<Text>,
    /// Groups for the key exchange, by their names in Go.
    pub curve_preferences: Vec<Text>,
    pub min_version: Option<Text>,
    pub max_version: Option<Text>,
}

/// `rate_limit`.
#[derive(Default)]
pub struct Rate {
    /// The place of its key.
    pub place: Range<usize>,
    /// The time for one more request, as a Go duration.
    pub interval: Option<Text>,
    /// The most requests at once.
    pub burst: Option<(Range<usize>, u32)>,
}
