//! Which hosts and origins a request may name.
//!
//! A page of another site can give its own name the address of the daemon (DNS rebinding). The
//! browser then lets that page read what the daemon answers. Only the name in the request shows it.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::http::uri::Authority as Target;
use axum::http::{HeaderMap, Method, Request, Version, header};
use url::Url;

use super::authority::{Authority, External, Origin};

/// The paths that accept every host beside that of the metrics: scrapers and supervisors name the
/// daemon in many ways.
const EXEMPT: [&str; 3] = ["/healthz", "/livez", "/readyz"];

/// The path of GET requests that start probes.
const PROBE: &str = "/probe";

/// The header in which a browser says how a request relates to the site of the page.
const FETCH_SITE: &str = "sec-fetch-site";

/// The hosts that the flags allow.
#[derive(Clone, Default)]
pub struct Hosts {
    /// `None` without the flag.
    allowed: Option<Names>,
    external: Option<External>,
}

/// The allowed names of one listener.
#[derive(Clone)]
enum Names {
    Any,
    Loopback,
    Listed(Vec<Authority>),
}

/// The rule of one listener.
#[derive(Clone)]
pub struct HostRule {
    names: Names,
    external: Option<Origin>,
    telemetry_path: Arc<str>,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It names no host or several.
    Unclear,
    /// It names a host that is not allowed.
    Host,
    /// A page of another site sends it.
    Origin,
}

impl Hosts {
    /// The hosts of `--web.allowed-hosts`, of which `*` allows all, and the host of
    /// `--web.external-url`.
    ///
    /// # Errors
    /// A sentence about the first value that cannot be read.
    pub fn new(allowed: &[String], external_url: Option<&str>) -> Result<Self, String> {
        let external = external_url.map(external).transpose()?;
        let listed: Result<Vec<_>, String> = allowed.iter().map(|text| listed(text)).collect();
        let allowed = match allowed {
            [] => None,
            some if some.iter().any(|text| text == "*") => Some(Names::Any),
            _ => Some(Names::Listed(listed?)),
        };
        Ok(Self { allowed, external })
    }

    /// The URL of `--web.external-url`.
    #[must_use]
    pub fn external(&self) -> Option<&External> {
        self.external.as_ref()
    }

    /// The rule of a listener at this address. Without `--web.allowed-hosts`, listeners on loopback
    /// accept loopback names, and all others accept every host.
    #[must_use]
    pub fn rule(&self, listener: SocketAddr, telemetry_path: &Arc<str>) -> HostRule {
        let names = match &self.allowed {
            Some(names) => names.clone(),
            None if listener.ip().to_canonical().is_loopback() => Names::Loopback,
            None => Names::Any,
        };
        let telemetry_path = Arc::clone(telemetry_path);
        let external = self.external.as_ref().map(|external| external.origin.clone());
        HostRule { names, external, telemetry_path }
    }
}

impl HostRule {
    /// Checks the host and the origin of a request.
    ///
    /// # Errors
    /// Why the request is refused.
    pub fn check<B>(&self, request: &Request<B>) -> Result<(), Refusal> {
        let named = named(request);
        // Only HTTP/1.0 allows a request without a host. Browsers do not send one.
        let has_none = request.version() <= Version::HTTP_10
            && request.uri().authority().is_none()
            && !request.headers().contains_key(header::HOST);
        let path = request.uri().path();
        let is_exempt = EXEMPT.contains(&path) || *path == *self.telemetry_path;
        if !is_exempt && !matches!(self.names, Names::Any) && !has_none {
            let named = named.as_ref().ok_or(Refusal::Unclear)?;
            if !named.iter().all(|host| self.allows(host)) {
                return Err(Refusal::Host);
            }
        }
        if [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method()) {
            // `/probe` changes nothing here, but it can send a request to the provider.
            let starts_probe = request.uri().path() == PROBE;
            let refused = starts_probe && is_of_foreign_site(request.headers());
            return if refused { Err(Refusal::Origin) } else { Ok(()) };
        }
        self.check_origin(request.headers(), named.as_deref().and_then(<[_]>::first))
    }

