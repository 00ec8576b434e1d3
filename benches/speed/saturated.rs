//! The CPU time of one probe at full load. Each round measures floor, client library, prober,
//! daemon and peer one after the other.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use crate::daemon::{Daemon, Plan};
use crate::endpoint::Endpoint;
use crate::exporter::{self, LoadedExporter};
use crate::process::{Process, Worker};
use crate::table::{Reach, Row, Samples, float};
use crate::{Form, Result, progress, wait_for};

/// The length of each measurement.
const WINDOW: Duration = Duration::from_millis(1_500);

/// The programs of the short form.
const QUICK: [Contender; 3] = [Floor, Contender::Prober, Contender::Daemon(1_000)];

/// The number of probes before the measurement.
const WARM: u64 = 300;

/// A measured program.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Contender {
    Floor,
    Reqwest,
    Prober,
    /// The prober with a host name and secrets in files.
    ProberAsDeployed,
    /// The daemon with so many providers, and a schedule that it cannot keep.
    Daemon(usize),
    Exporter,
}

use Contender::{Exporter, Floor, ProberAsDeployed, Reqwest};

const CONTENDERS: [Contender; 7] = [
    Floor,
    Reqwest,
    Contender::Prober,
    ProberAsDeployed,
    Contender::Daemon(1_000),
    Contender::Daemon(10_000),
    Exporter,
];

/// Probes per second in the schedule of the daemon: more than it can do.
const DEMAND: usize = 10_000;

/// Returns all rows, and the peer's CPU time per probe without TLS, in milliseconds, if the peer is
/// installed.
pub fn measure(
    form: Form,
    endpoint: &mut Endpoint,
    folder: &Path,
) -> Result<(Vec<Row>, Option<Samples>)> {
    if form == Form::Whole && !exporter::is_installed() {
        progress(&format!(
            "\n*** {} is not installed: its rows are missing. apt-get install {} ***\n",
            exporter::PROGRAM,
            exporter::PROGRAM
        ));
    }
    let mut rows = Vec::new();
    let plain = Costs::measure(form, false, endpoint, folder)?;
    rows.extend(plain.rows(
        "HTTP",
        &Reached { prober: (1.45, 1.3), daemon: (1.6, 1.4), of_exporter: (0.12, 0.1) },
    ));
    let tls = Costs::measure(form, true, endpoint, folder)?;
    rows.extend(tls.rows(
        "HTTPS",
        &Reached { prober: (1.15, 1.08), daemon: (1.15, 1.08), of_exporter: (0.22, 0.2) },
    ));
    Ok((rows, plain.of(Exporter)))
}

/// The required value and the aim of each ratio.
struct Reached {
    prober: (f64, f64),
    daemon: (f64, f64),
    of_exporter: (f64, f64),
}

/// The CPU time per probe of each program, in milliseconds.
struct Costs(Vec<(Contender, Samples)>);

impl Costs {
    fn measure(form: Form, tls: bool, endpoint: &mut Endpoint, folder: &Path) -> Result<Self> {
        let present = |contender: &&Contender| **contender != Exporter || exporter::is_installed();
        let (contenders, rounds): (&[Contender], usize) = match form {
            Form::Whole => (&CONTENDERS, 7),
            Form::Quick => (&QUICK, 3),
        };
        let mut costs: Vec<(Contender, Samples)> = contenders
            .iter()
            .filter(present)
            .map(|contender| (*contender, Samples(Vec::new())))
            .collect();
        for round in 1..=rounds {
            let mut line = format!(
                "saturated, {}, round {round} of {rounds}, ms a probe:",
                if tls { "HTTPS" } else { "HTTP" }
            );
            for (contender, samples) in &mut costs {
                let cost = Running::start(*contender, tls, endpoint, folder)?.cost(endpoint)?;
                line.push_str(&format!(" {} {cost:.3}", contender.name()));
                samples.0.push(cost);
            }
            progress(&line);
        }
        Ok(Self(costs))
    }

    fn of(&self, wanted: Contender) -> Option<Samples> {
        self.0
            .iter()
            .find(|(contender, _)| *contender == wanted)
            .map(|(_, samples)| samples.clone())
    }

