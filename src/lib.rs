//! credwatch tells people that a credential is broken before their customers do.
//!
//! It requests a token from every configured provider on a schedule of its own, and serves what it
//! saw: latency, failures by the provider's own error code, and time to expiry.
//!
//! # Reading order
//!
//! The path of one datum, which is also a good order to read in:
//!
//! 1. [`outcome`]: the words that everything shares. Reasons, codes, what a probe found. Plain
//!    data.
//! 2. [`recipe`]: how one kind of token API is asked and how its answer is read. Pure.
//! 3. [`provider`]: one configured instance of a recipe, with nothing left to resolve.
//! 4. [`probe`]: the only place from which HTTP requests go out.
//! 5. [`state`]: what is known of all providers. [`state::Health::record`] is where an outcome
//!    becomes health.
//! 6. [`schedule`]: when each provider is asked, in one task.
//! 7. [`metrics`] and [`web`]: the faces. They read the state and change nothing. [`web_config`] is who
//!    may look.
//! 8. [`config`]: from files to providers, every fault told. [`cli`] and nothing else imports it.
//! 9. [`reload`], [`storage`], [`systemd`]: what a daemon that runs for years needs.
//! 10. [`daemon`]: the parts put together.
//!
//! Below all of them: [`time`], [`files`] (how files are read), [`credentials`], [`secret`], [`diagnostic`] (faults with their place in a file),
//! [`document`] (TOML against a schema), [`watch`] (files whose content counts), [`threads`],
//! [`logging`]. Beside them: [`fake`] (the token APIs of demo and tests), [`exchange`] (recorded
//! exchanges), [`authoring`] (help for people who write recipes).
//!
//! `ARCHITECTURE.md` has the picture, the invariants and what is absent on purpose.

pub mod authoring;
pub mod cli;
pub mod config;
pub mod credentials;
pub mod daemon;
pub mod diagnostic;
pub mod document;
pub mod exchange;
pub mod fake;
pub mod files;
pub mod language;
pub mod logging;
pub mod metrics;
pub mod outcome;
pub mod plan;
pub mod probe;
pub mod provider;
pub mod recipe;
pub mod reload;
pub mod schedule;
pub mod secret;
pub mod shard;
pub mod signals;
pub mod state;
pub mod storage;
pub mod systemd;
pub mod threads;
pub mod time;
pub mod tls;
pub mod watch;
pub mod web;
pub mod web_config;
