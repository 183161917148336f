/** Longest accepted line in bytes; the MCP SDK's own stdio limit is the same 10 MiB. */
export const frameLimit = 10 * 1024 * 1024;
