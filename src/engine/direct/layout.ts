/**
 * The part of llama.cpp's C API that this engine uses: declarations from its headers, and its default parameters.
 * `scripts/check-layout.ts` compares the declarations with the headers in node-llama-cpp. `bindLibrary` compares the
 * default parameters with the library that runs.
 */

/** Releases of llama.cpp with exactly these declarations. */
export const RELEASES = ['v0.4.0'];

/** Structs that are passed by value or written here, with every field in order. */
export const STRUCTS = {
  llama_model_params: `
    ggml_backend_dev_t * devices;
    const struct llama_model_tensor_buft_override * tensor_buft_overrides;
    int32_t n_gpu_layers;
    enum llama_split_mode split_mode;
    enum llama_load_mode load_mode;
    enum llama_lazy_mode lazy_mode;
    int32_t main_gpu;
    const float * tensor_split;
    llama_progress_callback progress_callback;
    void * progress_callback_user_data;
    const struct llama_model_kv_override * kv_overrides;
    bool vocab_only;
    bool check_tensors;
    bool use_extra_bufts;
    bool no_host;
    bool no_alloc;
    bool load_mtp;`,
  llama_context_params: `
    uint32_t n_ctx;
    uint32_t n_batch;
    uint32_t n_ubatch;
    uint32_t n_seq_max;
    uint32_t n_rs_seq;
    uint32_t n_outputs_max;
    uint32_t n_outputs_max_per_seq;
    int32_t n_threads;
    int32_t n_threads_batch;
    enum llama_context_type ctx_type;
    enum llama_rope_scaling_type rope_scaling_type;
    enum llama_pooling_type pooling_type;
    enum llama_attention_type attention_type;
    enum llama_flash_attn_type flash_attn_type;
    float rope_freq_base;
    float rope_freq_scale;
    float yarn_ext_factor;
    float yarn_attn_factor;
    float yarn_beta_fast;
    float yarn_beta_slow;
    uint32_t yarn_orig_ctx;
    float defrag_thold;
    ggml_backend_sched_eval_callback cb_eval;
    void * cb_eval_user_data;
    enum ggml_type type_k;
    enum ggml_type type_v;
    ggml_abort_callback abort_callback;
    void * abort_callback_data;
    bool embeddings;
    bool offload_kqv;
    bool no_perf;
    bool op_offload;
    bool swa_full;
    bool kv_unified;
    struct llama_sampler_seq_config * samplers;
    size_t n_samplers;
    struct llama_context * ctx_other;`,
  llama_batch: `
    int32_t n_tokens;
    llama_token * token;
    float * embd;
    llama_pos * pos;
    int32_t * n_seq_id;
    llama_seq_id ** seq_id;
    int8_t * logits;`,
  llama_token_data: `
    llama_token id;
    float logit;
    float p;`,
  llama_token_data_array: `
    llama_token_data * data;
    size_t size;
    int64_t selected;
    bool sorted;`,
} as const;

