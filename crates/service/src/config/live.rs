//! The settings as they are now.

use std::sync::{Arc, PoisonError, RwLock};

use super::ServiceConfig;

/// Settings that an operator may change while the service runs. Clones are the same settings; whoever
/// decides by one asks for it each time.
#[derive(Clone, Debug)]
pub struct Live {
    current: Arc<RwLock<Arc<ServiceConfig>>>,
}

impl Live {
    /// The settings to begin with.
    pub fn new(config: ServiceConfig) -> Live {
        Live { current: Arc::new(RwLock::new(Arc::new(config))) }
    }

    /// The settings as they are now.
    pub fn get(&self) -> Arc<ServiceConfig> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Other settings from now on.
    pub fn set(&self, config: ServiceConfig) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
    }
}
