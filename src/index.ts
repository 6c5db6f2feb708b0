/** The library: load a pair of models, generate with them, judge and compare the results. */
export { type BenchmarkEvent, benchmark } from './benchmark/benchmark.js';
export { type Entry, expand, type Field, type Lists } from './benchmark/contenders.js';
export type { BenchmarkOptions } from './benchmark/options.js';
export { csv } from './benchmark/out/csv.js';
export { json } from './benchmark/out/json.js';
export { markdown } from './benchmark/out/markdown.js';
export { reportPage } from './benchmark/out/page/page.js';
export { type BenchmarkPrompt, readPrompts } from './benchmark/prompts.js';
export type {
  BenchmarkReport,
  Conditions,
  Contender,
  ContenderSummary,
  EnergySource,
  Estimate,
  Generation,
  Machine,
  ModelFacts,
  PassCost,
  PassSizes,
  SkippedPrompt,
  Speculation,
  SpeedUps,
  Traits,
  Versions,
} from './benchmark/report.js';
export type { CourseEvent } from './benchmark/run.js';
export type { Step, StepMs } from './decoding/loop.js';
export type { Strategy } from './decoding/strategy.js';
export { beamDrafter, beamTreeDrafter } from './drafting/beams.js';
export { chainDrafter } from './drafting/chain.js';
export type {
  DraftChain,
  Drafter,
  DraftOptions,
  DraftSource,
  DraftTail,
  NextTokens,
} from './drafting/drafter.js';
export { type DraftLength, fixedLength, type SideGuess } from './drafting/length.js';
export { lookupDrafter } from './drafting/lookup.js';
export type { Passages } from './drafting/passages.js';
export type {
  ChatTemplate,
  EngineName,
  Gpu,
  GrammarSource,
  Model,
  Rendered,
  Tokenizer,
} from './engine/port.js';
export type { Traffic } from './engine/remote/connection.js';
export { CACHE_TYPES, type CacheType, type RuntimeOptions } from './engine/runtime-options.js';
export { CacheError, ModelFileError, PairMismatchError, ResourceError, UsageError } from './errors.js';
export { Conversation, type ConversationOptions } from './generation/conversation.js';
export { addCounters, addStep, type Counters, NO_STEPS, type Ratios, ratios } from './generation/counters.js';
export type {
  ConversationEvent,
  EffectiveSettings,
  GenerationEvent,
  GenerationResult,
  KnownCosts,
  ShiftEvent,
  StepEvent,
} from './generation/events.js';
export type { ContextPolicy } from './generation/fitting-turns.js';
export { generate, type Prompt, Series } from './generation/generate.js';
export { parseSettings } from './generation/parse-settings.js';
export type { RunOptions } from './generation/run-options.js';
export { Session } from './generation/session.js';
export type { ComparedSetting, SharedSetting } from './generation/setting-names.js';
export { type Settings, type SettingsInput, settingsSchema } from './generation/settings.js';
export { logProbOf } from './math/distribution.js';
export type { Penalties } from './math/penalties.js';
export { createRng } from './math/rng.js';
export { choose, sample } from './math/sample.js';
export { likelihoodTruncation, type SamplingSettings, samplingTruncation } from './math/sampling-settings.js';
export type { Constraint, Truncation } from './math/truncate.js';
export type { Asking } from './models/ask.js';
export type { DownloadOptions } from './models/download.js';
export type { ModelHeader, Vocabulary } from './models/header.js';
export {
  type InspectedModel,
  type InspectedPair,
  type Inspection,
  type InspectOptions,
  inspect,
} from './models/inspect.js';
export { type KnownPair, knownPair, knownPairs } from './models/known-pairs.js';
export { loadPair, type Pair, type PairFiles, type PairOptions } from './models/pair.js';
export type { DownloadProgress, ReceiveOptions } from './models/receive.js';
export type { ServerOptions } from './serve/options.js';
export { type Server, startServer } from './serve/server.js';
export {
  acceptBy,
  type Decide,
  type Look,
  nextTokens,
  type Sequences,
  type StrategyContext,
  type StrategyDefinition,
  type StrategySetting,
  type StrategySettings,
} from './strategies/definition.js';
export {
  STRATEGIES,
  STRATEGY_NAMES,
  type StrategyChoice,
  type StrategyName,
  type StrategyOptions,
} from './strategies/index.js';
export type { ChatMessage } from './templates/messages.js';
export type { TemplateChoice, Think } from './templates/open-template.js';
export type { ReasoningMarks } from './templates/reasoning-marks.js';
export { answerOf, type Section } from './text/reasoning.js';
export type { TextPiece } from './text/text-stream.js';
export { readTrace } from './trace/read-trace.js';
export type { RecordedNode, RecordedStep, ReplayRule, Trace } from './trace/recorded.js';
export { type Replay, type Reproduction, replay, replayGrid, reproduces } from './trace/replay.js';
export type { Tried } from './tune/advice.js';
export type { Candidate } from './tune/candidate.js';
export type { TuneOptions } from './tune/desk.js';
export type { Figures } from './tune/figures.js';
export type { TuneReport, WeighedCandidate } from './tune/report.js';
export { type TuneEvent, tune } from './tune/tune.js';
export type { CostCurve, CostCurves, PassTime } from './tuning/cost-curves.js';
export { CostFolder, type CostKey, CostMemory, type CostStore } from './tuning/cost-store.js';
export { type Drift, DriftWatch, type Fall } from './tuning/drift.js';
export type { Learned } from './tuning/learned.js';
export {
  LearnedFolder,
  type LearnedKey,
  LearnedMemory,
  type LearnedStore,
} from './tuning/learned-store.js';
export type { Profile } from './tuning/profile.js';
export { CostFile, readProfile, writeProfile } from './tuning/profile-file.js';
export type { Quality } from './tuning/quality-budget.js';
export type { Repetition } from './tuning/repetition-budget.js';
export type {
  Distribution,
  Draft,
  DraftNode,
  FinishReason,
  LogProb,
  Mask,
  NodeIndex,
  Prefix,
  Rng,
  TokenId,
  TopLogits,
  Verdict,
} from './types.js';
export { ROOT } from './types.js';
