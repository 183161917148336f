/** What a new configuration file contains: everything at its default, so that writing it changes nothing. */
export const starterConfig = `{
  // What coding agents may do through Conductor. Saved changes apply at once.
  // Point at a key to read about it; press Ctrl+Space to see what else there is.
  "plugins": {
    "shell": {
      // Programs that run without asking, in forms that cannot make them run something else.
      "allowedCommands": [],
      // Programs that run only after you approve each call.
      "requireApproval": []
    },
    "filesystem": {
      // File actions that ask first.
      "requireApproval": ["write", "delete"]
    },
    "git": {
      // Git actions that ask first.
      "requireApproval": ["commit"]
    }
  },
  // Milliseconds that a call waits for your answer before it is denied.
  "approvalTimeout": 120000
}
`;
