#!/bin/bash
# A Ray cluster within an allocation of Slurm, and a run on it: sbatch configs/cluster/slurm.sh CONFIG
#
# Sent a signal ten minutes before the end of the time, the run ends in order; the same command goes on.
#SBATCH --job-name=turnwise
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=8
#SBATCH --cpus-per-task=64
#SBATCH --mem=0
#SBATCH --time=48:00:00
#SBATCH --exclusive
#SBATCH --requeue
#SBATCH --signal=B:TERM@600
set -euo pipefail

config=${1:?usage: sbatch configs/cluster/slurm.sh CONFIG}
market=${MARKET:-on-demand} # the label of these machines, for label_selector
port=6379

export RAY_AUTH_MODE=disabled RAY_USAGE_STATS_ENABLED=0
mapfile -t hosts < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
head=${hosts[0]}
address=$(srun --nodes=1 --ntasks=1 --nodelist="$head" hostname --ip-address | awk '{print $1}')

# --block holds the step; it ends with the allocation.
srun --nodes=1 --ntasks=1 --nodelist="$head" \
    ray start --head --node-ip-address="$address" --port="$port" --block \
    --num-cpus="$SLURM_CPUS_PER_TASK" --num-gpus="$SLURM_GPUS_ON_NODE" --labels="market=$market" &
until ray health-check --address "$address:$port" 2>/dev/null; do sleep 2; done

if ((SLURM_JOB_NUM_NODES > 1)); then
    srun --nodes=$((SLURM_JOB_NUM_NODES - 1)) --ntasks=$((SLURM_JOB_NUM_NODES - 1)) \
        --exclude="$head" ray start --address="$address:$port" --block \
        --num-cpus="$SLURM_CPUS_PER_TASK" --num-gpus="$SLURM_GPUS_ON_NODE" \
        --labels="market=$market" &
fi

RAY_ADDRESS=$address:$port turnwise run -c "$config" --executor ray &
run=$!
trap 'kill -TERM "$run"' TERM
status=0
wait "$run" || status=$?
# A trapped signal ends the first wait, not the run.
while kill -0 "$run" 2>/dev/null; do wait "$run" || status=$?; done
exit "$status"
