#!/usr/bin/env bash
# Backup and restore of a MemoryCluster's volumes by Jobs, on any storage. What it does is told in docs/backup.md.
#
#   copy.sh backup  CLUSTER CLAIM FOLDER     copies the volumes of CLUSTER into FOLDER of the claim
#   copy.sh restore CLUSTER CLAIM FOLDER     makes the volumes of a CLUSTER that does not exist yet
#
# The claim holds the backup and must be there. A backup stops the services one after the other, and the operator, which would start
# them again; they are started again whatever happens. Environment: NAMESPACE (default: that of the context), IMAGE, OPERATOR_NAMESPACE
# and OPERATOR (the operator's Deployment; found by its labels in that namespace, or in all), STORAGE_CLASS, SIZE (of each new
# volume), DEADLINE_SECONDS (of each copy, default 3600), KUBECTL.
set -euo pipefail

usage() {
  sed -n '2,11s/^# \{0,1\}//p' "$0" >&2
  exit 64
}

[ $# -eq 4 ] || usage
what=$1 cluster=$2 claim=$3 folder=$4
kubectl=${KUBECTL:-kubectl}
namespace=${NAMESPACE:-$("$kubectl" config view --minify --output 'jsonpath={..namespace}')}
namespace=${namespace:-default}
image=${IMAGE:-ghcr.io/tori-memory/tori-memory:0.1.0}
operator_namespace=${OPERATOR_NAMESPACE:-}
operator=${OPERATOR:-}
# The graph before the vault: its place in the vault's log must exist in the copy of the vault.
services=(pruner koopman vault)

in_namespace() { "$kubectl" --namespace "$namespace" "$@"; }
in_operator() { "$kubectl" --namespace "$operator_namespace" "$@"; }

# A Job that runs `tori` with the service's volume at /data and the backup at /backup.
run_job() { # name claim-of-data arguments…
  local name=$1 data=$2
  shift 2
  local arguments
  arguments=$(printf ', "%s"' "$@")
  in_namespace delete job "$name" --ignore-not-found --wait >&2
  in_namespace create --filename - >&2 <<EOF
apiVersion: batch/v1
kind: Job
metadata:
  name: $name
spec:
  backoffLimit: 0
  activeDeadlineSeconds: ${DEADLINE_SECONDS:-3600}
  template:
    spec:
      restartPolicy: Never
      automountServiceAccountToken: false
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        runAsGroup: 65532
        fsGroup: 65532
        fsGroupChangePolicy: OnRootMismatch
        seccompProfile: { type: RuntimeDefault }
      containers:
        - name: tori
          image: $image
          command: [node, bin/tori.js$arguments]
          resources:
            requests: { cpu: 100m, memory: 128Mi }
            limits: { memory: 1Gi }
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: { drop: [ALL] }
          volumeMounts:
            - { name: data, mountPath: /data }
            - { name: backup, mountPath: /backup }
      volumes:
        - name: data
          persistentVolumeClaim: { claimName: $data }
        - name: backup
          persistentVolumeClaim: { claimName: $claim }
EOF
  # A Job ends by itself: it completes, fails, or comes to its deadline.
  local condition=''
  until [[ " $condition " == *' Complete '* ]]; do
    if [[ " $condition " == *' Failed '* ]]; then
      in_namespace logs "job/$name" >&2 || true
      echo "copy.sh: job $name failed" >&2
      return 1
    fi
    sleep 1
    condition=$(in_namespace get job "$name" --output 'jsonpath={.status.conditions[?(@.status=="True")].type}')
  done
  in_namespace logs "job/$name" 2>/dev/null || true
}

# Runs at the end of the script, whatever ended it.
stopped=''
replicas=''
start_again() {
  # One that cannot be started must not keep the other from it.
  set +e
  [ -z "$stopped" ] || in_namespace scale statefulset "$stopped" --replicas 1 >&2
  [ -z "$replicas" ] || in_operator scale deployment "$operator" --replicas "$replicas" >&2
}

find_operator() {
  [ -z "$operator" ] || [ -z "$operator_namespace" ] || return 0
  local where=(--all-namespaces) found
  [ -z "$operator_namespace" ] || where=(--namespace "$operator_namespace")
  found=$("$kubectl" get deployment "${where[@]}" --selector app.kubernetes.io/name=tori-memory-operator \
    --output 'jsonpath={range .items[*]}{.metadata.namespace} {.metadata.name}{"\n"}{end}')
  if [ "$(grep -c . <<<"$found")" -ne 1 ]; then
    echo "copy.sh: expected one Deployment of the operator, found: ${found:-none}; name it by OPERATOR_NAMESPACE and OPERATOR" >&2
    return 1
  fi
  read -r operator_namespace operator <<<"$found"
}

backup() {
  find_operator
  trap start_again EXIT
  replicas=$(in_operator get deployment "$operator" --output 'jsonpath={.spec.replicas}')
  in_operator scale deployment "$operator" --replicas 0 >&2
  in_operator wait pod --selector app.kubernetes.io/component=operator,app.kubernetes.io/part-of=tori-memory \
    --for delete --timeout 5m >&2
  local service
  for service in "${services[@]}"; do
    stopped=$cluster-$service
    in_namespace scale statefulset "$stopped" --replicas 0 >&2
    in_namespace wait pod "$stopped-0" --for delete --timeout 10m >&2
    echo "== $service"
    run_job "$cluster-$service-backup" "data-$stopped-0" backup /data "/backup/$folder/$service"
    in_namespace scale statefulset "$stopped" --replicas 1 >&2
    stopped=''
  done
}

restore() {
  if in_namespace get memorycluster "$cluster" >/dev/null 2>&1; then
    echo "copy.sh: MemoryCluster $cluster exists; restore under a name that is new" >&2
    exit 1
  fi
  local service
  for service in "${services[@]}"; do
    in_namespace create --filename - >&2 <<EOF
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: data-$cluster-$service-0
spec:
  accessModes: [ReadWriteOnce]
  ${STORAGE_CLASS:+storageClassName: $STORAGE_CLASS}
  resources: { requests: { storage: ${SIZE:-10Gi} } }
EOF
    echo "== $service"
    run_job "$cluster-$service-restore" "data-$cluster-$service-0" restore "/backup/$folder/$service" /data
  done
  echo "now make MemoryCluster $cluster, with spec.services.{pruner,koopman,vault}.volume.size of ${SIZE:-10Gi}"
}

case $what in
  backup) backup ;;
  restore) restore ;;
  *) usage ;;
esac
