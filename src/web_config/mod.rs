//! The web config: what `--web.config.file` says about TLS, users, headers and the rate limit, in
//! the format of the Prometheus exporter-toolkit.
//!
//! A [`WebConfig`] is read and built as a whole or not at all. [`CurrentWebConfig`] holds the one
//! in force. Each connection and each request asks it anew, so a reload can replace it.

mod client_auth;
mod config;
mod current;
mod definition;
mod headers;
mod pem;
mod rate;
mod read;
mod report;
mod suites;
mod tls;
mod users;
mod yaml;

pub use config::WebConfig;
pub use current::CurrentWebConfig;
pub use users::Login;
