//! A container with the daemon, installed at the paths of the package. The binary is the one of the
//! tests, which is built without optimization.

use super::container::Container;
use crate::support::{repository, wait_for};

/// The unit of the service.
pub const UNIT: &str = "credwatch.service";

/// One provider with the endpoint of `tests/systemd/token-endpoint.sh`.
pub const CONFIGURATION: &str = r#"
[providers.inside]
recipe = "oauth2-client-credentials"
interval = "200ms"
confirm_after = "100ms"
parameters.token_url = "http://127.0.0.1:8080/token"
credentials.client_id = "watcher"
credentials.client_secret = { systemd = "inside-secret" }
"#;

/// The file with the secret, readable by root only.
pub const SECRET: &str = "/etc/credwatch/secrets/inside";

/// A container with the daemon, its unit, a configuration, a secret and a running endpoint. The
/// daemon is not started.
pub fn installed() -> Container {
    let container = Container::boot();
    container.copy(env!("CARGO_BIN_EXE_credwatch"), "/usr/bin/credwatch", "0755");
    container.copy(
        repository("systemd/credwatch.service"),
        "/usr/lib/systemd/system/credwatch.service",
        "0644",
    );
    container.write("/etc/credwatch/credwatch.toml", "0644", CONFIGURATION);
    container.write(SECRET, "0600", "of-the-container\n");
    container.drop_in(
        UNIT,
        "secret",
        &format!("[Service]\nLoadCredential=inside-secret:{SECRET}\n"),
    );
    container.copy(
        repository("tests/systemd/token-endpoint.sh"),
        "/usr/local/bin/token-endpoint",
        "0755",
    );
    container.write(
        "/etc/systemd/system/token.socket",
        "0644",
        "[Socket]\nListenStream=127.0.0.1:8080\nAccept=yes\nMaxConnections=1000\n\
         TriggerLimitIntervalSec=0\n",
    );
    container.write(
        "/etc/systemd/system/token@.service",
        "0644",
        "[Service]\nExecStart=/usr/local/bin/token-endpoint\nStandardInput=socket\n\
         StandardOutput=socket\n",
    );
    container.systemctl("daemon-reload", "").fine();
    container.systemctl("start", "token.socket").fine();
    container
}

/// Waits until the provider is in a state.
pub fn wait_for_state(container: &Container, state: &str) {
    let name = format!("credwatch_provider_state{{provider=\"inside\",state=\"{state}\"}}");
    wait_for(&format!("the provider to be {state}"), || {
        (container.sample(&name) == Some(1.0)).then_some(())
    });
}
