-- ID/key pairs of applications (Lock and Key). Times are seconds since 1970.
CREATE TABLE app_ids (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    environment TEXT NOT NULL CHECK (environment IN ('production', 'test')),
    md5         INTEGER NOT NULL CHECK (md5 IN (0, 1)),
    -- The applications that it unlocks, in order, with a space between; NULL is any.
    apps        TEXT,
    created     INTEGER NOT NULL,
    last_used   INTEGER,
    revoked     INTEGER,
    -- Counts up over all revocations, whatever the clock does.
    revocation  INTEGER UNIQUE,
    CHECK ((revoked IS NULL) = (revocation IS NULL))
) STRICT, WITHOUT ROWID;

-- What an id proves itself with: two while it is rotated, none once it is revoked. A response can be
-- checked only with the key itself, so it is sealed with the key file and not hashed.
CREATE TABLE app_keys (
    id      TEXT NOT NULL REFERENCES app_ids (id) ON DELETE CASCADE,
    number  INTEGER NOT NULL,
    created INTEGER NOT NULL,
    -- From then on it does not count; NULL is never.
    expires INTEGER,
    sealed  BLOB NOT NULL,
    PRIMARY KEY (id, number)
) STRICT, WITHOUT ROWID;

-- Something sealed with the key file, so that another one is noticed before it does harm.
CREATE TABLE app_seal (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    sealed BLOB NOT NULL
) STRICT;
