//! The integration tests that need only Rust. They are one crate, so that the library is linked
//! only once. The other tests are in `tests/outside`.
//!
//! - `alerting`: alert rules, their unit tests, runbooks and documents agree with the code.
//! - `bad_configs`: configurations with a fault, and the exact message for each.
//! - `bounds`: the cost of recipes is limited.
//! - `canary`: no output has a secret.
//! - `catalogue`: the page about the built-in recipes agrees with them.
//! - `client_certificate`: the end of our client certificate, and a new one while the daemon runs.
//! - `client_floods`: floods of clients, and passwords that are guessed.
//! - `client_limits`: too many clients, slow clients and silent clients.
//! - `commands`, `daemon`: the binary as users run it.
//! - `configuration_keys`: the keys of the configuration, their reference and their example.
//! - `damaged`: recorded answers with damage.
//! - `dashboards`: the Grafana dashboards follow rules and agree with the code.
//! - `deceptive`: characters that control a terminal or reorder text are escaped.
//! - `deploy`: the examples for containers, Compose and Kubernetes.
//! - `documentation`: the documents agree with the tables in the code.
//! - `ends`: the ends of configured credentials.
//! - `exchanges`: recorded exchanges, without a network and over a socket.
//! - `facts`: what the metrics tell alerts about a provider.
//! - `failures`: each failure reason, over a real socket.
//! - `fault_secrets`: secrets in wrong places of files, which no fault shows.
//! - `files`: files of the wrong kind or size; what the process keeps to itself.
//! - `fuzz`: the targets of `tests/fuzz` without a fuzzer.
//! - `hostile`: answers that a server sends on purpose to do harm.
//! - `house`: rules of the code that a machine can check.
//! - `init`: the dialogue for a first configuration, at a terminal.
//! - `leaks`: secrets in all places of an answer, and rules that read the wrong place.
//! - `links`: the links and the log lines in the documents.
//! - `lists`: many credentials in one answer.
//! - `memory`: memory that is not needed any more goes back to the system.
//! - `on_demand`: probes on demand, discovery, shards, and the API for programs.
//! - `page`: the web pages.
//! - `reference`: the examples of the reference.
//! - `reload`, `rotation`, `restart`: changes while the daemon runs.
//! - `repeated`: requests that are kept, and their answers.
//! - `requested_probes`: probes that clients and operators request while the schedule runs.
//! - `schemas`: the JSON Schemas that editors read.
//! - `secret_parts`: no rule shows a part or a digest of a secret in an answer.
//! - `secret_rules`: a rule that would show a secret is a load error.
//! - `series`: how many series a provider has.
//! - `several`: probes of several providers, and the configuration that commands find.
//! - `status`: the state of a running daemon in the terminal.
//! - `steps`, `verification`: probes with several calls.
//! - `strangers`: recipes of authors whom the operator does not know.
//! - `upgrade`: configuration, recipes and state of version 0.1.
//! - `version`: one version in all files.
//! - `web_config`: the web config and the message for each fault.
//! - `web_connections`: TLS, client certificates and logins over sockets.
//! - `web_hosts`: the hosts and origins that requests may name.
//! - `web_reload`: an emptied web config does not open the server.
//! - `web_replaced`: a web config that is replaced while connections are open.
//! - `web_tokens`: issued tokens that are JSON Web Tokens.
//! - `writing`: drafts, suggestions, trials, and mistakes in recipes.

mod alerting;
mod bad_configs;
mod bounds;
mod canary;
mod catalogue;
mod client_certificate;
mod client_floods;
mod client_limits;
mod commands;
mod configuration_keys;
mod created;
mod daemon;
mod damaged;
mod dashboards;
mod deceptive;
mod deploy;
mod documentation;
mod ends;
mod exchanges;
mod facts;
mod failures;
mod fault_secrets;
mod files;
mod fuzz;
mod history;
mod hostile;
mod house;
mod init;
mod large_files;
mod leaks;
mod links;
mod list_readings;
mod lists;
mod memory;
mod on_demand;
mod page;
mod page_ends;
mod pauses;
mod reference;
mod reload;
mod repeated;
mod requested_probes;
mod restart;
mod restart_secrets;
mod rotation;
mod schemas;
mod secret_parts;
mod secret_rules;
mod series;
mod several;
mod stall;
mod static_keys;
mod status;
mod steps;
mod strangers;
mod support;
#[path = "../fuzz/src/lib.rs"]
mod targets;
mod upgrade;
mod verification;
mod version;
mod web_config;
mod web_connections;
mod web_hosts;
mod web_reload;
mod web_replaced;
mod web_tokens;
mod writing;
