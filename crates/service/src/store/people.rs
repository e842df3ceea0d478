//! People of issuers: they come with a token, and need no account.

use hither_proto::service::Record;
use hither_wire::PersonName;
use rusqlite::{OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::{Store, StoreError, now};

impl Store {
    /// Keeps what an issuer says of one of its people, who is made if there is nobody of this name;
    /// `None` if there is, and somebody else has made them.
    pub(crate) fn keep_person(
        &self,
        issuer: &str,
        name: &PersonName,
        friendly_name: Option<&str>,
        contacts: Option<&[PersonName]>,
    ) -> Result<Option<Record>, StoreError> {
        let found = self.made_by(issuer, name)?;
        if found == Some(false) {
            return Ok(None);
        }
        // Most often there is nothing to write, and nobody who writes is waited for.
        let record = if found.is_some() { self.record(name)? } else { None };
        if record.as_ref().is_some_and(|record| is_said(record, friendly_name, contacts)) {
            return Ok(record);
        }
        let transaction = Transaction::new_unchecked(&self.db, TransactionBehavior::Immediate)?;
        make(&transaction, issuer, name)?;
        if self.made_by(issuer, name)? != Some(true) {
            return Ok(None);
        }
        if let Some(friendly) = friendly_name {
            let sql = "UPDATE accounts SET friendly_name = ? WHERE name = ?";
            transaction.execute(sql, params![friendly, name.as_str()])?;
        }
        if let Some(contacts) = contacts {
            transaction.execute("DELETE FROM contacts WHERE owner = ?", [name.as_str()])?;
            for who in contacts {
                make(&transaction, issuer, who)?;
                let sql = "INSERT INTO contacts (owner, who) VALUES (?, ?) ON CONFLICT DO NOTHING";
                transaction.execute(sql, params![name.as_str(), who.as_str()])?;
            }
        }
        let record = self.record(name)?;
        transaction.commit()?;
        Ok(record)
    }

    /// Whether somebody was made by this issuer, and not by another or the operator; `None` if there is
    /// nobody of this name.
    fn made_by(&self, issuer: &str, name: &PersonName) -> Result<Option<bool>, StoreError> {
        let mut query = self.db.prepare_cached("SELECT issuer IS ? FROM accounts WHERE name = ?")?;
        Ok(query.query_row(params![issuer, name.as_str()], |row| row.get(0)).optional()?)
    }
}

/// Whether a record says this already.
fn is_said(record: &Record, friendly_name: Option<&str>, contacts: Option<&[PersonName]>) -> bool {
    let same_name = friendly_name.is_none_or(|friendly| *record.friendly_name == *friendly);
    let same_contacts = contacts.is_none_or(|contacts| {
        contacts.len() == record.contacts.len() && contacts.iter().all(|who| record.contacts.contains_key(who))
    });
    same_name && same_contacts
}

fn make(transaction: &Transaction<'_>, issuer: &str, name: &PersonName) -> Result<(), StoreError> {
    let sql = "INSERT INTO accounts (name, friendly_name, password_hash, created, issuer)
               VALUES (?, '', '', ?, ?) ON CONFLICT DO NOTHING";
    transaction.execute(sql, params![name.as_str(), now(), issuer])?;
    Ok(())
}
