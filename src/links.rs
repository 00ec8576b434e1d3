//! Links that people click, and those of the pages to other tools: the board of a provider, a
//! silence for its alerts, and the runbook of a reason. The configuration has their addresses.

use std::ops::{Deref, Range};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

/// The longest link, in bytes. It is a label.
const LONGEST: usize = 500;

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

/// A link that people click. A browser opens the host that a person reads in it, and it holds no
/// login.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Link(Box<str>);

impl Link {
    /// The link that this text is; `None` when it is none.
    #[must_use]
    pub fn checked(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let is_plain = authority(text).is_some()
            && url.username().is_empty()
            && url.password().is_none()
            && !text.contains(|c: char| c.is_whitespace() || c.is_control());
        (is_plain && text.len() <= LONGEST).then(|| Self(text.into()))
    }

    /// Its host, as browsers show it.
    #[must_use]
    pub fn host(&self) -> Option<String> {
        Url::parse(&self.0).ok()?.host_str().map(str::to_owned)
    }
}

impl Deref for Link {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// The part of an address that names the host. Browsers also find a host in `https:a`, `https:/a`,
/// `https:///a` and behind `\`, where people and [`has_only`] would not look for one.
fn authority(address: &str) -> Option<Range<usize>> {
    let scheme = ["https://", "http://"].into_iter().find(|scheme| {
        address.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    })?;
    let rest = &address[scheme.len()..];
    let length = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    (length > 0 && !address.contains('\\')).then(|| scheme.len()..scheme.len() + length)
}

/// Whether the braces of an address are all this place, and stand after the host. A name must not
/// choose the host to which a link leads.
#[must_use]
pub fn has_only(address: &str, place: &str) -> bool {
    let host = authority(address);
    let is_after = |found: usize| host.as_ref().is_some_and(|host| host.end < found);
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
            ("https:/{provider}.example/", false),
            ("https:///{provider}/", false),
            ("https:{provider}/", false),
            ("https://g.example\\{provider}/x", false),
        ] {
            assert_eq!(has_only(address, PROVIDER), expected, "{address}");
        }
        assert!(has_only("https://a.example", "") && !has_only("https://a.example/{reason}", ""));
    }

    #[test]
    fn a_link_leads_to_the_host_that_a_person_reads_in_it() {
        let long = |bytes: usize| format!("https://a.example/{}", "x".repeat(bytes - 18));
        let (longest, longer) = (long(500), long(501));
        for (text, host) in [
            ("https://a.example/x?y#z", Some("a.example")),
            ("HTTP://a.example:8080", Some("a.example")),
            ("https://[2001:db8::1]/", Some("[2001:db8::1]")),
            ("https://b\u{fc}cher.example/", Some("xn--bcher-kva.example")),
            (&longest, Some("a.example")),
            (&longer, None),
            ("https:evil.example", None),
            ("https:/evil.example/y", None),
            ("https:///evil.example/", None),
            ("https:\\\\evil.example/", None),
            ("https://a.example\\@evil.example/", None),
            ("https://a.example@evil.example/", None),
            ("https://:x@evil.example/", None),
            ("https://a.example/x y", None),
            ("https://a.exam\tple/", None),
            ("\u{1}https://a.example/", None),
            ("javascript://a.example/%0aalert(1)", None),
            ("//a.example/", None),
            ("https://", None),
            ("https://?x", None),
        ] {
            let link = Link::checked(text);
            assert_eq!(link.and_then(|link| link.host()).as_deref(), host, "{text}");
        }
    }
}
