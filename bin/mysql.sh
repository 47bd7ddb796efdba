# shellcheck shell=sh disable=SC2034,SC2154
# Sourced by bin/db for DB_SERVER=mysql: a MySQL in the place of MariaDB, for tests. Debian has it in unstable alone: its
# packages are unpacked in a folder. As a server that somebody else keeps it has MySQL's own settings, its modes and its
# collation among them; local_infile is what README asks for.

server=MySQL
base="$PWD/var/mysql/usr"
PATH="$base/sbin:$PATH"

require_programs() {
    ./bin/unpack sid var/mysql mysql-server-core
    command -v mariadb >/dev/null 2>&1 || fail "mariadb, the client, is not installed. Run ./bin/setup."
}

install_data() {
    # shellcheck disable=SC2046 # no word at all for ordinary users
    mysqld --no-defaults $(as_root) --basedir="$base" --datadir="$data.new" --tmpdir="$tmp" \
        --secure-file-priv=NULL --initialize-insecure
}

# One thread writes the log: those of its own that MySQL has by default wait at full speed for what is to be written. As
# for MariaDB, performance_schema watches who holds a table, and since when, which MariaDB tells elsewhere.
serve() {
    # shellcheck disable=SC2046,SC2086 # options are words
    exec nohup $(command -v setsid || true) mysqld --no-defaults $(as_root) --basedir="$base" --datadir="$data" \
        --socket="$socket" --pid-file="$home/mariadb.pid" --log-error="$log" --tmpdir="$tmp" --skip-networking \
        --mysqlx=OFF --secure-file-priv=NULL --disable-log-bin --local-infile=1 \
        --innodb-log-writer-threads=OFF \
        --performance-schema-instrument='%=OFF' --performance-schema-instrument=wait/lock/metadata/sql/mdl=ON \
        --performance-schema-instrument=transaction=ON \
        --innodb-buffer-pool-size="$(setting DB_BUFFER_POOL 512M)" ${DB_OPTIONS:-}
}
