//! From files to the plan that the daemon runs by: everything is read, merged, resolved and checked,
//! and every fault is reported.
//!
//! Nothing but the command line imports this module; the rest of the program takes the plan.

mod address;
mod conceal;
pub mod file;
mod inputs;
mod load;
mod parsed;
mod patterns;
mod resolve;
mod schema;
mod settings;
mod shared;
mod trial;

pub use address::{DEFAULT_ADDRESS, parse_address};
pub use load::{load, load_once, load_text};
pub use schema::{recipe_schema, schema};
pub use settings::DEFAULT_BUCKETS;
pub use trial::{Given, Place, Trial, load_trial};
