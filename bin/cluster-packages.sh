# shellcheck shell=sh
# Sourced by bin/cluster: what a cluster takes beside MariaDB itself, from Debian's packages, unpacked in a folder and
# installed nowhere. Whoever has a part of it installed already keeps that.

packages="$PWD/var/cluster/packages"

fetch() {
    for program in mariadbd mariadb-install-db mariadb; do
        command -v "$program" >/dev/null 2>&1 ||
            fail "$program is not installed. Run ./bin/setup, which installs it or says what to install."
    done
    one_at_a_time "$packages.lock"
    [ ! -f "$packages/complete" ] || return 0
    command -v apt-get >/dev/null 2>&1 || fail "galera-4 and HAProxy come from Debian's packages, and there is no apt-get"
    say "Fetching galera-4, haproxy and mariadb-backup from Debian's packages"
    rm -rf -- "$packages"
    mkdir -p -- "$packages"
    unpack >"$packages.log" 2>&1 9>&- </dev/null || {
        tail -n 10 "$packages.log" >&2
        fail "they could not be had (as an administrator: apt-get update); the whole: ${packages#"$PWD"/}.log"
    }
    : >"$packages/complete"
}

# In one chain, since the shell minds no failure within what somebody asks the outcome of.
unpack() (
    cd "$packages" &&
        { lacking || { [ "$(id -u)" -eq 0 ] && apt-get -q update && lacking; }; } &&
        xargs apt-get -q download <lacking &&
        for package in *.deb; do
            dpkg -x "$package" . || exit 1
        done &&
        rm -f -- *.deb
)

# What of these, and of what they need, is not installed. procps and iproute2: wsrep_sst_* asks who runs and who listens.
# mariadb-server is for those scripts alone: installed it would start a service.
lacking() {
    apt-get -s --no-install-recommends install galera-4 haproxy mariadb-backup socat procps iproute2 >simulated &&
        { sed -n 's/^Inst \([^ ]*\).*/\1/p' simulated && echo mariadb-server; } >lacking
}

use_packages() {
    for folder in "$packages"/usr/lib/*-linux-gnu "$packages"/lib/*-linux-gnu; do
        LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$folder"
    done
    PATH="$PATH:$packages/usr/bin:$packages/usr/sbin:$packages/bin:$packages/sbin"
    export PATH LD_LIBRARY_PATH
}

provider() {
    for file in /usr/lib/galera/libgalera_smm.so "$packages/usr/lib/galera/libgalera_smm.so"; do
        [ ! -f "$file" ] || { printf '%s\n' "$file" && return; }
    done
    fail "libgalera_smm.so is not to be found: rm -r ${packages#"$PWD"/} and try again"
}
