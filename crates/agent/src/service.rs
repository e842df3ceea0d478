//! The connection to the service: a task that opens it and carries frames, so that the loop waits for
//! one thing only.

use std::net::IpAddr;

use hither::transport::{Connection, Failure, Heard, Target};
use hither_wire::message::ClientFrame;
use tokio::sync::mpsc;

use crate::controller::Event;

/// What happens to a connection.
#[derive(Debug)]
pub enum Happened {
    /// It is open.
    Opened {
        /// This side's address.
        local: Option<IpAddr>,
    },
    /// It could not be opened.
    Failed(String),
    /// Something came, or it is gone.
    Heard(Heard),
}

/// A connection that is to be made.
#[derive(Debug)]
pub struct Call {
    /// Which connection: what comes from an earlier one does not count any more.
    pub number: u64,
    /// Where the service is.
    pub url: String,
    /// Which service has said so, if it is not the one of the account.
    pub redirected_by: Option<String>,
    /// What is to be sent; the connection is closed when the other end is gone.
    pub frames: mpsc::UnboundedReceiver<ClientFrame>,
    /// Where to tell what happens.
    pub events: mpsc::Sender<Event>,
}

/// Makes connections, in tasks of their own.
pub type Dial = Box<dyn FnMut(Call) + Send>;

/// Makes connections over WebSocket.
pub fn dial() -> Dial {
    Box::new(|call| drop(tokio::spawn(carry(call))))
}

async fn carry(call: Call) {
    let Call { number, url, redirected_by, mut frames, events } = call;
    let tell = |happened| events.send(Event::Service { number, happened });
    let target = match redirected_by {
        Some(service) => Target::parse(&service).and_then(|service| service.redirected(&url)),
        None => Target::parse(&url),
    };
    let opened = match target {
        Ok(target) => target.connect().await.map_err(in_words),
        Err(what) => Err(what),
    };
    let mut connection: Connection = match opened {
        Ok(connection) => connection,
        Err(why) => return drop(tell(Happened::Failed(why)).await),
    };
    if tell(Happened::Opened { local: connection.local }).await.is_err() {
        return;
    }
    loop {
        tokio::select! {
            biased;
            frame = frames.recv() => match frame {
                Some(frame) => connection.send(&frame),
                None => return connection.close().await,
            },
            heard = connection.next(true) => {
                let over = matches!(heard, Heard::Closed(_));
                if tell(Happened::Heard(heard)).await.is_err() || over {
                    return;
                }
            }
        }
    }
}

fn in_words(failure: Failure) -> String {
    match failure {
        Failure::Url(what) | Failure::NoService(what) | Failure::Untrusted(what) => what,
        Failure::Io(error) => error.to_string(),
        Failure::Busy(after) => format!("it has too many connections; again in {} s", after.as_secs()),
        Failure::NoAgent(_) | Failure::NotYours(_) => "the address is a socket, not a service".to_owned(),
    }
}
