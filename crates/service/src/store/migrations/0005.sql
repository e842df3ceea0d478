-- Since when somebody cannot sign in, in seconds since 1970; NULL is somebody who can.
ALTER TABLE accounts ADD COLUMN disabled INTEGER;
