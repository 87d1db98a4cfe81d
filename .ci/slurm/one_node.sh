#!/usr/bin/env bash
# A Slurm of one node, this machine, on the loopback; as root.
#
# usage: one_node.sh start | stop | fail | recover | silence | answer FOLDER
#
# 'fail' is what a power cut does to a node: its daemon and every process of its jobs are gone, and
# Slurm finds it down. 'silence' ends the controller in good order, as a maintenance does.
set -euo pipefail
command=$1 folder=$(realpath "$2")
# Twice the CPUs there are: a job's starts and ends are spent waiting.
cpus=$((2 * $(nproc))) memory=$(awk '/^MemTotal/ {print int($2 / 1024)}' /proc/meminfo)
configuration=/etc/slurm/slurm.conf  # jobs and Slurm's commands look for it there

configure() {
    if [ -e "$configuration" ]; then
        echo "$configuration: exists; this machine is part of a cluster, or a test wasn't ended" >&2
        exit 1
    fi
    mkdir -p "$folder"/{state,spool,log,run} /etc/slurm
    chmod 755 "$folder"
    head -c 1024 /dev/urandom > "$folder/munge.key"
    chmod 400 "$folder/munge.key"
    chown munge "$folder/munge.key" "$folder/run" "$folder/log"
    cat > "$configuration" << CONF
ClusterName=loopback
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=46817
SlurmdPort=46818
AuthType=auth/munge
# A job that is given back to the queue waits for so many seconds (120 otherwise).
AuthInfo=socket=$folder/run/munge.socket,cred_expire=20
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/run/slurmctld.pid
SlurmdPidFile=$folder/run/slurmd.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd.log
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
EnforcePartLimits=ALL
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
# A node that doesn't answer for so long is down and its jobs go back to the queue; one that comes
# back is used again.
SlurmdTimeout=10
ReturnToService=2
# Ended jobs are remembered for a day, so that they can be counted in the end.
MinJobAge=86400
NodeName=localhost NodeAddr=127.0.0.1 CPUs=$cpus RealMemory=$memory State=UNKNOWN
PartitionName=all Nodes=localhost Default=YES MaxTime=1-0 State=UP
CONF
}

# usage: wait_until WHAT COMMAND …     the command succeeds; two minutes at most
wait_until() {
    local what="$1" end=$((SECONDS + 120))
    shift
    until "$@"; do
        if [ $SECONDS -gt $end ]; then
            echo "$what: not seen; $(sinfo 2>&1); see $folder/log" >&2
            return 1
        fi
        sleep 0.2
    done
}

node_is() { sinfo -h -o %T 2> /dev/null | grep -qE "^($1)"; }

start_node() {
    slurmd -N localhost
    wait_until "a node that is up" node_is 'idle$|mixed$|allocated$'
}

kill_daemon() {  # NAME [SIGNAL]
    local file="$folder/run/$1.pid"
    if [ -f "$file" ]; then kill "${2:--TERM}" "$(cat "$file")" 2> /dev/null || true; fi
}

# Of each job the session, and the process that watches it, which mustn't tell of it any more. There
# is no other Slurm here.
kill_jobs() {
    local step child session
    for step in $(pgrep -f '^slurmstepd: \['); do
        kill -STOP "$step" || continue
        for child in $(pgrep -P "$step"); do
            session=$(ps -o sid= -p "$child" | tr -d ' ') || continue
            pkill -KILL -s "$session" || true
        done
        kill -KILL "$step"
    done
}

# usage: end_daemon NAME     what it had to write is written, then
end_daemon() {
    local file="$folder/run/$1.pid" number
    [ -f "$file" ] || return 0
    number=$(cat "$file")
    kill_daemon "$1"
    wait_until "the end of $1" is_gone "$number"
}

is_gone() { ! readlink -q "/proc/$1/exe" > /dev/null; }

case $command in
start)
    configure
    setpriv --reuid munge --regid munge --clear-groups /usr/sbin/munged \
        --key-file="$folder/munge.key" --socket="$folder/run/munge.socket" \
        --pid-file="$folder/run/munged.pid" --log-file="$folder/log/munged.log" \
        --seed-file="$folder/run/munged.seed"
    slurmctld
    start_node
    ;;
fail)
    kill_daemon slurmd -KILL
    kill_jobs
    wait_until "a node that is down" node_is down
    ;;
recover)
    start_node
    ;;
silence)
    end_daemon slurmctld
    ;;
answer)
    slurmctld
    ;;
stop)
    kill_daemon slurmd -KILL
    kill_jobs
    rm -f "$configuration"
    end_daemon slurmctld
    end_daemon munged
    ;;
esac
