//! Invite a friend without an agent: the program itself signs in at the service.
#![expect(clippy::print_stdout, reason = "what happens is shown on standard output")]
#![expect(clippy::wildcard_enum_match_arm, reason = "the sdk may add events")]

use hither::{Client, Event, State};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (client, mut events) =
        Client::builder("ws://127.0.0.1:4000/v1").sign_in("alice@example.org", "secret of alice").await?;

    let session = client.create_session();
    session.set_application("{2F1A5B60-0F0B-4A53-9C1C-6E2D0D3B8A11}", "Chess", "")?;
    session.invite("bob@example.org", "a game?").await?;

    while let Some(event) = events.next().await {
        match event {
            Event::StateChanged { previous, state, .. } => {
                println!("{previous} -> {state}");
                if state == State::Connected {
                    // Say where to connect to; from then on the two applications need no service.
                    session.send_context_data("192.0.2.1:5000").await?;
                }
            }
            Event::ContextData { data, .. } => println!("the friend says: {data}"),
            Event::Termination { code, .. } => {
                println!("over: {code}");
                break;
            }
            _ => {}
        }
    }
    client.sign_out().await?;
    Ok(())
}
