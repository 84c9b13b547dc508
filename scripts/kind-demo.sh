#!/usr/bin/env bash
# Shows TORI Memory on a kind cluster of your own: builds the image, loads it, installs the chart, starts a memory system, rolls a
# change out through a canary, and watches the tuner make its first change. `make kind-demo`; takes a quarter of an hour.
#
#   kind-demo.sh           everything
#   kind-demo.sh down      deletes the kind cluster
#
# Environment: DOCKER, KIND, KUBECTL, HELM name the tools; KIND_CLUSTER the cluster (tori-demo, made when absent), KUBE_CONTEXT its
# context (kind-CLUSTER), NAMESPACE (tori), TIMEOUT of each wait in seconds (600).
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

docker=${DOCKER:-docker}
kind=${KIND:-kind}
kubectl=${KUBECTL:-kubectl}
helm=${HELM:-helm}
cluster=${KIND_CLUSTER:-tori-demo}
namespace=${NAMESPACE:-tori}
timeout=${TIMEOUT:-600}
version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' "$root/package.json")
repository=tori-memory
# A context is named always: what the demo does must not land in another cluster.
context=${KUBE_CONTEXT:-kind-$cluster}

step() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
fail() {
  echo "kind-demo: $*" >&2
  exit 1
}
k() { "$kubectl" --context "$context" --namespace "$namespace" "$@"; }

need() { # tool where-to-get-it
  command -v "$1" >/dev/null 2>&1 || fail "$1 is not here; get it from $2, or name another by the environment"
}

# Waits until a field of the MemoryCluster matches a pattern and is not what it was; shows each new message of it meanwhile.
await() { # jsonpath pattern what [was]
  local value='' message='' before='' end=$((SECONDS + timeout))
  until [[ $value =~ $2 && $value != "${4-}" ]]; do
    [ $SECONDS -lt $end ] || fail "no $3 within $timeout s; look at: $kubectl --context $context -n $namespace describe mc demo"
    sleep 2
    value=$(k get mc demo --output "jsonpath=$1")
    message=$(k get mc demo --output 'jsonpath={.status.message}')
    [ "$message" = "$before" ] || echo "   $message"
    before=$message
  done
}

check_tools() {
  need "$docker" https://docs.docker.com/get-docker
  need "$kind" https://kind.sigs.k8s.io
  need "$kubectl" https://kubernetes.io/docs/tasks/tools
  need "$helm" https://helm.sh/docs/intro/install
  "$docker" info >/dev/null 2>&1 || fail "$docker does not answer; is its daemon running?"
}

make_cluster() {
  if ! "$kind" get clusters 2>/dev/null | grep -qx "$cluster"; then
    "$kind" create cluster --name "$cluster" --wait 2m
  fi
}

build_image() {
  "$docker" build --file "$root/deploy/images/Dockerfile" --build-arg "VERSION=$version" --tag "$repository:$version" "$root"
  "$kind" load docker-image "$repository:$version" --name "$cluster"
}

install_chart() {
  "$helm" upgrade --install tori "$root/helm/tori-memory" --kube-context "$context" --namespace "$namespace" --create-namespace \
    --set image.repository="$repository" --set tests.cluster=demo
  k rollout status deployment/tori-tori-memory --timeout "${timeout}s"
}

start_memory() {
  k apply --filename "$root/examples/quickstart.yaml"
  await '{.status.conditions[?(@.type=="Ready")].status}' '^True$' 'Ready'
  k get mc,tp
}

# A pod that puts episodes and asks for sleeps: what a canary is judged by, and what the tuner learns from.
start_load() {
  k delete pod load --ignore-not-found
  k create --filename - <<EOF
apiVersion: v1
kind: Pod
metadata:
  name: load
spec:
  restartPolicy: Always
  automountServiceAccountToken: false
  securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: RuntimeDefault } }
  containers:
    - name: load
      image: $repository:$version
      command: [sh, -c, 'tori loadgen --rate 20 --duration 24h & while true; do tori trigger --once; sleep 3; done']
      env:
        - { name: TORI_URL, value: 'http://demo-gateway:8787' }
        - { name: TORI_API_KEY_FILE, value: /etc/tori/api-key }
      resources: { requests: { cpu: 100m, memory: 64Mi }, limits: { memory: 256Mi } }
      securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: [ALL] } }
      volumeMounts: [{ name: api-key, mountPath: /etc/tori, readOnly: true }]
  volumes:
    - name: api-key
      secret: { secretName: demo-api-key }
EOF
}

roll_out() {
  local last='{.status.rollout.history[0].finishedAt}' before outcome
  # The history begins with the installation, or with the canary of the demo before.
  before=$(k get mc demo --output "jsonpath=$last")
  k patch mc demo --type merge --patch "{\"spec\":{\"services\":{\"sleep\":{\"env\":{\"DEMO_RUN\":\"$(date +%s)\"}}}}}"
  await "$last" . 'end of the canary' "$before"
  k get mc demo --output wide
  outcome=$(k get mc demo --output 'jsonpath={.status.rollout.history[0].outcome}')
  [ "$outcome" = Promoted ] || fail "the canary was not promoted: $outcome"
}

watch_tuner() {
  await '{.status.tuning.adjustments[*].parameter}' '[a-z]' 'adjustment'
  k get mc demo --output 'jsonpath={range .status.tuning.adjustments[*]}{.at} {.parameter} {.before} -> {.after} by {.rule}: {.outcome}{"\n"}{end}'
  k get tp demo
}

if [ "${1:-}" = down ]; then
  need "$kind" https://kind.sigs.k8s.io
  exec "$kind" delete cluster --name "$cluster"
fi
[ $# -eq 0 ] || fail "expected no argument, or down"
[ -n "$version" ] || fail "package.json names no version"

step 'tools'; check_tools
step "kind cluster $cluster"; make_cluster
step "image $repository:$version"; build_image
step 'operator'; install_chart
step 'a memory system'; start_memory
step 'episodes and sleeps'; start_load
step 'helm test: is what was put given back?'; "$helm" test tori --kube-context "$context" --namespace "$namespace"
step 'a change of the spec, through a canary'; roll_out
step 'the first change of the tuner'; watch_tuner
step 'done'
cat <<EOF
Look around:  $kubectl --context $context -n $namespace get mc,tp,ma,pods
Take it away: scripts/kind-demo.sh down
EOF
