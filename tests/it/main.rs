//! The integration tests that need nothing but Rust, in one crate: the library is linked once. The
//! others are in `tests/outside`.
//!
//! - `asked`: probes on demand, discovery, shares, and the interface for programs.
//! - `bad_configs`: files with a defect, and the exact message for each.
//! - `canary`: no secret in any output.
//! - `catalogue`: the page about the built-in recipes held against them.
//! - `commands`, `daemon`: the binary as users run it.
//! - `deploy`: the examples for containers and Kubernetes.
//! - `dashboards`: the Grafana dashboards, against rules and against the tables in the code.
//! - `exchanges`: recorded exchanges, pure and over a socket.
//! - `failures`: every failure reason, produced over a real socket.
//! - `steps`, `verification`: probes of several calls.
//! - `hostile`: answers that nobody should send.
//! - `damaged`: answers that somebody sent, damaged on the way.
//! - `leaks`: secrets at every place of an answer, and rules that point at the wrong one.
//! - `secret_rules`: rules that would show a secret are refused when they are loaded.
//! - `bounds`: the worst that a recipe can do.
//! - `fuzz`: the targets of `tests/fuzz` without a fuzzer.
//! - `house`: rules of the code that a machine can check.
//! - `configuration_keys`: the keys of the configuration, their reference and their example.
//! - `documentation`: docs held against the tables in the code.
//! - `links`: what documents point at.
//! - `page`: the pages for people, as they are sent.
//! - `reload`, `rotation`, `restart`: a daemon that is left alone for years.
//! - `alerting`: the alert rules, their unit tests, runbooks and documents held against each other
//!   and the code.
//! - `web_config`: the web configuration, each fault with its message.
//! - `web_connections`: TLS, client certificates and logins over sockets, and web configs that are
//!   replaced.
//! - `writing`: drafts, suggestions, trials and mistakes of whoever writes a recipe.
//! - `reference`: every example of the reference, run.
//! - `crowds`: clients that are too many, too slow or too silent.

mod alerting;
mod asked;
mod bad_configs;
mod bounds;
mod canary;
mod catalogue;
mod commands;
mod configuration_keys;
mod crowds;
mod daemon;
mod damaged;
mod dashboards;
mod deploy;
mod documentation;
mod exchanges;
mod failures;
mod fuzz;
mod hostile;
mod house;
mod leaks;
mod links;
mod page;
mod reference;
mod reload;
mod restart;
mod rotation;
mod secret_rules;
mod steps;
mod support;
#[path = "../fuzz/src/lib.rs"]
mod targets;
mod verification;
mod web_config;
mod web_connections;
mod writing;
