-- What people are shown of their devices.
ALTER TABLE tokens ADD COLUMN created INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tokens ADD COLUMN client TEXT NOT NULL DEFAULT '';

-- Codes that let somebody make an account. Only the SHA-256 of a code is kept; its beginning is its
-- name, for lists and to revoke it.
CREATE TABLE codes (
    name    TEXT PRIMARY KEY,
    hash    BLOB NOT NULL,
    note    TEXT NOT NULL,
    domain  TEXT NOT NULL,
    uses    INTEGER NOT NULL,
    issued  INTEGER NOT NULL,
    ends    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
