//! A reload does not open the server by accident: a web config that was emptied or cut is refused.

use std::path::PathBuf;

use super::support::daemon::Daemon;
use super::support::endpoint::Authority;
use super::support::wait_for;
use super::support::web::{Folder, login};

const TLS: &str = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n";
const REQUIRED: &str = "  client_auth_type: RequireAndVerifyClientCert\n";
const AUTHORITY: &str = "  client_ca_file: clients.pem\n";
const NAMES: &str = "  client_allowed_sans: [prometheus.example]\n";

fn users() -> String {
    format!("basic_auth_users:\n  ann: {}\n", bcrypt::hash("one", 4).expect("hashed"))
}

fn folder() -> Folder {
    let (folder, authority) = (Folder::new(), Authority::new("ca"));
    let server = authority.issue("localhost", 2020, 2099);
    folder.write("server.crt", &server.pem);
    folder.write("server.key", &server.key_pem());
    folder.write("clients.pem", authority.pem());
    folder
}

#[test]
fn a_reload_keeps_each_protection_that_the_file_does_not_switch_off() {
    const NO_TLS: &str = "TLS";
    const NO_CLIENTS: &str = "client certificates";
    const NO_AUTHORITY: &str = "authorities of client certificates";
    const NO_NAMES: &str = "every name";
    const NO_LOGIN: &str = "password";
    const BOTH: &[&str] = &[NO_TLS, NO_LOGIN];
    let (folder, users) = (folder(), users());
    let all = format!("{TLS}{REQUIRED}{AUTHORITY}{NAMES}{users}");
    let no_authority = format!("{TLS}{REQUIRED}{NAMES}{users}");
    let no_names = format!("{TLS}{REQUIRED}{AUTHORITY}{users}");
    let required = format!("{TLS}{REQUIRED}{users}");
    let if_given = no_names.replace("RequireAndVerifyClientCert", "VerifyClientCertIfGiven");
    let other_name = all.replace("prometheus.example", "other.example");
    let no_clients = format!("{TLS}{users}");
    let no_login = format!("{TLS}{REQUIRED}{AUTHORITY}{NAMES}");
    let no_tls = format!("tls_server_config: {{}}\n{users}");
    let no_users = format!("{TLS}  client_auth_type: NoClientCert\nbasic_auth_users: {{}}\n");
    let mut cases: Vec<(&str, &str, &[&str])> = vec![
        (&all, &no_clients, &[NO_CLIENTS]),
        (&all, &no_authority, &[NO_AUTHORITY]),
        (&all, &no_names, &[NO_NAMES]),
        (&all, &required, &[NO_AUTHORITY, NO_NAMES]),
        (&all, &if_given, &[NO_NAMES]),
        (&no_names, &required, &[NO_AUTHORITY]),
        (&no_authority, &required, &[NO_NAMES]),
        (&required, &no_names, &[]),
        (&no_names, &all, &[]),
        (&all, &other_name, &[]),
        (&all, &no_login, &[NO_LOGIN]),
        (&all, TLS, &[NO_CLIENTS, NO_LOGIN]),
        (&all, &users, &[NO_TLS]),
        (&users, "", &[NO_LOGIN]),
        (&all, &all, &[]),
        (&all, &no_tls, &[]),
        (&all, &no_users, &[]),
        (&users, &all, &[]),
        ("", "", &[]),
    ];
    let empty = ["", "\n \n", "# a comment\n", "---\n", "null\n", "~\n", "{}\n", "\u{feff}"];
    let cut = ["http_server_config: {}\n", "basic_auth_users:\n", "tls_server_config:\n"];
    cases.extend(empty.iter().chain(&cut).map(|after| (&*all, *after, BOTH)));
    for (before, after, dropped) in cases {
        let faults = folder
            .web_config(after)
            .protection_dropped_from(&folder.web_config(before))
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>();
        assert_eq!(faults.len(), dropped.len(), "{after:?}: {faults:?}");
        for (fault, word) in faults.iter().zip(dropped) {
            assert!(fault.contains(word), "{after:?}: {fault}");
        }
    }
}

#[test]
fn an_emptied_web_config_is_refused_and_the_previous_one_stays_in_use() {
    let folder = folder();
    let web: PathBuf = folder.write("web.yml", &users());
    let flag = format!("--web.config.file={}", web.display());
    let daemon = Daemon::start_with("", &[&flag, "--web.enable-lifecycle"], &[]);
    let ann = login("ann", "one");
    let reload_successful = || {
        let metrics = daemon.get_with("/metrics", &ann).body;
        metrics.contains("\ncredwatch_config_last_reload_successful 1\n")
    };
    assert!(reload_successful());
    std::fs::write(&web, "").expect("emptied");
    wait_for("the daemon to notice", || (!reload_successful()).then_some(()));
    daemon.wait_for_log("no longer has users");
    assert_eq!(daemon.get("/").status, 401);
    let answer = daemon.post_with("/-/reload", &ann);
    assert!(answer.status == 500 && answer.body.contains("web.yml"), "{}", answer.body);
    assert_eq!(daemon.get("/").status, 401);
    std::fs::write(&web, "basic_auth_users: {}\n").expect("written");
    wait_for("the end of the logins", || (daemon.get("/").status == 200).then_some(()));
}
