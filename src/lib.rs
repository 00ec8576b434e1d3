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
//!    [`language`] has its expressions and templates.
//! 3. [`provider`]: one configured instance of a recipe, with nothing left to resolve.
//! 4. `plan`: everything from the files that the daemon runs by. [`config`] makes it, and [`cli`]
//!    and nothing else imports `config`.
//! 5. [`probe`]: the only place from which HTTP requests go out.
//! 6. [`state`]: what is known of all providers. [`state::Health::record`] is where an outcome
//!    becomes health.
//! 7. `schedule`: when each provider is probed, in one task.
//! 8. [`metrics`] and [`web`]: they show the state and change nothing. [`web_config`] decides who
//!    may see it.
//! 9. `reload`, `storage`, `signals`, `systemd`: what a daemon that runs for years needs.
//! 10. `daemon`: how all of these start and stop, in one function.
//!
//! Below all of them: [`time`], [`tls`], `files` (how files are read), [`credentials`], [`secret`]
//! (what may be shown), `printable` (characters that deceive a reader), [`diagnostic`] (faults with
//! their place in a file), [`document`] (TOML against a schema), `watch` (changes of files),
//! `shard`, `runtime` and `threads`, `logging`, `by_hand` (the command line with which a person
//! probes), [`links`] (of the pages to other tools). Beside them: [`fake`] (the token APIs of demo
//! and tests), [`exchange`] (recorded exchanges), [`authoring`] (help for people who write
//! recipes).
//!
//! `ARCHITECTURE.md` has the picture, the invariants and what is absent on purpose.

pub mod authoring;
mod by_hand;
pub mod cli;
pub mod config;
pub mod credentials;
mod daemon;
pub mod diagnostic;
pub mod document;
pub mod exchange;
pub mod fake;
mod files;
pub mod language;
pub mod links;
mod logging;
pub mod metrics;
mod next_step;
pub mod outcome;
pub mod pause;
mod plan;
mod printable;
pub mod probe;
mod process;
pub mod provider;
pub mod recipe;
mod reload;
mod runtime;
mod schedule;
pub mod secret;
mod shard;
mod signals;
pub mod state;
mod storage;
mod systemd;
mod threads;
pub mod time;
pub mod tls;
mod turns;
mod watch;
pub mod web;
pub mod web_config;
