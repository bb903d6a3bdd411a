CREATE SCHEMA SCHEMA_NAME;
CREATE TABLE SCHEMA_NAME.version (number integer NOT NULL);
INSERT INTO SCHEMA_NAME.version VALUES (1);
CREATE TABLE SCHEMA_NAME.record (
    account text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    revision bigint NOT NULL CHECK (revision > 0),
    sealed bytea NOT NULL,
    PRIMARY KEY (account, name)
) WITH (fillfactor = 70);
ALTER TABLE SCHEMA_NAME.record ALTER COLUMN sealed SET STORAGE EXTERNAL;
