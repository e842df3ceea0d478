//! A network that delays, orders and loses: each connection is two pipes, first in first out.

use std::collections::{BTreeMap, HashMap};

use hither_proto::Millis;
use hither_proto::service::ConnId;

use crate::plan::Seat;

/// Something that arrives somewhere.
#[derive(Clone, Debug)]
pub enum Arrival {
    /// The service accepts a connection.
    Accepted(ConnId),
    /// The device learns that its connection is open.
    Opened(Seat, ConnId),
    /// The device learns that it cannot connect.
    Refused(Seat, ConnId),
    /// A frame arrives at the service.
    ToService(ConnId, String),
    /// A frame arrives at the device.
    ToDevice(Seat, ConnId, String),
    /// The service learns that the connection is gone.
    GoneAtService(ConnId),
    /// The device learns that the connection is gone; with the close code, if there was one.
    GoneAtDevice(Seat, ConnId, Option<u16>),
    /// Somebody starts the device's process again.
    Restart(Seat),
    /// The store, or the check of a password, has an answer.
    Answer(Box<hither_proto::service::Input>),
}

/// One connection.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// Whose.
    pub seat: Seat,
    /// Frames still go this way; a broken direction loses what is sent.
    pub to_service: bool,
    /// Frames still go this way.
    pub to_device: bool,
    last_to_service: Millis,
    last_to_device: Millis,
}

/// What is under way.
#[derive(Debug, Default)]
pub struct Network {
    queue: BTreeMap<(Millis, u64), Arrival>,
    count: u64,
    lines: HashMap<ConnId, Line>,
    conns: u64,
}

impl Network {
    /// When the next thing arrives.
    pub fn next_at(&self) -> Option<Millis> {
        self.queue.keys().next().map(|(at, _)| *at)
    }

    /// What arrives at `now`, one at a time. What is under way on a broken direction is lost.
    pub fn arrive(&mut self, now: Millis) -> Option<Arrival> {
        while self.next_at()? <= now {
            let (_, arrival) = self.queue.pop_first()?;
            let line = |conn: &ConnId| self.lines.get(conn);
            let lost = match &arrival {
                Arrival::ToService(conn, _) => !line(conn).is_some_and(|line| line.to_service),
                Arrival::ToDevice(_, conn, _) | Arrival::Opened(_, conn) => {
                    !line(conn).is_some_and(|line| line.to_device)
                }
                Arrival::Accepted(_)
                | Arrival::Refused(..)
                | Arrival::GoneAtService(_)
                | Arrival::GoneAtDevice(..)
                | Arrival::Restart(_)
                | Arrival::Answer(_) => false,
            };
            if !lost {
                return Some(arrival);
            }
        }
        None
    }

    /// Puts something under way that no line orders.
    pub fn later(&mut self, at: Millis, arrival: Arrival) {
        self.count += 1;
        self.queue.insert((at, self.count), arrival);
    }

    /// A device connects; both ends learn of it in time.
    pub fn connect(&mut self, now: Millis, seat: Seat, delay: Millis) -> ConnId {
        self.conns += 1;
        let conn = ConnId(self.conns);
        let (there, back) = (now + delay, now + 2 * delay);
        let line = Line { seat, to_service: true, to_device: true, last_to_service: there, last_to_device: back };
        self.lines.insert(conn, line);
        self.later(there, Arrival::Accepted(conn));
        self.later(back, Arrival::Opened(seat, conn));
        conn
    }

    /// A device tries to connect in vain.
    pub fn refuse(&mut self, now: Millis, seat: Seat, delay: Millis) -> ConnId {
        self.conns += 1;
        let conn = ConnId(self.conns);
        self.later(now + delay, Arrival::Refused(seat, conn));
        conn
    }

    /// Sends towards the service, behind everything sent before.
    pub fn send_to_service(&mut self, now: Millis, delay: Millis, conn: ConnId, arrival: Arrival) {
        let Some(line) = self.lines.get_mut(&conn) else { return };
        line.last_to_service = line.last_to_service.max(now + delay);
        let at = line.last_to_service;
        self.later(at, arrival);
    }

    /// Sends towards the device, behind everything sent before.
    pub fn send_to_device(&mut self, now: Millis, delay: Millis, conn: ConnId, arrival: Arrival) {
        let Some(line) = self.lines.get_mut(&conn) else { return };
        line.last_to_device = line.last_to_device.max(now + delay);
        let at = line.last_to_device;
        self.later(at, arrival);
    }

    /// The line of a connection.
    pub fn line(&self, conn: ConnId) -> Option<&Line> {
        self.lines.get(&conn)
    }

    /// Breaks a connection in both directions: what is under way is lost.
    pub fn cut(&mut self, conn: ConnId) {
        if let Some(line) = self.lines.get_mut(&conn) {
            line.to_service = false;
            line.to_device = false;
        }
    }
}
