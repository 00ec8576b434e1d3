//! wip
pub mod config;
pub mod diagnostic;
pub mod document;
pub mod outcome;
pub mod provider;
pub mod recipe;
pub mod secret;
pub mod time;
