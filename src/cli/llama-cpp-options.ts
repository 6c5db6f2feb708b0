import { readFileSync } from 'node:fs';
import { UsageError } from '../errors.js';
import { utf8Decoder } from './utf8-decoder.js';

/** What mtad makes of an option of llama.cpp's. */
export type LlamaCppOption =
  | {
      /** The same under another name. */
      readonly ours: string;
      readonly translate: (theirs: string) => string;
      /** Which the value names. */
      readonly readsFile?: true;
    }
  | { readonly isGiven: true } // what mtad does anyway
  | { readonly instead: string }; // what there is instead, or why there is nothing

/** Ours, then theirs that mean the same. */
const SAME = [
  ['--model', '-mu --model-url'],
  ['--draft', '-md --model-draft --spec-draft-model'],
  ['--draft-length', '--spec-draft-n-max --draft-max --draft-n'],
  ['--draft-threads', '-td --threads-draft --spec-draft-threads'],
  ['--gpu-layers', '-ngl --n-gpu-layers'],
  ['--draft-gpu-layers', '-ngld --gpu-layers-draft --n-gpu-layers-draft --spec-draft-ngl'],
  ['--flash-attn', '-fa'],
  ['--temperature', '--temp'],
  ['--max-tokens', '--n-predict --predict'],
  ['--stop', '-r --reverse-prompt'],
  ['--special', '-sp'],
  ['--system', '-sys --system-prompt'],
  ['--chat', '-st --single-turn'],
  ['--raw', '-no-cnv --no-conversation'],
  ['--think', '-rea --reasoning'],
  ['--json-schema', '-j -jf --json-schema-file'],
  ['--grammar', '--grammar-file'],
  ['--output', '--output-file'],
  ['--stats', '--perf --show-timings'],
  ['--no-stats', '--no-perf --no-show-timings'],
  ['--color', '-co'],
  ['--verbose', '--log-verbose'],
  ['--help', '--usage'],
] as const;

/** The same, whose value is written in another way. */
const SAME_BUT_VALUE = [
  ['--model', '-hf -hfr --hf-repo', hubAddress],
  ['--draft', '-hfd -hfrd --hf-repo-draft --spec-draft-hf', hubAddress],
] as const;

const GIVEN =
  '--no-escape --jinja --no-display-prompt --no-context-shift --no-warmup --swa-full --log-disable ' +
  '--no-mmproj --no-mmproj-auto --no-log-prefix --no-log-timestamps --no-log-jsonl';

