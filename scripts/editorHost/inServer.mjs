/**
 * Loaded into the VS Code server before its own code (`node --import`). It adds two things that the server leaves
 * to a program around it: the server's half of the key that protects secrets in the browser, and ending with its parent.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';

const parentPollMs = 1000;
const tokenCookie = 'vscode-tkn=';
/** @type {(this: http.Server, event: string, ...rest: unknown[]) => boolean} */
const originalEmit = http.Server.prototype.emit;

// Child processes of the server must not load this file again.
process.execArgv.length = 0;
answerMintKey();
endWithParent(process.ppid);

/** Without an answer at this path, no extension can store a secret. */
function answerMintKey() {
  /** @type {Buffer | undefined} */
  let key;
  http.Server.prototype.emit = function emit(/** @type {string} */ event, /** @type {unknown[]} */ ...rest) {
    if (event !== 'request') return originalEmit.call(this, event, ...rest);
    const [request, response] = /** @type {[http.IncomingMessage, http.ServerResponse]} */ (rest);
    if (request.url?.split('?')[0] !== '/mint-key') return originalEmit.call(this, event, ...rest);
    if (!carriesToken(request)) {
      response.writeHead(403).end();
      return true;
    }
    key ??= readOrMakeKey(join(argument('server-data-dir'), 'secret-key-half'));
    response.writeHead(200).end(key);
    return true;
  };
}

/** @param {string} path */
function readOrMakeKey(path) {
  try {
    writeFileSync(path, randomBytes(32), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
  }
  return readFileSync(path);
}

/** @param {http.IncomingMessage} request */
function carriesToken(request) {
  const cookie = (request.headers.cookie ?? '').split(/; */).find((part) => part.startsWith(tokenCookie));
  const given = Buffer.from(cookie?.slice(tokenCookie.length) ?? '');
  const expected = Buffer.from(readFileSync(argument('connection-token-file'), 'utf8').trim());
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** @param {string} name an argument that `server.mjs` always gives, followed by its value */
function argument(name) {
  const value = process.argv[process.argv.indexOf(`--${name}`) + 1];
  if (value === undefined) throw new Error(`The VS Code server was started without --${name}.`);
  return value;
}

/**
 * A starter that was killed cannot stop its server, so the server looks for itself.
 * @param {number} parent
 */
function endWithParent(parent) {
  setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM');
  }, parentPollMs).unref();
}
