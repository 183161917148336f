import { z } from 'zod';

/** The parts of the configuration that say how the operating system confines commands: `plugins.shell.sandbox` and `plugins.shell.limits`. */

const folder = z
  .string()
  .regex(/^(?:~[\\/]|\/|[A-Za-z]:[\\/])/, 'Write an absolute folder, or one below your home folder that begins with ~/.')
  .describe('Absolute folder; `~` is your home folder.');

const host = z
  .string()
  .max(260)
  .regex(/^(?:\*\.)?[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?$/, 'Write a host name or an IPv4 address, with *. for all names below it and :port where only one port is meant.')
  .describe('Host name or IPv4 address, for instance `api.example.com`, `*.example.com` or `example.com:443`.');

const program = z
  .string()
  .regex(/^[A-Za-z0-9_.+-]+$/, 'Write the bare name of one program: no path, no blanks, no wildcard.')
  .describe('Bare name of a program, for instance `node`.');

/** `plugins.shell.sandbox`. */
export const sandboxSchema = z
  .strictObject({
    mode: z
      .enum(['off', 'available', 'required'])
      .default('off')
      .describe('Which commands run in a sandbox of the operating system: only those of `commands` (`off`); all where a usable sandbox is installed, else as before (`available`); all, and none without it (`required`). Default: off.'),
    commands: z.array(program).default([]).describe('Programs that always need the sandbox, whatever the mode; without a usable one they are refused. Default: none.').meta({ uniqueItems: true, examples: [['node', 'npm']] }),
    network: z.array(host).default([]).describe('Hosts that sandboxed commands may reach, through `@anthropic-ai/sandbox-runtime` (the program `srt`), which must be installed then. Default: none, so that there is no network at all.').meta({ uniqueItems: true, examples: [['api.example.com']] }),
    writable: z.array(folder).default([]).describe('Folders besides the project that sandboxed commands may write to. Default: none.').meta({ uniqueItems: true, examples: [['~/.npm']] }),
    readable: z.array(folder).default([]).describe('Folders of your home folder that sandboxed commands may read besides tool chains; the rest of it looks empty to them. Default: none.').meta({ uniqueItems: true, examples: [['~/.m2/repository']] }),
    allowUnpatched: z.boolean().default(false).describe('Whether a bubblewrap with CVE-2026-87766 may be used. Control files of the project, such as `.git/hooks`, cannot be protected by it then. Default: false.'),
  })
  .describe('The sandbox of the operating system around commands. A sandboxed command still needs its verdict.');

/** `plugins.shell.limits`. */
export const limitsSchema = z
  .strictObject({
    processes: z
      .number()
      .int()
      .min(0)
      .max(65_536)
      .default(1024)
      .describe('Processes that one command line may have at a time, up to 65536; more end it. In a sandbox the kernel counts threads, too, and starts no more for each command, unless you are root. 0: no limit. Linux only. Default: 1024.'),
    fileSizeMb: z.number().int().min(0).max(1_048_576).default(4096).describe('Size up to which a command can write one file, in MiB, up to 1048576. 0: no limit. Needs the program `prlimit`. Default: 4096.'),
  })
  .describe('What one command line may use up.');

/** How commands are confined, every default filled in. */
export type SandboxSettings = z.output<typeof sandboxSchema>;

/** What one command line may use up, every default filled in. */
export type LimitSettings = z.output<typeof limitsSchema>;
