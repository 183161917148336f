/** How long clients wait for one call before they give up on it, so that they can be answered before that. */

/** What is known of a client, in seconds: how long it waits in silence, and how long while it is told of progress. `null`: as long as was ever tried. */
type Known = Readonly<{ name: RegExp; silent: number | null; informed: number | null; /** Also cancels calls that were answered. */ cancelsAnswered?: true }>;

/**
 * Measured over standard input and output with calls that say nothing until their end; what nobody measured is taken for a client of the
 * usual kind. Names are the clients' own words, which a hostile one chooses as it likes: it decides about its own waiting only.
 */
const clients: readonly Known[] = [
  { name: /^claude[- ]code\b/i, silent: null, informed: null },
  { name: /^gemini-cli/i, silent: null, informed: null },
  { name: /^visual studio code\b/i, silent: 300, informed: 300 },
  { name: /^codex/i, silent: 130, informed: 130 },
  { name: /^qwen/i, silent: 300, informed: 300 },
  { name: /^github-copilot/i, silent: 180, informed: 180 },
  { name: /^opencode\b/i, silent: 60, informed: 130, cancelsAnswered: true },
  { name: /^continue\b/i, silent: 60, informed: 60 },
  { name: /^cline\b/i, silent: 60, informed: 60 },
];

/** The limit of most clients, whose library ends a request after a minute, whatever it hears meanwhile. */
const usual: Omit<Known, 'name'> = { silent: 60, informed: 60 };

/** Seconds before its limit at which a client has its answer. */
const margin = 10;

/**
 * Milliseconds for which a call of this client may wait for a person before it is answered with "call again"; Infinity for no limit.
 * `informed`: it asked to hear of progress. `chosen`: the user's own seconds for every client; 0 never answers early.
 */
export function patienceMs(client: string, informed: boolean, chosen: number | undefined): number {
  if (chosen !== undefined) return chosen === 0 ? Infinity : chosen * 1000;
  const known = knownAs(client);
  const limit = informed ? known.informed : known.silent;
  return limit === null ? Infinity : (limit - margin) * 1000;
}

/** Whether this client sends cancellations of calls that it has the answer of, which mean nothing. */
export function cancelsAnswered(client: string): boolean {
  return knownAs(client).cancelsAnswered === true;
}

function knownAs(client: string): Omit<Known, 'name'> {
  return clients.find(({ name }) => name.test(client)) ?? usual;
}
