//! In/out events: what running applications are asked, with a deadline and a default. An application
//! that does not answer holds nothing up.

use std::collections::BTreeSet;

use hither_wire::{Code, SessionId, local};

use super::port::Output;
use super::programs::ProgramId;
use super::sessions::Doing;
use super::{Agent, Deadline};
use crate::Millis;

/// How long an application has for its answer.
const ANSWER_MS: Millis = 2_000;

#[derive(Debug)]
pub(super) struct Question {
    pub session: SessionId,
    what: What,
    /// Who has not answered yet.
    asked: BTreeSet<ProgramId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// Whether the application handles the invitation itself; by default it does not.
    Handled,
    /// Whether the application is to be started; by default it is.
    Launch,
}

impl What {
    /// The answer that settles the question at once.
    fn settling(self) -> bool {
        match self {
            What::Handled => true,
            What::Launch => false,
        }
    }
}

impl Agent {
    /// `OnInvitation`: the question goes out with the invitation itself.
    pub(super) fn ask_whether_handled(&mut self, session: SessionId, running: &[ProgramId]) -> u64 {
        self.question(session, What::Handled, running.iter().copied().collect())
    }

    /// `OnReadyToLaunch`, then `BeforeAppLaunch`.
    pub(super) fn ask_whether_to_launch(&mut self, session: SessionId, running: &BTreeSet<ProgramId>) -> u64 {
        let question = self.question(session, What::Launch, running.clone());
        let before = local::Event::BeforeLaunch { session, question, within_ms: ANSWER_MS };
        let links: Vec<_> = running.iter().filter_map(|id| self.programs.get(id)?.link).collect();
        for link in links {
            let frame = hither_wire::ServerFrame::Local(Box::new(before.clone()));
            self.outputs.push_back(Output::Send { link, frame });
        }
        question
    }

    /// An application has answered.
    pub(super) fn answered_by(&mut self, program: ProgramId, number: u64, yes: bool) -> Code {
        let Some(question) = self.questions.get_mut(&number) else { return Code::S_FALSE };
        if !question.asked.remove(&program) {
            return Code::E_INVALIDARG;
        }
        let (session, what) = (question.session, question.what);
        if yes == what.settling() {
            self.settle(number);
            match what {
                What::Handled => self.now_doing(session, Doing::Handled),
                What::Launch => self.now_doing(session, Doing::LeftTo),
            }
        } else if question.asked.is_empty() {
            self.unanswered(number);
        }
        Code::S_OK
    }

    /// An application is gone: it will not answer.
    pub(super) fn no_answer_from(&mut self, program: ProgramId) {
        let mut open = Vec::new();
        for (number, question) in &mut self.questions {
            if question.asked.remove(&program) && question.asked.is_empty() {
                open.push(*number);
            }
        }
        for number in open {
            self.unanswered(number);
        }
    }

    /// Nobody has said otherwise: the default holds.
    pub(super) fn unanswered(&mut self, number: u64) {
        let Some(question) = self.settle(number) else { return };
        match question.what {
            What::Handled => self.ring(question.session),
            What::Launch => self.launch(question.session),
        }
    }

    /// Nobody needs the answers about a session any more.
    pub(super) fn forget_questions(&mut self, session: SessionId) {
        self.questions.retain(|_, question| question.session != session);
    }

    fn question(&mut self, session: SessionId, what: What, asked: BTreeSet<ProgramId>) -> u64 {
        let number = self.number();
        self.questions.insert(number, Question { session, what, asked });
        self.timers.set(Deadline::Question(number), Some(self.now + ANSWER_MS));
        number
    }

    fn settle(&mut self, number: u64) -> Option<Question> {
        self.timers.set(Deadline::Question(number), None);
        self.questions.remove(&number)
    }

    pub(super) fn now_doing(&mut self, session: SessionId, doing: Doing) {
        if let Some(held) = self.held.get_mut(&session) {
            held.doing = doing;
            self.unsaved = true;
        }
    }
}
