//! The names of hosts in requests, and the origins of pages.

use std::net::{IpAddr, Ipv6Addr};

use url::Url;

/// A host and perhaps a port, as in the header `Host`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    pub name: Name,
    pub port: Option<u16>,
}

/// A host without its port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    Address(IpAddr),
    /// In lower case, without the dot at the end.
    Domain(String),
}

impl Authority {
    /// `None` when the text is not a host with an optional port.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, rest) = if let Some(rest) = text.strip_prefix('[') {
            let (address, rest) = rest.split_once(']')?;
            (Name::address(address.parse::<Ipv6Addr>().ok()?.into()), rest)
        } else {
            let (name, rest) = text.split_at(text.find(':').unwrap_or(text.len()));
            (Name::parse(name)?, rest)
        };
        let port = match rest {
            "" | ":" => None,
            rest => Some(rest.strip_prefix(':').filter(|port| is_number(port))?.parse().ok()?),
        };
        Some(Self { name, port })
    }

    /// Whether this host of a list accepts the host of a request. A browser leaves the port out
    /// when it is the default of the scheme, and the request does not show the scheme.
    pub fn accepts(&self, host: &Self) -> bool {
        let has_port = match self.port {
            None => true,
            Some(80 | 443) if host.port.is_none() => true,
            port => port == host.port,
        };
        self.name == host.name && has_port
    }
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

impl Name {
    fn address(address: IpAddr) -> Self {
        Self::Address(address.to_canonical())
    }

    fn parse(text: &str) -> Option<Self> {
        let name = text.strip_suffix('.').unwrap_or(text);
        if let Ok(address) = name.parse() {
            return Some(Self::address(address));
        }
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(&byte);
        (!name.is_empty() && name.bytes().all(fits))
            .then(|| Self::Domain(name.to_ascii_lowercase()))
    }

    pub fn is_loopback(&self) -> bool {
        match self {
            Self::Address(address) => address.is_loopback(),
            Self::Domain(name) => name == "localhost",
        }
    }
}

/// The origin of a page: scheme, host and port.
#[derive(Clone, PartialEq, Eq)]
pub struct Origin {
    scheme: String,
    pub name: Name,
    port: u16,
}

impl Origin {
    pub fn of(url: &Url) -> Option<Self> {
        let name = match url.host()? {
            url::Host::Domain(name) => Name::parse(name)?,
            url::Host::Ipv4(address) => Name::address(address.into()),
            url::Host::Ipv6(address) => Name::address(address.into()),
        };
        let port = url.port_or_known_default()?;
        Some(Self { scheme: url.scheme().to_owned(), name, port })
    }

    /// Whether the host of a request is the one of this origin. A host without a port has the
    /// default port of the scheme.
    pub fn is_of(&self, host: &Authority) -> bool {
        let default = match self.scheme.as_str() {
            "http" => 80,
            "https" => 443,
            _ => return false,
        };
        self.name == host.name && self.port == host.port.unwrap_or(default)
    }
}

/// The URL at which browsers reach the server, for example through a proxy.
#[derive(Clone)]
pub struct External {
    pub origin: Origin,
    /// The path before each path of the server, without a slash at the end.
    prefix: String,
}

impl External {
    pub fn of(url: &Url) -> Option<Self> {
        let prefix = url.path().trim_end_matches('/').to_owned();
        Some(Self { origin: Origin::of(url)?, prefix })
    }

    /// Scheme and prefix, for a client that names this host.
    pub fn named_by(&self, host: &Authority) -> Option<(&str, &str)> {
        self.origin.is_of(host).then_some((self.origin.scheme.as_str(), self.prefix.as_str()))
    }
}
