//! The binary: everything is in the library, so that tests call what users run.

fn main() -> std::process::ExitCode {
    credwatch::cli::main()
}
