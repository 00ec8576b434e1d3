//! The tests that need other programs than Rust. `tests/parts.sh` installs them. A missing program
//! fails its tests. The tests that need only Rust are in `tests/it`.
//!
//! - `alerting`: the alert rules with promtool, the examples with amtool.
//! - `browser`: the pages in Chromium, with an accessibility check.
//! - `chain`: from a broken credential to the notification, and back.
//! - `compose`: the compose file with Docker Compose, Prometheus and Alertmanager.
//! - `container`: the image, built and run.
//! - `contents`: the files in the Debian package.
//! - `dashboards`: the Grafana dashboards, with Grafana's types and a real Prometheus.
//! - `issuers`, `oidc`: recipes against real token servers.
//! - `kubernetes`: the manifests against published schemas.
//! - `notifications`: each alert as people read it in Slack, `PagerDuty` and e-mail.
//! - `package`, `systemd`, `service_manager`: the Debian package and the unit with a real systemd.
//! - `pipelines`: the hooks for pre-commit and the workflow for CI.
//! - `prometheus`, `spreading`: a real Prometheus scrapes one daemon, or several.
//! - `upgrade`: the rules of version 0.1.
//! - `web_config`: the same web configs for credwatch and promtool.

mod alerting;
mod browser;
mod chain;
mod compose;
mod container;
mod contents;
mod dashboards;
mod issuers;
mod kubernetes;
mod notifications;
mod oidc;
mod package;
mod pipelines;
mod programs;
mod prometheus;
mod service_manager;
mod spreading;
#[expect(dead_code, reason = "the other test crate uses the rest of it")]
#[path = "../it/support/mod.rs"]
mod support;
mod systemd;
mod upgrade;
mod web_config;
