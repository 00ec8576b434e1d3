//! All integration tests in one crate: the library is linked once.
//!
//! - `bad_configs`: files with a defect, and the exact message for each.
//! - `canary`: no secret in any output.
//! - `daemon`: the binary as users run it.
//! - `dashboards`: the Grafana dashboards, against Grafana's types and a real Prometheus.
//! - `exchanges`: recorded exchanges, pure and over a socket.
//! - `failures`: every failure reason, produced over a real socket.
//! - `hostile`: answers that nobody should send.
//! - `house`: rules of the code that a machine can check.
//! - `documentation`: docs held against the tables in the code.
//! - `reload`, `rotation`, `restart`: a daemon that is left alone for years.
//! - `oidc`, `prometheus`: against servers that nobody here wrote.

mod bad_configs;
mod canary;
mod daemon;
mod dashboards;
mod documentation;
mod exchanges;
mod failures;
mod hostile;
mod house;
mod oidc;
mod prometheus;
mod reload;
mod restart;
mod rotation;
mod support;
