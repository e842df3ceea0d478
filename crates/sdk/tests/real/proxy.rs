//! A proxy between a client and the service that breaks connections when it is told to.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

pub struct Proxy {
    pub url: String,
    state: Arc<State>,
    accepting: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct State {
    /// Where the service is.
    to: Mutex<String>,
    /// Connections are closed as soon as they come.
    refusing: AtomicBool,
    /// Whoever is connected is cut off.
    cut: Notify,
}

impl Proxy {
    pub async fn new(to: &str) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/v1", listener.local_addr().unwrap());
        let state = Arc::new(State { to: Mutex::new(to.to_owned()), ..State::default() });
        let shared = Arc::clone(&state);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if !shared.refusing.load(Ordering::SeqCst) {
                    tokio::spawn(carry(Arc::clone(&shared), stream));
                }
            }
        });
        Proxy { url, state, accepting }
    }

    /// Breaks the connection that there is.
    pub fn cut(&self) {
        self.state.cut.notify_waiters();
    }

    /// Whether new connections are refused.
    pub fn refuse(&self, refuse: bool) {
        self.state.refusing.store(refuse, Ordering::SeqCst);
    }

    /// New connections go there.
    pub fn lead_to(&self, url: &str) {
        url.clone_into(&mut self.state.to.lock().unwrap());
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn carry(state: Arc<State>, mut near: TcpStream) {
    let cut = state.cut.notified();
    let forwarding = async {
        let to = state.to.lock().unwrap().trim_start_matches("ws://").replace("/v1", "");
        let mut far = TcpStream::connect(to).await.ok()?;
        tokio::io::copy_bidirectional(&mut near, &mut far).await.ok()
    };
    // Dropping both streams breaks both connections.
    tokio::select! {
        () = cut => {}
        _ = forwarding => {}
    }
}
