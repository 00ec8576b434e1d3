//! Name resolution with the system's `getaddrinfo`, as other programs on the host do it.

use std::net::SocketAddr;
use std::time::Instant;

use dns_lookup::{AddrInfoHints, LookupError, LookupErrorKind, SockType, getaddrinfo};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::local::lacking_for_a_socket;
use super::marks::{mark, mark_addresses};

/// The most addresses of a name that a probe tries.
const MOST_ADDRESSES: usize = 32;

/// The system's resolver.
pub struct System;

/// Why a name does not resolve.
#[derive(Debug, thiserror::Error)]
pub enum DnsError {
    /// The name does not exist.
    #[error("the name {0} does not exist")]
    NoName(String),
    /// No server answered, or it failed.
    #[error("the name {0} cannot be resolved just now: no name server answers")]
    Again(String),
    /// This host lacks something.
    #[error("{0}")]
    Local(&'static str),
    /// Anything else.
    #[error("the name {name} cannot be resolved: {problem}")]
    Other {
        /// The name.
        name: String,
        /// The message of the system.
        problem: String,
    },
}

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        let name = name.as_str().to_owned();
        Box::pin(async move {
            mark(|moments| moments.resolve_start = Some(Instant::now()));
            let asked = name.clone();
            let answer = tokio::task::spawn_blocking(move || lookup(&asked)).await;
            match answer {
                Ok(Ok(addresses)) => {
                    mark(|moments| moments.resolve_end = Some(Instant::now()));
                    if addresses.len() > 1 {
                        mark_addresses(addresses.iter().map(SocketAddr::ip));
                    }
                    Ok(Box::new(addresses.into_iter()) as Addrs)
                }
                Ok(Err(error)) => Err(error.into()),
                Err(_) => {
                    Err(DnsError::Other { name, problem: "the resolver was stopped".into() }.into())
                }
            }
        })
    }
}

fn lookup(name: &str) -> Result<Vec<SocketAddr>, DnsError> {
    let hints = AddrInfoHints { socktype: SockType::Stream.into(), ..AddrInfoHints::default() };
    let other = |problem: String| DnsError::Other { name: name.to_owned(), problem };
    let problem = |error: LookupError| match (lacking_for_a_socket(), error.kind()) {
        // Without a descriptor, the resolver can say that the name does not exist.
        (Some(lacking), _) => DnsError::Local(lacking),
        (None, LookupErrorKind::NoName | LookupErrorKind::NoData) => {
            DnsError::NoName(name.to_owned())
        }
        (None, LookupErrorKind::Again) => DnsError::Again(name.to_owned()),
        (None, _) => other(std::io::Error::from(error).to_string()),
    };
    let answer = getaddrinfo(Some(name), None, Some(hints)).map_err(problem)?;
    let addresses = tried(answer.filter_map(Result::ok).map(|info| info.sockaddr));
    if addresses.is_empty() { Err(DnsError::NoName(name.to_owned())) } else { Ok(addresses) }
}

/// The addresses that a probe tries, in the order of the resolver.
fn tried(found: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    found.take(MOST_ADDRESSES).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_tries_the_first_32_addresses_of_a_name() {
        let found = (0..=u16::MAX).map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let ports: Vec<u16> = tried(found).iter().map(SocketAddr::port).collect();
        assert_eq!(ports, (0..32).collect::<Vec<u16>>());
    }
}
