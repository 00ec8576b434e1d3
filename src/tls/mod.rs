//! What the client side and the server side share of TLS.

mod pem;
mod system;

pub use pem::{PemError, certificates, private_key};
pub use system::{crypto, system_roots};
