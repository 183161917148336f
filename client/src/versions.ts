/** Whether one version, such as `0.2.0`, comes before another. What is no version comes before none. */
export function isOlder(version: string, than: string): boolean {
  const [one, other] = [numbers(version), numbers(than)];
  if (one === undefined || other === undefined) return false;
  const different = one.findIndex((part, index) => part !== other[index]);
  return different >= 0 && (one[different] ?? 0) < (other[different] ?? 0);
}

function numbers(version: string): number[] | undefined {
  return /^(\d+)\.(\d+)\.(\d+)/.exec(version)?.slice(1).map(Number);
}
