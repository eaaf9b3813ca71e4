#!/usr/bin/env bash
# Runs a workflow under Slurm's srun on two nodes, which this machine pretends to be, and compares what it writes with that of one process,
# byte by byte; then kills a rank.
#   slurm.sh TAPETUM       the command, built with `--features mpi` over OpenMPI
# Wants, as root, Debian's slurm-wlm and munge, and no other Slurm on the machine. It installs nothing, and stops the daemons that it started.
set -euo pipefail
tapetum=$(realpath "$1")
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
export SLURM_CONF="$work/slurm.conf" XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/nonexistent}"

stop() {
    pkill -F "$work/n1.pid" 2>/dev/null || true
    pkill -F "$work/n2.pid" 2>/dev/null || true
    pkill -F "$work/controller.pid" 2>/dev/null || true
    sleep 1
    rm -rf "$work"
}
trap stop EXIT

fail() {
    echo "slurm.sh: $*" >&2
    exit 1
}

cat >"$SLURM_CONF" <<END
ClusterName=here
SlurmctldHost=$(hostname -s)
SlurmUser=root
AuthType=auth/munge
TmpFS=$work/tmp-%n
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool-%n
SlurmctldPidFile=$work/controller.pid
SlurmdPidFile=$work/%n.pid
SlurmctldLogFile=$work/controller.log
SlurmdLogFile=$work/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SlurmdParameters=config_overrides
NodeName=n[1-2] NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 Port=[17001-17002] CPUs=4 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
mkdir -p "$work"/{state,spool-n1,spool-n2,tmp-n1,tmp-n2} /run/munge
chown munge: /run/munge
pgrep munged >/dev/null || su munge -s /bin/sh -c /usr/sbin/munged
slurmctld
slurmd -N n1
slurmd -N n2
for _ in $(seq 20); do
    [ "$(sinfo --noheader --format %T)" != idle ] || break
    sleep 1
done
[ "$(sinfo --noheader --format %T)" = idle ] || fail "the nodes do not come up: $(sinfo)"

cd "$work"
python3 "$here/make_people.py"
ranks() {
    timeout 300 srun --mpi=pmix -N 2 -n 4 "$tapetum" run people.json --device cpu --seed 5 "$@"
}

"$tapetum" run people.json --device cpu --seed 5 -o one >/dev/null
ranks -o four >out.txt 2>err.txt || { cat err.txt >&2; fail "srun left with an error"; }
grep -q 'ranks: 4' out.txt err.txt || fail "the run does not say that it has 4 ranks"
for file in one/*.npy one/losses.csv; do
    cmp "$file" "four/${file#one/}" || fail "4 ranks on 2 nodes wrote other bytes than one process"
done
echo "equal bytes on 4 ranks of 2 nodes"

ranks --set train.steps=2000 --set train.checkpoint=20 -o killed >out.txt 2>err.txt &
job=$!
for _ in $(seq 300); do
    [ ! -s killed/models/fold-0.safetensors ] || break
    sleep 0.2
done
[ -s killed/models/fold-0.safetensors ] || fail "no checkpoint after 60 s"
victim=
for process in $(pgrep -x "$(basename "$tapetum" | cut -c1-15)"); do
    ! tr '\0' '\n' <"/proc/$process/environ" | grep -q '^SLURM_PROCID=2$' || victim=$process
done
kill -KILL "$victim"
began=$SECONDS
code=0
wait "$job" || code=$?
[ "$code" -ne 0 ] || fail "srun left with 0 although a rank was killed"
[ $((SECONDS - began)) -le 40 ] || fail "the ranks that were left took $((SECONDS - began)) s to end"
grep -q 'task 2: Killed' err.txt || { cat err.txt >&2; fail "the killed rank is not named"; }
[ ! -e killed/result.json ] || fail "a run that was killed has results"
echo "a killed rank ends the job"
