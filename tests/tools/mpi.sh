#!/usr/bin/env bash
# Runs workflows on 1, 2, 3 and 4 processes under mpirun and compares what they write, byte by byte; kills a process; resumes on another
# number of processes; gives a process another workflow.
#   mpi.sh TAPETUM         the command, built with `--features mpi`
# Wants mpirun (Debian: openmpi-bin) and python3. It installs nothing.
set -euo pipefail
tapetum=$(realpath "$1")
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/nonexistent}"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

command -v mpirun >/dev/null || { echo "mpirun is missing" >&2; exit 1; }

over() {
    local n=$1
    shift
    mpirun --oversubscribe -n "$n" "$@"
}

fail() {
    echo "mpi.sh: $*" >&2
    exit 1
}

# Runs a command, and shows what it said only if it fails.
quietly() {
    "$@" >out.txt 2>err.txt || { cat err.txt >&2; fail "failed: $*"; }
}

# The values that a run computed: parameters, losses and values. The record of a run holds times, and its result the name of its folder.
same() {
    local file
    for file in "$1"/*.npy "$1"/losses.csv; do
        cmp "$file" "$2/${file#"$1"/}" || fail "$3"
    done
    for file in "$1"/models/*.safetensors; do
        python3 - "$file" "$2/${file#"$1"/}" <<'END' || fail "$3"
# The notes of a checkpoint are in no order; all else is.
import json, struct, sys
def read(path):
    with open(path, "rb") as file:
        data = file.read()
    end = 8 + struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8:end]), data[end:]
sys.exit(f"{sys.argv[2]} differs from {sys.argv[1]}" if read(sys.argv[1]) != read(sys.argv[2]) else 0)
END
    done
}

refused() {
    local wanted=$1
    shift
    if timeout 60 "$@" >out.txt 2>err.txt; then fail "was not refused: $*"; fi
    grep -q -- "$wanted" err.txt || { cat err.txt >&2; fail "does not say '$wanted': $*"; }
}

python3 "$root/tests/tools/make_people.py"

states=("$root/examples/brain_states.json" --set train.steps=12 --set train.checkpoint=5 --set train.microbatches=3)
for device in cpu llvmpipe; do
    [ -z "${MPI_DEVICES:-}" ] || [[ " $MPI_DEVICES " == *" $device "* ]] || continue
    quietly "$tapetum" run people.json --device "$device" --seed 5 -o "people-$device-0"
    quietly "$tapetum" run "${states[@]}" --device "$device" -o "states-$device-0"
    for n in 1 2 3 4; do
        quietly over "$n" "$tapetum" run people.json --device "$device" --seed 5 -o "people-$device-$n"
        [ "$(grep -c 'everything is in' out.txt)" = 1 ] || fail "$n ranks printed $(grep -c 'everything is in' out.txt) results"
        same "people-$device-0" "people-$device-$n" "people.json on $device: $n ranks wrote other bytes than one process"
    done
    for n in 1 3; do
        quietly over "$n" "$tapetum" run "${states[@]}" --device "$device" -o "states-$device-$n"
        same "states-$device-0" "states-$device-$n" "brain_states.json on $device: $n ranks wrote other bytes than one process"
    done
    echo "equal bytes on 1, 2, 3 and 4 ranks: $device"
done

# A process is killed in the middle of a training: the others end, the last checkpoint is whole, and fewer ranks finish the run.
long=(people.json --device cpu --seed 5 --set train.steps=2000 --set train.checkpoint=20)
quietly "$tapetum" run "${long[@]}" -o whole
mpirun --oversubscribe -n 4 "$tapetum" run "${long[@]}" -o killed >out.txt 2>err.txt &
launcher=$!
for _ in $(seq 300); do
    [ -s killed/models/fold-0.safetensors ] && break
    sleep 0.1
done
[ -s killed/models/fold-0.safetensors ] || fail "no checkpoint after 30 s"
victim=$(pgrep -P "$launcher" | sed -n 3p)
kill -KILL "$victim"
began=$SECONDS
code=0
wait "$launcher" || code=$?
[ "$code" -ne 0 ] || fail "mpirun left with 0 although a rank was killed"
[ $((SECONDS - began)) -le 20 ] || fail "the ranks that were left took $((SECONDS - began)) s to end"
grep -q 'rank 2 .*signal 9' err.txt || { cat err.txt >&2; fail "the killed rank is not named"; }
[ ! -e killed/result.json ] || fail "a run that was killed has results"
cp -r killed killed-1
quietly over 2 "$tapetum" run "${long[@]}" -o killed --resume
same whole killed "a run of 4 ranks, killed and resumed on 2, wrote other bytes than one process"
quietly "$tapetum" run "${long[@]}" -o killed-1 --resume
same whole killed-1 "a run of 4 ranks, killed and resumed by one process, wrote other bytes than one process"
echo "a killed rank ends the run, which resumes on 2 ranks and on one"

# Refusals, with a line that says what would do or names the rank.
refused "rank 1: its workflow" mpirun --oversubscribe -n 1 "$tapetum" run people.json --device cpu -o refused : -n 2 "$tapetum" run other.json --device cpu
[ ! -e refused ] || fail "a run that was refused left files"
refused "rank 2 of 3 .*nowhere.json" mpirun --oversubscribe -n 2 "$tapetum" run people.json --device cpu : -n 1 "$tapetum" run nowhere.json --device cpu
refused "train.microbatches=4" mpirun --oversubscribe -n 4 "$tapetum" run people.json --device cpu --set train.microbatches=1
refused "it runs as one process" mpirun --oversubscribe -n 2 "$tapetum" formats
[ "$(grep -c tapetum: err.txt)" = 1 ] || { cat err.txt >&2; fail "an error that all ranks meet is printed $(grep -c tapetum: err.txt) times"; }
TAPETUM_MPI=off over 2 "$tapetum" formats >out.txt
[ "$(grep -c '^' out.txt)" -gt 2 ] || fail "TAPETUM_MPI=off runs nothing"
echo "ranks that differ, and numbers that do not divide, are refused"
