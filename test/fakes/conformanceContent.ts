/** What the official conformance suite expects a server under test to offer: fixed names, fixed answers. */

type Json = Readonly<Record<string, unknown>>;

const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
const sound = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=';
const text = (said: string): Json => ({ type: 'text', text: said });
const image: Json = { type: 'image', data: pixel, mimeType: 'image/png' };

/** Results of tools that always answer the same. */
export const plainTools: Readonly<Record<string, Json>> = {
  test_simple_text: { content: [text('This is a simple text response for testing.')] },
  test_image_content: { content: [image] },
  test_audio_content: { content: [{ type: 'audio', data: sound, mimeType: 'audio/wav' }] },
  test_embedded_resource: { content: [{ type: 'resource', resource: { uri: 'test://embedded-resource', mimeType: 'text/plain', text: 'This is an embedded resource content.' } }] },
  test_multiple_content_types: { content: [text('Multiple content types test:'), image, { type: 'resource', resource: { uri: 'test://mixed-content-resource', mimeType: 'application/json', text: '{"test":"data","value":123}' } }] },
  test_error_handling: { isError: true, content: [text('This tool intentionally returns an error for testing')] },
};

const schema = (properties: Json = {}, required: readonly string[] = []): Json => ({ type: 'object', properties, ...(required.length === 0 ? {} : { required }) });
const string = { type: 'string' };

/** A tool as `tools/list` shows it. */
export function tool(name: string, inputSchema: Json = schema()): Json {
  return { name, description: `Conformance: ${name}`, inputSchema };
}

/** A tool with one text that it needs. */
export function toolWith(name: string, member: string): Json {
  return tool(name, schema({ [member]: string }, [member]));
}

export const resources: readonly Json[] = [
  { uri: 'test://static-text', name: 'static-text', description: 'Text', mimeType: 'text/plain' },
  { uri: 'test://static-binary', name: 'static-binary', description: 'Bytes', mimeType: 'image/png' },
  { uri: 'test://watched-resource', name: 'watched', description: 'Watched', mimeType: 'text/plain' },
];
export const resourceTemplates: readonly Json[] = [{ uriTemplate: 'test://template/{id}/data', name: 'template', description: 'By id', mimeType: 'application/json' }];

/** What a resource holds; undefined for one that does not exist. */
export function readResource(uri: string): Json | undefined {
  const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1];
  if (id !== undefined) return { contents: [{ uri, mimeType: 'application/json', text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }) }] };
  if (uri === 'test://static-binary') return { contents: [{ uri, mimeType: 'image/png', blob: pixel }] };
  if (uri === 'test://static-text') return { contents: [{ uri, mimeType: 'text/plain', text: 'This is the content of the static text resource.' }] };
  return uri === 'test://watched-resource' ? { contents: [{ uri, mimeType: 'text/plain', text: 'watched' }] } : undefined;
}

const argument = (name: string): Json => ({ name, description: name, required: true });

export const prompts: readonly Json[] = [
  { name: 'test_simple_prompt', description: 'Simple' },
  { name: 'test_prompt_with_arguments', description: 'With arguments', arguments: [argument('arg1'), argument('arg2')] },
  { name: 'test_prompt_with_embedded_resource', description: 'With a resource', arguments: [argument('resourceUri')] },
  { name: 'test_prompt_with_image', description: 'With an image' },
];

/** What a prompt says; undefined for one that does not exist. */
export function getPrompt(name: string, given: Readonly<Record<string, string>>): Json | undefined {
  const say = (...contents: Json[]): Json => ({ messages: contents.map((content) => ({ role: 'user', content })) });
  switch (name) {
    case 'test_simple_prompt':
      return say(text('This is a simple prompt for testing.'));
    case 'test_prompt_with_arguments':
      return say(text(`Prompt with arguments: arg1='${given['arg1'] ?? ''}', arg2='${given['arg2'] ?? ''}'`));
    case 'test_prompt_with_embedded_resource':
      return say({ type: 'resource', resource: { uri: given['resourceUri'], mimeType: 'text/plain', text: 'Embedded resource content for testing.' } }, text('Please process the embedded resource above.'));
    case 'test_prompt_with_image':
      return say(image, text('Please analyze the image above.'));
    default:
      return undefined;
  }
}

const asked = (properties: Json, required: readonly string[] = []): Json => ({ type: 'object', properties, ...(required.length === 0 ? {} : { required }) });

/** Forms that tools of the older revisions show, by tool. */
export const forms: Readonly<Record<string, Json>> = {
  test_elicitation: asked({ username: { type: 'string', description: "User's response" }, email: { type: 'string', description: "User's email address" } }, ['username', 'email']),
  test_elicitation_sep1034_defaults: asked({
    name: { type: 'string', default: 'John Doe' }, age: { type: 'integer', default: 30 }, score: { type: 'number', default: 95.5 }, status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' }, verified: { type: 'boolean', default: true },
  }),
  test_elicitation_sep1330_enums: asked({
    untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
    titledSingle: { type: 'string', oneOf: [{ const: 'value1', title: 'First Option' }, { const: 'value2', title: 'Second Option' }, { const: 'value3', title: 'Third Option' }] },
    legacyEnum: { type: 'string', enum: ['opt1', 'opt2', 'opt3'], enumNames: ['Option One', 'Option Two', 'Option Three'] },
    untitledMulti: { type: 'array', items: { type: 'string', enum: ['option1', 'option2', 'option3'] } },
    titledMulti: { type: 'array', items: { anyOf: [{ const: 'value1', title: 'First Choice' }, { const: 'value2', title: 'Second Choice' }, { const: 'value3', title: 'Third Choice' }] } },
  }),
};
