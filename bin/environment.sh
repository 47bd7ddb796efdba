# shellcheck shell=sh
# Sourced by every script here: goes to the project's root, and gives say, fail, setting and the like.

set -eu
unset CDPATH
cd -P -- "$(dirname -- "$0")/.."
me="bin/${0##*/}"
# shellcheck disable=SC2034 # used by those that source this
python="$PWD/.venv/bin/python"
# mariadbd lies in /usr/sbin on Debian, which ordinary users do not have in their PATH.
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin:/opt/homebrew/bin:/opt/homebrew/opt/mariadb/bin:/usr/local/opt/mariadb/bin"
export PATH

say() {
    printf '%s\n' "$*"
}

fail() {
    printf '%s: %s\n' "$me" "$*" >&2
    exit 1
}

# else it would be taken for none, and the project's own database be started
env_file=${ENV_FILE:-.env}
[ ! -e "$env_file" ] || [ -r "$env_file" ] || fail "$env_file is there, and may not be read by $(id -un)"

# setting NAME [DEFAULT]: as config/settings.py sees it: the environment first, then the first such line of .env (or ENV_FILE).
setting() {
    if eval "[ -n \"\${$1+set}\" ]"; then
        eval "value=\$$1"
    else
        value=$(sed -n "s/^[[:space:]]*\(export \)\{0,1\}$1=//p" "$env_file" 2>/dev/null | sed -n 1p | tr -d '\r')
        case $value in
        \"*\" | \'*\') value=${value#?} value=${value%?} ;;
        esac
    fi
    printf '%s\n' "${value:-${2:-}}"
}

# What the warehouse is to be like before it is used; nothing to do when it is.
bring_up_to_date() {
    "$python" manage.py deploy >var/deploy.log || fail "what deploy said is in var/deploy.log"
}

# Groups and schedules as this version has them; in one process, each of which takes a second of CPU to begin.
sync() {
    "$python" manage.py shell --command "
from django.core.management import call_command
call_command('sync_groups')
call_command('sync_schedules')" >/dev/null
}

# one_at_a_time FILE [WHAT]: hold FILE's lock until this script ends, and wait for whoever holds it now. Without flock
# (macOS) there is no lock: MariaDB itself still refuses a second server on one data directory.
one_at_a_time() {
    mkdir -p -- "$(dirname -- "$1")"
    exec 9>>"$1"
    if command -v flock >/dev/null 2>&1 && ! flock -n 9; then
        say "$me: waiting for another ${2:-$me} in this folder to finish"
        flock 9
    fi
}
