# shellcheck shell=bash
# What tests/kafka/servers.sh and tests/cluster/servers.sh share, for them to source. They set:
#   run     the folder of what runs: a server NAME has NAME.log and NAME.pid there
#   wait_s  how long a server may take to answer
# shellcheck disable=SC2154

say() { printf 'servers: %s\n' "$*" >&2; }
skip() { say "skipped: $*"; exit 77; }

# free_ports COUNT: ports that nobody listens on now.
free_ports() {
    python3 - "$1" <<'P'
import socket, sys
held = [socket.socket() for _ in range(int(sys.argv[1]))]
for s in held:
    s.bind(("127.0.0.1", 0))
print(*(s.getsockname()[1] for s in held))
P
}

alive() { [[ -f $1 ]] && kill -0 "$(cat "$1")" 2> /dev/null; }

# answers HOST PORT
answers() { (exec 3<> "/dev/tcp/$1/$2") 2> /dev/null; }

# wait_until NAME COMMAND...: also ends when the server has died.
wait_until() {
    local name=$1 end=$((SECONDS + wait_s))
    shift
    until "$@"; do
        if ((SECONDS > end)) || ! alive "$run/$name.pid"; then
            say "$name does not answer; the end of $run/$name.log:"
            tail -n 20 "$run/$name.log" >&2 || true
            return 1
        fi
        sleep 0.2
    done
}

# launch NAME COMMAND...: in the background, with a log and a pid file of its name.
launch() {
    local name=$1
    shift
    setsid "$@" >> "$run/$name.log" 2>&1 < /dev/null &
    echo $! > "$run/$name.pid"
}

# stop: all that runs, told together: some wait for each other when they end. A paused process hears SIGTERM only when
# it goes on.
stop() {
    local file pid end=$((SECONDS + 30))
    for file in "$run"/*.pid; do
        [[ -f $file ]] || continue
        pid=$(cat "$file")
        kill "$pid" 2> /dev/null || true
        kill -CONT "$pid" 2> /dev/null || true
    done
    for file in "$run"/*.pid; do
        [[ -f $file ]] || continue
        pid=$(cat "$file")
        while kill -0 "$pid" 2> /dev/null; do
            ((SECONDS > end)) && kill -9 "$pid" 2> /dev/null
            sleep 0.2
        done
        rm -f "$file"
    done
}

# kill_process PID_FILE: back only when the process is gone, and with it its ports.
kill_process() {
    local pid
    pid=$(cat "$1")
    kill -9 "$pid"
    while kill -0 "$pid" 2> /dev/null; do sleep 0.05; done
    rm -f "$1"
}
