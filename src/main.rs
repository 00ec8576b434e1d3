//! The binary: everything is in the library, so that tests call what users run.

/// It gives the memory of a burst back to the system within seconds, and glibc keeps it.
/// `.cargo/config.toml` has its settings.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    credwatch::cli::main()
}
