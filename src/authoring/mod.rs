//! Help for people who write recipes: sample commands of vendors are read, recipes are drafted, and
//! probes are explained. The daemon does not use it.

pub mod curl;
pub mod draft;
pub mod explain;
pub mod suggest;
