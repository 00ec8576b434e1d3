//! Help for authors of recipes: reads sample commands of vendors, drafts recipes and explains
//! probes. The daemon does not use it.

pub mod curl;
pub mod draft;
pub mod explain;
pub(crate) mod suggest;
