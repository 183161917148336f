import { z } from 'zod';

/** A revision as an agent may write it: never an option, never a range, a path or a search. */
export const revisionText = z.string().min(1).max(250).regex(/^[^-\s:?*[\\\p{C}][^\s:?*[\\\p{C}]*$/u, 'Write one revision such as main, HEAD~2 or a commit id: no leading dash, blanks, colons or wildcards.').refine((text) => !text.includes('..') && !text.startsWith('^'), 'Write one revision, not a range.');
