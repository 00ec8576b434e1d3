//! Programs that nobody here wrote, as processes and as containers.

pub mod container;
pub mod installed;
pub mod issuer;
pub mod servers;
