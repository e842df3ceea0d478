//! Getting a new token whenever one is about to expire.

use std::error::Error as StdError;
use std::sync::{Arc, Weak};
use std::time::Duration;

use hither_proto::client::Call;
use hither_wire::account::{self, Token};

use crate::shared::Handle;

/// How long to wait before whoever gives tokens is asked again.
const AGAIN: Duration = Duration::from_secs(5);

/// Asks for a token each time one is needed, until the client is gone.
pub fn keep_fresh<F, T>(handle: &Arc<Handle>, mut fresh: F)
where
    F: FnMut() -> T + Send + 'static,
    T: Future<Output = Result<String, Box<dyn StdError + Send + Sync>>> + Send,
{
    // Nobody is kept signed in because a token could be got.
    let (handle, shared): (Weak<Handle>, _) = (Arc::downgrade(handle), Arc::clone(&handle.shared));
    tokio::spawn(async move {
        loop {
            shared.token_expires.notified().await;
            if shared.is_over() {
                return;
            }
            loop {
                let token = fresh().await;
                let Some(handle) = handle.upgrade() else { return };
                match token {
                    Ok(token) => {
                        let renew = account::Request::Renew(Token(token.into()));
                        if let Err(error) = handle.perform(Call::Account(Box::new(renew))).await {
                            tracing::warn!(%error, "the service does not take the new token");
                        }
                        break;
                    }
                    Err(error) => tracing::warn!(%error, "there is no new token yet"),
                }
                drop(handle);
                tokio::time::sleep(AGAIN).await;
            }
        }
    });
}
