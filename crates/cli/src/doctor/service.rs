//! Whether the service answers, asked without an agent.

use std::time::{Duration, Instant};

use anyhow::Result;
use hither::transport::{Connection, Failure, Heard, Target};
use hither_wire::message::{Ask, ClientFrame, Hello, Request, ServerFrame, Welcome};
use hither_wire::version;
use tokio::time::timeout;

use crate::steps::Steps;

const STEP: &str = "service";
/// Longer than a service that is there takes.
const PATIENCE: Duration = Duration::from_secs(10);
const ADVICE: &str = "check that the service runs, and its address: `hither sign-in` takes another";

/// Says hello to the service, and says whether it has answered.
pub async fn answers(steps: &mut Steps, url: Option<&str>) -> Result<bool> {
    let Some(url) = url else {
        steps.skipped(STEP, "where it is comes with the sign-in")?;
        return Ok(false);
    };
    let began = Instant::now();
    let said = timeout(PATIENCE, say_hello(url)).await;
    match said.unwrap_or_else(|_| Err(format!("it does not answer within {} seconds", PATIENCE.as_secs()))) {
        Ok(Welcome { service, version, .. }) => {
            let took = began.elapsed().as_millis();
            steps.ok(STEP, &format!("{url} answers in {took} ms: {service}, protocol {version}"))?;
            Ok(true)
        }
        Err(why) => {
            steps.failed(STEP, &format!("{url}: {why}"), ADVICE)?;
            Ok(false)
        }
    }
}

async fn say_hello(url: &str) -> Result<Welcome, String> {
    let mut connection = Target::parse(url)?.connect().await.map_err(|failure| why(&failure))?;
    let hello = Hello {
        versions: version::SPOKEN.to_vec(),
        client: Some(concat!("hither-doctor/", env!("CARGO_PKG_VERSION")).into()),
        capabilities: Vec::new(),
    };
    let ask = Ask { id: 1, key: None, object: None, request: Request::Hello(hello) };
    connection.send(&ClientFrame { ack: None, ask: Some(ask) });
    let welcome = welcomed(&mut connection).await;
    connection.close().await;
    welcome
}

async fn welcomed(connection: &mut Connection) -> Result<Welcome, String> {
    loop {
        match connection.next(true).await {
            Heard::Frame(ServerFrame::Answer(answer)) => {
                let refused = || answer.message.as_deref().unwrap_or(answer.code.advice()).to_owned();
                return answer.hello.clone().ok_or_else(refused);
            }
            Heard::Frame(ServerFrame::Event(_) | ServerFrame::Local(_)) | Heard::Life => {}
            Heard::Unreadable => return Err("what answers there does not speak this protocol".to_owned()),
            Heard::Closed(code) => {
                let code = code.map(|code| format!(" with {code}")).unwrap_or_default();
                return Err(format!("it closed the connection{code}"));
            }
        }
    }
}

fn why(failure: &Failure) -> String {
    match failure {
        Failure::Url(what) => format!("this is no address of a service: {what}"),
        Failure::Io(error) => format!("nobody answers: {error}"),
        Failure::NoService(what) => format!("it is answered, but not by a hither service: {what}"),
        Failure::Untrusted(what) => format!("it is not trusted: {what}"),
        Failure::Busy(after) => format!("it has too many connections; try again in {} seconds", after.as_secs()),
        Failure::NoAgent(_) | Failure::NotYours(_) => "this is no address of a service".to_owned(),
    }
}