/** What there is instead, or why there is nothing; then the options of llama.cpp that this answers. */
const INSTEAD = [
  [
    'to talk, use mtad chat',
    '-cnv --conversation -i --interactive -if --interactive-first -mli --multiline-input',
  ],
  ['the chat template says what stands around a message', '--in-prefix --in-suffix --in-prefix-bos'],
  ['a chat template is rendered as it is', '--no-jinja --skip-chat-parsing --no-skip-chat-parsing'],
  [
    'reasoning is asked for by --think and left out by --hide-reasoning',
    `--reasoning-format --reasoning-effort --reasoning-budget --reasoning-budget-message --reasoning-preserve
     --no-reasoning-preserve --chat-template-kwargs`,
  ],
  ["the prompt is taken as it is; in bash, $'\\n' is a line break", '-e --escape'],
  ['a prompt is text: --file <path>', '-bf --binary-file --in-file --context-file'],
  ['standard input is read whenever something is redirected into it', '--stdin'],
  [
    'the prompt is not printed; --trace <file> has its tokens',
    '--display-prompt --verbose-prompt -ptc --print-token-count',
  ],
  [
    'nothing is kept from run to run',
    '--prompt-cache --prompt-cache-all --prompt-cache-ro -lcs --lookup-cache-static -lcd --lookup-cache-dynamic',
  ],
  [
    'a text ends where the context is full: --ctx-size <n>',
    '--context-shift --keep -gan --grp-attn-n -gaw --grp-attn-w',
  ],
  [
    'mtad --help lists what shapes the sampling',
    `--samplers --sampler-seq --sampling-seq --top-nsigma --top-n-sigma --xtc-probability --xtc-threshold --typical
     --typical-p --dry-multiplier --dry-base --dry-allowed-length --dry-penalty-last-n --dry-sequence-breaker
     --adaptive-target --adaptive-decay --dynatemp-range --dynatemp-exp --mirostat --mirostat-lr --mirostat-ent
     -l --logit-bias -bs --backend-sampling`,
  ],
  [
    'what drafts is --draft <model>, or --draft lookup',
    `--spec-type --spec-default --mtp --dflash --eagle3 --spec-ngram-mod-n-min --spec-ngram-mod-n-max
     --spec-ngram-mod-n-match --spec-ngram-simple-size-n --spec-ngram-simple-size-m --spec-ngram-simple-min-hits
     --spec-ngram-map-k-size-n --spec-ngram-map-k-size-m --spec-ngram-map-k-min-hits --spec-ngram-map-k4v-size-n
     --spec-ngram-map-k4v-size-m --spec-ngram-map-k4v-min-hits --spec-ngram-size-n --spec-ngram-size-m
     --spec-ngram-min-hits --spec-synth-len --spec-synth-rates`,
  ],
  ['each step drafts --draft-length <n> tokens', '--draft-min --draft-n-min --spec-draft-n-min'],
  [
    'how much of a draft is kept is for --strategy and --threshold to say',
    `--draft-p-min --spec-draft-p-min --draft-p-split --spec-draft-p-split --spec-draft-backend-sampling
     --no-spec-draft-backend-sampling`,
  ],
  [
    'all KV caches have one number format: --cache-type <type>',
    `-ctk --cache-type-k -ctv --cache-type-v -ctkd --cache-type-k-draft --spec-draft-type-k -ctvd --cache-type-v-draft
     --spec-draft-type-v`,
  ],
  [
    'the device is --gpu <device>, and --gpu off is none',
    '-dev --device -devd --device-draft --spec-draft-device -mmdev --mmproj-device',
  ],
  ['mtad inspect names the GPUs', '--list-devices'],
  ['llama.cpp is left to share a model among GPUs', '-sm --split-mode -ts --tensor-split -mg --main-gpu'],
  [
    'whole layers go to the GPU: --gpu-layers <n>',
    `-ot --override-tensor -otd --override-tensor-draft --spec-draft-override-tensor -cmoe --cpu-moe -cmoed --cpu-moe-draft
     --spec-draft-cpu-moe -ncmoe --n-cpu-moe -ncmoed --n-cpu-moe-draft --spec-draft-n-cpu-moe --spec-draft-ncmoe -ncffn
     --n-cpu-ffn -kvo --kv-offload -nkvo --no-kv-offload --op-offload --no-op-offload`,
  ],
  [
    'as many layers as fit go to the GPU, or --gpu-layers <n>',
    '-fit --fit -fitp --fit-print -fitt --fit-target -fitc --fit-ctx',
  ],
  ['--threads <n> is for prompt and text', '-tb --threads-batch'],
  ['--draft-threads <n> is for prompt and text', '-tbd --threads-batch-draft --spec-draft-threads-batch'],
  [
    'threads run where the system puts them; --threads <n> says how many',
    `-C --cpu-mask -Cr --cpu-range --cpu-strict --prio --poll -Cb --cpu-mask-batch -Crb --cpu-range-batch
     --cpu-strict-batch --prio-batch --poll-batch -Cd --cpu-mask-draft --spec-draft-cpu-mask -Crd --cpu-range-draft
     --spec-draft-cpu-range --cpu-strict-draft --spec-draft-cpu-strict --prio-draft --spec-draft-prio --poll-draft
     --spec-draft-poll -Cbd --cpu-mask-batch-draft --spec-draft-cpu-mask-batch -Crbd --cpu-range-batch-draft
     --spec-draft-cpu-range-batch --cpu-strict-batch-draft --spec-draft-cpu-strict-batch --prio-batch-draft
     --spec-draft-prio-batch --poll-batch-draft --spec-draft-poll-batch --numa`,
  ],
  ['mtad sizes its batches itself', '-b --batch-size -ub --ubatch-size -np --parallel -ns --sequences'],
  [
    'models are loaded as llama.cpp does by itself',
    `-lm --load-mode -lzm --lazy-mode --mlock --mmap --no-mmap -dio --direct-io -ndio --no-direct-io --repack -nr
     --no-repack --no-host --warmup --check-tensors -dt --defrag-thold`,
  ],
  [
    'what the GGUF file says holds',
    `--override-kv --rope-scaling --rope-scale --rope-freq-base --rope-freq-scale --yarn-orig-ctx --yarn-ext-factor
     --yarn-attn-factor --yarn-beta-slow --yarn-beta-fast --pooling --attention`,
  ],
  [
    'a model is one file; llama-export-lora makes one of a model and an adapter',
    `--lora --lora-scaled --lora-init-without-apply --control-vector --control-vector-scaled
     --control-vector-layer-range`,
  ],
  [
    'models read text alone',
    `-mm --mmproj -mmu --mmproj-url --mmproj-auto --mmproj-offload --no-mmproj-offload --image --audio --video
     --image-min-tokens --image-max-tokens --mtmd-batch-max-tokens --video-fps --video-timestamp-interval
     --video-ffmpeg-dir`,
  ],
  ['--model takes the file too: hf:user/repo/file.gguf', '-hff --hf-file'],
  ['the variable HF_TOKEN has the token, where no list of processes shows it', '-hft --hf-token'],
  ['models come from hf:user/repo:quant or https://', '-dr --docker-repo'],
  [
    '--model takes an address: hf:user/repo:quant',
    `--embd-gemma-default --fim-qwen-1.5b-default --fim-qwen-3b-default --fim-qwen-7b-default --fim-qwen-7b-spec
     --fim-qwen-14b-spec --fim-qwen-30b-default --gpt-oss-20b-default --gpt-oss-120b-default --vision-gemma-4b-default
     --vision-gemma-12b-default`,
  ],
  ['downloads lie in models-dir, which mtad config shows', '-cl --cache-list'],
  ['the script is mtad complete bash', '--completion-bash'],
  ['-v shows the log, -q less than usual', '-lv --verbosity --log-verbosity'],
  [
    '-v writes the log to standard error',
    '--log-file --log-colors --log-prefix --log-timestamps --log-jsonl --log-prompts-dir --simple-io',
  ],
  [
    'the server is mtad serve, whose --help lists its options',
    `--server-base --host --port --reuse-port --path --cors-origins --cors-methods --cors-headers --cors-credentials
     --no-cors-credentials --api-prefix --ui-config --webui-config --ui-config-file --webui-config-file --ui-mcp-proxy
     --webui-mcp-proxy --no-ui-mcp-proxy --no-webui-mcp-proxy --tools --tools-runtime --mcp-servers-config
     --mcp-servers-json -ag --agent -no-ag --no-agent --ui --webui --no-ui --no-webui --api-key --api-key-file
     --ssl-key-file --ssl-cert-file -to --timeout --sse-ping-interval --threads-http --cache-prompt --no-cache-prompt
     --cache-reuse --metrics --props --slots --no-slots --slot-save-path --media-path --models-preset --models-max
     --models-autoload --no-models-autoload --prefill-assistant --no-prefill-assistant -sps --slot-prompt-similarity
     --sleep-idle-seconds -a --alias --tags -cb --cont-batching -nocb --no-cont-batching -kvu --kv-unified -no-kvu
     --no-kv-unified --kv-unified-per-slot --cache-idle-slots --no-cache-idle-slots -ctxcp --ctx-checkpoints
     --swa-checkpoints -cms --checkpoint-min-step -cram --cache-ram --spm-infill --embedding --embeddings --rerank
     --reranking`,
  ],
  [
    'it generates text, which this is not for',
    `--chunks --hellaswag --hellaswag-tasks --winogrande --winogrande-tasks --multiple-choice --multiple-choice-tasks
     --kl-divergence --save-all-logits --kl-divergence-base --ppl-stride --ppl-output-type --ppl --no-ppl --chunk-size
     --chunk-separator --junk --pos -ofreq --output-frequency --output-format --save-frequency --process-output --chunk
     --from-chunk --show-statistics --parse-special --no-parse-special --ids --no-bos --show-count -pps -tgs -npp -ntg
     -npl --embd-normalize --embd-output-format --embd-separator --cls-separator --positive-file --negative-file
     --pca-batch --pca-iter --method --tts-lang --tts-speaker-file --diffusion-steps --diffusion-visual --diffusion-eps
     --diffusion-algorithm --diffusion-alg-temp --diffusion-block-length --diffusion-cfg-scale
     --diffusion-add-gumbel-noise -lr --learning-rate -lr-min --learning-rate-min -decay-epochs
     --learning-rate-decay-epochs -wd --weight-decay -val-split --val-split -epochs --epochs -opt --optimizer --check
     --save-logits --logits-output-dir --tensor-filter`,
  ],
] as const;

