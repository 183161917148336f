import { version as manifestVersion } from '../../../package.json';

/** Version of this program, from its manifest. */
export const version: string = manifestVersion;
