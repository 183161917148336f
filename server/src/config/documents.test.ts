import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { configSchema, defaultConfig, type Config } from '../../../protocol/src/config';
import { generatedFiles } from './documents';
import { configJsonSchema, schemaAt, schemaPaths, type JsonSchema } from './schema';

const root = join(__dirname, '..', '..', '..');

function everySchema(schema: JsonSchema): JsonSchema[] {
  const each = typeof schema.additionalProperties === 'object' ? [schema.additionalProperties] : [];
  const items = schema.items === undefined ? [] : [schema.items];
  return [schema, ...[...Object.values(schema.properties ?? {}), ...each, ...items].flatMap(everySchema)];
}

describe('generated files', () => {
  for (const { path, text } of generatedFiles()) {
    it(`${path} is up to date`, async () => {
      // A checkout may have turned the line ends.
      assert.equal((await readFile(join(root, path), 'utf8')).replaceAll('\r\n', '\n'), text, 'Run node scripts/schemas.mjs and commit what it wrote.');
    });
  }

  it('documents every key', () => {
    const document = generatedFiles().find(({ path }) => path === 'docs/config.md')?.text ?? '';
    const sections = schemaPaths(configJsonSchema()).filter((path) => schemaAt(configJsonSchema(), path)?.properties === undefined);
    assert.ok(sections.length > 10);
    for (const path of sections) assert.ok(document.includes(`| \`${path.join('.')}\` |`), path.join('.'));
  });

  it('has an example that is valid and means what its comments say', async () => {
    const { parseConfig } = await import('./parse');
    const document = generatedFiles().find(({ path }) => path === 'docs/config.md')?.text ?? '';
    const parsed = parseConfig(/```jsonc\n([^]*?)```/.exec(document)?.[1] ?? '');
    assert.equal(parsed.kind, 'config');
  });
});

describe('JSON Schema of the configuration', () => {
  const schema = configJsonSchema();

  it('refuses unknown keys wherever keys are not free', () => {
    for (const one of everySchema(schema)) {
      if (one.type === 'object') assert.notEqual(one.additionalProperties ?? true, true, JSON.stringify(one).slice(0, 200));
    }
  });

  it('requires nothing, since every key has a default', () => {
    // What stands in a list is there because somebody wrote it, and may have to be whole.
    const outsideLists = JSON.stringify(schema, (key, value: unknown) => (key === 'items' ? undefined : value));
    assert.equal(outsideLists.includes('"required":'), false);
    assert.deepEqual(configSchema.parse({}), defaultConfig);
  });

  it('describes everything that an editor shows, once as plain text and once as Markdown', () => {
    for (const path of schemaPaths(schema)) {
      const one = schemaAt(schema, path);
      assert.ok(one?.description, path.join('.'));
      assert.equal(one.markdownDescription, one.description);
    }
  });

  it('says the defaults that really hold', () => {
    for (const path of schemaPaths(schema)) {
      const said = schemaAt(schema, path);
      if (said?.properties !== undefined || said?.default === undefined) continue;
      const holds = path.reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], defaultConfig satisfies Config);
      assert.deepEqual(said.default, holds, path.join('.'));
    }
  });

  it('has examples and snippets that are valid', () => {
    for (const path of schemaPaths(schema)) {
      for (const example of schemaAt(schema, path)?.examples ?? []) {
        const whole = path.reduceRight<unknown>((value, key) => ({ [key]: value }), example);
        assert.equal(configSchema.safeParse(whole).success, true, JSON.stringify(whole));
      }
    }
    for (const { label, body } of schema.defaultSnippets ?? []) assert.equal(configSchema.safeParse(body).success, true, label);
    assert.ok((schema.defaultSnippets ?? []).length > 0);
  });
});
