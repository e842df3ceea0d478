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

    /// The notices there are, in order, at most so many, with the number of the last.
    pub(crate) fn notices(&self, most: usize) -> Result<(Vec<(PersonName, Notice)>, i64), StoreError> {
        let mut query = self.db.prepare_cached("SELECT number, name, what FROM notices ORDER BY number LIMIT ?")?;
        let rows = query.query_map([i64::try_from(most).unwrap_or(i64::MAX)], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
        })?;
        let (mut notices, mut last) = (Vec::new(), 0);
        for row in rows {
            let (number, name, what) = row?;
            last = number;
            // What a newer command has to say is not for this service.
            let notice = ALL.into_iter().find(|notice| notice.name() == what);
            notices.extend(PersonName::parse(&name).ok().zip(notice));
        }
        Ok((notices, last))
    }

    /// Takes the notices away up to a number.
    pub(crate) fn forget_notices(&self, last: i64) -> Result<(), StoreError> {
        self.db.execute("DELETE FROM notices WHERE number <= ?", [last])?;
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
        assert_eq!(service.notices(10).unwrap(), (Vec::new(), 0));
        for notice in ALL {
            store.give_notice(&name("alice@x"), notice).unwrap();
        }
        store.db.execute("INSERT INTO notices (name, what) VALUES ('alice@x', 'sung-to')", []).unwrap();
        store.give_notice(&name("bob@x"), Notice::Removed).unwrap();
        let (first, last) = service.notices(3).unwrap();
        assert_eq!((first.len(), first[0].1), (3, Notice::Renamed));
        service.forget_notices(last).unwrap();
        let (rest, last) = service.notices(10).unwrap();
        assert_eq!(rest, [(name("alice@x"), Notice::Removed), (name("bob@x"), Notice::Removed)]);
        service.forget_notices(last).unwrap();
        assert_eq!(service.notices(10).unwrap().0, []);
    }
}
