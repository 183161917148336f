import { ConductorError, type ErrorCode } from '../../protocol/src/errors';

/** Whether something thrown is a failure of this code, for `assert.rejects` and `assert.throws`. */
export function isConductorError(code: ErrorCode, message?: RegExp): (thrown: unknown) => boolean {
  return (thrown) => {
    if (!(thrown instanceof ConductorError)) throw thrown;
    if (thrown.code !== code || message?.test(`${thrown.message} ${thrown.next}`) === false) throw new Error(`expected ${code} ${String(message ?? '')}, but got ${thrown.code}: ${thrown.message} ${thrown.next}`);
    return true;
  };
}