/** By llama.cpp's name; where mtad has an option of that name, it goes first. Those of v0.5.0, and some that went before. */
export const LLAMA_CPP_OPTIONS: ReadonlyMap<string, LlamaCppOption> = new Map([
  ...SAME.flatMap(([ours, theirs]) => each(theirs, { ours, translate: (value) => value })),
  ...SAME_BUT_VALUE.flatMap(([ours, theirs, translate]) => each(theirs, { ours, translate })),
  ...each('-sysf --system-prompt-file', { ours: '--system', translate: textOf, readsFile: true }),
  ...each(GIVEN, { isGiven: true }),
  ...INSTEAD.flatMap(([instead, theirs]) => each(theirs, { instead })),
]);

function each(names: string, option: LlamaCppOption): [string, LlamaCppOption][] {
  return names.split(/\s+/).map((name) => [name, option]);
}

/** llama.cpp names a repository of Hugging Face as user/repo:quant. */
function hubAddress(repository: string): string {
  return /^(hf|huggingface):/i.test(repository) ? repository : `hf:${repository}`;
}

/** The text of a file, without the line break at its end. */
function textOf(file: string): string {
  try {
    return utf8Decoder(file)(readFileSync(file)).replace(/\n$/, '');
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw new UsageError(`Cannot read the system text: ${(cause as Error).message}`, { cause });
  }
}
