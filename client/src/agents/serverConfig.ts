/** What other agents want in their list of MCP servers, as JSON; `configDir` only when it is not the usual one. */
export function serverConfig(launcher: string, configDir: string | undefined): string {
  const env = configDir === undefined ? {} : { CONDUCTOR_CONFIG_DIR: configDir };
  return JSON.stringify({ mcpServers: { conductor: { command: launcher, args: ['mcp', 'start'], env } } }, null, 2);
}
