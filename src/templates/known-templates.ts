/** Writes a template of the usual form: a piece for each message, and the words that open an answer. */
const perMessage = (piece: string, opening: string) =>
  `{% for message in messages %}${piece}{% endfor %}{% if add_generation_prompt %}{{ '${opening}' }}{% endif %}`;

const BY_ROLE = (system: string, user: string, assistant: string) =>
  `{% if message.role == 'system' %}${system}{% elif message.role == 'user' %}${user}{% else %}${assistant}{% endif %}`;

/**
 * Templates by llama.cpp's names, for files without a template that can be rendered. They are written from llama.cpp's
 * src/llama-chat.cpp.
 */
export const KNOWN_TEMPLATES: ReadonlyMap<string, string> = new Map([
  [
    'chatml',
    perMessage(
      "{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}",
      '<|im_start|>assistant\\n',
    ),
  ],
  [
    'command-r',
    perMessage(
      BY_ROLE(
        "{{ '<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>' + message.content | trim + '<|END_OF_TURN_TOKEN|>' }}",
        "{{ '<|START_OF_TURN_TOKEN|><|USER_TOKEN|>' + message.content | trim + '<|END_OF_TURN_TOKEN|>' }}",
        "{{ '<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>' + message.content | trim + '<|END_OF_TURN_TOKEN|>' }}",
      ),
      '<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>',
    ),
  ],
  [
    'deepseek',
    perMessage(
      BY_ROLE(
        '{{ message.content }}',
        "{{ '### Instruction:\\n' + message.content + '\\n' }}",
        "{{ '### Response:\\n' + message.content + '\\n<|EOT|>\\n' }}",
      ),
      '### Response:\\n',
    ),
  ],
  [
    'gemma',
    "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}" +
      perMessage(
        "{{ '<start_of_turn>' + ('model' if message.role == 'assistant' else message.role) + '\\n' + message.content | trim + '<end_of_turn>\\n' }}",
        '<start_of_turn>model\\n',
      ),
  ],
  [
    'llama2',
    perMessage(
      BY_ROLE(
        "{{ '[INST] <<SYS>>\\n' + message.content + '\\n<</SYS>>\\n\\n' }}",
        "{{ ('' if loop.previtem is defined and loop.previtem.role == 'system' else '[INST] ') + message.content + ' [/INST]' }}",
        "{{ message.content + '</s>' }}",
      ),
      '',
    ),
  ],
  [
    'llama3',
    perMessage(
      "{{ '<|start_header_id|>' + message.role + '<|end_header_id|>\\n\\n' + message.content | trim + '<|eot_id|>' }}",
      '<|start_header_id|>assistant<|end_header_id|>\\n\\n',
    ),
  ],
  [
    'mistral-v7',
    perMessage(
      BY_ROLE(
        "{{ '[SYSTEM_PROMPT] ' + message.content + '[/SYSTEM_PROMPT]' }}",
        "{{ '[INST] ' + message.content + '[/INST]' }}",
        "{{ ' ' + message.content + '</s>' }}",
      ),
      '',
    ),
  ],
  [
    'phi3',
    perMessage("{{ '<|' + message.role + '|>\\n' + message.content + '<|end|>\\n' }}", '<|assistant|>\\n'),
  ],
  [
    'phi4',
    perMessage(
      "{{ '<|im_start|>' + message.role + '<|im_sep|>' + message.content + '<|im_end|>' }}",
      '<|im_start|>assistant<|im_sep|>',
    ),
  ],
  [
    'vicuna',
    perMessage(
      BY_ROLE(
        "{{ message.content + '\\n\\n' }}",
        "{{ 'USER: ' + message.content + '\\n' }}",
        "{{ 'ASSISTANT: ' + message.content + '</s>\\n' }}",
      ),
      'ASSISTANT:',
    ),
  ],
  [
    'zephyr',
    perMessage(
      "{{ '<|' + message.role + '|>\\n' + message.content + '<|endoftext|>\\n' }}",
      '<|assistant|>\\n',
    ),
  ],
]);

/**
 * @returns the known template of a name, or the text itself where it is a template; undefined: it is neither
 */
export function templateNamed(nameOrText: string): string | undefined {
  return KNOWN_TEMPLATES.get(nameOrText) ?? (/\{[{%]/.test(nameOrText) ? nameOrText : undefined);
}
