//! All integration tests in one crate: the library is linked once.
//!
//! - `bad_configs`: files with a defect, and the exact message for each.
//! - `browser`: the pages in Chromium, with an auditor of accessibility.
//! - `canary`: no secret in any output.
//! - `daemon`: the binary as users run it.
//! - `exchanges`: recorded exchanges, pure and over a socket.
//! - `failures`: every failure reason, produced over a real socket.
//! - `hostile`: answers that nobody should send.
//! - `house`: rules of the code that a machine can check.
//! - `documentation`: docs held against the tables in the code.
//! - `page`: the pages for people, as they are sent.
//! - `reload`, `rotation`, `restart`: a daemon that is left alone for years.
//! - `oidc`, `prometheus`: against servers that nobody here wrote.
//! - `web_config`: the web configuration, each fault with its message, and held against promtool.
//! - `doors`: TLS, client certificates and logins over sockets, and doors that are replaced.
//! - `crowds`: clients that are too many, too slow or too silent.

mod bad_configs;
mod browser;
mod canary;
mod crowds;
mod daemon;
mod documentation;
mod doors;
mod exchanges;
mod failures;
mod hostile;
mod house;
mod oidc;
mod page;
mod prometheus;
mod reload;
mod restart;
mod rotation;
mod support;
mod web_config;
