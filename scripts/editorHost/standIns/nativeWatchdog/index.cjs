'use strict';

/** The extension host polls its parent in JavaScript as well, so nothing is left to do here. */
exports.start = () => undefined;
exports.exit = (code) => process.exit(code);
