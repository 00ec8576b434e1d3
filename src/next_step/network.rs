//! The next step when there was no TLS with the endpoint, or the answer did not come in time.

use super::place::Place;
use crate::outcome::{Detail, Phase, TlsProblem};
use crate::provider::Provider;
use crate::time::human_duration;

/// The step for the one cause that is known; after a restart no cause is known.
pub fn tls(detail: Detail, Place { url, host, .. }: &Place) -> String {
    let problem = match detail {
        Detail::Tls(problem) => problem,
        Detail::Proxy => {
            return "Ask who runs the proxy. If a private authority has signed its certificate, \
                    set `tls.ca_file`."
                .into();
        }
        Detail::Nothing | Detail::Late(_) => {
            return format!(
                "A certificate that has ended: only the vendor can renew it. An unknown \
                 authority: set `tls.ca_file`. Another name, or no TLS: check {url}."
            );
        }
    };
    match problem {
        TlsProblem::Expired => "Open a ticket: only the vendor can renew its certificate. If the \
                                date in the message is in the future, correct the clock of this \
                                host (`timedatectl`)."
            .into(),
        TlsProblem::NotYetValid => "Check the clock of this host (`timedatectl`). If it is right, \
                                    open a ticket: the vendor uses a certificate too early."
            .into(),
        TlsProblem::UnknownIssuer => "If the authority in the message is a private one that you \
                                      trust, set `tls.ca_file`. If not, ask who runs a proxy in \
                                      between, then the vendor."
            .into(),
        TlsProblem::NoAuthorities => "Install the package `ca-certificates` on the host of \
                                      credwatch, or set `tls.ca_file`."
            .into(),
        TlsProblem::WrongName => format!(
            "Compare the host in {url} with the names in the message. If the host is right, open \
             a ticket: the vendor shows the certificate of another name."
        ),
        TlsProblem::Certificate => "Open a ticket with the message: the vendor must replace this \
                                    certificate."
            .into(),
        TlsProblem::NothingInCommon => format!(
            "Ask the vendor which TLS versions {host} accepts. credwatch needs 1.2 or 1.3. Ask \
             also whether it wants a client certificate."
        ),
        TlsProblem::NoTls => {
            format!("Check scheme and port in {url}: {host} does not answer with TLS.")
        }
        TlsProblem::BrokenOff => format!(
            "Look for a firewall or proxy that closes connections between here and {host}; else \
             ask the vendor."
        ),
    }
}

/// The step for the phase in which the time was up; after a restart no phase is known.
pub fn timeout(detail: Detail, provider: &Provider, place: &Place) -> String {
    let limit = human_duration(provider.timeout.as_secs_f64());
    let Detail::Late(phase) = detail else {
        return format!(
            "In `connect` look at the network; in `processing` ask the vendor. Raise `timeout` \
             above {limit} only if this is normal."
        );
    };
    let host = &place.host;
    match phase {
        Phase::Resolve => "Check the name servers of the host of credwatch: `resolvectl status`, \
                           or `/etc/resolv.conf`."
            .into(),
        Phase::Connect => format!(
            "Look at network, firewall and proxy between this host and {host}, then at the \
             vendor's status page."
        ),
        Phase::Tls => format!(
            "Something accepts the connection, but does not end the TLS handshake: look at \
             firewall and proxy between this host and {host}, then at the vendor's status page."
        ),
        Phase::Processing => format!(
            "The vendor accepts the connection but is slow: see its status page, open a ticket. \
             Raise `timeout` above {limit} only if this is normal."
        ),
        Phase::Transfer => format!(
            "The vendor begins the answer but does not end it: see its status page, open a \
             ticket. Raise `timeout` above {limit} only if this is normal."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::next_step::{Known, Retry, next_step};
    use crate::outcome::{Failure, Reason};

    fn step(reason: Reason, detail: Detail) -> String {
        let provider =
            Provider { endpoint: Some("api.example:443".into()), ..Provider::sample("p") };
        let failure = Failure::new(reason, "").detail(detail);
        next_step(&provider, &failure, Known::default(), Retry::Daemon)
    }

    #[test]
    fn a_timeout_has_the_step_of_its_phase() {
        for (phase, expected) in [
            (Phase::Resolve, "Check the name servers"),
            (Phase::Connect, "Look at network, firewall and proxy between this host and `api.exam"),
            (Phase::Tls, "does not end the TLS handshake"),
            (Phase::Processing, "The vendor accepts the connection but is slow: see its status"),
            (Phase::Transfer, "The vendor begins the answer but does not end it"),
        ] {
            let step = step(Reason::Timeout, Detail::Late(phase));
            assert!(step.contains(expected) && !step.contains("In `connect`"), "{step}");
            assert!(step.split_whitespace().count() <= 32, "{step}");
        }
        let general = step(Reason::Timeout, Detail::Nothing);
        assert!(general.starts_with("In `connect` look at the network; in `processing`"));
    }

    #[test]
    fn a_failure_of_tls_has_the_step_of_its_one_cause() {
        use TlsProblem as T;
        for (problem, expected, others) in [
            (T::Expired, "only the vendor can renew its certificate", "ca_file"),
            (T::NotYetValid, "Check the clock of this host (`timedatectl`)", "ca_file"),
            (T::UnknownIssuer, "set `tls.ca_file`", "renew"),
            (T::NoAuthorities, "`ca-certificates`", "vendor"),
            (T::WrongName, "Compare the host in `parameters.token_url`", "ca_file"),
            (T::Certificate, "the vendor must replace this certificate", "ca_file"),
            (T::NothingInCommon, "TLS versions `api.example:443` accepts", "ca_file"),
            (T::NoTls, "Check scheme and port in `parameters.token_url`", "ca_file"),
            (T::BrokenOff, "closes connections between here and `api.example:443`", "ca_file"),
        ] {
            let step = step(Reason::Tls, Detail::Tls(problem));
            assert!(step.contains(expected) && !step.contains(others), "{problem:?}: {step}");
            assert!(step.split_whitespace().count() <= 32, "{step}");
        }
        assert!(step(Reason::Tls, Detail::Proxy).starts_with("Ask who runs the proxy."));
        let general = step(Reason::Tls, Detail::Nothing);
        assert!(general.starts_with("A certificate that has ended: only the vendor"));
    }
}
