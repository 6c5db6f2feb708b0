import type { Commands } from '../command.js';

/** Every command of mtad, in the order of the help. The file of each is loaded only where it is wanted. */
export const COMMANDS: Commands = new Map([
  [
    'generate',
    {
      usage: '',
      what: 'write on from a prompt',
      takesSettings: true,
      needsFolder: true,
      load: async () => (await import('./generate.js')).createGenerate,
    },
  ],
  [
    'chat',
    {
      usage: 'chat',
      what: 'talk with a model',
      takesSettings: true,
      needsFolder: true,
      load: async () => (await import('./chat.js')).createChat,
    },
  ],
  [
    'batch',
    {
      usage: 'batch [file.jsonl]',
      what: 'many prompts, the models loaded once',
      takesSettings: true,
      needsFolder: true,
      load: async () => (await import('./batch.js')).createBatch,
    },
  ],
  [
    'serve',
    {
      usage: 'serve',
      what: 'a server for programs that speak to OpenAI',
      takesSettings: true,
      needsFolder: true,
      load: async () => (await import('./serve.js')).createServe,
    },
  ],
  [
    'benchmark',
    {
      usage: 'benchmark',
      what: 'strategies side by side: speed, quality, energy',
      takesSettings: true,
      needsFolder: true,
      load: async () => (await import('./benchmark.js')).createBenchmark,
    },
  ],
  [
    'tune',
    {
      usage: 'tune',
      what: 'find the settings that suit a pair',
      takesSettings: true,
      needsFolder: true,
      load: async () => (await import('./tune.js')).createTune,
    },
  ],
  [
    'pairs',
    {
      usage: 'pairs',
      what: 'models that go together, by name',
      takesSettings: true,
      needsFolder: false,
      load: async () => (await import('./pairs.js')).createPairs,
    },
  ],
  [
    'pull',
    {
      usage: 'pull <address...>',
      what: 'download models',
      takesSettings: true,
      needsFolder: true,
      load: async () => (await import('./pull.js')).createPull,
    },
  ],
  [
    'list',
    {
      usage: 'list',
      what: 'models in the models folder',
      takesSettings: true,
      needsFolder: false,
      load: async () => (await import('./list.js')).createList,
    },
  ],
  [
    'rm',
    {
      usage: 'rm <model...>',
      what: 'remove models from it',
      takesSettings: true,
      needsFolder: false,
      load: async () => (await import('./rm.js')).createRemove,
    },
  ],
  [
    'inspect',
    {
      usage: 'inspect [target] [draft]',
      what: 'what models are, if they match, memory needed',
      takesSettings: true,
      needsFolder: true,
      load: async () => (await import('./inspect.js')).createInspect,
    },
  ],
  [
    'explain',
    {
      usage: 'explain <trace>',
      what: 'a page that shows a run step by step',
      takesSettings: false,
      needsFolder: false,
      load: async () => (await import('./explain.js')).createExplain,
    },
  ],
  [
    'learn',
    {
      usage: 'learn <files...>',
      what: 'a corpus of your texts, to draft from',
      takesSettings: true,
      needsFolder: true,
      load: async () => (await import('./learn.js')).createLearn,
    },
  ],
  [
    'config',
    {
      usage: 'config',
      what: 'every setting, and where it is from',
      takesSettings: false,
      needsFolder: false,
      load: async () => (await import('./config.js')).createConfig,
    },
  ],
  [
    'complete',
    {
      usage: 'complete <shell>',
      what: 'completion of commands, options and names',
      takesSettings: false,
      needsFolder: false,
      load: async () => (await import('./complete.js')).createComplete,
    },
  ],
]);

/** Whether a word names a command. */
export function isCommand(word: string | undefined): boolean {
  return word !== undefined && COMMANDS.has(word);
}
