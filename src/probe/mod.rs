//! The only module that sends HTTP requests.
//!
//! Every request opens a new connection with a full handshake. It has a deadline, follows no
//! redirect and reads a limited body.

mod ask;
mod body;
mod budget;
mod chain;
mod clients;
mod coding;
mod connecting;
mod dns;
mod failure;
mod headers;
mod http2;
mod identity;
mod local;
mod marks;
mod prober;
mod proxy;
mod send;
mod tls;

pub use ask::Asker;
pub use body::LARGEST_BODY;
pub use chain::Validity;
pub use headers::DEFAULT_HEADERS;
pub use prober::Prober;
