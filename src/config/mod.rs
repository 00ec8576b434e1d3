//! Makes a plan from the configuration files: reads, merges, resolves and checks them, and reports
//! every fault.
//!
//! Only the command line imports this module. The rest of the program takes the plan.

mod command_line;
mod dates;
mod facts;
pub mod file;
mod hosts;
mod inputs;
mod links;
mod load;
mod maintenance;
mod parsed;
mod patterns;
mod pieces;
mod replaced;
mod requirements;
mod resolve;
mod schema;
mod settings;
mod shared;
mod shown;
mod trial;

pub use command_line::{TrialInputs, TrialSource};
pub use hosts::is_loopback;
pub use load::{load, load_once, load_text, load_with};
pub use schema::{recipe_schema, schema};
pub use settings::{DEFAULT_ADDRESS, DEFAULT_BUCKETS, parse_address};
pub use shared::CERTIFICATE_METHODS;
pub use trial::{TrialError, load_trial};
