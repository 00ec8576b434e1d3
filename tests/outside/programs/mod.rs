//! Programs of other projects, as processes and in containers.

pub mod container;
pub mod installed;
pub mod issuer;
pub mod servers;
