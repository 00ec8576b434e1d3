//! The only place from which HTTP requests go out.
//!
//! Every probe is a fresh connection with a full handshake, under one deadline, without redirects,
//! with a bounded body. It is measured once, here, around the thing measured.

mod clients;
mod connecting;
mod dns;
mod failure;
mod marks;
mod prober;
mod send;
mod tls;

pub use prober::Prober;
pub use send::{DEFAULT_HEADERS, LARGEST_BODY};
