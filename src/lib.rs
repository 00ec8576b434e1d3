//! wip
pub mod cli;
pub mod config;
pub mod daemon;
pub mod diagnostic;
pub mod document;
pub mod exchange;
pub mod logging;
pub mod metrics;
pub mod outcome;
pub mod probe;
pub mod provider;
pub mod recipe;
pub mod schedule;
pub mod secret;
pub mod state;
pub mod time;
pub mod web;
