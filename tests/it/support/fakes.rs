//! The fake token APIs for tests of the daemon.

use credwatch::fake::Fake;

/// The fake APIs, with their own runtime.
pub struct Fakes {
    pub fake: std::sync::Arc<Fake>,
    _runtime: tokio::runtime::Runtime,
}

impl Fakes {
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let fake = runtime.block_on(Fake::start()).expect("a port");
        Self { fake, _runtime: runtime }
    }

    /// The provider table for one API, with more keys.
    pub fn provider(&self, api: &str, more: &str) -> String {
        let lines: Vec<String> = self
            .fake
            .credentials(api)
            .iter()
            .map(|(name, value)| format!("credentials.{name} = {value:?}"))
            .collect();
        let credentials = lines.join("\n");
        format!(
            "[providers.{api}]\nrecipe = {api:?}\nparameters.base_url = {:?}\n{credentials}\n\
             {more}\n",
            self.fake.base_url(api)
        )
    }

    pub fn all(&self) -> String {
        self.fake.token_apis().iter().map(|api| self.provider(api, "")).collect()
    }
}
