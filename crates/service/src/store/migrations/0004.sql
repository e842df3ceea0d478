-- Who has made a person: nobody but the operator for the service's own accounts, else the issuer whose
-- tokens they sign in with. Those have no password: '' is the hash of none.
ALTER TABLE accounts ADD COLUMN issuer TEXT;
