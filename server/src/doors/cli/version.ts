import { version as manifestVersion } from '../../../../package.json';

/** Version of Conductor, from its manifest. */
export const version: string = manifestVersion;
