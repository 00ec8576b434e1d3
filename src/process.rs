//! What the system may do with the memory of this process.

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};

/// Forbids core dumps of this process, because its memory holds secrets. The limit also holds for
/// the programs that it starts, but not for a handler that gets dumps through a pipe. Other
/// processes of the same user can also no longer read the memory and the environment of this
/// process.
pub fn forbid_core_dumps() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    // A container can forbid each call. The second one alone is enough for this process.
    if getrlimit(Resource::Core) != none {
        let _ = setrlimit(Resource::Core, none);
    }
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

#[cfg(test)]
mod tests {
    use rustix::process::dumpable_behavior;

    use super::*;

    #[test]
    fn this_process_leaves_no_core_dump() {
        forbid_core_dumps();
        assert_eq!(dumpable_behavior(), Ok(DumpableBehavior::NotDumpable));
        assert_eq!(getrlimit(Resource::Core).maximum, Some(0));
    }
}
