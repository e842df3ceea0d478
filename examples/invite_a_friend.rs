//! Invite a friend, in one screen.
#![expect(clippy::print_stdout, reason = "what happens is shown on standard output")]
#![expect(clippy::wildcard_enum_match_arm, reason = "the sdk may add events")]

use hither::{Agent, Event, State};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The agent knows who is signed in on this machine, and at which service.
    let (agent, mut events) = Agent::connect().await?;

    let session = agent.create_session();
    session.set_application("{2F1A5B60-0F0B-4A53-9C1C-6E2D0D3B8A11}", "", "")?;
    session.invite("bob@example.org", "a game?").await?;

    while let Some(event) = events.next().await {
        match event {
            Event::Progress { stage, .. } => println!("at the friend's: {}", stage.name()),
            Event::StateChanged { state: State::Connected, .. } => {
                // Say where to connect to; from then on the two applications need nobody else.
                session.send_context_data("192.0.2.1:5000").await?;
            }
            Event::ContextData { data, .. } => println!("the friend says: {data}"),
            Event::Termination { code, .. } => {
                println!("over: {code}");
                break;
            }
            _ => {}
        }
    }
    agent.sign_out().await?;
    Ok(())
}
