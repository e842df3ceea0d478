//! The contact list and the settings: changed in the store first, then in memory.

use hither_wire::message::{Answer, Contact, ContactAction, SettingsChange};
use hither_wire::{Code, PersonName, limits};

use super::connection::Doubt;
use super::port::{Change, Record};
use super::{Service, Waiting};

impl Service {
    /// The answer that needs no store, if there is one.
    pub(super) fn judge_contact(&self, owner: &PersonName, action: ContactAction, who: &PersonName) -> Option<Code> {
        let record = &self.person(owner)?.record;
        let (list, adds) = match action {
            ContactAction::Add => (&record.contacts, true),
            ContactAction::Remove => (&record.contacts, false),
            ContactAction::Block => (&record.blocked, true),
            ContactAction::Unblock => (&record.blocked, false),
        };
        match (adds, list.contains_key(who)) {
            (true, _) if who == owner => Some(Code::E_INVALIDARG),
            (true, true) if action == ContactAction::Add => Some(Code::MSGR_E_ALREADY_IN_LIST),
            (true, true) | (false, false) => Some(Code::S_FALSE),
            (true, false) if list.len() >= limits::CONTACTS => Some(Code::MSGR_E_LIST_FULL),
            (true, false) | (false, true) => None,
        }
    }

    /// A change is durable: it takes effect, and is answered.
    pub(super) fn changed(&mut self, waiting: Waiting, change: Change, friendly_name: Box<str>) {
        let owner = waiting.who.person.clone();
        // A sign-in on another device may have read the record before.
        self.doubt(&owner, Doubt::Changed);
        let mut answer = Answer::new(0, Code::S_OK);
        match change {
            Change::Contact { action, who } => {
                self.with_visibility(&owner, &who, |service| {
                    if let Some(person) = service.people.get_mut(&owner) {
                        person.record.change_contact(action, &who, friendly_name);
                    }
                });
                answer.contacts = Some(self.contact_line(&owner, &who).into_iter().collect());
            }
            Change::Settings(change) => {
                if let Some(person) = self.people.get_mut(&owner) {
                    person.record.change_settings(change);
                    answer.settings = Some(person.record.settings);
                }
            }
            Change::RevokeTokens { .. } => {}
        }
        self.reply_waiting(waiting, answer);
    }

    pub(super) fn contact_list(&self, owner: &PersonName) -> Vec<Contact> {
        let Some(person) = self.person(owner) else { return Vec::new() };
        let record = &person.record;
        let blocked_only = record.blocked.keys().filter(|who| !record.contacts.contains_key(*who));
        let names = record.contacts.keys().chain(blocked_only);
        names.filter_map(|who| self.contact_line(owner, who)).collect()
    }

    /// The line of one contact; `None` if the person stands in neither list.
    fn contact_line(&self, owner: &PersonName, who: &PersonName) -> Option<Contact> {
        let record = &self.person(owner)?.record;
        let friendly_name = record.contacts.get(who).or_else(|| record.blocked.get(who))?.clone();
        Some(Contact {
            who: who.clone(),
            friendly_name,
            status: self.visible(who, owner),
            listed: record.contacts.contains_key(who),
            blocked: record.blocked.contains_key(who),
        })
    }
}

impl Record {
    fn change_contact(&mut self, action: ContactAction, who: &PersonName, friendly_name: Box<str>) {
        match action {
            ContactAction::Add => self.contacts.insert(who.clone(), friendly_name),
            ContactAction::Remove => self.contacts.remove(who),
            ContactAction::Block => self.blocked.insert(who.clone(), friendly_name),
            ContactAction::Unblock => self.blocked.remove(who),
        };
    }

    fn change_settings(&mut self, change: SettingsChange) {
        self.settings.invitations = change.invitations.or(self.settings.invitations);
        self.settings.show_declines = change.show_declines.unwrap_or(self.settings.show_declines);
    }
}
