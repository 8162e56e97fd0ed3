import { analysisCommandEntries } from './analysisCommands.js';
import { commandEntries } from './commands.js';
import { commandCategory, type CommandEntry, idPrefix, type SettingEntry } from './contribution.js';
import { editorEntries } from './editors.js';
import { settingEntries } from './settings.js';
import { viewContainer, viewEntries, welcomeEntries } from './views.js';
import { walkthrough, walkthroughSteps } from './walkthrough.js';

/** Texts of the manifest by key: `package.nls.json`. */
export type ManifestTexts = Record<string, string>;

/**
 * Returns the `contributes` of package.json; every text in it is a `%key%` of `texts`, which is filled.
 *
 * Keys follow from ids, so that a translation survives a change of the English text.
 */
export function makeContributes(texts: ManifestTexts): Record<string, unknown> {
  const text = (key: string, english: string): string => {
    texts[key] = english;
    return `%${key}%`;
  };
  const commands = [...commandEntries, ...analysisCommandEntries];
  return {
    commands: commands.map((command) => commandOf(command, text)),
    menus: menusOf(commands),
    keybindings: commands.flatMap(keybindingOf),
    ...viewsOf(text),
    customEditors: editorEntries.map(({ viewType, displayName, pattern, priority }) => ({
      viewType,
      displayName: text(`editors.${viewType.slice(idPrefix.length)}.displayName`, displayName),
      selector: [{ filenamePattern: pattern }],
      priority,
    })),
    walkthroughs: [walkthroughOf(text)],
    configuration: {
      title: 'Neuron Inspector',
      properties: Object.fromEntries(settingEntries.map((setting) => settingOf(setting, text))),
    },
    jsonValidation: [
      { fileMatch: '*.inspect.json', url: './media/schemas/inspect-file.schema.json' },
      { fileMatch: '*.nireport.json', url: './media/schemas/report.schema.json' },
    ],
  };
}

type Text = (key: string, english: string) => string;

function viewsOf(text: Text): Record<string, unknown> {
  const containerTitle = text('views.container.title', viewContainer.title);
  return {
    viewsContainers: {
      activitybar: [{ id: viewContainer.id, title: containerTitle, icon: viewContainer.icon }],
    },
    views: {
      [viewContainer.id]: viewEntries.map(({ id, name, icon, initialSize }) => ({
        id: idPrefix + id,
        name: text(`views.${id}.name`, name),
        icon,
        initialSize,
        contextualTitle: containerTitle,
      })),
    },
    viewsWelcome: welcomeEntries.map(({ view, when, contents }, index) => ({
      view: idPrefix + view,
      when,
      contents: text(`views.${view}.welcome.${String(index)}`, contents),
    })),
  };
}

/** The picture of a step in each kind of theme, under the names that the editor has for these. */
function picturesOf(id: string): Record<string, string> {
  const file = (theme: string): string => `media/walkthrough/${id}-${theme}.png`;
  return {
    light: file('light'),
    dark: file('dark'),
    hc: file('high-contrast'),
    hcLight: file('high-contrast-light'),
  };
}

function walkthroughOf(text: Text): Record<string, unknown> {
  const { id, title, description, featuredFor } = walkthrough;
  return {
    id,
    title: text('walkthrough.title', title),
    description: text('walkthrough.description', description),
    featuredFor,
    steps: walkthroughSteps.map((step) => ({
      id: step.id,
      title: text(`walkthrough.${step.id}.title`, step.title),
      description: text(`walkthrough.${step.id}.description`, step.description),
      media: { image: picturesOf(step.id), altText: text(`walkthrough.${step.id}.picture`, step.picture) },
      completionEvents: step.doneBy.map((command) => `onCommand:${idPrefix}${command}`),
    })),
  };
}

function commandOf({ id, title, icon, enablement }: CommandEntry, text: Text): Record<string, unknown> {
  return {
    command: idPrefix + id,
    title: text(`commands.${id}.title`, title),
    category: text('commands.category', commandCategory),
    ...(icon === undefined ? {} : { icon }),
    ...(enablement === undefined ? {} : { enablement }),
  };
}

function menusOf(commands: readonly CommandEntry[]): Record<string, unknown> {
  const menus: Record<string, Record<string, string>[]> = {};
  const add = (menu: string, entry: Record<string, string>): void => {
    (menus[menu] ??= []).push(entry);
  };
  for (const { id, menus: places = [], palette } of commands) {
    const command = idPrefix + id;
    if (palette !== undefined) add('commandPalette', { command, when: palette });
    for (const { menu, when, group } of places) {
      add(menu, {
        command,
        ...(when === undefined ? {} : { when }),
        ...(group === undefined ? {} : { group }),
      });
    }
  }
  return menus;
}

function keybindingOf({ id, keys }: CommandEntry): Record<string, string>[] {
  if (keys === undefined) return [];
  const { key, mac, when } = keys;
  return [{ command: idPrefix + id, key, when, ...(mac === undefined ? {} : { mac }) }];
}

function settingOf(setting: SettingEntry, text: Text): [string, Record<string, unknown>] {
  const { key, description, enumDescriptions, schema, ...rest } = setting;
  return [
    idPrefix + key,
    {
      ...rest,
      ...schema,
      markdownDescription: text(`settings.${key}.description`, description),
      ...(enumDescriptions === undefined
        ? {}
        : {
            markdownEnumDescriptions: enumDescriptions.map((english, index) =>
              text(`settings.${key}.${setting.enum?.[index] ?? String(index)}`, english),
            ),
          }),
    },
  ];
}
