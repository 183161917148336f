/** By what lies in it, git takes a folder for that of a repository, whatever it is called (gitrepository-layout(5)). */

/** The names that count, in small letters. */
export const repositoryParts: ReadonlySet<string> = new Set(['head', 'commondir', 'objects', 'refs']);

/** Whether a folder is one, given whether it has something of a name. A work tree's own folder points to the rest with `commondir`. */
export function isRepositoryFolder(has: (name: 'HEAD' | 'commondir' | 'objects' | 'refs') => boolean): boolean {
  return has('HEAD') && (has('commondir') || (has('objects') && has('refs')));
}

/** Whether a path, as names below a folder, lies in the folder of a repository, is one, or would make one of the folder around it. `isThere` says whether something lies at a path. */
export function liesInRepository(top: string, names: readonly string[], isThere: (path: string) => boolean): boolean {
  let folder = top;
  for (const name of [...names, undefined]) {
    const [here, arriving] = [folder, name?.toLowerCase()];
    if (isRepositoryFolder((part) => arriving === part.toLowerCase() || isThere(`${here}/${part}`))) return true;
    if (name !== undefined) folder = `${folder}/${name}`;
  }
  return false;
}

/** The folders among these files and folders that are such by what is named below them. Names are divided by `/`; the top is the empty name. */
export function repositoriesAmong(paths: readonly string[]): readonly string[] {
  const heads = paths.flatMap((path) => (/(^|\/)HEAD$/i.test(path) ? [path.slice(0, Math.max(0, path.length - 'HEAD'.length - 1))] : []));
  const firsts = new Map(heads.map((folder) => [folder, new Set<string>()]));
  if (firsts.size === 0) return [];
  for (const path of paths) {
    for (let start = 0, end = -1; ; start = end + 1) {
      const names = firsts.get(path.slice(0, Math.max(0, end)));
      end = path.indexOf('/', start);
      names?.add(path.slice(start, end < 0 ? undefined : end).toLowerCase());
      if (end < 0) break;
    }
  }
  return [...firsts].filter(([, names]) => isRepositoryFolder((name) => names.has(name.toLowerCase()))).map(([folder]) => folder);
}
