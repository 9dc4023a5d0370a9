#!/usr/bin/env bash
# One training on several machines, by plain ssh: the same command on each, with its own TF_CONFIG.
#
#     scripts/ssh.sh HOST,HOST,... COMMAND...
#     scripts/ssh.sh one,two .venv/bin/python initial/run_exp.py --cfg initial/cfg/birds.yml
#
# The first host is the chief, which writes. On all of them this folder must have the same path and
# be shared, and ssh must ask for nothing. Workers listen at port 2222, or that of HOST:PORT. Ctrl-C
# has all of them save and stop; the same command goes on.
set -euo pipefail

if [ $# -lt 2 ]; then
    sed -n '2,/^set/ { /^set/d; s/^# \{0,1\}//; p; }' "$0" >&2
    exit 2
fi
IFS=, read -ra workers <<< "$1"
shift
for i in "${!workers[@]}"; do
    [[ ${workers[i]} == *:* ]] || workers[i]+=:2222
done
list=$(printf ', "%s"' "${workers[@]}")

# As long as this is open for writing, the workers run: its end, or that of ssh, is their SIGTERM.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkfifo "$folder/open"
exec 3<> "$folder/open"
trap 'exec 3>&-' INT TERM

pids=()
for i in "${!workers[@]}"; do
    config="{\"cluster\": {\"worker\": [${list:2}]}, \"task\": {\"type\": \"worker\", \"index\": $i}}"
    remote="cd $(printf %q "$PWD") || exit; exec 4<&0
        TF_CONFIG=$(printf %q "$config")$(printf ' %q' "$@") < /dev/null 4<&- & worker=\$!
        { cat <&4; kill \$worker; } > /dev/null 2>&1 & watch=\$!
        wait \$worker; code=\$?; kill \$watch 2> /dev/null; exit \$code"
    # shellcheck disable=SC2029  # all of it is made here, and quoted
    ssh "${workers[i]%:*}" "bash -c $(printf %q "$remote")" < "$folder/open" 3>&- &
    pids+=($!)
done

code=0
for pid in "${pids[@]}"; do
    own=0
    wait "$pid" || own=$?
    while kill -0 "$pid" 2> /dev/null; do # a signal has ended the wait, and not the worker
        own=0
        wait "$pid" || own=$?
    done
    [ "$code" -ne 0 ] || code=$own
done
exit "$code"
