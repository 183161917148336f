import assert from 'node:assert/strict';
import { answerFlaw, optionalSecrets, settingsOf, textsOf, unanswered, withFields } from './backendFields';
import { backendSchema, type Backend } from './backends';
import { fieldsOfBackend, wantedByBackend } from './configFields';

const configSchema = {
  type: 'object',
  properties: {
    API_KEY: { type: 'string', title: 'Key of the service', secret: true },
    SECOND_KEY: { type: 'string', secret: true, credential: 'shared.key' },
    REGION: { type: 'string', enum: ['eu', 'us'] },
    DEPTH: { type: 'integer', default: 3 },
    VERBOSE: { type: 'boolean' },
  },
  required: ['API_KEY', 'REGION'],
} as const;
const parsed = (more: object = {}): Backend => backendSchema.parse({ transport: 'stdio', command: 'x', configSchema, ...more });

describe('fields of external servers', () => {
  it('credentials:fields: secret ones become references, defaults are given, and what stands in the profile comes first', () => {
    assert.deepEqual(textsOf(withFields('calc', parsed())), { API_KEY: '${secret:calc.api_key}', SECOND_KEY: '${secret:shared.key}', DEPTH: '3' });
    assert.deepEqual(textsOf(withFields('calc', parsed({ env: { API_KEY: 'x ${secret:own.one}', DEPTH: '5', REGION: 'eu', Z: '1' } }))), { API_KEY: 'x ${secret:own.one}', DEPTH: '5', REGION: 'eu', Z: '1', SECOND_KEY: '${secret:shared.key}' });
    const remote = backendSchema.parse({ transport: 'http', url: 'https://a.example/mcp', configSchema: { type: 'object', properties: { 'X-Api-Key': { type: 'string', secret: true } } } });
    assert.deepEqual(textsOf(withFields('far', remote)), { 'X-Api-Key': '${secret:far.x-api-key}' });
    const plain = backendSchema.parse({ transport: 'stdio', command: 'x' });
    assert.equal(withFields('calc', plain), plain);
  });

  it('credentials:fields: what is asked for has its title, and only what is required keeps the server from being ready', () => {
    const profile = withFields('calc', parsed());
    assert.deepEqual(wantedByBackend(profile), [
      { name: 'calc.api_key', place: 'variable API_KEY', title: 'Key of the service' },
      { name: 'shared.key', place: 'variable SECOND_KEY', optional: true },
    ]);
    const fields = fieldsOfBackend('calc', profile);
    assert.deepEqual([fields.required, fields.properties['calc.api_key']?.title], [['calc.api_key'], 'Key of the service, variable API_KEY of the server calc']);
    assert.deepEqual([...optionalSecrets(profile)], ['SECOND_KEY']);
    assert.deepEqual(unanswered(profile), ['REGION']);
    assert.deepEqual(unanswered(withFields('calc', parsed({ env: { REGION: 'eu' } }))), []);
    assert.deepEqual(unanswered(withFields('calc', parsed({ env_passthrough: ['REGION'] }))), []);
    assert.deepEqual(settingsOf(profile).map(({ name, required, value }) => [name, required, value]), [['REGION', true, null], ['DEPTH', false, '3'], ['VERBOSE', false, null]]);
  });

  it('credentials:fields: answers are held against their type', () => {
    const flaws = (name: keyof typeof configSchema.properties, ...texts: string[]): boolean[] => texts.map((text) => answerFlaw(parsed().configSchema?.properties[name] ?? assert.fail(), text) !== undefined);
    assert.deepEqual(flaws('REGION', 'eu', 'EU', ''), [false, true, true]);
    assert.deepEqual(flaws('DEPTH', '3', '-1', '3.5', 'x', ''), [false, false, true, true, true]);
    assert.deepEqual(flaws('VERBOSE', 'true', 'yes'), [false, true]);
    assert.deepEqual(flaws('API_KEY', 'anything'), [true]);
  });

  const refused: [title: string, properties: object, required?: string[]][] = [
    ['a default of a secret', { A: { type: 'string', secret: true, default: 'x' } }],
    ['a secret that is a number', { A: { type: 'integer', secret: true } }],
    ['a credential of a setting', { A: { type: 'string', credential: 'a.b' } }],
    ['a name that is no variable', { 'A-B': { type: 'string' } }],
    ['a reference as a default', { A: { type: 'string', default: '${secret:other.key}' } }],
    ['a credential that is a path', { A: { type: 'string', secret: true, credential: '../x' } }],
    ['a required field that is not there', { A: { type: 'string' } }, ['B']],
    ['an unknown word', { A: { type: 'string', pattern: '.*' } }],
  ];
  for (const [title, properties, required = []] of refused) {
    it(`credentials:fields: refuses ${title}`, () => assert.equal(backendSchema.safeParse({ transport: 'stdio', command: 'x', configSchema: { type: 'object', properties, required } }).success, false));
  }
});
