//! wip
use clap::Args;
#[derive(Args)]
pub struct Flags {}
pub fn main(_: &Flags) -> std::process::ExitCode { std::process::ExitCode::FAILURE }
