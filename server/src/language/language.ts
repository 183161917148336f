import { normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  ClientCapabilities, getLanguageService, InsertTextFormat, CompletionItemKind, type Command, type CompletionList, type Diagnostic, type DocumentSymbol, type FormattingOptions, type Hover, type JSONDocument, type JSONSchema, type LanguageService, type Position, type Range,
  type TextDocument, type TextEdit,
} from 'vscode-json-languageservice';
import type { Fix } from '../config/finding';
import { parseJsonc } from '../config/jsonc';
import { parseConfig } from '../config/parse';
import { configJsonSchema, type JsonSchema } from '../config/schema';
import { isBetterUnsaid } from '../rules/redaction/typedSecret';
import { adviceOn } from './advice';
import { editorSchema } from './editorSchema';
import { commandFor, rangeOf } from './remedies';
import type { SecretRules } from './secretPlaces';
import { configSecrets } from './secretRules';
import { referenceHover, referencesAt, secretFindings, type CredentialNames, type SecretFinding } from './secrets';

/** What the language of the configuration needs to know. */
export type LanguageOptions = Readonly<{
  /** Absolute path of the configuration file. */
  configFile: string;
  /** Default: the schema of `config.json`. */
  schema?: JsonSchema;
  /** Dotted names of the tools that there are; offered for overrides. Default: unknown. */
  tools?: readonly string[];
  /** The credentials that there are at this moment. Default: unknown. */
  credentials?: () => CredentialNames;
}>;

/** A diagnostic with the change that would correct it, where there is one. */
export type FixableDiagnostic = Readonly<{ diagnostic: Diagnostic; fix?: Readonly<{ title: string; edit: TextEdit }>; /** What a window can do about it, beside or instead of that. */ command?: Command }>;

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
export function createLanguage({ configFile, schema = configJsonSchema(), tools = [], credentials }: LanguageOptions): ConfigLanguage {
  const enriched = editorSchema(schema, tools);
  const find = (text: string): readonly SecretFinding[] => findings(text, tools, credentials?.());
  return jsonLanguage({ owns: (uri) => samePath(uri, configFile), schema: () => enriched, findings: find, secrets: configSecrets, ...(credentials === undefined ? {} : { credentials }) });
}

/** What makes the language of one kind of file. */
export type JsonLanguageOptions = Readonly<{
  owns(uri: string): boolean;
  /** The schema of this moment; the same object as long as it is the same. */
  schema(): JsonSchema;
  /** What there is to say about a text. */
  findings(text: string): readonly SecretFinding[];
  /** Where references to credentials are read. */
  secrets: SecretRules;
  /** The credentials that there are at this moment. Default: unknown. */
  credentials?: () => CredentialNames;
}>;

/** Makes the language of a kind of file of which there is a schema. */
export function jsonLanguage({ owns, schema, findings: find, secrets, credentials }: JsonLanguageOptions): ConfigLanguage {
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
      if (json === undefined) return null;
      const named = referencesAt(document.getText(), document.offsetAt(position), secrets, credentials?.());
      return named === undefined ? serviceNow().doComplete(document, position, json) : { isIncomplete: false, items: named.items.map((item) => ({ ...item, kind: CompletionItemKind.Reference, insertTextFormat: InsertTextFormat.PlainText, textEdit: { range: rangeOf(document, named.span), newText: item.label } })) };
    },
    async hover(document, position) {
      const json = parsed(document);
      if (json === undefined) return null;
      const named = referenceHover(document.getText(), document.offsetAt(position), secrets, credentials?.());
      return named === undefined ? serviceNow().doHover(document, position, json) : { contents: named.contents, range: rangeOf(document, named.span) };
    },
    symbols(document) {
      const json = parsed(document);
      return json === undefined ? [] : serviceNow().findDocumentSymbols2(document, json).map((symbol) => withoutSecrets(symbol, []));
    },
    format: (document, options, range) => (parsed(document) === undefined ? [] : serviceNow().format(document, range, options)),
  };
}

/** An outline names keys and shows what stands under them, but for what may be a secret. */
function withoutSecrets({ detail, children, ...symbol }: DocumentSymbol, outer: readonly string[]): DocumentSymbol {
  const path = [...outer, symbol.name];
  return { ...symbol, ...(children === undefined ? {} : { children: children.map((child) => withoutSecrets(child, path)) }), ...(detail === undefined || isBetterUnsaid(path, detail) ? {} : { detail }) };
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

function findings(text: string, tools: readonly string[], credentials: CredentialNames | undefined): SecretFinding[] {
  const parsed = parseConfig(text);
  return [...(parsed.kind === 'broken' ? parsed.problems : []), ...adviceOn(text, tools), ...secretFindings(text, configSecrets, 'config.secret', credentials)].sort((a, b) => a.offset - b.offset);
}

const severities = { error: 1, warning: 2, information: 3 } as const;

function toDiagnostic(document: TextDocument, { message, severity, code, offset, length, fix, remedy }: SecretFinding): FixableDiagnostic {
  const diagnostic: Diagnostic = { range: rangeOf(document, { offset, length }), severity: severities[severity], source: 'conductor', code, message };
  return { diagnostic, ...(fix === undefined ? {} : { fix: { title: fix.title, edit: toEdit(document, fix) } }), ...(remedy === undefined ? {} : { command: commandFor(document, remedy) }) };
}

function toEdit(document: TextDocument, fix: Fix): TextEdit {
  return { range: rangeOf(document, fix), newText: fix.newText };
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
