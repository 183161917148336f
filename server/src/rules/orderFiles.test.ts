import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { isOrderFile, orderFiles } from './orderFiles';

describe('order files', () => {
  it('T31 pins the list, so that nothing leaves it by accident', () => {
    const sum = createHash('sha256').update([...orderFiles].sort().join('\n')).digest('hex');
    assert.equal(sum, '0f58791f6e6c709b320f9f03ea4b946c00187d88ae55beed76c70cb7017713dc');
  });

  for (const name of ['vite.config.ts', 'eslint.config.MJS', '.eslintrc', '.prettierrc.yaml', 'Rakefile', 'app.csproj', 'Directory.Build.props', 'default.nix', 'rules.mk', 'build.gradle.kts', 'tsconfig.base.json', 'compose.override.yaml', 'gulpfile.babel.js']) {
    it(`T31 ${name} gives orders`, () => assert.equal(isOrderFile(name), true));
  }

  for (const name of ['config.txt', 'configuration.js', 'index.ts', 'README.md', 'src', 'build', '.gitignore', '.env', 'sources.json', 'rc.js', 'package-lock.json', 'profile', 'makefile.txt']) {
    it(`${name} gives none`, () => assert.equal(isOrderFile(name), false));
  }
});
