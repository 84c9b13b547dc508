#!/usr/bin/env bash
# Builds parts of a real Kubernetes from source and keeps them: `build.sh kube-apiserver etcd kubectl helm …` builds what is not
# there yet and prints the folder. `build.sh --folder` only prints it. Needs Go; takes minutes when cold, nothing afterwards.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

# Parts of this module change with its files, the others with their version: a stamp beside each program tells which it is.
sum=$(cat "$here"/binaries/go.mod "$here"/binaries/*/main.go | sha256sum | cut -c1-12)
folder=${TORI_CLUSTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tori-memory}/cluster-$sum
if [ "${1:-}" = --folder ]; then
  echo "$folder"
  exit
fi

kubernetes=$(sed -n 's|^\tk8s.io/kubernetes \(v[0-9.]*\).*|\1|p' "$here/binaries/go.mod")
version_flags() {
  local package=k8s.io/component-base/version
  local major=${kubernetes#v}
  major=${major%%.*}
  local minor=${kubernetes#v*.}
  echo "-s -w -X $package.gitVersion=$kubernetes -X $package.gitMajor=$major -X $package.gitMinor=${minor%%.*} -X $package.gitCommit=source -X $package.gitTreeState=clean"
}

# Writes beside the target and renames, so that a build that was cut off leaves nothing that looks whole.
build_here() { # target package [ldflags]
  [ ! -x "$folder/$1" ] || return 0
  (cd "$here/binaries" && CGO_ENABLED=0 go build -buildvcs=false -trimpath -ldflags "${3:--s -w}" -o "$folder/$1.part" "$2")
  mv "$folder/$1.part" "$folder/$1"
}

# A program of another module, at a version of its own; built anew when that changes.
install_from() { # target package@version
  [ "$(cat "$folder/.$1" 2>/dev/null)" != "$2" ] || return 0
  local scratch
  scratch=$(mktemp -d)
  GOBIN=$scratch CGO_ENABLED=0 go install -buildvcs=false -trimpath -ldflags '-s -w' "$2"
  mv "$scratch"/* "$folder/$1.part"
  mv "$folder/$1.part" "$folder/$1"
  rmdir "$scratch"
  echo "$2" >"$folder/.$1"
}

build() {
  case $1 in
    kube-apiserver | kube-controller-manager | kube-scheduler | kubelet | kube-proxy | kubectl)
      build_here "$1" "k8s.io/kubernetes/cmd/$1" "$(version_flags)"
      ;;
    etcd) build_here etcd ./etcd ;;
    pause) build_here pause ./pause ;;
    helm) install_from helm helm.sh/helm/v3/cmd/helm@v3.19.5 ;;
    kubeconform) install_from kubeconform github.com/yannh/kubeconform/cmd/kubeconform@v0.7.0 ;;
    kube-score) install_from kube-score github.com/zegl/kube-score/cmd/kube-score@v1.20.0 ;;
    flagger) install_from flagger github.com/fluxcd/flagger/cmd/flagger@v1.36.1 ;;
    coredns) install_from coredns github.com/coredns/coredns@v1.12.4 ;;
    *)
      echo "build.sh: $1 is not known; expected kube-apiserver, kube-controller-manager, kube-scheduler, kubelet, kube-proxy, kubectl, etcd, pause, helm, kubeconform, kube-score, flagger or coredns" >&2
      exit 64
      ;;
  esac
}

mkdir -p "$folder"
for part in "$@"; do
  build "$part" >&2
done
echo "$folder"
