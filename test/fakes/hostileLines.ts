/** Requests that try to keep the judge busy: 5 KB to 64 MB, each aimed at one step of it. */

/** What an agent could send: a line, or a name with arguments. */
export type HostileRequest = Readonly<{ line: string }> | Readonly<{ argv: readonly [string, ...string[]] }>;

const cap = 16 * 1024;

/** The unit as often as it fits behind the head into `size` characters. */
function filled(head: string, unit: string, size = cap): string {
  return head + unit.repeat(Math.max(0, Math.floor((size - head.length) / unit.length)));
}

const lines: readonly (readonly [about: string, line: string])[] = [
  // Reading.
  ['quotes without end', '"'.repeat(cap)], ['quotes in quotes', filled('echo ', `"a"'b'`)], ['quoted words', filled('echo', ' "a"')], ['escapes', filled('echo ', '\\a')],
  ['escapes in quotes', `echo "${'\\\\'.repeat(8000)}"`], ['lines in quotes', `echo "${'\n'.repeat(16_000)}"`], ['tabs in quotes', `echo '${'\t'.repeat(16_000)}'`], ['dollars in quotes', `echo '${'$('.repeat(8000)}'`],
  ['a name, then equals signs', `echo ${'a'.repeat(8000)}-${'='.repeat(8000)}`], ['assignments', filled('', 'CI=1 ')], ['many words with equals', filled('echo', ' a=b')], ['history braces', filled('echo ', '@{1}')],
  ['open history braces', filled('echo ', '@{')], ['tildes', filled('echo a', '~')], ['hashes', filled('echo a', '#')], ['long comment', filled('ls # ', '"a$(')], ['blanks', `${filled('ls', ' ')}x`], ['one long word', filled('cat ', 'a')],
  ['a long name', 'a'.repeat(cap)], ['accents', filled('echo ', 'é', cap / 2)], ['combining accents', filled('cat ', 'e\u0301', cap / 2)], ['emoji', filled('echo ', '😀\uFE0F', cap / 3)], ['a hidden character at the end', `${filled('echo ', 'a', cap - 10)}\u200b`],
  ['nested substitutions', filled('echo ', '$(')], ['nested groups', filled('', '( ')], ['nested braces', filled('echo ', '{a,')],
  // Operators.
  ['10,000 semicolons', filled('a', ';a', 20_000)], ['10,000 pipes', filled('a', '|a', 20_000)], ['64 commands', filled('ls', ';ls', 64 * 3)], ['64 pipes', filled('ls', '|ls', 64 * 3)], ['10,000 ands', filled('a', '&&a', 30_000)], ['moving 64 times', filled('cd a', '&&cd a', 64 * 6 - 2)],
  ['redirections', filled('ls', ' >a')], ['merged outputs', filled('ls', ' 2>&1')], ['a quoted target', `ls >${'"a"'.repeat(5000)}`],
  // Patterns.
  ['stars', filled('ls ', '*')], ['stars and letters', filled('ls', ` ${'*a'.repeat(16)}`)], ['question marks', filled('ls', ' ????????????????')], ['deep patterns', filled('ls ', '**/', 96)], ['brackets', filled('ls ', '[')],
  // Wrappers and argument rules.
  ['env env env', `${filled('', 'env ', 2000)}ls`], ['wrapped words', `${'env '.repeat(8)}${filled('ls', ' a', 1000)}`], ['timeouts', `${filled('', 'timeout 5 ', 5000)}ls`], ['thousands of options', filled('ls', ' -a')], ['a cluster of options', filled('ls -', 'a')],
  ['long options', filled('grep x', ' --color=auto')], ['options of git', filled('git log', ' --oneline')], ['revisions', filled('git log', ' a:b')], ['pathspec magic', `git diff ':${'(a)!^/'.repeat(2500)}'`], ['open pathspec magic', `git diff ':${'('.repeat(15_000)}'`],
  ['a long format', `git log --format='${'%('.repeat(8000)}'`], ['many picked commits', filled('git cherry-pick', ' a', 1000)], ['a long remote', `git fetch ${'a'.repeat(15_000)}/`], ['a long package', `npm ls ${'a'.repeat(15_000)}/`], ['scopes of packages', `npm ls ${'@a/'.repeat(5000)}`],
  ['options of scripts', filled('npm test --', ' --watch')], ['a long address', `curl https://${'a'.repeat(16_000)}`], ['groups of find', filled('find . ', '\\( -name a ')], ['tests of find', filled('find .', ' -name a -o')], ['fed by find', `find . -type f -print0 ${filled('', ' -o', 1400)} | xargs -0 cat`],
  // Small languages.
  ['sed commands', `sed '${filled('', 's/a/b/;', 1990)}' f`], ['sed brackets', `sed '${'['.repeat(1990)}' f`], ['sed addresses', `sed -n '${'/a'.repeat(990)}' f`], ['many sed programs', filled('sed', " -e 's/[[[[/b/'")],
  ['awk slashes', `awk '${'/'.repeat(1990)}' f`], ['awk strings', `awk '${'"a" '.repeat(490)}' f`], ['awk divisions', `awk '${'a/ '.repeat(600)}' f`], ['awk blanks', `awk '${' '.repeat(1000)}${'/ '.repeat(400)}' f`], ['jq words', `jq '${'import'.repeat(2000)}' f`],
  // Places.
  ['deep path', filled('cat ', 'a/')], ['path of dots', filled('cat ', '../')], ['many paths', filled('cat', ' a', 1020)], ['paths to copy', filled('cp', ' b', 1020)], ['files to compare', filled('diff', ' a', 1020)], ['control names', filled('cat', ' .git', 2500)],
  ['deep control names', filled('rm', ' a/.git/x', 5000)], ['short names', filled('cat ', 'ab~1/')], ['words of a shell', filled('sh -c ', ' a:b=c,d', 4000)], ['parts of a word', filled('sh ', '/a:')], ['mounts', filled('docker run', ' -v /a:/b', 4000)],
  // Far above the cap.
  ['2 MB of letters', `echo ${'a'.repeat(2_000_000)}`], ['2 MB of semicolons', 'a;'.repeat(1_000_000)], ['2 MB of quotes', '"'.repeat(2_000_000)], ['2 MB of blanks', ' '.repeat(2_000_000)], ['2 MB of accents', 'é'.repeat(1_000_000)], ['100 KB of substitutions', '$('.repeat(50_000)],
];

const lists: readonly (readonly [about: string, argv: readonly [string, ...string[]]])[] = [
  ['1,024 arguments of 64 KB', ['echo', ...Array.from({ length: 1024 }, () => 'a'.repeat(65_536))]],
  ['500 different paths', ['cp', ...Array.from({ length: 500 }, (_, n) => `d${n}/e/f`)]],
  ['500 words of paths', ['sh', ...Array.from({ length: 500 }, (_, n) => `a${n}/b:c${n}=d`)]],
  ['1,024 empty arguments', ['sh', ...Array.from({ length: 1024 }, () => '')]],
];

/** All of them, each with what it is aimed at. */
export const hostileRequests: readonly (readonly [about: string, request: HostileRequest])[] = [
  ...lines.map(([about, line]) => [about, { line }] as const),
  ...lists.map(([about, argv]) => [about, { argv }] as const),
];
