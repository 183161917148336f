'use strict';
const { appendFileSync, existsSync, mkdirSync, renameSync, rmSync, statSync } = require('node:fs');
const { dirname, extname } = require('node:path');

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'critical'];
const off = levels.length;

/** A log file that starts anew at `maxBytes` and keeps the `maxFiles - 1` before it as name.1.ext, name.2.ext and so on. */
class Logger {
  #file;
  #maxBytes;
  #maxFiles;
  #level = levels.indexOf('info');
  #isPlain = false;

  constructor(file, maxBytes, maxFiles) {
    mkdirSync(dirname(file), { recursive: true });
    appendFileSync(file, '');
    this.#file = file;
    this.#maxBytes = maxBytes;
    this.#maxFiles = maxFiles;
  }

  trace(message) { this.#write(0, message); }
  debug(message) { this.#write(1, message); }
  info(message) { this.#write(2, message); }
  warn(message) { this.#write(3, message); }
  error(message) { this.#write(4, message); }
  critical(message) { this.#write(5, message); }

  getLevel() { return this.#level; }
  setLevel(level) { this.#level = Math.min(level, off); }
  /** Lines go out as they come, without time and level. */
  clearFormatters() { this.#isPlain = true; }
  /** There is one pattern: `2026-01-31 23:59:59.999 [info] message`. */
  setPattern() {}
  /** Each line is in the file when the call that wrote it returns. */
  flush() {}
  drop() {}

  #write(level, message) {
    if (level < this.#level) return;
    this.#rotateWhenFull();
    const time = new Date().toISOString().replace('T', ' ').replace('Z', '');
    appendFileSync(this.#file, this.#isPlain ? message : `${time} [${levels[level]}] ${message}\n`);
  }

  #rotateWhenFull() {
    if (this.#maxFiles < 2 || !existsSync(this.#file) || statSync(this.#file).size < this.#maxBytes) return;
    const older = (index) => this.#file.slice(0, -extname(this.#file).length || undefined) + (index === 0 ? '' : `.${index}`) + extname(this.#file);
    rmSync(older(this.#maxFiles - 1), { force: true });
    for (let index = this.#maxFiles - 2; index >= 0; index--) if (existsSync(older(index))) renameSync(older(index), older(index + 1));
  }
}

const create = async (_name, file, maxBytes, maxFiles) => new Logger(file, maxBytes, maxFiles);

exports.version = 0;
exports.setLevel = () => undefined;
exports.setFlushOn = () => undefined;
exports.createRotatingLogger = create;
exports.createAsyncRotatingLogger = create;
