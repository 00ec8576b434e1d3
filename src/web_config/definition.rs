//! The web config as plain data, before it is checked.

use std::ops::Range;

/// A text with its place. May be a secret, so it cannot be printed.
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
    /// `tls_server_config`.
    pub tls: Tls,
    /// `http_server_config.headers`: names and values.
    pub headers: Vec<(Text, Text)>,
    /// `basic_auth_users`: names and bcrypt hashes.
    pub users: Vec<(Text, Text)>,
    /// `rate_limit`.
    pub rate: Rate,
}

/// `tls_server_config`. A text that is left empty is not there, as in the toolkit.
#[derive(Default)]
pub struct Tls {
    /// Where the table is named.
    pub place: Range<usize>,
    /// Whether something of it could not be read, so that what is missing may only have been lost.
    pub damaged: bool,
    /// The certificate with its chain, in PEM form.
    pub cert: Option<Text>,
    /// The private key, in PEM form.
    pub key: Option<Text>,
    /// The authorities of clients, in PEM form.
    pub client_ca: Option<Text>,
    /// The file with the certificate.
    pub cert_file: Option<Text>,
    /// The file with the private key.
    pub key_file: Option<Text>,
    /// The file with the authorities of clients.
    pub client_ca_file: Option<Text>,
    /// Whether clients show a certificate, and whether it is verified.
    pub client_auth_type: Option<Text>,
    /// The names of which one must be in the certificate of a client.
    pub client_allowed_sans: Option<(Range<usize>, Vec<Text>)>,
    /// Cipher suites of TLS 1.2, by their names in Go.
    pub cipher_suites: Vec<Text>,
    /// Groups for the key exchange, by their names in Go.
    pub curve_preferences: Vec<Text>,
    /// The oldest version.
    pub min_version: Option<Text>,
    /// The newest version.
    pub max_version: Option<Text>,
}

/// `rate_limit`.
#[derive(Default)]
pub struct Rate {
    /// Where the table is named.
    pub place: Range<usize>,
    /// After how long another request is allowed, in the notation of Go.
    pub interval: Option<Text>,
    /// How many requests may come at once.
    pub burst: Option<(Range<usize>, u32)>,
}
