//! The language of recipes: expressions, templates and filters, with their limits.
//!
//! It knows values and texts. It does not know recipes, providers or HTTP.

pub mod answer;
pub mod bounds;
pub mod charset;
pub mod context;
pub mod convert;
mod engine;
pub mod errors;
pub mod expression;
pub mod filters;
pub mod flow;
pub mod json_template;
mod jwt;
pub mod known;
mod lint;
mod mended;
pub mod names;
mod path;
pub mod placeholder;
pub mod refused;
pub mod scan;
pub mod taint;
pub mod template;
pub mod tree;
pub mod uses;