    fn allows(&self, host: &Authority) -> bool {
        let listed = match &self.names {
            Names::Any => true,
            Names::Loopback => host.name.is_loopback(),
            Names::Listed(listed) => listed.iter().any(|listed| listed.accepts(host)),
        };
        listed || self.external.as_ref().is_some_and(|external| external.name == host.name)
    }

    /// Programs send no `Origin`; browsers always send it with a request that changes something.
    fn check_origin(&self, headers: &HeaderMap, host: Option<&Authority>) -> Result<(), Refusal> {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let foreign_site = is_of_foreign_site(headers);
        let Some(origin) = origins.next() else {
            return if foreign_site { Err(Refusal::Origin) } else { Ok(()) };
        };
        let origin = origin.to_str().ok().and_then(|text| Origin::of(&Url::parse(text).ok()?));
        let origin = origin.filter(|_| origins.next().is_none()).ok_or(Refusal::Origin)?;
        let own = host.is_some_and(|host| origin.is_of(host)) && !foreign_site;
        if own || self.external.as_ref() == Some(&origin) { Ok(()) } else { Err(Refusal::Origin) }
    }
}

/// Whether a browser says that a page of another site, or of another origin, sends the request.
fn is_of_foreign_site(headers: &HeaderMap) -> bool {
    let own = ["same-origin", "none"].map(str::as_bytes);
    headers.get_all(FETCH_SITE).iter().any(|site| !own.contains(&site.as_bytes()))
}

/// All hosts that a request names: in its target and in `Host`. `None` when a name cannot be read,
/// when `Host` is missing, and when it is there twice (RFC 9112, section 3.2).
fn named<B>(request: &Request<B>) -> Option<Vec<Authority>> {
    let mut headers = request.headers().get_all(header::HOST).iter();
    let header = headers.next().filter(|_| headers.next().is_none());
    let target = request.uri().authority().map(Target::as_str);
    let texts = target.into_iter().map(Some).chain([header.and_then(|host| host.to_str().ok())]);
    texts.map(|text| Authority::parse(text?)).collect()
}

/// One host of `--web.allowed-hosts`.
fn listed(text: &str) -> Result<Authority, String> {
    // The names of browsers are ASCII: they send `xn--mnchen-3ya.example` for `münchen.example`.
    let ascii = if text.is_ascii() {
        Ok(text.to_owned())
    } else {
        url::Host::parse(text).map(|host| host.to_string())
    };
    ascii
        .ok()
        .filter(|ascii| !ascii.contains('*'))
        .and_then(|ascii| Authority::parse(&ascii))
        .ok_or_else(|| {
            format!(
                "{text:?} is no host, such as watch.example or 192.0.2.7; `*` stands only alone, \
                 for every host"
            )
        })
}

