import choices from '../../../test/vectors/policy/choices.json';
import environment from '../../../test/vectors/policy/environment.json';
import git from '../../../test/vectors/policy/git.json';
import interpreters from '../../../test/vectors/policy/interpreters.json';
import lines from '../../../test/vectors/policy/lines.json';
import network from '../../../test/vectors/policy/network.json';
import packages from '../../../test/vectors/policy/packages.json';
import paths from '../../../test/vectors/policy/paths.json';
import pipes from '../../../test/vectors/policy/pipes.json';
import programs from '../../../test/vectors/policy/programs.json';
import rules from '../../../test/vectors/policy/rules.json';
import shells from '../../../test/vectors/policy/shells.json';
import windows from '../../../test/vectors/policy/windows.json';
import wrappers from '../../../test/vectors/policy/wrappers.json';

/** The vectors that come with Conductor, as their files hold them. A bundle of its own, loaded when somebody proves a policy. */
export const corpus: Readonly<Record<string, unknown>> = { lines, pipes, wrappers, shells, programs, network, git, packages, environment, interpreters, windows, paths, rules, choices };
