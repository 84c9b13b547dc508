import type { Home } from '../../../operator/platform/local/home.js';
import type { Endpoints } from '../endpoints.js';
import type { Following } from '../follow.js';

/** What the tour needs beside what following needs. */
export interface TourContext extends Following {
  readonly home: Home;
  readonly endpoints: Endpoints;
}
