//! `credwatch demo`: runs the daemon against fake APIs, without a configuration and a network.

use std::net::TcpListener;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use jiff::Timestamp;

use super::flags::LogFlags;
use super::plan::complete;
use super::print::{complain_of, say};
use crate::by_hand::ByHand;
use crate::config::{DEFAULT_ADDRESS, load_text, parse_address};
use crate::daemon::{self, Options};
use crate::fake::Fake;
use crate::fake::story::Story;
use crate::probe::Prober;
use crate::provider::Slot;
use crate::runtime::block_on;
use crate::schedule::Mode;
use crate::storage::TemporaryFolder;
use crate::web::Hosts;
use crate::web_config::WebConfig;
use crate::{logging, metrics, web};

/// The fake API that no provider of the story uses.
const EXAMPLE: &str = "try-it";

#[derive(Args)]
pub struct Flags {
    /// The address of the HTTP server; a free port when this one is in use.
    #[arg(long = "web.listen-address", value_name = "ADDRESS", default_value = DEFAULT_ADDRESS)]
    listen: String,
    #[command(flatten)]
    log: LogFlags,
}

pub fn main(flags: &Flags) -> ExitCode {
    metrics::process_started(Timestamp::now());
    logging::start(flags.log.level, flags.log.format);
    let listener = match listen(&flags.listen) {
        Ok(listener) => listener,
        Err(message) => {
            complain_of(&format!("--web.listen-address: {message}"));
            return ExitCode::from(2);
        }
    };
    match block_on(run(listener)).and_then(|outcome| outcome) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain_of(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn listen(text: &str) -> Result<TcpListener, String> {
    let address = parse_address(text)?;
    web::bind(address)
        .or_else(|_| web::bind((address.ip(), 0).into()))
        .map_err(|error| format!("cannot listen on {address}: {error}"))
}

async fn run(listener: TcpListener) -> std::io::Result<()> {
    let fake = Fake::start().await?;
    let story = Story::builtin();
    let folder = TemporaryFolder::with(&Story::FILES)?;
    let text = story.configuration(&fake, folder.path());
    let mut plan = load_text("<demo>", &text).map_err(|faults| {
        std::io::Error::other(faults.first().map(ToString::to_string).unwrap_or_default())
    })?;
    // The fakes may be asked more often than the real APIs.
    plan.warnings.clear();
    // The commands of a person read the same configuration.
    let file = folder.write("credwatch.toml", &text)?;
    let by_hand = ByHand::here(&file);
    let address = listener.local_addr()?;
    let first = plan.providers.first().map_or("", |provider| &provider.name);
    let example = example(&fake);
    introduce(&address.to_string(), &by_hand.line(first, Slot::Current), &example);
    let options = Options {
        plan: complete(plan, WebConfig::default()),
        plan_files: None,
        prober: Arc::new(Prober::new()),
        listeners: vec![listener],
        probe_listeners: Vec::new(),
        storage: None,
        mode: Mode::Scheduled,
        lifecycle: false,
        // The page has a button for it. Nobody else than this host may use it.
        admin_api: address.ip().is_loopback(),
        hosts: Hosts::default(),
        telemetry_path: web::TELEMETRY_PATH.to_owned(),
        by_hand,
        external_url: Some(format!("http://{address}/")),
    };
    let story = tokio::spawn(repeat(story, Arc::clone(&fake)));
    let outcome = daemon::run(options).await;
    story.abort();
    outcome
}

/// The answers with which a person can try `credwatch init` at a fake API.
fn example(fake: &Fake) -> String {
    let mut lines = vec![
        format!("{:<15} oauth2-client-credentials", "recipe"),
        format!("{:<15} {}/token", "token_url", fake.base_url(EXAMPLE)),
    ];
    let credentials = fake.credentials(EXAMPLE).iter();
    lines.extend(credentials.map(|(name, value)| format!("{name:<15} {value}")));
    format!("  {}\n", lines.join("\n  "))
}

fn introduce(address: &str, command: &str, example: &str) {
    say(&format!(
        "credwatch demo: fake APIs on loopback, and the daemon that watches their credentials.

  http://{address}/           the page: who is broken, why, and when tokens and keys end
  http://{address}/metrics    what Prometheus scrapes
  http://{address}/healthz    503 while any credential is broken

In another terminal, to see one request and how its answer is read:

  {command}

To try `credwatch init` there, in an empty folder, type these answers, and else Enter:

{example}
Ctrl-C ends it. The story:
"
    ));
}

/// Runs the steps of the story and prints them, again and again.
async fn repeat(story: Story, fake: Arc<Fake>) {
    loop {
        let start = tokio::time::Instant::now();
        for step in &story.steps {
            tokio::time::sleep_until(start + step.offset()).await;
            step.happen(&fake);
            say(&format!("{:>4}s  {}", step.offset().as_secs(), step.say));
        }
    }
}
