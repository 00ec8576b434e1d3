//! The proxy of a request: from the configuration, or from the environment as curl reads it.

use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::percent_decode_str;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use secrecy::zeroize::Zeroizing;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant as Deadline, timeout_at};
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use super::headers::USER_AGENT;
use crate::outcome::{Code, Detail, Failure, Reason};
use crate::provider::Proxy;

/// The most bytes of a proxy's answer to CONNECT, as in the HTTP library.
const LARGEST_ANSWER: usize = 8 * 1024;

/// The proxies of one client.
#[derive(Default)]
pub struct Proxies {
    http: Option<Url>,
    https: Option<Url>,
    direct: Vec<Direct>,
}

/// An entry of `no_proxy`: what is reached without a proxy.
#[derive(Debug, PartialEq)]
enum Direct {
    All,
    /// This name and all names below it, in lower case and without dots around it.
    Name(String),
    /// The addresses with these first bits.
    Network(IpAddr, u32),
}

impl Proxies {
    /// The proxies of these settings. `variable` returns environment variables.
    ///
    /// # Errors
    /// A sentence that shows no value, because a proxy can have a login.
    pub fn new(proxy: &Proxy, variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let first = |names: &[&'static str]| {
            let values = names.iter().map(|name| (*name, variable(name).unwrap_or_default()));
            values
                .map(|(name, value)| (name, value.trim().to_owned()))
                .find(|(_, value)| !value.is_empty())
        };
        let proxy_of = |names: &[&'static str]| {
            first(names).map(|(name, value)| address(name, &value)).transpose()
        };
        match proxy {
            Proxy::Direct => Ok(Self::default()),
            Proxy::Url(url) => {
                let url = address("proxy", url)?;
                Ok(Self { http: Some(url.clone()), https: Some(url), direct: Vec::new() })
            }
            Proxy::Environment => Ok(Self {
                http: proxy_of(&["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])?,
                https: proxy_of(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])?,
                direct: match first(&["no_proxy", "NO_PROXY"]) {
                    Some((name, list)) => directs(name, &list)?,
                    None => Vec::new(),
                },
            }),
        }
    }

    /// Whether no request has a proxy.
    pub fn is_empty(&self) -> bool {
        self.http.is_none() && self.https.is_none()
    }

    /// Whether a proxy is reached by TLS.
    pub fn speak_tls(&self) -> bool {
        self.http.iter().chain(&self.https).any(speaks_tls)
    }

    /// The proxy for a request to this URL.
    pub fn of(&self, url: &Url) -> Option<&Url> {
        let proxy = if url.scheme() == "http" { &self.http } else { &self.https };
        let host = url.host()?;
        proxy.as_ref().filter(|_| !self.direct.iter().any(|entry| entry.has(&host)))
    }
}

fn address(name: &str, value: &str) -> Result<Url, String> {
    let whole = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
    let no_url =
        || format!("`{name}` is no URL of an HTTP proxy; write it as `http://proxy.example:3128`");
    let url = Url::parse(&whole).map_err(|_| no_url())?;
    match url.scheme() {
        "http" | "https" if url.host_str().is_some_and(|host| !host.is_empty()) => Ok(url),
        "socks4" | "socks4a" | "socks5" | "socks5h" => Err(format!(
            "`{name}` is a SOCKS proxy, which credwatch cannot use; set `proxy` to an HTTP proxy"
        )),
        _ => Err(no_url()),
    }
}

/// The entries of a list, separated by commas or blanks.
fn directs(name: &str, list: &str) -> Result<Vec<Direct>, String> {
    if list == "*" {
        return Ok(vec![Direct::All]);
    }
    let entries = list.split(|character: char| character == ',' || character.is_whitespace());
    let entries = entries.filter(|entry| !entry.is_empty()).enumerate();
    let entries = entries.map(|(number, entry)| {
        direct(entry).ok_or_else(|| {
            format!(
                "entry {} of `{name}` is neither a name such as `corp.example`, nor an address, \
                 nor a network such as `10.0.0.0/8`; an entry has no port, and `*` stands alone",
                number + 1
            )
        })
    });
    entries.collect()
}

fn direct(entry: &str) -> Option<Direct> {
    if let Some((address, bits)) = entry.split_once('/') {
        let (address, bits) = (address.parse().ok()?, bits.parse().ok()?);
        return (bits <= length(address)).then_some(Direct::Network(address, bits));
    }
    let plain = entry.strip_prefix('[').and_then(|entry| entry.strip_suffix(']')).unwrap_or(entry);
    if let Ok(address) = plain.parse() {
        return Some(Direct::Network(address, length(address)));
    }
    let name = entry.trim_start_matches('.').trim_end_matches('.').to_lowercase();
    let is_name = |character: char| character.is_alphanumeric() || "-_.".contains(character);
    (!name.is_empty() && name.chars().all(is_name)).then_some(Direct::Name(name))
}

/// The bits of an address.
fn length(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// An address as a number.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

impl Direct {
    fn has(&self, host: &Host<&str>) -> bool {
        let address = match host {
            Host::Domain(host) => {
                let host = host.trim_end_matches('.');
                return match self {
                    Self::All => true,
                    Self::Network(..) => false,
                    Self::Name(name) => host
                        .strip_suffix(name.as_str())
                        .is_some_and(|above| above.is_empty() || above.ends_with('.')),
                };
            }
            Host::Ipv4(address) => IpAddr::from(*address),
            Host::Ipv6(address) => IpAddr::from(*address),
        };
        match self {
            Self::All => true,
            Self::Name(_) => false,
            Self::Network(network, bits) => {
                network.is_ipv4() == address.is_ipv4()
                    && (number(*network) ^ number(address))
                        .checked_shr(length(address) - bits)
                        .unwrap_or(0)
                        == 0
            }
        }
    }
}

/// Whether a proxy is reached by TLS.
pub fn speaks_tls(proxy: &Url) -> bool {
    proxy.scheme() == "https"
}

/// The failure when the TLS handshake with a proxy failed. `failure` blames the endpoint.
pub fn without_tls(proxy: &Url, failure: Failure) -> Failure {
    let problem = match failure.reason {
        Reason::Tls => failure.message.as_str(),
        Reason::Certificate => "it demands a client certificate, and a proxy gets none",
        _ => return failure,
    };
    let message = format!("no TLS with the proxy {}: {problem}", place(proxy));
    Failure::new(Reason::Tls, &message).detail(Detail::Proxy)
}

/// The failure of a request that a proxy refused with this status, or without a readable one.
pub fn refused(proxy: &Url, status: Option<u16>) -> Failure {
    let place = place(proxy);
    let Some(status) = status else {
        let message = format!("no connection: the proxy {place} opened no tunnel");
        return Failure::new(Reason::Connect, &message).detail(Detail::Proxy);
    };
    let hint = match status {
        407 => "; it wants a login, as in `http://USER:PASSWORD@HOST:PORT`",
        _ => "",
    };
    let message =
        format!("no connection: the proxy {place} refused the request with status {status}{hint}");
    let code = Code::clean(&format!("proxy_{status}")).unwrap_or_default();
    Failure::new(Reason::Connect, &message).code(code).detail(Detail::Proxy)
}

/// Host and port of a URL, without a login.
fn place(url: &Url) -> String {
    let port = url.port_or_known_default().unwrap_or_default();
    format!("{}:{port}", url.host_str().unwrap_or_default())
}

/// Asks a proxy once more for the tunnel that it refused, because the HTTP library does not tell
/// the status. Returns the status of its answer; `None` when there is none before `deadline`.
pub async fn refusal(
    proxy: &Url,
    target: &Url,
    tls: &Arc<ClientConfig>,
    deadline: Deadline,
) -> Option<u16> {
    let host = place(target);
    let mut request = Zeroizing::new(format!(
        "CONNECT {host} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {USER_AGENT}\r\n"
    ));
    if !proxy.username().is_empty() || proxy.password().is_some() {
        let decoded = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
        let login = [decoded(proxy.username()), decoded(proxy.password().unwrap_or_default())];
        let login = Zeroizing::new(login.join(&b':'));
        request.push_str("Proxy-Authorization: Basic ");
        BASE64_STANDARD.encode_string(&*login, &mut request);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    let answer = async {
        let connection = TcpStream::connect(place(proxy)).await.ok()?;
        if !speaks_tls(proxy) {
            return ask(connection, &request).await;
        }
        let name = proxy.host_str()?.trim_matches(['[', ']']).to_owned();
        let connector = TlsConnector::from(Arc::clone(tls));
        let connection = connector.connect(ServerName::try_from(name).ok()?, connection).await;
        ask(connection.ok()?, &request).await
    };
    timeout_at(deadline, answer).await.ok()?
}

/// Sends a request and reads the status of its answer.
async fn ask(mut connection: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> Option<u16> {
    connection.write_all(request.as_bytes()).await.ok()?;
    connection.flush().await.ok()?;
    let mut answer = Vec::new();
    while !answer.contains(&b'\n') && answer.len() < LARGEST_ANSWER {
        if connection.read_buf(&mut answer).await.ok()? == 0 {
            return None;
        }
    }
    status(&answer)
}

/// The status of an answer in HTTP/1 that refuses (RFC 9112, section 4).
fn status(answer: &[u8]) -> Option<u16> {
    let status = answer.strip_prefix(b"HTTP/1.")?.get(2..5)?;
    let status: u16 = std::str::from_utf8(status).ok()?.parse().ok()?;
    (100..600).contains(&status).then_some(status).filter(|status| *status != 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Result<Proxies, String> {
        Proxies::new(&Proxy::Environment, |name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    /// curl 7.88.1: `no_proxy=ENTRY http_proxy=http://127.0.0.1:1 curl -v http://HOST/`.
    #[test]
    fn the_list_of_hosts_without_a_proxy_is_read_as_curl_reads_it() {
        for (list, direct, proxied) in [
            ("*", "a.test 10.0.0.1 [::1]", ""),
            ("corp.test", "corp.test a.corp.test A.CORP.TEST corp.test.", "notcorp.test test"),
            (".corp.test", "corp.test a.corp.test", "notcorp.test"),
            ("corp.test.", "corp.test", "a.test"),
            ("a.test, b.test c.test", "a.test b.test c.test", "d.test"),
            ("10.0.0.1", "10.0.0.1", "10.0.0.2 a.test"),
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1 [a00::]"),
            ("10.0.0.7/31,0.0.0.0/0", "10.0.0.6 192.0.2.1", "[::1]"),
            ("::1,fe80::/10", "[::1] [fe80::1] [febf::1]", "[::2] [fec0::1]"),
            ("", "", "a.test"),
        ] {
            let proxies = environment(&[("NO_PROXY", list), ("ALL_PROXY", "p.test:3128")]);
            let proxies = proxies.unwrap_or_else(|problem| panic!("{list}: {problem}"));
            for (hosts, expected) in [(direct, None), (proxied, Some("http://p.test:3128/"))] {
                for host in hosts.split(' ').filter(|host| !host.is_empty()) {
                    for url in [format!("http://{host}/x"), format!("https://{host}:8443/x")] {
                        let proxy = proxies.of(&Url::parse(&url).expect("a URL"));
                        assert_eq!(proxy.map(Url::as_str), expected, "{list}: {url}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_variable_that_has_no_effect_is_refused_without_its_value() {
        for (name, value, problem) in [
            ("NO_PROXY", "a.test, *.corp.test", "entry 2 of `NO_PROXY` is neither"),
            ("no_proxy", "a.test:8080", "entry 1 of `no_proxy` is neither"),
            ("no_proxy", "*,a.test", "entry 1 of `no_proxy` is neither"),
            ("no_proxy", "10.0.0.0/33", "entry 1 of `no_proxy` is neither"),
            ("no_proxy", "https://a.test", "entry 1 of `no_proxy` is neither"),
            ("HTTPS_PROXY", "http://a b", "`HTTPS_PROXY` is no URL of an HTTP proxy"),
            ("https_proxy", "ftp://p.test", "`https_proxy` is no URL of an HTTP proxy"),
            ("all_proxy", "socks5://p.test:1080", "`all_proxy` is a SOCKS proxy"),
        ] {
            let refused = environment(&[(name, value)]).err().unwrap_or_default();
            assert!(refused.starts_with(problem) && !refused.contains(".test"), "{refused}");
        }
    }

    #[test]
    fn lower_case_comes_first_and_an_empty_variable_counts_as_absent() {
        let url = |scheme: &str| Url::parse(&format!("{scheme}://a.test/")).expect("a URL");
        let of = |variables: &[(&str, &str)], scheme: &str| {
            let proxies = environment(variables).unwrap_or_else(|problem| panic!("{problem}"));
            proxies.of(&url(scheme)).map(ToString::to_string)
        };
        let variables = [("https_proxy", ""), ("HTTPS_PROXY", "http://upper.test:1")];
        assert_eq!(of(&variables, "https").as_deref(), Some("http://upper.test:1/"));
        let variables = [("all_proxy", "all.test:2"), ("http_proxy", "u:p@one.test:3")];
        assert_eq!(of(&variables, "http").as_deref(), Some("http://u:p@one.test:3/"));
        assert_eq!(of(&variables, "https").as_deref(), Some("http://all.test:2/"));
        let variables = [("HTTP_PROXY", "upper.test:1"), ("http_proxy", "lower.test:2")];
        assert_eq!(of(&variables, "http").as_deref(), Some("http://lower.test:2/"));
    }
}