    fn rows(&self, scheme: &str, reached: &Reached) -> Vec<Row> {
        let row = |ours: Contender, theirs: Contender, reach: Reach| {
            let metric = format!("CPU a probe, {scheme}, {}", ours.name());
            let row =
                Row::new(metric, self.of(ours).unwrap_or(Samples(Vec::new())), "ms").reach(reach);
            match self.of(theirs) {
                Some(samples) => row.beside(theirs.name(), &samples),
                None => row.without("NOT INSTALLED: blackbox_exporter"),
            }
        };
        let [prober, daemon, exporter] = [reached.prober, reached.daemon, reached.of_exporter]
            .map(|(reach, aim)| Reach::Ratio(reach, aim));
        let mut rows = vec![
            row(Contender::Prober, Floor, prober),
            row(Contender::Daemon(1_000), Floor, daemon),
        ];
        if self.of(Reqwest).is_none() {
            return rows;
        }
        rows.extend([
            row(Contender::Daemon(10_000), Floor, daemon),
            row(Contender::Prober, Exporter, exporter),
            row(Contender::Daemon(10_000), Exporter, exporter),
            row(Contender::Prober, Reqwest, Reach::Nothing),
            row(ProberAsDeployed, Contender::Prober, Reach::Nothing),
        ]);
        rows
    }
}

impl Contender {
    fn name(self) -> String {
        match self {
            Floor => "hyper floor".into(),
            Reqwest => "bare reqwest".into(),
            Self::Prober => "prober".into(),
            ProberAsDeployed => "prober, DNS and secret files".into(),
            Self::Daemon(providers) => format!("daemon with {providers}"),
            Exporter => "blackbox_exporter".into(),
        }
    }
}

/// A running program.
enum Running {
    Worker(Worker),
    Daemon(Daemon),
    Exporter(LoadedExporter),
}

impl Running {
    fn start(contender: Contender, tls: bool, endpoint: &Endpoint, folder: &Path) -> Result<Self> {
        let url = endpoint.url(tls, "127.0.0.1");
        let plan = |providers: usize, as_deployed: bool| Plan {
            providers,
            interval_ms: (providers * 1000 / DEMAND) as u64,
            tls,
            as_deployed,
        };
        let prober = |as_deployed: bool| {
            let plan =
                Plan { interval_ms: 60_000, ..plan(crate::contenders::CONCURRENCY, as_deployed) };
            Worker::start("prober", &[plan.write(endpoint, folder)?.as_os_str()]).map(Self::Worker)
        };
        match contender {
            Floor => Worker::start("floor", &[OsStr::new(&url), endpoint.root()]).map(Self::Worker),
            Reqwest => {
                Worker::start("reqwest", &[OsStr::new(&url), endpoint.root()]).map(Self::Worker)
            }
            Contender::Prober => prober(false),
            ProberAsDeployed => prober(true),
            Contender::Daemon(providers) => {
                Daemon::start(&plan(providers, false).write(endpoint, folder)?).map(Self::Daemon)
            }
            Exporter => {
                let root = Path::new(endpoint.root());
                LoadedExporter::start(root, folder, &url).map(Self::Exporter)
            }
        }
    }

    fn process(&self) -> &Process {
        match self {
            Self::Worker(worker) => worker.process(),
            Self::Daemon(daemon) => daemon.process(),
            Self::Exporter(exporter) => exporter.process(),
        }
    }

    fn failures(&mut self) -> Result<u64> {
        match self {
            Self::Worker(worker) => Ok(worker.ask()?.first().copied().unwrap_or_default()),
            Self::Daemon(daemon) => daemon.failures(),
            Self::Exporter(exporter) => Ok(exporter.failures()),
        }
    }

    /// The CPU time per probe over a window, in milliseconds. The endpoint counts the probes of all
    /// programs in the same way.
    fn cost(mut self, endpoint: &mut Endpoint) -> Result<f64> {
        let start = endpoint.answered()?;
        wait_for("the first probes of a program", || {
            Ok((endpoint.answered()? >= start + WARM).then_some(()))
        })?;
        let (answered, cpu) = (endpoint.answered()?, self.process().cpu()?);
        std::thread::sleep(WINDOW);
        let (answered, cpu) = (endpoint.answered()? - answered, self.process().cpu()? - cpu);
        match self.failures()? {
            0 => Ok(cpu * 1e3 / float(answered)),
            failures => Err(format!("{failures} probes of a program failed").into()),
        }
    }
}
