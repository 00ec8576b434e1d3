//! Writes the manual pages, the shell completions and the documents with links of their own into a
//! folder, for the Debian package.
//!
//! It is a cargo example and not a command of credwatch, because users do not need it.

use std::fs::OpenOptions;
use std::io::{Error, Write};
use std::path::Path;

use clap_complete::{Shell, generate_to};

/// The sections of the manual page that the command line does not define.
const REST: &str = r".SH EXIT STATUS
.TP
.B 0
Success. For
.BR check ,
also with warnings; for
.BR probe ,
every token was issued; for
.BR status ,
no provider is broken; for
.BR run ,
the daemon was stopped by a signal.
.TP
.B 1
Failure: no usable token, an exchange that differs, an address that credwatch cannot listen on.
.TP
.B 2
Wrong usage.
.TP
.B 3
The daemon does not answer to
.BR status .
.TP
.B 78
There is no configuration, or it cannot be used.
.SH FILES
.TP
.I /etc/credwatch/credwatch.toml
The configuration of the service. Commands read it, unless there is a
.I credwatch.toml
in the current directory.
.TP
.I /usr/share/doc/credwatch/examples/config.example.toml
All keys, each with an explanation.
.TP
.I /usr/share/credwatch/dashboards/
Rules for Prometheus, dashboards for Grafana, an example and templates for Alertmanager.
.TP
.I /usr/share/credwatch/schema/
The JSON Schemas that editors read.
";

/// Where links lead that the package has no file for.
const HOME: &str = "https://github.com/credwatch/credwatch";

/// Documents whose links leave the folders of the package, with the folder of each in the sources.
const DOCUMENTS: [(&str, &str); 3] =
    [("", "README.md"), ("", "SECURITY.md"), ("dashboards/", "README.md")];

/// The text with each link to a file that the package lacks replaced by a link to the project.
fn with_links_of_the_package(folder: &str, text: &str) -> String {
    let mut parts = text.split("](");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (target, rest) = part.split_once(')').unwrap_or((part, ""));
        let path = target.split('#').next().unwrap_or_default();
        let ending = Path::new(path).extension();
        let is_page = path.starts_with("docs/") && ending.is_some_and(|ending| ending == "md");
        let stays = target.contains("://") || path.is_empty() || is_page;
        let is_picture = ending.is_some_and(|ending| ending == "png");
        let kind = if is_picture { "raw" } else { "blob" };
        let target =
            if stays { target.to_owned() } else { format!("{HOME}/{kind}/main/{folder}{target}") };
        out += &format!("]({target}){rest}");
    }
    out
}

/// The names of the pages about the commands in a command, itself first.
fn names(command: &clap::Command, name: &str) -> Vec<String> {
    let mut all = vec![name.to_owned()];
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        all.extend(names(inner, &format!("{name}-{}", inner.get_name())));
    }
    all
}

/// The last section of a page: the page of the whole program, and the pages one level below.
fn see_also(name: &str, all: &[String]) -> String {
    let below = format!("{name}-");
    let is_near = |other: &&String| {
        other.strip_prefix(&below).is_some_and(|rest| !rest.contains('-'))
            || (name != "credwatch" && *other == "credwatch")
    };
    let mut pages: Vec<String> =
        all.iter().filter(is_near).map(|other| format!(".BR {other} (1)")).collect();
    // In a manual page a plain `-` is a hyphen, which nobody can copy into a shell.
    for page in &mut pages {
        *page = page.replace('-', "\\-");
    }
    if name == "credwatch" {
        pages.extend([".BR systemctl (1)".to_owned(), ".BR systemd.exec (5)".to_owned()]);
    }
    format!(".SH SEE ALSO\n{}\n.PP\n/usr/share/doc/credwatch/docs/commands.md\n", pages.join(",\n"))
}

fn main() -> Result<(), Error> {
    let folder = std::env::args_os().nth(1).ok_or_else(|| Error::other("usage: pages FOLDER"))?;
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder.join("dashboards"))?;
    let line = credwatch::cli::line();
    clap_mangen::generate_to(line.clone(), folder)?;
    let all = names(&line, "credwatch");
    for name in &all {
        let mut page = OpenOptions::new().append(true).open(folder.join(format!("{name}.1")))?;
        if name == "credwatch" {
            page.write_all(REST.as_bytes())?;
        }
        page.write_all(see_also(name, &all).as_bytes())?;
    }
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        generate_to(shell, &mut line.clone(), "credwatch", folder)?;
    }
    let sources = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (place, name) in DOCUMENTS {
        let text = std::fs::read_to_string(sources.join(place).join(name))?;
        std::fs::write(folder.join(place).join(name), with_links_of_the_package(place, &text))?;
    }
    Ok(())
}
