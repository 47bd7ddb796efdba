-- The database and its accounts, before the first `manage.py migrate`: as an administrator of the server, once.
-- docs/operations.md, Accounts of the database, says which account is for what.
--
-- Replace MIGRATOR_PASSWORD, WORKER_PASSWORD, WEB_PASSWORD and READER_PASSWORD. Another name for the database: replace
-- `warehouse` here and in grants.sql (a _ in it is any character in GRANT: write \_). '%' is any host: name the network.

CREATE DATABASE IF NOT EXISTS `warehouse` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE USER IF NOT EXISTS 'warehouse_migrator'@'%' IDENTIFIED BY 'MIGRATOR_PASSWORD';
CREATE USER IF NOT EXISTS 'warehouse_worker'@'%' IDENTIFIED BY 'WORKER_PASSWORD';
CREATE USER IF NOT EXISTS 'warehouse_web'@'%' IDENTIFIED BY 'WEB_PASSWORD';
CREATE USER IF NOT EXISTS 'warehouse_reader'@'%' IDENTIFIED BY 'READER_PASSWORD';

-- Tables are the migrator's; the others get theirs, table by table, from grants.sql.
GRANT ALL PRIVILEGES ON `warehouse`.* TO 'warehouse_migrator'@'%';

-- A partition is made with its table locked (LOCK TABLES is a right of a whole database, and locks only what the account
-- may read). PROCESS, of the whole server: file sizes, and who holds a table.
GRANT LOCK TABLES ON `warehouse`.* TO 'warehouse_worker'@'%';
GRANT PROCESS ON *.* TO 'warehouse_worker'@'%';

-- On MySQL also: GRANT SELECT ON performance_schema.* TO 'warehouse_worker'@'%';
