//! The web config in force.

use std::sync::{Arc, PoisonError, RwLock};

use axum::http::HeaderValue;

use super::config::WebConfig;
use super::users::{Login, Logins};

/// The web config in force, and the logins that are remembered over reloads.
#[derive(Default)]
pub struct CurrentWebConfig {
    current: RwLock<Arc<WebConfig>>,
    logins: Logins,
}

impl CurrentWebConfig {
    /// Starts with this web config.
    #[must_use]
    pub fn new(web_config: impl Into<Arc<WebConfig>>) -> Self {
        Self { current: RwLock::new(web_config.into()), logins: Logins::default() }
    }

    /// The web config in force.
    #[must_use]
    pub fn get(&self) -> Arc<WebConfig> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another web config into force, for every connection and request from now on.
    pub fn replace(&self, web_config: impl Into<Arc<WebConfig>>) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = web_config.into();
    }

    /// Whether the login of a request was found to be right before.
    #[must_use]
    pub fn remembers(&self, web_config: &WebConfig, authorization: Option<&HeaderValue>) -> bool {
        self.logins.remembers(&web_config.users, authorization)
    }

    /// Checks the login of one request.
    pub async fn login(
        &self,
        web_config: &WebConfig,
        authorization: Option<&HeaderValue>,
    ) -> Login {
        self.logins.check(&web_config.users, authorization).await
    }
}
