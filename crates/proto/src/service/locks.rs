//! Lock and Key: whose lock stands how, what is asked of it, who is told (reference, section 2.3).
//!
//! A device has a lock of its own, and one for each application behind it that has ever asked for a
//! challenge (`object`). They live as long as the device's stay.

use std::collections::BTreeMap;

use hither_wire::lock::Response;
use hither_wire::message::{Answer, Event, EventFrame, Request};
use hither_wire::{Code, Guid, LockStatus, ServerFrame};

use super::port::{Close, ConnId, Denied, Output, Ticket, Whom};
use super::{Deadline, Service, Waiting, Who};
use crate::lock::{Call, Effect, Judgement, Lock, Move, policy};

/// Which of several applications behind one device; `None` is the device itself.
pub(super) type Object = Option<Box<str>>;

/// Events of a try: the status, the challenge, the result, the status again.
const TRY_EVENTS: usize = 4;
/// Those that are still to come once a challenge has been told.
const END_EVENTS: usize = 2;

/// Whose lock it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Holder {
    pub who: Who,
    pub object: Object,
}

/// The locks of a device.
#[derive(Debug)]
pub struct Locks {
    own: Lock,
    objects: BTreeMap<Box<str>, Lock>,
    /// How the lock of an application begins that has not asked yet.
    fresh: Lock,
}

impl Locks {
    pub fn new(enabled: bool) -> Locks {
        Locks { own: Lock::new(enabled), objects: BTreeMap::new(), fresh: Lock::new(enabled) }
    }

    /// Room in the device's queue for what is still to be told of challenges.
    pub fn reserved(&self) -> usize {
        let pending = |lock: &&Lock| lock.status() == LockStatus::PendingResult;
        let locks = std::iter::once(&self.own).chain(self.objects.values());
        locks.filter(pending).count() * END_EVENTS
    }

    fn get(&self, object: &Object) -> &Lock {
        match object {
            Some(object) => self.objects.get(object).unwrap_or(&self.fresh),
            None => &self.own,
        }
    }

    fn get_mut(&mut self, object: &Object) -> Option<&mut Lock> {
        match object {
            Some(object) => self.objects.get_mut(object),
            None => Some(&mut self.own),
        }
    }

    fn iter(&self) -> impl Iterator<Item = (Object, &Lock)> {
        let objects = self.objects.iter().map(|(object, lock)| (Some(object.clone()), lock));
        std::iter::once((None, &self.own)).chain(objects)
    }
}

impl Service {
    /// `OnLockEnable`, after each sign-in: how each lock of the device stands.
    pub(super) fn tell_locks(&mut self, conn: ConnId, who: &Who) {
        let Some(device) = self.person(&who.person).and_then(|person| person.device(who.device)) else { return };
        let enabled = self.config.lock;
        let tell = |(object, lock): (Object, &Lock)| {
            let event = Event::Lock { object, enabled, status: lock.status() };
            Output::Send { conn, frame: ServerFrame::Event(EventFrame { seq: None, event }), can_wait: false }
        };
        let tells: Vec<Output> = device.locks.iter().map(tell).collect();
        self.outputs.extend(tells);
    }

    /// The refusal of an invitation into an application that the lock does not let through.
    pub(super) fn locked(&self, who: &Who, object: &Object, app: Guid) -> Option<Answer> {
        let device = self.person(&who.person)?.device(who.device)?;
        let lock = device.locks.get(object);
        let code = lock.permits(app).err()?;
        if lock.status() == LockStatus::Unlocked {
            let message = match object {
                Some(_) => {
                    "the key of this `object` is for other applications: give it up with `release`, and unlock it \
                     with a key for this one"
                }
                None => {
                    "the key is for other applications: unlock an `object` with a key for this one, and invite with \
                     that `object`"
                }
            };
            return Some(Answer::refusal(0, code, message));
        }
        Some(Answer::new(0, code))
    }

    /// A request about a lock.
    pub(super) fn ask_lock(&mut self, waiting: Waiting, object: Object, request: Request) {
        let answer = match request {
            Request::Challenge { cookie } => return self.request_challenge(waiting, object, cookie),
            Request::Response(response) => self.respond(waiting.conn, &waiting.who, object, *response),
            Request::Release => self.release(&waiting.who, object),
            Request::Hello(_)
            | Request::SignIn(_)
            | Request::SignOut { .. }
            | Request::Ping
            | Request::Invite(_)
            | Request::Accept(_)
            | Request::Decline { .. }
            | Request::Ignore { .. }
            | Request::Cancel { .. }
            | Request::Attach { .. }
            | Request::Context { .. }
            | Request::Progress { .. }
            | Request::SetStatus { .. }
            | Request::Contacts
            | Request::Contact { .. }
            | Request::Settings(_)
            | Request::Account(_)
            | Request::Local(_) => Answer::new(0, Code::E_INVALIDARG),
        };
        self.reply(waiting.conn, &waiting.who, waiting.key, Answer { re: waiting.id, ..answer });
    }

