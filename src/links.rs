//! The links of the pages to other tools: the board of a provider, a silence for its alerts, and
//! the runbook of a reason. The configuration has their addresses.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The characters that need no escape in any part of a URL (RFC 3986, section 2.3).
pub const UNRESERVED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Where the name of the provider goes.
pub const PROVIDER: &str = "{provider}";

/// Where the reason goes.
pub const REASON: &str = "{reason}";

/// The addresses of `[web.links]`. They are checked already: each is a link that a browser opens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// The board of a provider, with [`PROVIDER`] for its name.
    pub board: Option<Box<str>>,
    /// Alertmanager, without a slash at the end.
    pub alertmanager: Option<Box<str>>,
    /// The runbook of a reason, with [`REASON`] for the reason.
    pub runbooks: Option<Box<str>>,
}

/// Whether the braces of an address are all this place, and stand after the host. A name must not
/// choose the host to which a link leads.
#[must_use]
pub fn has_only(address: &str, place: &str) -> bool {
    let authority = address.find("://").map_or(0, |scheme| scheme + 3);
    let host_ends = address[authority..].find(['/', '?', '#']).map(|length| authority + length);
    let is_after = |found: usize| host_ends.is_some_and(|end| end < found);
    let known = place.is_empty() || address.match_indices(place).all(|(found, _)| is_after(found));
    let rest = if place.is_empty() { address.to_owned() } else { address.replace(place, "") };
    known && !rest.contains(['{', '}'])
}

impl Links {
    /// The board of the provider with this name.
    #[must_use]
    pub fn board(&self, provider: &str) -> Option<String> {
        self.board.as_deref().map(|address| address.replace(PROVIDER, &escaped(provider)))
    }

    /// The form of Alertmanager for a silence of all alerts about a provider.
    #[must_use]
    pub fn silence(&self, provider: &str) -> Option<String> {
        let address = self.alertmanager.as_deref()?;
        let value = provider.replace('\\', "\\\\").replace('"', "\\\"");
        let matcher = escaped(&format!("{{provider=\"{value}\"}}"));
        Some(format!("{address}/#/silences/new?filter={matcher}"))
    }

    /// The runbook of the reason with this word.
    #[must_use]
    pub fn runbook(&self, reason: &str) -> Option<String> {
        self.runbooks.as_deref().map(|address| address.replace(REASON, &escaped(reason)))
    }
}

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_only_a_value_in_a_link() {
        let links = Links {
            board: Some("https://g.example/d/x?var-provider={provider}&a={provider}".into()),
            alertmanager: Some("https://a.example/am".into()),
            runbooks: Some("https://w.example/r#{reason}".into()),
        };
        assert_eq!(
            links.board("a&b=\"c d\""),
            Some(
                "https://g.example/d/x?var-provider=a%26b%3D%22c%20d%22&a=a%26b%3D%22c%20d%22"
                    .into()
            )
        );
        assert_eq!(
            links.silence("a\"\\b"),
            Some(
                "https://a.example/am/#/silences/new?filter=%7Bprovider%3D%22a%5C%22%5C%5Cb%22%7D"
                    .into()
            )
        );
        assert_eq!(links.runbook("dns"), Some("https://w.example/r#dns".into()));
        assert_eq!(Links::default().board("a"), None);
    }

    #[test]
    fn a_place_stands_after_the_host_and_no_other_braces_do() {
        for (address, expected) in [
            ("https://g.example/d/x?p={provider}", true),
            ("https://g.example?p={provider}", true),
            ("https://g.example/", true),
            ("https://{provider}.example/", false),
            ("https://g.example{provider}/", false),
            ("{provider}://g.example/", false),
            ("https://g.example/{name}", false),
            ("https://g.example/{provider", false),
            ("https://g.example/{{provider}}", false),
        ] {
            assert_eq!(has_only(address, PROVIDER), expected, "{address}");
        }
        assert!(has_only("https://a.example", "") && !has_only("https://a.example/{reason}", ""));
    }
}
