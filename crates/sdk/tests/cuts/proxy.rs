//! A proxy between a client and the service that breaks its first connection at a chosen frame.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Which way a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    ToService,
    ToClient,
}

/// What happens at the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The connection breaks before the frame has gone through.
    CutBefore,
    /// The frame goes through, then the connection breaks.
    CutAfter,
    /// Half of the frame goes through, then the connection breaks.
    CutWithin,
    /// Nothing more goes this way, and the other end is told so; the other way stays open.
    HalfClose,
    /// The frame waits until the next request or event comes the other way, or the connection ends.
    Delay,
}

/// What happens where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    pub way: Way,
    /// Counted from 1, the frames of this way.
    pub frame: usize,
    pub kind: Kind,
}

/// Listens for one client; its later connections go through as they are.
pub async fn start(service: SocketAddr, fault: Option<Fault>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut fault = fault;
        while let Ok((client, _)) = listener.accept().await {
            let upstream = TcpStream::connect(service).await.unwrap();
            tokio::spawn(carry(client, upstream, fault.take()));
        }
    });
    address
}

async fn carry(client: TcpStream, service: TcpStream, fault: Option<Fault>) {
    let (client_in, client_out) = client.into_split();
    let (service_in, service_out) = service.into_split();
    let of = |way| fault.filter(|fault| fault.way == way);
    let (seen, _) = watch::channel([0_usize; 2]);
    // When one way breaks the connection, both ends are dropped.
    tokio::select! {
        () = pump(client_in, service_out, of(Way::ToService), 0, &seen) => {}
        () = pump(service_in, client_out, of(Way::ToClient), 1, &seen) => {}
    }
}

/// Carries frames one way; returns when the connection is to break.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    fault: Option<Fault>,
    way: usize,
    seen: &watch::Sender<[usize; 2]>,
) {
    let mut buffer = Vec::new();
    // The HTTP head is no frame.
    loop {
        if from.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
            return;
        }
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            to.write_all(&buffer[..at + 4]).await.unwrap_or_default();
            buffer.drain(..at + 4);
            break;
        }
    }
    let mut count = 0;
    loop {
        while let Some(length) = frame_length(&buffer) {
            let frame: Vec<u8> = buffer.drain(..length).collect();
            let is_text = frame[0] & 0x0f == 1;
            count += usize::from(is_text);
            seen.send_modify(|seen| seen[way] += usize::from(is_text));
            let here = fault.filter(|fault| is_text && fault.frame == count);
            match here.map(|fault| fault.kind) {
                Some(Kind::CutBefore) => return,
                Some(Kind::CutWithin) => {
                    drop(to.write_all(&frame[..frame.len() / 2]).await);
                    return;
                }
                Some(Kind::CutAfter) => {
                    drop(to.write_all(&frame).await);
                    return;
                }
                Some(Kind::HalfClose) => {
                    drop(to.shutdown().await);
                    // Until the other way ends.
                    std::future::pending::<()>().await;
                }
                Some(Kind::Delay) => {
                    let other = seen.borrow()[1 - way];
                    let mut seen = seen.subscribe();
                    let later = seen.wait_for(|seen| seen[1 - way] > other);
                    // Nothing may come: then what is behind the frame sets it free.
                    tokio::select! {
                        _ = later => {}
                        _ = from.read_buf(&mut buffer) => {}
                    }
                }
                None => {}
            }
            if to.write_all(&frame).await.is_err() {
                return;
            }
        }
        if from.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
            return;
        }
    }
}

/// The length of the first frame, if all of it is there (RFC 6455, section 5.2).
fn frame_length(bytes: &[u8]) -> Option<usize> {
    let [_, second, rest @ ..] = bytes else { return None };
    let mask = if second & 0x80 == 0 { 0 } else { 4 };
    let (header, length) = match second & 0x7f {
        126 => (4, usize::from(u16::from_be_bytes([*rest.first()?, *rest.get(1)?]))),
        127 => unreachable!("frames here are small"),
        short => (2, usize::from(short)),
    };
    let all = header + mask + length;
    (bytes.len() >= all).then_some(all)
}
