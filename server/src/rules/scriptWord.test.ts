import assert from 'node:assert/strict';
import { scriptWord } from './scriptWord';

describe('the script of an interpreter', () => {
  const named = (line: string): string | undefined => {
    const [name = '', ...args] = line.split(' ');
    const found = scriptWord([name, ...args]);
    return found === undefined ? undefined : [name, ...args][found.at];
  };

  it('T16 is found behind every way to write options', () => {
    for (const line of ['bash s.sh', 'bash -x s.sh', 'bash -- s.sh', 'sh -e -- s.sh', 'bash -eo pipefail s.sh', 'bash -o pipefail s.sh', 'bash +O extglob s.sh', 'bash -euxo pipefail -- s.sh a', 'timeout 9 bash -- s.sh', 'bash --norc s.sh', 'dash s.sh -c x', 'python3 s.sh', 'node -r ./setup s.sh', 'node --check s.sh', 'perl -w s.sh', 'ruby s.sh -e x']) assert.equal(named(line), 's.sh', line);
  });

  it('is none where a program stands in the line or comes from elsewhere', () => {
    for (const line of ['bash -c s.sh', 'bash -ec s.sh', 'bash -s s.sh', 'bash', 'bash --', 'bash -', 'ls s.sh', 'node -e s.sh', 'node --eval s.sh', 'node -p s.sh', 'python3 -c s.sh', 'python3 -m s.sh', 'python3 -Wc s.sh', 'perl -ne s.sh', 'ruby -e s.sh', 'php -r s.sh']) assert.equal(named(line), undefined, line);
  });
});
