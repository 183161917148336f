'use strict';
const { constants, promises } = require('node:fs');

/** Copies one file, sharing its blocks where the file system can. */
exports.copyFile = (from, to, mode = constants.COPYFILE_FICLONE) => promises.copyFile(from, to, mode);
exports.cp = (from, to, options) => promises.cp(from, to, { mode: constants.COPYFILE_FICLONE, recursive: true, ...options });
