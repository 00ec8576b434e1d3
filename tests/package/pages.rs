//! Writes the manual pages and the shell completions into a folder, for the Debian package.
//!
//! It is a cargo example and not a command of credwatch, because users do not need it.

use std::io::{Error, Write};
use std::path::Path;

use clap_complete::{Shell, generate_to};
use clap_mangen::Man;

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
.SH SEE ALSO
.BR systemctl (1),
.BR systemd.exec (5)
on LoadCredential=, and /usr/share/doc/credwatch/docs/.
";

fn main() -> Result<(), Error> {
    let folder = std::env::args_os().nth(1).ok_or_else(|| Error::other("usage: pages FOLDER"))?;
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    let line = credwatch::cli::line();
    clap_mangen::generate_to(line.clone(), folder)?;
    let page = Man::new(line.clone().disable_help_subcommand(true)).generate_to(folder)?;
    std::fs::OpenOptions::new().append(true).open(page)?.write_all(REST.as_bytes())?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        generate_to(shell, &mut line.clone(), "credwatch", folder)?;
    }
    Ok(())
}