/** Functions, by the header that declares them. */
export const FUNCTIONS = {
  'include/llama.h': [
    'const char * llama_version(void)',
    'struct llama_model_params llama_model_default_params(void)',
    'struct llama_context_params llama_context_default_params(void)',
    'struct llama_model * llama_model_load_from_file(const char * path_model, struct llama_model_params params)',
    'void llama_model_free(struct llama_model * model)',
    'bool llama_model_has_encoder(const struct llama_model * model)',
    'bool llama_model_is_recurrent(const struct llama_model * model)',
    'bool llama_model_is_hybrid(const struct llama_model * model)',
    'bool llama_model_is_diffusion(const struct llama_model * model)',
    'int32_t llama_model_n_layer_nextn(const struct llama_model * model)',
    'int32_t llama_model_n_embd_out(const struct llama_model * model)',
    'uint32_t llama_n_rs_seq(const struct llama_context * ctx)',
    'int32_t llama_model_n_swa(const struct llama_model * model)',
    'const struct llama_vocab * llama_model_get_vocab(const struct llama_model * model)',
    'int32_t llama_vocab_n_tokens(const struct llama_vocab * vocab)',
    'struct llama_context * llama_init_from_model(struct llama_model * model, struct llama_context_params params)',
    'void llama_free(struct llama_context * ctx)',
    'void llama_attach_threadpool(struct llama_context * ctx, ggml_threadpool_t threadpool, ggml_threadpool_t threadpool_batch)',
    'llama_memory_t llama_get_memory(const struct llama_context * ctx)',
    'bool llama_memory_seq_rm(llama_memory_t mem, llama_seq_id seq_id, llama_pos p0, llama_pos p1)',
    'llama_pos llama_memory_seq_pos_max(llama_memory_t mem, llama_seq_id seq_id)',
    'void llama_memory_seq_cp(llama_memory_t mem, llama_seq_id seq_id_src, llama_seq_id seq_id_dst, llama_pos p0, llama_pos p1)',
    'int32_t llama_decode(struct llama_context * ctx, struct llama_batch batch)',
    'void llama_synchronize(struct llama_context * ctx)',
    'float * llama_get_logits(struct llama_context * ctx)',
    'void llama_backend_init(void)',
    'uint64_t llama_model_size(const struct llama_model * model)',
    'int32_t llama_model_n_layer(const struct llama_model * model)',
    'int32_t llama_model_n_embd(const struct llama_model * model)',
    'int32_t llama_model_n_head(const struct llama_model * model)',
    'int32_t llama_model_meta_val_str(const struct llama_model * model, const char * key, char * buf, size_t buf_size)',
    'enum llama_vocab_type llama_vocab_type(const struct llama_vocab * vocab)',
    'const char * llama_vocab_get_text(const struct llama_vocab * vocab, llama_token token)',
    'enum llama_token_attr llama_vocab_get_attr(const struct llama_vocab * vocab, llama_token token)',
    'bool llama_vocab_is_eog(const struct llama_vocab * vocab, llama_token token)',
    'llama_token llama_vocab_bos(const struct llama_vocab * vocab)',
    'llama_token llama_vocab_eos(const struct llama_vocab * vocab)',
    'llama_token llama_vocab_eot(const struct llama_vocab * vocab)',
    'bool llama_vocab_get_add_bos(const struct llama_vocab * vocab)',
    'int32_t llama_tokenize(const struct llama_vocab * vocab, const char * text, int32_t text_len, llama_token * tokens, int32_t n_tokens_max, bool add_special, bool parse_special)',
    'int32_t llama_detokenize(const struct llama_vocab * vocab, const llama_token * tokens, int32_t n_tokens, char * text, int32_t text_len_max, bool remove_special, bool unparse_special)',
    'struct llama_sampler * llama_sampler_init_grammar(const struct llama_vocab * vocab, const char * grammar_str, const char * grammar_root)',
    'struct llama_sampler * llama_sampler_clone(const struct llama_sampler * smpl)',
    'void llama_sampler_apply(struct llama_sampler * smpl, llama_token_data_array * cur_p)',
    'void llama_sampler_accept(struct llama_sampler * smpl, llama_token token)',
    'void llama_sampler_free(struct llama_sampler * smpl)',
  ],
  'ggml/include/ggml-backend.h': ['void ggml_backend_load_all_from_path(const char * dir_path)'],
  'ggml/include/ggml.h': [
    'void ggml_threadpool_params_init(struct ggml_threadpool_params * p, int n_threads)',
  ],
  'ggml/include/ggml-cpu.h': [
    'struct ggml_threadpool * ggml_threadpool_new(struct ggml_threadpool_params * params)',
    'void ggml_threadpool_free(struct ggml_threadpool * threadpool)',
  ],
} as const;

/** What a llama_context runs: the model, or its drafting head (`LLAMA_CONTEXT_TYPE_…`). */
export const CONTEXT_TYPE = { model: 0, head: 1 };

/**
 * Functions that drafting heads need, by the names that compilers other than Microsoft's give them, since their header is C++.
 * A library may lack them.
 */
export const HEAD_FUNCTIONS = {
  _Z26llama_set_embeddings_nextnP13llama_contextbb:
    'void llama_set_embeddings_nextn(struct llama_context * ctx, bool value, bool masked)',
  _Z26llama_get_embeddings_nextnP13llama_context:
    'float * llama_get_embeddings_nextn(struct llama_context * ctx)',
  _Z28llama_set_nextn_layer_offsetP13llama_contexti:
    'void llama_set_nextn_layer_offset(struct llama_context * ctx, int32_t offset)',
} as const;

/** The header that declares them. */
export const HEAD_HEADER = 'src/llama-ext.h';

/** The result of llama_model_default_params. */
export const MODEL_DEFAULTS = {
  devices: null as bigint | null,
  tensor_buft_overrides: null as bigint | null,
  n_gpu_layers: -1,
  split_mode: 1, // by layer
  load_mode: -1, // automatic
  lazy_mode: 1, // automatic
  main_gpu: 0,
  tensor_split: null,
  progress_callback: null as bigint | null,
  progress_callback_user_data: null,
  kv_overrides: null,
  vocab_only: false,
  check_tensors: false,
  use_extra_bufts: true,
  no_host: false,
  no_alloc: false,
  load_mtp: false,
};

/** The result of llama_context_default_params. */
export const CONTEXT_DEFAULTS = {
  n_ctx: 512,
  n_batch: 2048,
  n_ubatch: 512,
  n_seq_max: 1,
  n_rs_seq: 0,
  n_outputs_max: 0,
  n_outputs_max_per_seq: 1,
  n_threads: 4,
  n_threads_batch: 4,
  ctx_type: 0,
  rope_scaling_type: -1,
  pooling_type: -1,
  attention_type: -1,
  flash_attn_type: -1, // automatic
  rope_freq_base: 0,
  rope_freq_scale: 0,
  yarn_ext_factor: -1,
  yarn_attn_factor: -1,
  yarn_beta_fast: -1,
  yarn_beta_slow: -1,
  yarn_orig_ctx: 0,
  defrag_thold: -1,
  cb_eval: null,
  cb_eval_user_data: null,
  type_k: 1, // F16
  type_v: 1,
  abort_callback: null,
  abort_callback_data: null,
  embeddings: false,
  offload_kqv: true,
  no_perf: true,
  op_offload: true,
  swa_full: true,
  kv_unified: false,
  samplers: null,
  n_samplers: 0,
  ctx_other: null,
};

export type ModelParams = typeof MODEL_DEFAULTS;
export type ContextParams = typeof CONTEXT_DEFAULTS;
