//! What programs say on standard error, with the agent there and without it.

use hither_agent::launch::Launcher;
use hither_wire::Guid;

use super::{Place, exit, order, small};

#[tokio::test]
async fn the_last_words_of_a_program_that_fails() {
    let place = Place::new();
    let order = order(&small("cat"), &["/nowhere/{local}\u{1b}[2J".to_owned()]);
    let process = place.launcher.start(&order).unwrap();
    assert_eq!(exit(&place.launcher, process).await.to_string(), "exited with status 1");
    let tail = place.launcher.tail(order.session);
    assert_eq!(tail.len(), 1, "{tail:?}");
    assert!(tail[0].contains("/nowhere/") && !tail[0].contains('\u{1b}'), "{tail:?}");
}

#[tokio::test]
async fn an_application_goes_on_speaking_when_its_agent_has_gone() {
    let place = Place::new();
    let mut order = place.order(&[]);
    order.session = Guid(5);
    let process = place.launcher.start(&order).unwrap();
    let mut program = place.program().await;
    let next = Launcher::new(place.path().join("launched"));
    for words in ["one", "two"] {
        program.tell(&format!("mumble {words}")).await;
    }
    program.tell(&format!("mumble {}", "x".repeat(70_000))).await;
    program.tell("folder").await;
    program.says().await;
    next.trim();
    program.tell("mumble three").await;
    program.tell("folder").await;
    program.says().await;
    let tail = next.tail(Guid(5));
    assert_eq!((tail.len(), tail.last().unwrap().as_str()), (2, "three"));
    next.tidy(&[Guid(5)]);
    assert_eq!(next.tail(Guid(5)).len(), 2);
    next.tidy(&[]);
    program.tell("mumble four").await;
    program.tell("exit 0").await;
    exit(&place.launcher, process).await;
    assert!(next.tail(Guid(5)).is_empty());
}