/// The URL of `--web.external-url`.
fn external(text: &str) -> Result<External, String> {
    let url = Url::parse(text).ok().filter(|url| {
        ["http", "https"].contains(&url.scheme())
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    });
    url.as_ref()
        .and_then(External::of)
        .ok_or_else(|| format!("{text:?} is no URL, such as https://watch.example/credwatch/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: &str = "127.0.0.1:9797";

    fn rule(allowed: &[&str], external: Option<&str>, listener: &str) -> HostRule {
        let allowed: Vec<String> = allowed.iter().map(|text| (*text).to_owned()).collect();
        let hosts = Hosts::new(&allowed, external).expect("valid");
        hosts.rule(listener.parse().expect("an address"), &"/metrics".into())
    }

    fn check(rule: &HostRule, method: &str, target: &str, headers: &[(&str, &str)]) -> u8 {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        match rule.check(&request.body(()).expect("a request")) {
            Ok(()) => b'+',
            Err(Refusal::Unclear) => b'?',
            Err(Refusal::Host) => b'h',
            Err(Refusal::Origin) => b'o',
        }
    }

    #[track_caller]
    fn assert_hosts(rule: &HostRule, cases: &[(&str, u8)]) {
        for (host, expected) in cases {
            assert_eq!(check(rule, "GET", "/", &[("host", host)]), *expected, "{host}");
        }
    }

    #[test]
    fn a_listener_on_loopback_accepts_only_loopback_names() {
        for listener in [LOOPBACK, "[::1]:1", "127.9.9.9:1", "[::ffff:127.0.0.1]:1"] {
            assert_hosts(
                &rule(&[], None, listener),
                &[
                    ("localhost", b'+'),
                    ("LocalHost.:9797", b'+'),
                    ("127.0.0.1:1", b'+'),
                    ("127.255.1.2", b'+'),
                    ("[::1]:9797", b'+'),
                    ("[0:0:0:0:0:0:0:1]", b'+'),
                    ("[::ffff:127.0.0.1]", b'+'),
                    ("localhost:", b'+'),
                    ("evil.example", b'h'),
                    ("localhost.evil.example", b'h'),
                    ("evil-localhost", b'h'),
                    ("127.0.0.1.evil.example:9797", b'h'),
                    ("0.0.0.0:9797", b'h'),
                    ("127.1", b'h'),
                    ("2130706433", b'h'),
                    ("[::2]", b'h'),
                    ("192.168.0.1", b'h'),
                    ("localhost@evil.example", b'?'),
                    ("localhost:99999", b'?'),
                    ("localhost:+80", b'?'),
                    ("localhost:80:80", b'?'),
                    ("localhost..", b'h'),
                    ("::1", b'?'),
                    ("[::1", b'?'),
                    ("[::1]x", b'?'),
                    ("localhost/", b'?'),
                    ("localhost, evil.example", b'?'),
                    ("", b'?'),
                    (".", b'?'),
                ],
            );
        }
    }

    #[test]
    fn other_listeners_accept_every_host_unless_a_list_is_given() {
        for listener in ["0.0.0.0:9797", "[::]:9797", "192.0.2.7:9797"] {
            let open = rule(&[], None, listener);
            assert_hosts(&open, &[("evil.example", b'+'), ("a b", b'+'), ("", b'+')]);
            assert_eq!(check(&open, "GET", "/", &[]), b'+');
            let listed = rule(
                &[
                    "Watch.example", "192.0.2.7:9797", "[2001:db8::7]", "münchen.example",
                    "plain.example:80", "tls.example:443",
                ],
                None,
                listener,
            );
            assert_hosts(
                &listed,
                &[
                    ("watch.example.", b'+'),
                    ("WATCH.EXAMPLE:1", b'+'),
                    ("192.0.2.7:9797", b'+'),
                    ("[2001:DB8:0::7]:80", b'+'),
                    ("xn--mnchen-3ya.example", b'+'),
                    ("plain.example", b'+'),
                    ("plain.example:80", b'+'),
                    ("plain.example:443", b'h'),
                    ("tls.example:", b'+'),
                    ("tls.example:9797", b'h'),
                    ("192.0.2.7", b'h'),
                    ("192.0.2.7:9798", b'h'),
                    ("localhost", b'h'),
                    ("a.watch.example", b'h'),
                ],
            );
        }
        assert_hosts(&rule(&["*"], None, LOOPBACK), &[("evil.example", b'+')]);
    }

    #[test]
    fn every_host_that_a_request_names_must_be_allowed() {
        let rule = rule(&[], None, LOOPBACK);
        let host = |hosts: &[&'static str]| -> Vec<_> {
            hosts.iter().map(|host| ("host", *host)).collect()
        };
        for (target, hosts, expected) in [
            ("http://localhost/", &["localhost"][..], b'+'),
            ("http://evil.example/", &["localhost"], b'h'),
            ("http://localhost/", &["evil.example"], b'h'),
            ("http://localhost@evil.example/", &["localhost"], b'?'),
            ("http://localhost/", &[], b'?'),
            ("/", &[], b'?'),
            ("/", &["localhost", "localhost"], b'?'),
            ("/", &["localhost", "evil.example"], b'?'),
        ] {
            assert_eq!(check(&rule, "GET", target, &host(hosts)), expected, "{target} {hosts:?}");
        }
        for path in EXEMPT.into_iter().chain(["/metrics"]) {
            for hosts in [&["evil.example"][..], &[], &["a", "b"]] {
                assert_eq!(check(&rule, "GET", path, &host(hosts)), b'+', "{path} {hosts:?}");
            }
        }
        for path in ["/metrics/", "//metrics", "/probe", "/sd/prometheus", "/api/v1/providers"] {
            assert_eq!(check(&rule, "GET", path, &host(&["evil.example"])), b'h', "{path}");
        }
    }

    #[test]
    fn a_request_without_a_host_is_accepted_in_http_1_0_only() {
        let rule = rule(&[], None, LOOPBACK);
        for (version, host, expected) in [
            (Version::HTTP_10, None, Ok(())),
            (Version::HTTP_11, None, Err(Refusal::Unclear)),
            (Version::HTTP_10, Some("evil.example"), Err(Refusal::Host)),
            (Version::HTTP_10, Some(""), Err(Refusal::Unclear)),
        ] {
            let mut request = Request::builder().version(version);
            if let Some(host) = host {
                request = request.header(header::HOST, host);
            }
            let request = request.body(()).expect("a request");
            assert_eq!(rule.check(&request), expected, "{version:?} {host:?}");
        }
    }

    #[test]
    fn the_host_of_the_external_url_is_always_allowed() {
        let external = Some("https://Watch.example/credwatch/");
        for allowed in [&[][..], &["other.example"]] {
            let rule = rule(allowed, external, LOOPBACK);
            assert_hosts(&rule, &[("watch.example:443", b'+'), ("evil.example", b'h')]);
        }
    }

    #[test]
    fn a_page_of_another_site_cannot_change_anything() {
        let rule = rule(&[], Some("https://watch.example/"), LOOPBACK);
        for (host, origin, site, expected) in [
            ("localhost:9797", None, None, b'+'),
            ("localhost:9797", Some("http://localhost:9797"), Some("same-origin"), b'+'),
            ("localhost:9797", Some("http://LOCALHOST:9797"), None, b'+'),
            ("127.0.0.1", Some("http://127.0.0.1"), None, b'+'),
            ("127.0.0.1:443", Some("https://127.0.0.1"), None, b'+'),
            ("127.0.0.1:9797", Some("https://watch.example"), Some("cross-site"), b'+'),
            ("localhost:9797", None, Some("none"), b'+'),
            ("localhost:9797", Some("null"), None, b'o'),
            ("localhost:9797", Some(""), None, b'o'),
            ("localhost:9797", Some("http://localhost:3000"), None, b'o'),
            ("localhost:9797", Some("http://localhost"), None, b'o'),
            ("localhost:9797", Some("http://127.0.0.1:9797"), None, b'o'),
            ("localhost:9797", Some("http://evil.example"), None, b'o'),
            ("localhost:9797", Some("http://watch.example"), None, b'o'),
            ("localhost:9797", Some("chrome-extension://localhost:9797"), None, b'o'),
            ("localhost:9797", Some("file://"), None, b'o'),
            ("localhost:9797", None, Some("cross-site"), b'o'),
            ("localhost:9797", Some("http://localhost:9797"), Some("same-site"), b'o'),
        ] {
            let mut headers = vec![("host", host)];
            headers.extend(origin.map(|origin| ("origin", origin)));
            headers.extend(site.map(|site| (FETCH_SITE, site)));
            for method in ["POST", "PUT", "DELETE", "PATCH"] {
                assert_eq!(check(&rule, method, "/-/reload", &headers), expected, "{headers:?}");
            }
            assert_eq!(check(&rule, "GET", "/", &headers), b'+', "reading is not restricted");
            let own = site.is_none_or(|site| ["same-origin", "none"].contains(&site));
            for method in ["GET", "HEAD"] {
                let found = check(&rule, method, "/probe?provider=p", &headers);
                assert_eq!(found, if own { b'+' } else { b'o' }, "{headers:?}");
            }
        }
        let twice = [("host", "a"), ("origin", "http://a"), ("origin", "http://a")];
        assert_eq!(check(&rule, "POST", "/metrics", &twice), b'o');
    }

    #[test]
    fn unusable_flags_are_refused() {
        for text in [
            "", "a b", "https://watch.example", "watch.example/", "[::1", "a:b", "*.watch.example",
            "watch.*", "*:443", "**", "*.münchen.example",
        ] {
            assert!(Hosts::new(&[text.to_owned()], None).is_err(), "{text}");
        }
        for text in ["", "watch.example", "ftp://watch.example", "http://u@x/", "http://x/?q", "/x"]
        {
            assert!(Hosts::new(&[], Some(text)).is_err(), "{text}");
        }
    }
}
