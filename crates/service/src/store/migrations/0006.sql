-- What commands have done to people that a service which runs has to act on; it takes the lines away.
CREATE TABLE notices (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    what TEXT NOT NULL
);
