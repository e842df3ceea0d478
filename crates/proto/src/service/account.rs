//! What people do with their own accounts: change the password, look at their devices, sign one out.

use hither_wire::account::{Device, Request};
use hither_wire::message::{Answer, EventFrame};
use hither_wire::{Code, DeviceId, Event, ServerFrame, limits};

use super::connection::Doubt;
use super::port::{Change, Close, Denied, Output, Ticket};
use super::{Job, Service, Waiting, Who};

impl Service {
    /// A request of somebody who is signed in. `waiting` puts it aside for a job.
    pub(super) fn account(&mut self, waiting: impl FnOnce(Job) -> Waiting, request: Request) {
        match request {
            Request::Password(passwords) => {
                let waiting = waiting(Job::Password);
                let (conn, Who { person: owner, device }) = (waiting.conn, waiting.who.clone());
                let passwords = Box::new(passwords);
                self.wait(waiting, |ticket| Output::ChangePassword { ticket, conn, owner, device, passwords });
            }
            Request::Renew(token) => {
                let waiting = waiting(Job::Renew);
                let (conn, owner) = (waiting.conn, waiting.who.person.clone());
                self.wait(waiting, |ticket| Output::Renew { ticket, conn, owner, token });
            }
            Request::Devices => {
                let waiting = waiting(Job::Devices);
                let owner = waiting.who.person.clone();
                self.wait(waiting, |ticket| Output::Devices { ticket, owner });
            }
            Request::RemoveDevice { device } => {
                let mut waiting = waiting(Job::RemoveDevice(device));
                if waiting.who.device == device {
                    waiting.job = Job::SignOut;
                }
                self.change(waiting, Change::RevokeTokens { device });
            }
        }
    }

    /// The password is another one: whoever knows only the old one is not let on any more.
    pub(super) fn password_changed(&mut self, ticket: Ticket, result: Result<(), Denied>) {
        let Some(waiting) = self.waiting.remove(&ticket) else { return };
        let answer = match result {
            Ok(()) => {
                let here = &waiting.who;
                // Somebody may be on the way in by what no longer counts.
                self.doubt(&here.person, Doubt::PutOut);
                let devices = self.person(&here.person).map_or(Vec::new(), |person| {
                    person.devices.iter().map(|device| device.id).filter(|device| *device != here.device).collect()
                });
                for device in devices {
                    self.sign_device_out(&Who { person: here.person.clone(), device });
                }
                Answer::new(0, Code::S_OK)
            }
            Err(denied) => denied.answer(0),
        };
        self.reply_waiting(waiting, answer);
    }

    /// Those that hold a token, and those that are here without one.
    pub(super) fn devices(&mut self, ticket: Ticket, result: Result<Vec<Device>, Code>) {
        let Some(waiting) = self.waiting.remove(&ticket) else { return };
        let answer = match result {
            Ok(mut devices) => {
                let present = self.person(&waiting.who.person).map_or([].as_slice(), |person| &person.devices);
                for device in present {
                    if !devices.iter().any(|known| known.device == device.id) {
                        let (client, created, last_used) = ("".into(), None, None);
                        let (online, here) = (true, false);
                        devices.push(Device { device: device.id, client, created, last_used, online, here });
                    }
                }
                for known in &mut devices {
                    known.online = present.iter().any(|device| device.id == known.device);
                    known.here = known.device == waiting.who.device;
                }
                // Those that are here come first, so that a list that is too long loses others.
                devices.sort_by_key(|device| (!device.here, !device.online));
                devices.truncate(limits::DEVICES);
                Answer { devices: Some(devices), ..Answer::new(0, Code::S_OK) }
            }
            Err(code) => Answer::new(0, code),
        };
        self.reply_waiting(waiting, answer);
    }

    pub(super) fn device_removed(&mut self, waiting: Waiting, device: DeviceId) {
        self.doubt(&waiting.who.person, Doubt::PutOut);
        self.sign_device_out(&Who { person: waiting.who.person.clone(), device });
        self.reply_waiting(waiting, Answer::new(0, Code::S_OK));
    }

    /// A device is signed out by somebody else than its own client: it is told why, and not waited for.
    pub(super) fn sign_device_out(&mut self, who: &Who) {
        self.sign_device_out_because(who, Code::MSGR_E_NOT_LOGGED_ON);
    }

    /// [`Service::sign_device_out`], for a reason.
    pub(super) fn sign_device_out_because(&mut self, who: &Who, code: Code) {
        let Some(device) = self.person(&who.person).and_then(|person| person.device(who.device)) else { return };
        let conn = device.conn;
        self.drop_device(who);
        if let Some(conn) = conn {
            let event = Event::SignedOut { code };
            self.send(conn, ServerFrame::Event(EventFrame { seq: None, event }));
            self.close(conn, Close::SignedOut);
        }
    }
}
