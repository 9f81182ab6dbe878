#!/usr/bin/env bash
# The Kubernetes manifests against the published schemas of their kinds, and a spoilt one to show that it counts.
# Skipped (77) where npm is not there or cannot fetch them. Usage: kubernetes_test.sh SOURCE SCRATCH
set -euo pipefail
source=$1 scratch=$2
command -v npm >/dev/null || { echo "skipped: no npm"; exit 77; }
mkdir -p "$scratch"
npm install --silent --no-audit --no-fund --no-save --prefix "$scratch" kubernetes-models@4.5.1 js-yaml@4.1.0 >"$scratch/npm.log" 2>&1 ||
  { echo "skipped: npm cannot fetch the schemas"; tail -n 3 "$scratch/npm.log"; exit 77; }
check=("node" "$source/tests/deploy/kubernetes_test.mjs" "$scratch")
"${check[@]}" "$source"/deploy/kubernetes/*.yaml
sed 's/replicas: 2/replicas: many/' "$source/deploy/kubernetes/workers.yaml" >"$scratch/spoilt.yaml"
if "${check[@]}" "$scratch/spoilt.yaml" 2>/dev/null; then
  echo "a spoilt manifest passed" >&2
  exit 1
fi
