//! From YAML to plain data: checks keys and kinds of values and reports each fault with its place.
//!
//! The format is that of the Prometheus exporter-toolkit 0.17 (`web/tls_config.go`).

use super::definition::{File, Rate, Text, Tls};
use super::report::Report;
use super::yaml::{Key, Node, Value};
use crate::diagnostic::{Fault, Sentence, Shown, suggestion};
use crate::secret::{is_like_a_duration, is_plain_path};

/// The keys of `tls_server_config`.
const TLS_KEYS: [&str; 13] = [
    "cert", "cert_file", "cipher_suites", "client_allowed_sans", "client_auth_type", "client_ca",
    "client_ca_file", "curve_preferences", "key", "key_file", "max_version", "min_version",
    "prefer_server_cipher_suites",
];

/// All keys of the format. Faults show them.
pub const KEYS: [&str; 26] = [
    "basic_auth_users", "burst", "cert", "cert_file", "cipher_suites", "client_allowed_sans",
    "client_auth_type", "client_ca", "client_ca_file", "curve_preferences", "headers", "http2",
    "http_server_config", "interval", "key", "key_file", "max_version", "min_version",
    "prefer_server_cipher_suites", "rate_limit", "tls_server_config", "Strict-Transport-Security",
    "X-Content-Type-Options", "X-Frame-Options", "X-XSS-Protection", "Content-Security-Policy",
];

pub fn file(root: &Node, report: &mut Report) -> File {
    Reader { report }.file(root)
}

/// Whether a value is `{}`, which says more than a missing value.
fn is_empty_table(node: &Node) -> bool {
    matches!(&node.value, Value::Table(entries) if entries.is_empty())
}

struct Reader<'a> {
    report: &'a mut Report,
}