    /// `RequestChallenge`.
    fn request_challenge(&mut self, waiting: Waiting, object: Object, cookie: u32) {
        let holder = Holder { who: waiting.who.clone(), object };
        if let Err(denied) = self.may_request(&holder) {
            return self.reply(waiting.conn, &holder.who, waiting.key, denied.answer(waiting.id));
        }
        let Some(device) = self.device_mut(&holder.who) else { return };
        if let Some(object) = &holder.object {
            let fresh = device.locks.fresh.clone();
            device.locks.objects.entry(object.clone()).or_insert(fresh);
        }
        self.move_lock(&holder, Move::Request { cookie }, Some(waiting));
    }

    /// Judged in the order of R26: the state, then the count of objects, then room in the queue.
    fn may_request(&self, holder: &Holder) -> Result<(), Denied> {
        let device = self.person(&holder.who.person).and_then(|person| person.device(holder.who.device));
        let device = device.ok_or(Denied::new(Code::MSGR_E_NOT_LOGGED_ON))?;
        policy(device.locks.get(&holder.object).status(), Call::Request).map_err(Denied::new)?;
        let known = holder.object.as_ref().is_none_or(|object| device.locks.objects.contains_key(object));
        let fits = known || device.locks.objects.len() < self.config.objects_per_device;
        let room = device.room(self.config.events_pending) >= TRY_EVENTS;
        let full = |message| Err(Denied { message: Some(message), ..Denied::new(Code::E_OUTOFMEMORY) });
        match (fits, room) {
            (false, _) => full("too many objects have a lock of their own: give one up with `release`"),
            (true, false) => full("too many events are not acknowledged: send an `ack` first"),
            (true, true) => Ok(()),
        }
    }

    /// `SendResponse`. The answer says that it is being judged; an event will say what came of it.
    fn respond(&mut self, conn: ConnId, who: &Who, object: Object, response: Response) -> Answer {
        let ticket = self.free_ticket();
        let holder = Holder { who: who.clone(), object };
        let Some(device) = self.device_mut(who) else { return Answer::new(0, Code::MSGR_E_NOT_LOGGED_ON) };
        let asked = Move::Respond { cookie: response.cookie, app_id: response.app_id.clone(), number: ticket.0 };
        let status = device.locks.get(&holder.object).status();
        let effects = match device.locks.get_mut(&holder.object) {
            Some(lock) => lock.handle(asked),
            None => policy(status, Call::Respond).map(|()| Vec::new()),
        };
        match effects {
            Err(Code::MSGR_E_API_LOCKED) => {
                let message = "no challenge waits for a response: request one first";
                Answer::refusal(0, Code::MSGR_E_API_LOCKED, message)
            }
            Err(Code::E_INVALIDARG) => Answer::refusal(0, Code::E_INVALIDARG, "`cookie` is not that of the challenge"),
            Err(code) => Answer::new(0, code),
            Ok(effects) => {
                let judge = effects.into_iter().find_map(as_judge);
                self.watch_lock(&holder);
                if let Some(challenge) = judge {
                    let person = holder.who.person.clone();
                    self.locks.insert(ticket, holder);
                    let response = Box::new(response);
                    self.outputs.push_back(Output::Judge { ticket, conn, person, challenge, response });
                }
                Answer::new(0, Code::S_OK)
            }
        }
    }

    /// An application behind the device is gone, and its lock with it.
    fn release(&mut self, who: &Who, object: Object) -> Answer {
        let Some(object) = object else {
            let message = "`object` is missing: the lock of the device itself cannot be given up";
            return Answer::refusal(0, Code::E_INVALIDARG, message);
        };
        let gone = self.device_mut(who).and_then(|device| device.locks.objects.remove(&object));
        self.timers.set(Deadline::Lock(Holder { who: who.clone(), object: Some(object) }), None);
        Answer::new(0, if gone.is_some() { Code::S_OK } else { Code::S_FALSE })
    }

    /// The shell has drawn a challenge.
    pub(super) fn drawn(&mut self, ticket: Ticket, challenge: Option<Box<str>>) {
        let until = self.now.saturating_add(self.config.answer_ms);
        let code = if challenge.is_some() { Code::S_OK } else { Code::E_FAIL };
        let what = Move::Drawn { challenge, until };
        if let Some(waiting) = self.waiting.remove(&ticket) {
            let super::Job::Challenge(object) = waiting.job.clone() else { return };
            self.move_lock(&Holder { who: waiting.who.clone(), object }, what, None);
            self.reply_waiting(waiting, Answer::new(0, code));
        } else if let Some(holder) = self.locks.remove(&ticket) {
            self.move_lock(&holder, what, None);
        }
    }

    /// The shell has judged a response.
    pub(super) fn judged(&mut self, ticket: Ticket, judgement: Judgement) {
        let until = self.now.saturating_add(self.config.failure_ms);
        if let Some(holder) = self.locks.remove(&ticket) {
            self.move_lock(&holder, Move::Judged { number: ticket.0, judgement, until }, None);
        }
    }

