#!/usr/bin/env bash
# One training on several nodes of a Slurm cluster, a worker on each, with its own TF_CONFIG.
#
#     sbatch --nodes=2 scripts/slurm.sh .venv/bin/python initial/run_exp.py --cfg initial/cfg/birds.yml
#
# Submit it in this folder, which the nodes must share; add --gres and the like as your cluster wants
# them. The first node is the chief, which writes. Workers listen at port 2222, or at that of PORT.
# scancel --signal=TERM, and the end of the job's time, have all of them save and stop; the same
# command goes on.
#SBATCH --job-name=def-gan
#SBATCH --ntasks-per-node=1
#SBATCH --signal=TERM@120
set -euo pipefail

mapfile -t hosts < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
list=$(printf ", \"%s:${PORT:-2222}\"" "${hosts[@]}")
export WORKERS=${list:2}

# shellcheck disable=SC2016  # SLURM_PROCID is each worker's own
srun --ntasks="${#hosts[@]}" --ntasks-per-node=1 bash -c '
    task="{\"type\": \"worker\", \"index\": $SLURM_PROCID}"
    export TF_CONFIG="{\"cluster\": {\"worker\": [$WORKERS]}, \"task\": $task}"
    exec "$@"
' worker "$@"
