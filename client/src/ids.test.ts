import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { commands, contextKeys, languages, mcpProvider, rowKinds, schemes, settings, viewContainer, views, type CommandId } from './ids';

type Menu = { command: string; when?: string; group?: string };
type Manifest = {
  main: string;
  icon: string;
  activationEvents: string[];
  extensionKind: string[];
  capabilities: { untrustedWorkspaces: { supported: string; description: string } };
  contributes: {
    commands: { command: string; title: string; category: string }[];
    menus: Record<string, Menu[]>;
    keybindings: { command: string; when?: string; key: string }[];
    viewsContainers: { activitybar: { id: string; icon: string }[] };
    views: Record<string, { id: string }[]>;
    viewsWelcome: { view: string; when?: string; contents: string }[];
    configuration: { properties: Record<string, { scope: string }> };
    configurationDefaults: Record<string, unknown>;
    languages: { id: string; configuration?: string; filenamePatterns: string[] }[];
    grammars: { language: string; path: string; scopeName: string }[];
    mcpServerDefinitionProviders: { id: string }[];
    walkthroughs: { steps: { id: string; description: string; media: { markdown: string }; completionEvents: string[] }[] }[];
  };
};

const root = join(__dirname, '..', '..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
const { contributes } = manifest;
const menus = Object.values(contributes.menus).flat();
const whens = [...menus, ...contributes.keybindings, ...contributes.viewsWelcome].flatMap(({ when }) => (when === undefined ? [] : [when]));

function sameSet(actual: readonly string[], expected: readonly string[]): void {
  assert.deepEqual([...actual].sort(), [...expected].sort());
}

describe('ids against package.json', () => {
  it('names every command of the manifest, and no other', () => {
    sameSet(contributes.commands.map(({ command }) => command), Object.values(commands));
  });

  it('gives every command the category Conductor and a title', () => {
    for (const { category, title } of contributes.commands) assert.ok(category === 'Conductor' && title.length > 3, title);
  });

  it('uses only known commands in menus, keys, links and completion events', () => {
    const known = new Set<string>(Object.values(commands));
    const texts = [...contributes.viewsWelcome.map(({ contents }) => contents), ...contributes.walkthroughs.flatMap(({ steps }) => steps.map(({ description }) => description))];
    const linked = texts.flatMap((text) => [...text.matchAll(/command:([\w.]+)/g)].map(([, id]) => id ?? ''));
    const events = contributes.walkthroughs.flatMap(({ steps }) => steps.flatMap(({ completionEvents }) => completionEvents)).flatMap((event) => (event.startsWith('onCommand:') ? [event.slice(10)] : []));
    const used = [...menus.map(({ command }) => command), ...contributes.keybindings.map(({ command }) => command), ...linked, ...events];
    assert.ok(used.length > 30);
    for (const id of used) assert.ok(known.has(id), id);
  });

  it('names every view and container of the manifest, and no other', () => {
    sameSet(Object.values(contributes.views).flat().map(({ id }) => id), Object.values(views));
    sameSet(contributes.viewsContainers.activitybar.map(({ id }) => id), [viewContainer]);
    sameSet(Object.keys(contributes.views), [viewContainer]);
    for (const { view } of contributes.viewsWelcome) assert.ok((Object.values(views) as string[]).includes(view), view);
  });

  it('names every setting, and no setting can be set by a workspace', () => {
    sameSet(Object.keys(contributes.configuration.properties), Object.values(settings));
    for (const { scope } of Object.values(contributes.configuration.properties)) assert.ok(scope === 'application' || scope === 'machine', scope);
  });

  it('names every language, gives each its grammar and file patterns, and the files exist', () => {
    sameSet(contributes.languages.map(({ id }) => id), Object.values(languages));
    const files = [...contributes.grammars.map(({ path }) => path), ...contributes.languages.flatMap(({ configuration }) => configuration ?? []), manifest.icon, ...contributes.viewsContainers.activitybar.map(({ icon }) => icon)];
    const pictures = contributes.walkthroughs.flatMap(({ steps }) => steps.map(({ media }) => media.markdown));
    for (const file of [...files, ...pictures]) assert.ok(existsSync(join(root, file)), file);
    for (const { language } of contributes.grammars) assert.ok((Object.values(languages) as string[]).includes(language), language);
    // Beside the defaults of our languages only one: that the files of the log cannot be edited by accident.
    sameSet(Object.keys(contributes.configurationDefaults).filter((key) => !(Object.values(languages) as string[]).includes(key.slice(1, -1))), ['files.readonlyInclude']);
  });

  it('uses our context keys, row kinds and schemes, and no misspelt one', () => {
    const words = whens.flatMap((when) => [...when.matchAll(/conductor[\w.-]*/g)].map(([word]) => word));
    const known: readonly string[] = [...Object.values(contextKeys), ...Object.values(rowKinds), ...Object.values(schemes), ...Object.values(views)];
    for (const word of words) assert.ok(known.includes(word), word);
    for (const needed of [...Object.values(contextKeys), ...Object.values(rowKinds)]) assert.ok(words.includes(needed), `${needed} is never used`);
  });

  it('is known to the editor as one MCP provider', () => {
    sameSet(contributes.mcpServerDefinitionProviders.map(({ id }) => id), [mcpProvider]);
  });

  it('binds no key to a decision outside a review document', () => {
    const deciding: readonly string[] = [commands.approve, commands.deny, commands.denyWithReason, commands.approveRow, commands.denyRow, commands.denyRowWithReason, commands.approveForLonger, commands.denyForGood, commands.approveAlike];
    const bound = contributes.keybindings.filter(({ command }) => deciding.includes(command));
    assert.ok(bound.length > 0);
    for (const { when } of bound) assert.match(when ?? '', /^(?:(?:resourceScheme == conductor-(?:call|change)|editorLangId == conductor-change) && editorTextFocus(?: \|\| |$))+$/);
  });

  it('offers decisions in the palette only for the review document in front', () => {
    const palette = contributes.menus['commandPalette'] ?? [];
    for (const id of [commands.approve, commands.deny, commands.denyWithReason, commands.approveForLonger, commands.denyForGood]) {
      assert.equal(palette.find(({ command }) => command === id)?.when, 'resourceScheme == conductor-call || resourceScheme == conductor-change', id);
    }
    for (const id of [commands.approveRow, commands.denyRow, commands.denyRowWithReason]) assert.equal(palette.find(({ command }) => command === id)?.when, 'false', id);
  });

  it('client:keyboard is reached from the palette, whole: what only rows and lenses start has a command there that leads to the same', () => {
    const palette = contributes.menus['commandPalette'] ?? [];
    const hidden = palette.filter(({ when }) => when === 'false').map(({ command }) => command);
    const leads: Readonly<Record<string, CommandId>> = {
      [commands.review]: commands.reviewNext,
      [commands.approveRow]: commands.decide,
      [commands.denyRow]: commands.decide,
      [commands.denyRowWithReason]: commands.decide,
      // Found entries open as documents, whose lenses the editor's own "Show CodeLens Commands for Current Line" lists.
      [commands.openEntry]: commands.search,
      [commands.revealEntry]: commands.search,
      [commands.showCall]: commands.search,
      [commands.openSnapshot]: commands.search,
      [commands.loadMore]: commands.filter,
      // A quick fix in a file of servers, which takes the value from the text.
      [commands.moveCredential]: commands.setCredential,
    };
    sameSet(hidden, Object.keys(leads));
    for (const id of Object.values(leads)) assert.equal(palette.find(({ command }) => command === id)?.when, undefined, id);
  });

  it('client:keyboard what asks, approves and denies has keys by default, and none of them twice in one place', () => {
    const bound = contributes.keybindings.map(({ command, key, when }) => [command, key, when ?? ''] as const);
    for (const id of [commands.reviewNext, commands.decide, commands.approve, commands.deny, commands.denyWithReason]) assert.ok(bound.some(([command]) => command === id), id);
    const places = bound.map(([, key, when]) => `${key} when ${when}`);
    assert.equal(new Set(places).size, places.length);
  });

  it('works in a limited way before the workspace is trusted, where the agents run', () => {
    assert.equal(manifest.capabilities.untrustedWorkspaces.supported, 'limited');
    assert.ok(manifest.capabilities.untrustedWorkspaces.description.length > 40);
    assert.deepEqual(manifest.extensionKind, ['workspace']);
    assert.deepEqual(manifest.activationEvents, ['onStartupFinished']);
  });
});
