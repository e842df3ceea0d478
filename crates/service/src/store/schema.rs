//! The database's shape: numbered steps, each applied once, in one transaction.

use rusqlite::{Connection, TransactionBehavior};

const STEPS: &[&str] = &[
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
    include_str!("migrations/0003.sql"),
    include_str!("migrations/0004.sql"),
    include_str!("migrations/0005.sql"),
    include_str!("migrations/0006.sql"),
];

/// Why a database cannot be brought to the newest shape.
#[derive(Debug)]
pub enum Failure {
    /// It is newer.
    Newer { found: u32, known: u32 },
    /// A step failed.
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Failure {
        Failure::Sqlite(error)
    }
}

/// Brings a database to the newest shape.
pub fn migrate(db: &mut Connection) -> Result<(), Failure> {
    migrate_to(db, STEPS)
}

fn migrate_to(db: &mut Connection, steps: &[&str]) -> Result<(), Failure> {
    let known = u32::try_from(steps.len()).unwrap_or(u32::MAX);
    // Most often there is nothing to do: then nobody who writes is waited for.
    if version(db)? == known {
        return Ok(());
    }
    // Immediate: of two processes that start at once, one waits for the other.
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version = version(&transaction)?;
    if version > known {
        return Err(Failure::Newer { found: version, known });
    }
    for (step, number) in steps.iter().zip(1_u32..).skip(version as usize) {
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", number)?;
    }
    transaction.commit()?;
    Ok(())
}

fn version(db: &Connection) -> rusqlite::Result<u32> {
    db.pragma_query_value(None, "user_version", |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(db: &Connection) -> Vec<String> {
        let mut query = db.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name").unwrap();
        query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn migrated_step_by_step_equals_fresh_and_twice_changes_nothing() {
        let mut fresh = Connection::open_in_memory().unwrap();
        migrate(&mut fresh).unwrap();
        let mut stepped = Connection::open_in_memory().unwrap();
        for steps in 1..=STEPS.len() {
            migrate_to(&mut stepped, &STEPS[..steps]).unwrap();
            migrate_to(&mut stepped, &STEPS[..steps]).unwrap();
        }
        assert_eq!(shape(&fresh), shape(&stepped));
        assert!(!shape(&fresh).is_empty());
    }

    #[test]
    fn a_step_that_fails_leaves_the_database_as_it_was() {
        let mut db = Connection::open_in_memory().unwrap();
        migrate(&mut db).unwrap();
        let before = shape(&db);
        let broken = [STEPS, &["CREATE TABLE one (x); CREATE TABLE accounts (x)"]].concat();
        assert!(migrate_to(&mut db, &broken).is_err());
        assert_eq!(shape(&db), before);
    }

    #[test]
    fn two_processes_that_start_at_once_make_it_once() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("x");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut db = Connection::open(&file).unwrap();
                    db.busy_timeout(std::time::Duration::from_secs(20)).unwrap();
                    migrate(&mut db).unwrap();
                });
            }
        });
        assert!(!shape(&Connection::open(&file).unwrap()).is_empty());
    }

    #[test]
    fn a_database_from_the_future_is_left_alone() {
        let mut db = Connection::open_in_memory().unwrap();
        db.pragma_update(None, "user_version", 99).unwrap();
        assert!(matches!(migrate(&mut db), Err(Failure::Newer { found: 99, .. })));
    }
}
