import { fetchers } from './network';
import { readers } from './readers';
import type { ArgumentRule } from './rule';
import { compilers, interpreters } from './runtimes';
import { scripted } from './scripts';
import { searchers } from './search';
import { writers } from './writers';

/** Argument rules by program name. A map, so that names such as `constructor` mean nothing. */
export const argumentRules: ReadonlyMap<string, ArgumentRule> = new Map([...readers, ...searchers, ...scripted, ...writers, ...interpreters, ...compilers, ...fetchers]);
