#!/usr/bin/env bash
# Renders the Helm chart into the plain manifests of deploy/kubernetes, so that the two never say different things. The CRDs there
# come from `npm run gen:crds`, which needs no Helm.
# Usage: gen-manifests.sh [FOLDER]. Uses `helm` from HELM, or builds the one that the tests use.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
target=${1:-$root/deploy/kubernetes}
helm=${HELM:-$("$root/test/cluster/build.sh" helm)/helm}

# Labels that say "Helm owns this" would make Helm, and people, believe it. The objects' names are those of a release `tori`.
render() { # file template… [-- value…]
  local file=$1 show=()
  shift
  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    show+=(--show-only "templates/$1")
    shift
  done
  [ $# -eq 0 ] || shift
  {
    echo '# Generated from helm/tori-memory by npm run gen:manifests; do not edit.'
    "$helm" template tori "$root/helm/tori-memory" --namespace tori-system --kube-version 1.34.0 "${show[@]}" \
      --set fullnameOverride=tori "$@" |
      sed -e '/^# Source:/d' -e '/^ *helm\.sh\/chart:/d' -e '/^ *app\.kubernetes\.io\/managed-by: Helm$/d'
  } >"$file"
}

mkdir -p "$target/base" "$target/namespaced" "$target/cluster-wide"
render "$target/base/operator.yaml" serviceaccount.yaml deployment.yaml service.yaml poddisruptionbudget.yaml networkpolicy.yaml
render "$target/base/users.yaml" rbac/users.yaml
render "$target/base/admission-policy.yaml" admission-policy.yaml
render "$target/namespaced/rbac.yaml" rbac/operator.yaml
render "$target/cluster-wide/rbac.yaml" rbac/operator.yaml -- --set clusterWide=true