impl Reader<'_> {
    fn file(&mut self, root: &Node) -> File {
        let mut file = File::default();
        for (key, value) in self.members(
            root,
            &["basic_auth_users", "http_server_config", "rate_limit", "tls_server_config"],
        ) {
            match key.text.as_str() {
                "tls_server_config" => {
                    file.off.tls = is_empty_table(value);
                    file.tls = Tls { place: key.span.clone(), ..self.tls(value) }
                }
                "http_server_config" => file.headers = self.http(value),
                "rate_limit" => file.rate = Rate { place: key.span.clone(), ..self.rate(value) },
                _ => {
                    file.off.users = is_empty_table(value);
                    file.users = self.pairs(value);
                }
            }
        }
        let client_auth_type = file.tls.client_auth_type.as_ref();
        file.off.client_certificates =
            client_auth_type.is_some_and(|kind| kind.value == "NoClientCert");
        file
    }

    fn tls(&mut self, node: &Node) -> Tls {
        let mut tls = Tls::default();
        let before = self.report.faults.len();
        for (key, value) in self.members(node, &TLS_KEYS) {
            match key.text.as_str() {
                "cert" => tls.cert = self.text(value),
                "key" => tls.key = self.text(value),
                "client_ca" => tls.client_ca = self.text(value),
                "cert_file" => tls.cert_file = self.path(value),
                "key_file" => tls.key_file = self.path(value),
                "client_ca_file" => tls.client_ca_file = self.path(value),
                "client_auth_type" => tls.client_auth_type = self.text(value),
                "client_allowed_sans" if !matches!(value.value, Value::Null) => {
                    tls.client_allowed_sans = Some((key.span.clone(), self.texts(value)));
                }
                "cipher_suites" => tls.cipher_suites = self.texts(value),
                "curve_preferences" => tls.curve_preferences = self.texts(value),
                "min_version" => tls.min_version = self.word(value),
                "max_version" => tls.max_version = self.word(value),
                // The order of the server always applies, as in Go since 1.17.
                "prefer_server_cipher_suites" => self.flag(value),
                _ => {}
            }
        }
        tls.damaged = self.report.faults.len() > before;
        tls
    }

    fn http(&mut self, node: &Node) -> Vec<(Text, Text)> {
        let mut headers = Vec::new();
        for (key, value) in self.members(node, &["headers", "http2"]) {
            match key.text.as_str() {
                "headers" => headers = self.pairs(value),
                // The server uses HTTP/1 in any case: `true` is only the default of the format.
                _ => self.flag(value),
            }
        }
        headers
    }

    fn rate(&mut self, node: &Node) -> Rate {
        let mut rate = Rate::default();
        for (key, value) in self.members(node, &["burst", "interval"]) {
            self.reveal_if(value, |text| text.len() <= 5 && text.parse::<f64>().is_ok());
            let whole = match &value.value {
                Value::Scalar { text, plain: true } => text.parse().ok(),
                _ => None,
            };
            match (key.text.as_str(), whole) {
                ("interval", _) => {
                    self.reveal_if(value, is_like_a_duration);
                    rate.interval = self.text(value);
                }
                (_, Some(burst)) => rate.burst = Some((value.span.clone(), burst)),
                (_, None) if matches!(value.value, Value::Null) => {}
                (_, None) => {
                    self.unexpected(value, "a whole number");
                    // Prevents a second report about the burst.
                    rate.burst = Some((value.span.clone(), 1));
                }
            }
        }
        rate
    }

    /// Lets faults show a value that has the form which its key asks for.
    fn reveal_if(&self, node: &Node, has_form: impl Fn(&str) -> bool) {
        if matches!(&node.value, Value::Scalar { text, .. } if has_form(text)) {
            self.report.source.reveal(node.span.clone());
        }
    }

    fn unexpected(&mut self, node: &Node, expected: &'static str) {
        self.report.faults.push(Fault::error(
            &self.report.source,
            node.span.clone(),
            Sentence::fill("expected {}, found {}", [expected.into(), node.kind().into()]),
        ));
    }

    /// The entries with known keys; reports the others.
    fn members<'n>(&mut self, node: &'n Node, known: &[&str]) -> Vec<(&'n Key, &'n Node)> {
        let mut members = Vec::new();
        for (key, value) in self.entries(node) {
            if known.contains(&key.text.as_str()) {
                members.push((key, value));
            } else {
                let shown = Shown::near(&key.text, KEYS.iter().copied());
                self.report.error(
                    &key.span,
                    Sentence::naming("unknown key `{}`", shown, "unknown key"),
                    suggestion(&key.text, known.iter().copied()),
                );
            }
        }
        members
    }

    /// The entries of a table without duplicates, which it reports.
    fn entries<'n>(&mut self, node: &'n Node) -> Vec<(&'n Key, &'n Node)> {
        let mut entries: Vec<(&Key, &Node)> = Vec::new();
        match &node.value {
            Value::Null => {}
            Value::Table(all) => {
                for (key, value) in all {
                    if entries.iter().any(|(seen, _)| seen.text == key.text) {
                        self.report.error(&key.span, "this key is there twice", "keep one of them");
                    } else {
                        entries.push((key, value));
                    }
                }
            }
            _ => {
                self.unexpected(node, "a table, that is lines with `key: value`");
            }
        }
        entries
    }

    fn pairs(&mut self, node: &Node) -> Vec<(Text, Text)> {
        let mut pairs = Vec::new();
        for (key, value) in self.entries(node) {
            let name = Text { value: key.text.clone(), span: key.span.clone() };
            match &value.value {
                Value::Null => {
                    pairs.push((name, Text { value: String::new(), span: key.span.clone() }));
                }
                Value::Scalar { text, .. } => {
                    pairs.push((name, Text { value: text.clone(), span: value.span.clone() }));
                }
                _ => {
                    self.unexpected(value, "a string");
                }
            }
        }
        pairs
    }

    /// A text; `None` if it is empty. Numbers and booleans are texts too.
    fn text(&mut self, node: &Node) -> Option<Text> {
        self.word(node).filter(|text| !text.value.is_empty())
    }

    /// A text, even an empty one.
    fn word(&mut self, node: &Node) -> Option<Text> {
        match &node.value {
            Value::Null => None,
            Value::Scalar { text, .. } => {
                Some(Text { value: text.clone(), span: node.span.clone() })
            }
            _ => {
                self.unexpected(node, "a string");
                None
            }
        }
    }

    /// The path of a file. Pasted content of the file is hidden, because it may be a private key.
    fn path(&mut self, node: &Node) -> Option<Text> {
        self.reveal_if(node, is_plain_path);
        let text = self.text(node)?;
        if text.value.contains('\n') || text.value.contains("-----") {
            self.report.error(
                &text.span,
                "expected the path of a file, found its content",
                "give a path, or use the key without `_file`",
            );
            return None;
        }
        Some(text)
    }

    fn texts(&mut self, node: &Node) -> Vec<Text> {
        match &node.value {
            Value::Null => Vec::new(),
            Value::Array(items) => items.iter().filter_map(|item| self.word(item)).collect(),
            _ => {
                self.unexpected(node, "an array");
                Vec::new()
            }
        }
    }

    /// Checks that this is a boolean, in any of the forms of YAML 1.1.
    fn flag(&mut self, node: &Node) {
        const WORDS: [&str; 8] = ["y", "n", "yes", "no", "on", "off", "true", "false"];
        let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
        let is_one = |text: &str| {
            WORDS
                .iter()
                .any(|word| text == *word || text == word.to_uppercase() || text == capital(word))
        };
        let fine = match &node.value {
            Value::Null => true,
            Value::Scalar { text, plain } => *plain && is_one(text),
            _ => false,
        };
        if !fine {
            self.unexpected(node, "true or false");
        }
    }
}
