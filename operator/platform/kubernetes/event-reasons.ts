import type { EventReason as Kind } from '../../runtime/index.js';

/** Every reason of an Event that this operator makes. Dashboards and alerts may rely on them. */
export const eventReasons = {
  /** The first revision of a cluster begins to start. */
  Installing: { type: 'Normal', action: 'Install' },
  /** The first revision serves. */
  Installed: { type: 'Normal', action: 'Install' },
  /** A canary of a new spec, or of a tuning change, begins to start. */
  CanaryStarting: { type: 'Normal', action: 'StartCanary' },
  /** The canary has a new share of the keys. */
  CanaryHolding: { type: 'Normal', action: 'ShiftTraffic' },
  /** The rollout waits: for a person, a gate, the spec or better samples. */
  RolloutPaused: { type: 'Normal', action: 'Pause' },
  /** A step has failed and the rollout waits for a person. */
  RolloutFailed: { type: 'Warning', action: 'Pause' },
  /** Stable takes the new revision, or the tuned values. */
  Promoting: { type: 'Normal', action: 'Promote' },
  /** The rollout has ended with the new revision. */
  Promoted: { type: 'Normal', action: 'Promote' },
  /** The canary is given up. */
  RollingBack: { type: 'Warning', action: 'RollBack' },
  /** The rollout has ended with the old revision. */
  RolledBack: { type: 'Warning', action: 'RollBack' },
  /** The rollout was given up for a newer spec. */
  Superseded: { type: 'Normal', action: 'RollBack' },
  /** The canary's episodes are copied to stable. */
  Draining: { type: 'Normal', action: 'Drain' },
  /** The canary is drained and goes. */
  RemovingCanary: { type: 'Normal', action: 'RemoveCanary' },
  /** A parameter was changed, and the change is measured. */
  Tuned: { type: 'Normal', action: 'Tune' },
  /** The trial of a change has ended: kept, reverted, interrupted, rejected. */
  TuningSettled: { type: 'Normal', action: 'Tune' },
  /** The tuner would like to change a parameter and waits for a person. */
  TuningProposed: { type: 'Normal', action: 'Propose' },
  /** A person's command was carried out. */
  ActionAccepted: { type: 'Normal', action: 'Answer' },
  /** A person's command was refused. */
  ActionRefused: { type: 'Warning', action: 'Answer' },
  /** The spec cannot be run on this platform. */
  InvalidSpec: { type: 'Warning', action: 'Validate' },
  /** Something could not be brought about, and is tried again. */
  ApplyFailed: { type: 'Warning', action: 'Apply' },
} as const satisfies Readonly<Record<string, Kind>>;

export type EventReason = keyof typeof eventReasons;
