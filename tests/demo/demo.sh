# What `make demo` runs, inside `downspout-sandbox run --`: one document from each of the four services,
# one folder by a list, and a look at what came.
set -eu

here=$(dirname "$0")
to=${1:-demo-downloads}

show() {
    printf '\n$ %s\n' "$*"
    "$@"
}

rm -rf "$to"
show downspout get -v -d "$to/icloud" icloud:8C3C0E05-FBBA-48CB-8B82-2EEE9DD923E2
show downspout get -v -d "$to/koodrive" koodrive:Fn1bTLIOomJkTCAe9DEVBRY4U6IkuqkMZ
show downspout get -v -d "$to/esignon" esignon:12584
show downspout get -v -d "$to/oracle" oracle:/large.bin

printf '%s\t%s\n' koodrive:/Languages languages oracle:/Reports reports > "$to/list.txt"
show cat "$to/list.txt"
show downspout get -v -d "$to/folders" -i "$to/list.txt"

printf '\nWhat is there now:\n'
show python "$here/listing.py" "$to"
