CREATE TABLE accounts (
    name          TEXT PRIMARY KEY,
    friendly_name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created       INTEGER NOT NULL,
    invitations   TEXT CHECK (invitations IN ('contacts', 'anyone')),
    show_declines INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- Both lists of a person: whom they know, and whom they do not want to hear of.
CREATE TABLE contacts (
    owner TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    who   TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    PRIMARY KEY (owner, who)
) STRICT, WITHOUT ROWID;

CREATE TABLE blocks (
    owner TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    who   TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    PRIMARY KEY (owner, who)
) STRICT, WITHOUT ROWID;

-- Only the SHA-256 of a token is kept: who reads this table cannot sign in with it.
CREATE TABLE tokens (
    hash      BLOB PRIMARY KEY,
    account   TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    device    TEXT NOT NULL,
    last_used INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX tokens_by_account ON tokens (account, last_used);
