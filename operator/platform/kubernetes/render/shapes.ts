import type * as k8s from '@kubernetes/client-node';

/** What a class of the client library looks like as JSON: the compiler checks what we render against it. */
type Json<T> = T extends Date
  ? string
  : T extends readonly (infer Item)[]
    ? readonly Json<Item>[]
    : T extends object
      ? { readonly [K in keyof T]: Json<T[K]> }
      : T;

export type Container = Json<k8s.V1Container>;
export type DeploymentSpec = Json<k8s.V1DeploymentSpec>;
export type EnvVar = Json<k8s.V1EnvVar>;
export type PersistentVolumeClaim = Json<k8s.V1PersistentVolumeClaim>;
export type PodSecurityContext = Json<k8s.V1PodSecurityContext>;
export type PodSpec = Json<k8s.V1PodSpec>;
export type PodTemplateSpec = Json<k8s.V1PodTemplateSpec>;
export type ResourceRequirements = Json<k8s.V1ResourceRequirements>;
export type SecurityContext = Json<k8s.V1SecurityContext>;
export type ServicePort = Json<k8s.V1ServicePort>;
export type ServiceSpec = Json<k8s.V1ServiceSpec>;
export type StatefulSetSpec = Json<k8s.V1StatefulSetSpec>;
export type Volume = Json<k8s.V1Volume>;
export type VolumeMount = Json<k8s.V1VolumeMount>;
