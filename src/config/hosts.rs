//! Hosts that are on this machine or link, where a request needs no certificate.

use std::net::{IpAddr, Ipv6Addr};

/// Whether this is an address of this host.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    host == "localhost" || address(host).is_some_and(|address| address.is_loopback())
}

/// Whether this is an address of the metadata service of a cloud. Such a service is on the same
/// machine or link and has no certificate.
pub fn is_link_local(host: &str) -> bool {
    const METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    match address(host).map(|address| address.to_canonical()) {
        Some(IpAddr::V4(address)) => address.is_link_local(),
        Some(IpAddr::V6(address)) => address.is_unicast_link_local() || address == METADATA,
        None => false,
    }
}

fn address(host: &str) -> Option<IpAddr> {
    host.trim_matches(['[', ']']).parse().ok()
}
