use hither_wire::SessionId;
use tokio::sync::mpsc;
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Button {
    Accept,
    Decline,
    Get,
    Invite,
    No,
}
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    Ringing(SessionId),
    Missing(SessionId),
    Link(u64),
}
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    pub subject: Subject,
    pub title: String,
    pub body: String,
    pub buttons: Vec<Button>,
    pub urgent: bool,
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pressed {
    Button { subject: Subject, button: Button },
    Dismissed { subject: Subject },
    Changed,
}
pub trait Desktop: Send {
    fn show(&mut self, card: Card);
    fn withdraw(&mut self, subject: Subject);
    fn open(&mut self, url: &str);
    fn describe(&self) -> Option<String>;
}
pub fn start() -> (Box<dyn Desktop>, mpsc::Receiver<Pressed>) {
    let (d, _, r) = fake::FakeDesktop::new();
    (Box::new(d), r)
}
pub fn none() -> (Box<dyn Desktop>, mpsc::Receiver<Pressed>) {
    start()
}
pub mod fake {
    use super::*;
    use std::sync::{Arc, Mutex};
    use tokio::sync::Notify;
    #[derive(Default)]
    struct S {
        cards: Vec<Card>,
        opened: Vec<String>,
        fresh: std::collections::VecDeque<Card>,
    }
    pub struct FakeDesktop(Arc<(Mutex<S>, Notify)>);
    #[derive(Clone)]
    pub struct FakeHandle(Arc<(Mutex<S>, Notify)>, mpsc::Sender<Pressed>);
    impl FakeDesktop {
        pub fn new() -> (FakeDesktop, FakeHandle, mpsc::Receiver<Pressed>) {
            let s = Arc::new((Mutex::default(), Notify::new()));
            let (t, r) = mpsc::channel(64);
            (FakeDesktop(s.clone()), FakeHandle(s, t), r)
        }
    }
    impl Desktop for FakeDesktop {
        fn show(&mut self, card: Card) {
            let mut s = self.0.0.lock().unwrap();
            s.cards.retain(|c| c.subject != card.subject);
            s.cards.push(card.clone());
            s.fresh.push_back(card);
            self.0.1.notify_one();
        }
        fn withdraw(&mut self, subject: Subject) {
            self.0.0.lock().unwrap().cards.retain(|c| c.subject != subject);
        }
        fn open(&mut self, url: &str) {
            self.0.0.lock().unwrap().opened.push(url.into());
        }
        fn describe(&self) -> Option<String> {
            Some("fake".into())
        }
    }
    impl FakeHandle {
        pub fn cards(&self) -> Vec<Card> {
            self.0.0.lock().unwrap().cards.clone()
        }
        pub fn opened(&self) -> Vec<String> {
            self.0.0.lock().unwrap().opened.clone()
        }
        pub fn press(&self, subject: Subject, button: Button) {
            self.0.0.lock().unwrap().cards.retain(|c| c.subject != subject);
            self.1.try_send(Pressed::Button { subject, button }).unwrap();
        }
        pub async fn next_card(&self) -> Card {
            loop {
                if let Some(c) = self.0.0.lock().unwrap().fresh.pop_front() {
                    return c;
                }
                self.0.1.notified().await;
            }
        }
    }
}
