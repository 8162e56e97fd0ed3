import { analyses } from '../../analyses/registry.js';
import { UserError } from '../../base/errors.js';
import { didYouMean } from '../../base/nearest.js';
import type { OptionDeclaration } from '../arguments.js';
import { type Command, positional } from '../command.js';
import { exitCodes } from '../terminal.js';

type Shell = 'bash' | 'zsh' | 'fish';
const shells: Readonly<Record<Shell, (commands: readonly Command[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/** Returns the `completion` command over a table of commands. */
export function createCompletionCommand(commands: () => readonly Command[]): Command {
  const command: Command = {
    name: 'completion',
    summary: 'Print a completion script for bash, zsh or fish.',
    details: '',
    positionals: [{ name: 'SHELL', isRequired: true, description: 'bash, zsh or fish' }],
    options: [],
    examples: [
      {
        line: 'completion bash > ~/.local/share/bash-completion/completions/neuron-inspector',
        says: 'install for bash',
      },
      {
        line: 'completion zsh > ~/.zfunc/_neuron-inspector',
        says: 'install for zsh, with ~/.zfunc in fpath',
      },
      {
        line: 'completion fish > ~/.config/fish/completions/neuron-inspector.fish',
        says: 'install for fish',
      },
    ],
    run: async (args, terminal) => {
      const shell = positional(command, args, 0);
      if (!isShell(shell)) {
        const names = Object.keys(shells);
        throw new UserError(
          'unknown-shell',
          `There is no completion for "${shell}".${didYouMean(shell, names)} Shells: ${names.join(', ')}.`,
        );
      }
      await terminal.write(shells[shell](commands()));
      return exitCodes.done;
    },
  };
  return command;
}

function isShell(text: string): text is Shell {
  return Object.hasOwn(shells, text);
}

/** Fixed words that complete an option's value; undefined where a file or free text stands. */
function valueWords(option: OptionDeclaration): readonly string[] | undefined {
  return Array.isArray(option.complete) ? (option.complete as readonly string[]) : undefined;
}

/** `key=` of every setting of every analysis: what `--set` takes. */
function settingWords(): string[] {
  return [...new Set(analyses.flatMap((analysis) => Object.keys(analysis.settings)))].map((key) => `${key}=`);
}

function analysisIds(): string[] {
  return analyses.map((analysis) => analysis.id);
}

function bashScript(commands: readonly Command[]): string {
  const cases = commands.map((command) => {
    const words = command.options.map((option) => `--${option.name}`);
    return `    ${command.name}) words="${words.join(' ')}" ;;`;
  });
  const values = commands.flatMap((command) =>
    command.options.flatMap((option) => {
      const fixed = valueWords(option);
      return fixed === undefined
        ? []
        : [`    --${option.name}) COMPREPLY=($(compgen -W "${fixed.join(' ')}" -- "$current")); return ;;`];
    }),
  );
  return `# bash completion for neuron-inspector
_neuron_inspector() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" command="\${COMP_WORDS[1]}" words=""
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map((command) => command.name).join(' ')} --version --help" -- "$current"))
    return
  fi
  case "$previous" in
${[...new Set(values)].join('\n')}
    --set) COMPREPLY=($(compgen -W "${settingWords().join(' ')}" -- "$current")); compopt -o nospace; return ;;
  esac
  if [ "$command" = run ] && [ "$COMP_CWORD" -eq 2 ]; then
    COMPREPLY=($(compgen -W "${analysisIds().join(' ')}" -- "$current"))
    return
  fi
  case "$command" in
${cases.join('\n')}
  esac
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$words --help" -- "$current")) ;;
    *) COMPREPLY=($(compgen -f -- "$current")); compopt -o filenames ;;
  esac
}
complete -F _neuron_inspector neuron-inspector
`;
}

function zshScript(commands: readonly Command[]): string {
  const list = commands.map(({ name, summary }) => `    '${name}:${quoted(summary)}'`);
  const cases = commands.map((command) => {
    const options = command.options.map((option) => `      '${zshOption(option)}'`);
    const first = command.name === 'run' ? [`      '2:analysis:(${analysisIds().join(' ')})'`] : [];
    return `    ${command.name}) _arguments \\\n${[...options, ...first, "      '*:file:_files'"].join(' \\\n')} ;;`;
  });
  return `#compdef neuron-inspector
# zsh completion for neuron-inspector
_neuron_inspector() {
  local -a commands
  commands=(
${list.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case "$words[2]" in
${cases.join('\n')}
  esac
}
_neuron_inspector "$@"
`;
}

function zshOption(option: OptionDeclaration): string {
  const star = option.isRepeated === true ? '*' : '';
  const head = `${star}--${option.name}[${quoted(option.description).replace(/[[\]]/g, '')}]`;
  if (option.value === undefined) return head;
  const words = option.name === 'set' ? settingWords() : valueWords(option);
  const action =
    words === undefined ? (option.complete === undefined ? ' ' : '_files') : `(${words.join(' ')})`;
  return `${head}:${option.name}:${action}`;
}

function fishScript(commands: readonly Command[]): string {
  const lines = ['# fish completion for neuron-inspector'];
  for (const { name, summary, options } of commands) {
    lines.push(`complete -c neuron-inspector -n __fish_use_subcommand -f -a ${name} -d '${quoted(summary)}'`);
    for (const option of options) {
      const words = option.name === 'set' ? settingWords() : valueWords(option);
      const values =
        option.value === undefined ? '' : words === undefined ? ' -r' : ` -x -a '${words.join(' ')}'`;
      lines.push(
        `complete -c neuron-inspector -n '__fish_seen_subcommand_from ${name}' -l ${option.name}${values} -d '${quoted(option.description)}'`,
      );
    }
  }
  lines.push(
    `complete -c neuron-inspector -n '__fish_seen_subcommand_from run' -a '${analysisIds().join(' ')}'`,
  );
  return `${lines.join('\n')}\n`;
}

/** Descriptions stand in single quotes and, in zsh, before colons. */
function quoted(text: string): string {
  return text.replaceAll("'", '’').replaceAll(':', ';');
}
