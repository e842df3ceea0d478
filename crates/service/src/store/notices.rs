//! From commands on the store to the service that runs beside them.

use hither_wire::PersonName;
use rusqlite::params;

use super::{Store, StoreError};

/// What a command has done to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The friendly name is another one.
    Renamed,
    /// The tokens do not count any more.
    SignedOut,
    /// They cannot sign in any more.
    Disabled,
    /// They are not there any more.
    Removed,
}

const ALL: [Notice; 4] = [Notice::Renamed, Notice::SignedOut, Notice::Disabled, Notice::Removed];

impl Notice {
    fn name(self) -> &'static str {
        match self {
            Notice::Renamed => "renamed",
            Notice::SignedOut => "signed-out",
            Notice::Disabled => "disabled",
            Notice::Removed => "removed",
        }
    }
}

impl Store {
    /// Tells a service that runs on this store what was done; it acts on it within about a second.
    pub fn give_notice(&self, name: &PersonName, notice: Notice) -> Result<(), StoreError> {
        let sql = "INSERT INTO notices (name, what) VALUES (?, ?)";
        self.db.execute(sql, params![name.as_str(), notice.name()])?;
        Ok(())
    }

    /// Takes notices away, in order, at most so many; and whether that was all.
    pub(crate) fn take_notices(&self, most: usize) -> Result<(Vec<(PersonName, Notice)>, bool), StoreError> {
        let mut query = self.db.prepare_cached("SELECT number, name, what FROM notices ORDER BY number LIMIT ?")?;
        let rows = query.query_map([i64::try_from(most).unwrap_or(i64::MAX)], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
        })?;
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        if let Some((last, ..)) = rows.last() {
            self.db.execute("DELETE FROM notices WHERE number <= ?", [last])?;
        }
        // What a newer command has to say is not for this service.
        let known = rows.iter().filter_map(|(_, name, what)| {
            let notice = ALL.into_iter().find(|notice| notice.name() == what);
            PersonName::parse(name).ok().zip(notice)
        });
        Ok((known.collect(), rows.len() < most))
    }

    /// Takes all of them away, unread.
    pub(crate) fn forget_notices(&self) -> Result<(), StoreError> {
        self.db.execute("DELETE FROM notices", [])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_come_in_order_and_once() {
        let directory = tempfile::tempdir().unwrap();
        let (store, service) = (Store::open(directory.path()).unwrap(), Store::open(directory.path()).unwrap());
        let name = |text: &str| PersonName::parse(text).unwrap();
        let taken = |most| service.take_notices(most).unwrap();
        assert_eq!(taken(10), (Vec::new(), true));
        for notice in ALL {
            store.give_notice(&name("alice@x"), notice).unwrap();
        }
        store.db.execute("INSERT INTO notices (name, what) VALUES ('alice@x', 'sung-to')", []).unwrap();
        store.give_notice(&name("bob@x"), Notice::Removed).unwrap();
        let (first, is_all) = taken(3);
        assert_eq!((first.len(), first[0].1, is_all), (3, Notice::Renamed, false));
        assert_eq!(taken(2), (vec![(name("alice@x"), Notice::Removed)], false), "one was not understood");
        assert_eq!(taken(10), (vec![(name("bob@x"), Notice::Removed)], true));
        store.give_notice(&name("bob@x"), Notice::Removed).unwrap();
        service.forget_notices().unwrap();
        assert_eq!(taken(10).0, []);
    }
}
