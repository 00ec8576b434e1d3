//! What the client side and the server side share of TLS.

mod key;
mod pem;
mod system;

pub use key::key_kind;
pub use pem::{PemError, certificates, private_key};
pub use system::{crypto, system_roots};
