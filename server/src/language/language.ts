import { normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  ClientCapabilities, getLanguageService, type CompletionList, type Diagnostic, type DocumentSymbol, type FormattingOptions, type Hover, type JSONDocument, type JSONSchema, type LanguageService, type Position, type Range,
  type TextDocument, type TextEdit,
} from 'vscode-json-languageservice';
import type { Finding, Fix } from '../config/finding';
import { parseJsonc } from '../config/jsonc';
import { parseConfig } from '../config/parse';
import { configJsonSchema, type JsonSchema } from '../config/schema';
import { adviceOn } from './advice';
import { editorSchema } from './editorSchema';

/** What the language of the configuration needs to know. */
export type LanguageOptions = Readonly<{
  /** Absolute path of the configuration file. */
  configFile: string;
  /** Default: the schema of `config.json`. */
  schema?: JsonSchema;
  /** Dotted names of the tools that there are; offered for overrides. Default: unknown. */
  tools?: readonly string[];
}>;

/** A diagnostic with the change that would correct it, where there is one. */
export type FixableDiagnostic = Readonly<{ diagnostic: Diagnostic; fix?: Readonly<{ title: string; edit: TextEdit }> }>;

/** Everything that an editor asks about a document of the configuration. Reads no files; works on the text that it is given. */
export type ConfigLanguage = Readonly<{
  /** Whether this document is the configuration file. */
  owns(uri: string): boolean;
  /** Errors are exactly those for which the broker refuses the file; warnings and hints come on top. */
  diagnostics(document: TextDocument): FixableDiagnostic[];
  completion(document: TextDocument, position: Position): Promise<CompletionList | null>;
  hover(document: TextDocument, position: Position): Promise<Hover | null>;
  symbols(document: TextDocument): DocumentSymbol[];
  /** Formats the whole, or a range. */
  format(document: TextDocument, options: FormattingOptions, range?: Range): TextEdit[];
}>;

const schemaUri = 'conductor://schemas/config.schema.json';

/** Makes the language of the configuration: one source of diagnostics with the broker's own parser, the rest from the same schema. */
export function createLanguage({ configFile, schema = configJsonSchema(), tools = [] }: LanguageOptions): ConfigLanguage {
  const enriched = editorSchema(schema, tools);
  return jsonLanguage({ owns: (uri) => samePath(uri, configFile), schema: () => enriched, findings: (text) => findings(text, tools) });
}

/** What makes the language of one kind of file. */
export type JsonLanguageOptions = Readonly<{
  owns(uri: string): boolean;
  /** The schema of this moment; the same object as long as it is the same. */
  schema(): JsonSchema;
  /** What there is to say about a text. */
  findings(text: string): readonly Finding[];
}>;

/** Makes the language of a kind of file of which there is a schema. */
export function jsonLanguage({ owns, schema, findings: find }: JsonLanguageOptions): ConfigLanguage {
  let known: Readonly<{ schema: JsonSchema; service: LanguageService }> | undefined;
  const serviceNow = (): LanguageService => {
    const present = schema();
    if (known?.schema !== present) known = { schema: present, service: serviceOf(present) };
    return known.service;
  };

  // Text that is too large or too deep has diagnostics and nothing else: what follows recurses.
  const parsed = (document: TextDocument): JSONDocument | undefined => {
    const { root, problems } = parseJsonc(document.getText());
    return root === undefined && problems.some(({ code }) => code !== 'config.syntax') ? undefined : serviceNow().parseJSONDocument(document);
  };

  return {
    owns,
    diagnostics: (document) => find(document.getText()).map((finding) => toDiagnostic(document, finding)),
    async completion(document, position) {
      const json = parsed(document);
      return json === undefined ? null : serviceNow().doComplete(document, position, json);
    },
    async hover(document, position) {
      const json = parsed(document);
      return json === undefined ? null : serviceNow().doHover(document, position, json);
    },
    symbols(document) {
      const json = parsed(document);
      return json === undefined ? [] : serviceNow().findDocumentSymbols2(document, json);
    },
    format: (document, options, range) => (parsed(document) === undefined ? [] : serviceNow().format(document, range, options)),
  };
}

function serviceOf(schema: JsonSchema): LanguageService {
  const service = getLanguageService({
    clientCapabilities: ClientCapabilities.LATEST,
    // A document may name a schema of its own by `$schema`; whatever it names, this one is meant, and nothing is fetched.
    schemaRequestService: () => Promise.resolve(JSON.stringify(schema)),
  });
  service.configure({ validate: false, schemas: [{ uri: schemaUri, fileMatch: ['*'], schema: schema as JSONSchema }] });
  return service;
}

/** Several languages as one: each document is asked about where it belongs. */
export function joinLanguages(languages: readonly ConfigLanguage[]): ConfigLanguage {
  const of = (document: TextDocument): ConfigLanguage | undefined => languages.find((language) => language.owns(document.uri));
  return {
    owns: (uri) => languages.some((language) => language.owns(uri)),
    diagnostics: (document) => of(document)?.diagnostics(document) ?? [],
    completion: (document, position) => of(document)?.completion(document, position) ?? Promise.resolve(null),
    hover: (document, position) => of(document)?.hover(document, position) ?? Promise.resolve(null),
    symbols: (document) => of(document)?.symbols(document) ?? [],
    format: (document, options, range) => of(document)?.format(document, options, range) ?? [],
  };
}

function findings(text: string, tools: readonly string[]): Finding[] {
  const parsed = parseConfig(text);
  return [...(parsed.kind === 'broken' ? parsed.problems : []), ...adviceOn(text, tools)].sort((a, b) => a.offset - b.offset);
}

const severities = { error: 1, warning: 2, information: 3 } as const;

function toDiagnostic(document: TextDocument, { message, severity, code, offset, length, fix }: Finding): FixableDiagnostic {
  const range = rangeOf(document, offset, length);
  const diagnostic: Diagnostic = { range, severity: severities[severity], source: 'conductor', code, message };
  return fix === undefined ? { diagnostic } : { diagnostic, fix: { title: fix.title, edit: toEdit(document, fix) } };
}

function toEdit(document: TextDocument, { offset, length, newText }: Fix): TextEdit {
  return { range: rangeOf(document, offset, length), newText };
}

function rangeOf(document: TextDocument, offset: number, length: number): Range {
  return { start: document.positionAt(offset), end: document.positionAt(offset + length) };
}

/** Whether a document is the file at a path. */
export function samePath(uri: string, file: string): boolean {
  try {
    const path = normalize(fileURLToPath(uri));
    const own = normalize(file);
    const foldsCase = process.platform === 'win32' || process.platform === 'darwin';
    return foldsCase ? path.toLowerCase() === own.toLowerCase() : path === own;
  } catch {
    return false; // No file on this machine.
  }
}
