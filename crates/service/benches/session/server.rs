//! The service, with as many people as the load has ends: `a0@bench`, `b0@bench`, `a1@bench` …

use hither_service::{PasswordCost, Server, ServiceConfig, Store, TlsFiles, hash_password};
use hither_wire::PersonName;
use hither_wire::message::InvitationsFrom;

pub async fn run(people: usize, tls: Option<TlsFiles>) -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let store = Store::open(data.path())?;
    let password = hash_password("bench", PasswordCost::FOR_TESTS)?;
    for number in 0..people / 2 {
        for end in ["a", "b"] {
            store.add_account(&PersonName::parse(&format!("{end}{number}@bench"))?, "", &password)?;
        }
    }
    drop(store);
    let mut config = ServiceConfig::new("127.0.0.1:0".parse()?, data.path().to_owned());
    config.password_cost = PasswordCost::FOR_TESTS;
    config.machine.invitations = InvitationsFrom::Anyone;
    config.machine.invitations_per_minute = 1_000_000;
    config.tls = tls;
    let server = Server::bind(config).await?;
    println!("{}", server.url());
    server.run(std::future::pending()).await;
    Ok(())
}
