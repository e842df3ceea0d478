//! Local connections: two tasks each, one that hears and one that speaks.

use std::time::Duration;

use hither_ipc::{Received, ServerEnd};
use hither_proto::agent::{Input, LinkId};
use hither_wire::message::ServerFrame;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{Controller, Event};

/// Frames that wait for an application to read them; one that does not is let go.
const FRAMES_MAX: usize = 512;
/// How long an application may take to read the last words of the agent.
const GOODBYE: Duration = Duration::from_secs(2);

/// What a local connection is made of: a socket, or in tests something in memory.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection that an application or a tool has made.
pub struct NewLink {
    /// The connection.
    pub stream: Box<dyn Stream>,
    /// The process at its other end.
    pub process: Option<u32>,
}

impl std::fmt::Debug for NewLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewLink").field("process", &self.process).finish_non_exhaustive()
    }
}

enum Say {
    Frame(ServerFrame),
    Close(u16),
}

pub(super) struct Link {
    say: mpsc::Sender<Say>,
    speaker: JoinHandle<()>,
    hearer: JoinHandle<()>,
}

impl Controller {
    pub(super) fn linked(&mut self, new: NewLink) {
        self.links_ever += 1;
        let link = LinkId(self.links_ever);
        let (mut reader, mut writer) = ServerEnd::new(new.stream).split();
        let (say, mut said) = mpsc::channel(FRAMES_MAX);
        let events = self.events.clone();
        let hearer = tokio::spawn(async move {
            loop {
                let received = reader.recv().await;
                let over = !matches!(received, Received::Frame(_));
                if events.send(Event::Link { link, received }).await.is_err() || over {
                    return;
                }
            }
        });
        let speaker = tokio::spawn(async move {
            while let Some(say) = said.recv().await {
                let sent = match say {
                    Say::Frame(frame) => writer.send(&frame).await,
                    Say::Close(code) => return drop(writer.close(code).await),
                };
                if sent.is_err() {
                    return;
                }
            }
        });
        self.links.insert(link, Link { say, speaker, hearer });
        self.give(Input::Linked { link, process: new.process });
    }

    pub(super) fn heard(&mut self, link: LinkId, received: Received) {
        if !self.links.contains_key(&link) {
            return;
        }
        match received {
            Received::Frame(frame) => self.give(Input::Received { link, frame }),
            Received::TooLong => {
                self.end_link(link, 1009);
                self.give(Input::Unlinked { link });
            }
            Received::Closed => {
                self.links.remove(&link);
                self.give(Input::Unlinked { link });
            }
        }
    }

    /// Says something to a connection. One that does not read is gone.
    pub(super) fn say(&mut self, link: LinkId, frame: ServerFrame) -> Option<Input> {
        let open = self.links.get(&link)?;
        if open.say.try_send(Say::Frame(frame)).is_ok() {
            return None;
        }
        if let Some(link) = self.links.remove(&link) {
            link.speaker.abort();
            link.hearer.abort();
        }
        Some(Input::Unlinked { link })
    }

    /// Says why, and closes a connection.
    pub(super) fn end_link(&mut self, link: LinkId, code: u16) {
        let Some(Link { say, speaker, hearer }) = self.links.remove(&link) else { return };
        hearer.abort();
        if say.try_send(Say::Close(code)).is_err() {
            speaker.abort();
        }
        // What was said before still goes out, but nobody waits for ever.
        while self.closing.try_join_next().is_some() {}
        self.closing.spawn(async move {
            let abort = speaker.abort_handle();
            if timeout(GOODBYE, speaker).await.is_err() {
                abort.abort();
            }
        });
    }

    /// The agent stops: what was said last still goes out.
    pub(super) async fn say_goodbye(mut self) {
        for (_, link) in std::mem::take(&mut self.links) {
            link.hearer.abort();
            drop(link.say);
            drop(timeout(GOODBYE, link.speaker).await);
        }
        while self.closing.join_next().await.is_some() {}
    }
}
