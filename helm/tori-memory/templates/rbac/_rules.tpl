{{/*
What the operator may do in a namespace that it watches, verb by verb. test/kubernetes compares it with what the operator
does: a verb that is not used has no place here.
*/}}
{{- define "tori.operatorRules" -}}
# What is wanted, from watches. The operator never writes a spec.
- apiGroups: [memory.tori.dev]
  resources: [memoryclusters, tuningprofiles, memoryactions]
  verbs: [list, watch]
# Asked again before anything is removed for good: a watch can be late.
- apiGroups: [memory.tori.dev]
  resources: [memoryclusters]
  verbs: [get]
# What is. A status replaces the one that was read, or is refused (compare-and-set): PUT, never a patch.
- apiGroups: [memory.tori.dev]
  resources: [memoryclusters/status, tuningprofiles/status, memoryactions/status]
  verbs: [update]
# Children block the deletion of their cluster in the foreground, which takes this where OwnerReferencesPermissionEnforcement is on.
- apiGroups: [memory.tori.dev]
  resources: [memoryclusters/finalizers]
  verbs: [update]
# The oldest answered actions go, so that the record does not grow for ever.
- apiGroups: [memory.tori.dev]
  resources: [memoryactions]
  verbs: [delete]
# The services of a cluster and of its canary: made and repaired by server-side apply (create, patch), removed when a canary
# ends or a spec no longer wants them, watched so that drift is seen.
- apiGroups: [apps]
  resources: [statefulsets, deployments]
  verbs: [list, watch, create, patch, delete]
- apiGroups: ['']
  resources: [services]
  verbs: [list, watch, create, patch, delete]
# The account of a cluster's pods. It may do nothing, and goes with its cluster.
- apiGroups: ['']
  resources: [serviceaccounts]
  verbs: [list, watch, create, patch]
# Parameters are applied like the rest; the shard table and the state of the tracks are read and replaced by compare-and-set.
- apiGroups: ['']
  resources: [configmaps]
  verbs: [get, list, watch, create, update, patch, delete]
# Volumes grow when the spec does (patch). Those of a canary are found and deleted after its verified drain.
- apiGroups: ['']
  resources: [persistentvolumeclaims]
  verbs: [list, patch, delete]
# Readiness and addresses to scrape; an annotation on gateway pods makes the kubelet refresh their shard table at once.
- apiGroups: ['']
  resources: [pods]
  verbs: [list, watch, patch]
# The internal token and the API key are made once and read by name. Secrets are not listed, so nobody else's are seen.
- apiGroups: ['']
  resources: [secrets]
  verbs: [get, create]
# What happened, for `kubectl describe`; a repeated event is a patch of its series.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
# Protection of the services from disruptions and from pods that have no business with them.
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [list, watch, create, patch, delete]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies, ingresses]
  verbs: [list, watch, create, patch, delete]
# Only the gateway is scaled.
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [list, watch, create, patch, delete]
# Where the Prometheus operator and Gateway API are installed, and a spec asks for them.
- apiGroups: [monitoring.coreos.com]
  resources: [servicemonitors, prometheusrules]
  verbs: [list, watch, create, patch, delete]
- apiGroups: [gateway.networking.k8s.io]
  resources: [httproutes, grpcroutes]
  verbs: [list, watch, create, patch, delete]
{{- end -}}