    pub(super) fn lock_due(&mut self, holder: &Holder) {
        self.move_lock(holder, Move::Due, None);
    }

    /// The operator wants proofs.
    pub(super) fn challenge_unasked(&mut self, whom: &Whom) {
        let what = match whom {
            Whom::Everybody | Whom::Person(_) => Move::Unasked,
            Whom::UnlockedBy(app_id) => Move::KeyGone { app_id: app_id.clone() },
        };
        let holders = self.holders(whom);
        for holder in holders {
            self.challenge_one(&holder, what.clone());
        }
    }

    /// The operator turns the lock on or off.
    pub(super) fn switch_lock(&mut self, on: bool) {
        self.config.lock = on;
        let holders = self.holders(&Whom::Everybody);
        for holder in holders {
            if let Some(device) = self.device_mut(&holder.who) {
                device.locks.fresh = Lock::new(on);
            }
            self.challenge_one(&holder, Move::Switch { on });
        }
    }

    /// The locks of these, in the same order every time, whatever the order of the map.
    fn holders(&self, whom: &Whom) -> Vec<Holder> {
        let meant = |name| match whom {
            Whom::Everybody | Whom::UnlockedBy(_) => true,
            Whom::Person(person) => *person == name,
        };
        let people = self.people.iter().filter(|(name, _)| meant((*name).clone()));
        let mut holders: Vec<Holder> = people
            .flat_map(|(name, person)| person.devices.iter().map(move |device| (name, device)))
            .flat_map(|(name, device)| {
                let who = Who { person: name.clone(), device: device.id };
                device.locks.iter().map(move |(object, _)| Holder { who: who.clone(), object }).collect::<Vec<_>>()
            })
            .collect();
        holders.sort();
        holders
    }

    /// A device that has left so many events unread that it cannot be told is not waited for.
    fn challenge_one(&mut self, holder: &Holder, what: Move) {
        let capacity = self.config.events_pending;
        let Some(device) = self.device_mut(&holder.who) else { return };
        let conn = device.conn;
        if device.room(capacity) >= TRY_EVENTS {
            return self.move_lock(holder, what, None);
        }
        self.drop_device(&holder.who);
        if let Some(conn) = conn {
            self.close(conn, Close::TooSlow);
        }
    }

    /// A stay is over: nothing of its locks is waited for.
    pub(super) fn forget_locks(&mut self, who: &Who, locks: &Locks) {
        for (object, _) in locks.iter() {
            self.timers.set(Deadline::Lock(Holder { who: who.clone(), object }), None);
        }
    }

    /// Moves a lock and carries out what follows; `asked` is the request for a challenge.
    fn move_lock(&mut self, holder: &Holder, what: Move, mut asked: Option<Waiting>) {
        let Some(lock) = self.device_mut(&holder.who).and_then(|device| device.locks.get_mut(&holder.object)) else {
            return;
        };
        let Ok(effects) = lock.handle(what) else { return };
        let status = lock.status();
        for effect in effects {
            match effect {
                Effect::Draw => self.draw(holder, asked.take()),
                // Only a response is judged, and it is put out where it came in.
                Effect::Judge { .. } => {}
                Effect::Status { error, retry_after_ms } => {
                    let object = holder.object.clone();
                    self.tell_lock(holder, Event::LockStatus { object, status, error, retry_after_ms });
                }
                Effect::Challenge { cookie, challenge } => {
                    let object = holder.object.clone();
                    self.tell_lock(holder, Event::LockChallenge { object, cookie, challenge });
                }
                Effect::Result { cookie, ok } => {
                    let object = holder.object.clone();
                    self.tell_lock(holder, Event::LockResult { object, cookie, ok });
                }
            }
        }
        self.watch_lock(holder);
    }

    /// Has a challenge drawn, for a request or for nobody's.
    fn draw(&mut self, holder: &Holder, asked: Option<Waiting>) {
        if let Some(waiting) = asked {
            return self.wait(waiting, |ticket| Output::Draw { ticket });
        }
        let ticket = self.free_ticket();
        self.locks.insert(ticket, holder.clone());
        self.outputs.push_back(Output::Draw { ticket });
    }

    /// Numbers an event for a device, keeps it, and sends it if the device is there.
    fn tell_lock(&mut self, holder: &Holder, event: Event) {
        let Some(device) = self.device_mut(&holder.who) else { return };
        let frame = device.push_own(event);
        if let Some(conn) = device.conn {
            self.send(conn, ServerFrame::Event(frame));
        }
    }

    /// Keeps the lock's deadline where the lock says it is.
    fn watch_lock(&mut self, holder: &Holder) {
        let device = self.person(&holder.who.person).and_then(|person| person.device(holder.who.device));
        let at = device.and_then(|device| device.locks.get(&holder.object).deadline());
        self.timers.set(Deadline::Lock(holder.clone()), at);
    }
}

/// The challenge that a response is judged against.
fn as_judge(effect: Effect) -> Option<Box<str>> {
    if let Effect::Judge { challenge } = effect { Some(challenge) } else { None }
}
