//! The service of the demo: in this process, on a free port, with its store in the demo's folder.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use hither::PersonName;
use hither_service::{PasswordCost, Server, ServiceConfig, Store, hash_password};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::timeline::Who;

/// A service that stops when this is dropped.
pub struct DemoService {
    url: String,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl DemoService {
    /// Makes the accounts and starts the service.
    pub async fn start(folder: &Path) -> Result<DemoService> {
        let data = folder.join("data");
        let store = Store::open(&data).context("cannot make a store")?;
        for who in [Who::Alice, Who::Bob] {
            let password = random_password()?;
            std::fs::write(password_file(folder, who), &password).context("cannot write a password file")?;
            let user: PersonName = who.user().parse()?;
            // The password is random and lives for seconds: it need not be hard to try out.
            let hash = hash_password(&password, PasswordCost::FOR_TESTS).context("cannot use the password")?;
            store.add_account(&user, who.name(), &hash).context("cannot add an account")?;
        }
        drop(store);

        let config = ServiceConfig::new(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), data);
        let server = Server::bind(config).await.context("cannot start the service")?;
        let url = server.url();
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(async move {
            // A sender that is dropped stops the service as well as one that is used.
            let shutdown = async move { drop(stopped.await) };
            server.run(shutdown).await;
        });
        Ok(DemoService { url, stop, running })
    }

    /// Where the service is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Stops the service and waits until it has.
    pub async fn stop(self) -> Result<()> {
        drop(self.stop);
        self.running.await.context("the service failed")
    }
}

/// The password of one of the two.
pub fn password_file(folder: &Path, who: Who) -> PathBuf {
    folder.join(who.name())
}

fn random_password() -> Result<String> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).context("the system has no randomness")?;
    Ok(format!("{:032x}", u128::from_be_bytes(random)))
}
