/** What to say beside "not known to be harmless" for words that agents use every day: why it asks, or what need not. */

type Advice = ReadonlyMap<string, string>;

function advice(...entries: readonly (readonly [words: string, text: string])[]): Advice {
  return new Map(entries.flatMap(([words, text]) => words.split(' ').map((word) => [word, text] as const)));
}

const program = advice(
  ['-e -p -c -r -E -n --eval --print --require --import', 'A program in the arguments is nowhere to be read later. A script in a file of the project (filesystem.write) need not ask.'],
  ['-m', 'A module can be any program. A script in a file of the project need not ask.'],
  ['--inspect --inspect-brk --env-file --loader', 'The option lets other code in; without it a script of the project need not ask.'],
);

const packages = advice(
  ['install i ci add update upgrade up', 'It fetches packages and may run their scripts.'],
  ['exec x dlx create init npx', 'It can run any program of any package. A script of package.json ("npm run …") need not ask.'],
  ['publish unpublish login logout token owner access deprecate', 'It changes something in the registry.'],
  ['audit outdated view info search', 'It asks the registry.'],
  ['config set get edit pkg', 'It reads or changes the configuration.'],
);

const git = advice(
  ['--force -f --force-with-lease --mirror --delete', 'It overwrites or removes what may exist nowhere else.'],
  ['--hard clean', 'It throws away changes that are committed nowhere. "git stash" keeps them and need not ask.'],
  ['-i --interactive --patch --edit', 'It needs a person at a terminal.'],
  ['clone', 'It brings other code into the project.'],
  ['-c --config-env --exec-path --git-dir --work-tree --upload-pack --receive-pack --ext-diff --textconv --open-files-in-pager', 'It can make git run another program.'],
  ['add set-url rename remove set-head prune', 'It changes where git goes, or throws something away.'],
);

const byProgram: ReadonlyMap<string, Advice> = new Map([
  ...['node', 'nodejs', 'tsx', 'ts-node', 'python', 'python2', 'python3', 'pypy3', 'perl', 'ruby', 'php', 'lua', 'luajit'].map((name) => [name, program] as const),
  ...['npm', 'pnpm', 'yarn'].map((name) => [name, packages] as const),
  ['git', git],
  ...['sed', 'gsed'].map((name) => [name, advice(['-i --in-place', 'Files are changed with filesystem.write.'])] as const),
  ['find', advice(['-exec -execdir -ok -okdir', 'With "find . -type f … -print0 | xargs -0" and a program that only reads it need not ask.'], ['-delete', 'Files are removed with filesystem.delete.'])],
  ['tar', advice(['-x -xf -xzf -xvf -xzvf --extract xf xzf xvf xzvf', 'Unpacking writes files that nobody has named.'])],
  ['unzip', advice(['-o -d', 'Unpacking writes files that nobody has named.'])],
  ['curl', advice(['-d --data --data-raw --data-binary -F --form -T --upload-file', 'It sends something elsewhere.'], ['-o --output -O --remote-name', 'Without the option the answer is printed, and that need not ask.'])],
  ['xargs', advice(['-n -I -i --max-args --replace', 'What it puts where cannot be seen beforehand.'])],
  ['tail', advice(['-f -F --follow', 'It never ends; without the option it need not ask.'])],
]);

/** A sentence about the first of the words that there is something to say about, with a blank before it; otherwise nothing. */
export function adviceOn(name: string, words: readonly string[]): string {
  const known = byProgram.get(name);
  const text = words.map((word) => known?.get(word)).find((found) => found !== undefined);
  return text === undefined ? '' : ` ${text}`;
}
