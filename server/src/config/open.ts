import { defaultConfig, lockedConfig, type Config } from '../../../protocol/src/config';
import type { ConfigState } from '../../../protocol/src/configState';
import type { FileContent } from './file';
import { followFile, type Followed, type FollowOptions } from './follow';
import { parseConfig } from './parse';
import { policyHash } from './policyHash';

/** The configuration in force, and how it came to be. */
export type Loaded = Readonly<{ config: Config; state: ConfigState }>;

/** Where the configuration stands and who hears of changes. */
export type OpenOptions = Omit<FollowOptions<Loaded>, 'judge'>;

/** An open configuration. */
export type OpenConfig = Followed<Loaded>;

/**
 * Loads the configuration and follows its file. A missing file means the defaults, by which no command is allowed. A file that is broken or
 * cannot be read keeps the last good one of this process; with no good one before it, nothing may run (T36, T39). Never rejects.
 */
export function openConfig(options: OpenOptions): Promise<OpenConfig> {
  return followFile<Loaded>({ ...options, judge: (content, good) => judge(options.file, content, good?.config) });
}

function judge(file: string, content: FileContent, good: Config | undefined): Loaded {
  switch (content.kind) {
    case 'missing':
      return load(file, defaultConfig, 'defaults', []);
    case 'unreadable':
      return broken(file, good, [wholeFile(content.message)]);
    case 'bytes': {
      const parsed = parseConfig(content.bytes);
      const remarks = content.remarks.map(wholeFile);
      if (parsed.kind === 'config') return load(file, parsed.config, 'current', remarks);
      const problems = parsed.problems.map(({ message, path, line, column }) => ({ message, path, line, column }));
      return broken(file, good, [...problems, ...remarks]);
    }
  }
}

function broken(file: string, good: Config | undefined, problems: ConfigState['problems']): Loaded {
  return good === undefined ? load(file, lockedConfig, 'defaults', problems) : load(file, good, 'lastGood', problems);
}

function load(file: string, config: Config, source: ConfigState['source'], problems: ConfigState['problems']): Loaded {
  return { config, state: { file, source, problems, policyHash: policyHash(config) } };
}

function wholeFile(message: string): ConfigState['problems'][number] {
  return { message, path: '', line: 1, column: 1 };
}
