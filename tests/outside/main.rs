//! The tests that need programs from outside. `tests/parts.sh` installs them; a missing one fails
//! its tests. What Rust alone can test is in `tests/it`.
//!
//! - `alerting`: the alert rules under promtool, the examples under amtool.
//! - `browser`: the pages in Chromium, with an auditor of accessibility.
//! - `chain`: from a credential that breaks to the notification that arrives, and back.
//! - `dashboards`: the Grafana dashboards, against Grafana's types and a real Prometheus.
//! - `issuers`, `oidc`: recipes against real token servers.
//! - `kubernetes`: the manifests, against published schemas.
//! - `package`, `systemd`, `service_manager`: the Debian package and the unit, under a real
//!   systemd.
//! - `prometheus`, `spreading`: a real Prometheus scrapes one daemon, or several.
//! - `web_config`: the verdicts on web configurations, held against promtool.

mod alerting;
mod browser;
mod chain;
mod dashboards;
mod issuers;
mod kubernetes;
mod oidc;
mod package;
mod programs;
mod prometheus;
mod service_manager;
mod spreading;
#[expect(dead_code, reason = "the other test crate uses the rest of it")]
#[path = "../it/support/mod.rs"]
mod support;
mod systemd;
mod web_config;
