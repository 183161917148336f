/** Every name that the extension shares with its manifest. `ids.test.ts` holds this file against package.json, both ways. */

/** Commands. Rows, tabs and lenses pass what they are about; from the palette a command finds it or asks. */
export const commands = {
  reviewNext: 'conductor.approvals.reviewNext',
  decide: 'conductor.approvals.decide',
  reviewChanges: 'conductor.approvals.reviewChanges',
  review: 'conductor.approvals.review',
  showDetails: 'conductor.approvals.showDetails',
  showDifference: 'conductor.approvals.showDifference',
  approve: 'conductor.approvals.approve',
  deny: 'conductor.approvals.deny',
  denyWithReason: 'conductor.approvals.denyWithReason',
  approveSome: 'conductor.approvals.approveSome',
  approveRow: 'conductor.approvals.approveRow',
  denyRow: 'conductor.approvals.denyRow',
  denyRowWithReason: 'conductor.approvals.denyRowWithReason',
  approveForLonger: 'conductor.grants.approve',
  denyForGood: 'conductor.grants.deny',
  approveAlike: 'conductor.grants.approveAlike',
  undoGrant: 'conductor.grants.undo',
  verify: 'conductor.audit.verify',
  filter: 'conductor.audit.filter',
  clearFilter: 'conductor.audit.clearFilter',
  search: 'conductor.audit.search',
  refresh: 'conductor.audit.refresh',
  loadMore: 'conductor.audit.loadMore',
  openEntry: 'conductor.audit.openEntry',
  openSnapshot: 'conductor.audit.openSnapshot',
  showCall: 'conductor.audit.showCall',
  revealEntry: 'conductor.audit.revealEntry',
  startNew: 'conductor.audit.startNew',
  resetBreaker: 'conductor.breakers.reset',
  reviewServer: 'conductor.servers.review',
  approveServer: 'conductor.servers.approve',
  withdrawServer: 'conductor.servers.withdraw',
  startServer: 'conductor.servers.start',
  stopServer: 'conductor.servers.stop',
  enableServer: 'conductor.servers.enable',
  disableServer: 'conductor.servers.disable',
  addServer: 'conductor.servers.add',
  removeServer: 'conductor.servers.remove',
  preflightServer: 'conductor.servers.preflight',
  resetServer: 'conductor.servers.reset',
  importServers: 'conductor.servers.import',
  undoServerImport: 'conductor.servers.undoImport',
  openServers: 'conductor.servers.open',
  openServerPolicy: 'conductor.servers.openPolicy',
  setUpCredentials: 'conductor.credentials.setUp',
  setCredential: 'conductor.credentials.set',
  moveCredential: 'conductor.credentials.move',
  replaceCredential: 'conductor.credentials.replace',
  deleteCredential: 'conductor.credentials.delete',
  copyReference: 'conductor.credentials.copyReference',
  addSlot: 'conductor.credentials.addSlot',
  removeSlot: 'conductor.credentials.removeSlot',
  rotateCredentials: 'conductor.credentials.rotate',
  unlockCredentials: 'conductor.credentials.unlock',
  importCredentials: 'conductor.credentials.import',
  acceptCredentials: 'conductor.credentials.accept',
  copyServerConfig: 'conductor.agents.copyServerConfig',
  showStatus: 'conductor.status.show',
  openConfig: 'conductor.config.open',
  provePolicy: 'conductor.policy.prove',
  showLog: 'conductor.broker.showLog',
  restart: 'conductor.broker.restart',
} as const;

/** A command of ours. */
export type CommandId = (typeof commands)[keyof typeof commands];

/** Views of the side bar. */
export const views = { approvals: 'conductor.approvals', breakers: 'conductor.breakers', servers: 'conductor.servers', credentials: 'conductor.credentials', audit: 'conductor.audit' } as const;

/** The container of the views in the activity bar. */
export const viewContainer = 'conductor';

/** Settings. */
export const settings = { notify: 'conductor.approvals.notify', remind: 'conductor.approvals.remindAfterSeconds', verifyEvery: 'conductor.audit.verifyEveryMinutes' } as const;

/** Keys that the extension sets for `when` clauses. */
export const contextKeys = {
  connected: 'conductor.connected',
  /** Addresses of open reviews whose calls wait: only these have actions in their titles. */
  undecided: 'conductor.approvals.undecided',
  filtered: 'conductor.audit.filtered',
  tampered: 'conductor.audit.tampered',
  /** How the store of credentials is: a word of `credentialStates`, or `unknown`. */
  credentials: 'conductor.credentials.state',
  /** Whether external servers can be used: `on`, `off`, `broken`, or `unknown`. */
  serverFiles: 'conductor.servers.files',
} as const;

/** A context key of ours. */
export type ContextKey = (typeof contextKeys)[keyof typeof contextKeys];

/** Languages. */
export const languages = { config: 'conductor-config', audit: 'conductor-audit', call: 'conductor-call', change: 'conductor-change' } as const;

/** Schemes of our read-only documents. */
export const schemes = { call: 'conductor-call', change: 'conductor-change', entry: 'conductor-audit-entry', vector: 'conductor-vector', server: 'conductor-server' } as const;

/** What a row offers in its context menu (`viewItem` in the manifest). */
export const rowKinds = { waiting: 'conductorWaiting', breaker: 'conductorBreaker', grant: 'conductorGrant', grantedEntry: 'conductorGrantedEntry', credential: 'conductorCredential', keySlots: 'conductorKeySlots', keySlot: 'conductorKeySlot', server: 'conductorServer' } as const;

/** The provider under which VS Code's own MCP support knows us. */
export const mcpProvider = 'conductor';
