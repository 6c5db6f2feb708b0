import { describe, expect, it } from 'vitest';
import { KNOWN_TEMPLATES } from '../../src/templates/known-templates.js';
import { openTemplate } from '../../src/templates/open-template.js';

/** What llama.cpp's own test, tests/test-chat-template.cpp, expects of such a conversation. */
const EXPECTED: Record<string, string> = {
  chatml:
    '<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nQ<|im_end|>\n<|im_start|>assistant\nA<|im_end|>\n<|im_start|>user\nR<|im_end|>\n<|im_start|>assistant\n',
  'command-r':
    '<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>S<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|USER_TOKEN|>Q<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>A<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|USER_TOKEN|>R<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>',
  deepseek: 'S### Instruction:\nQ\n### Response:\nA\n<|EOT|>\n### Instruction:\nR\n### Response:\n',
  gemma:
    '<start_of_turn>user\nS\n\nQ<end_of_turn>\n<start_of_turn>model\nA<end_of_turn>\n<start_of_turn>user\nR<end_of_turn>\n<start_of_turn>model\n',
  llama2: '[INST] <<SYS>>\nS\n<</SYS>>\n\nQ [/INST]A</s>[INST] R [/INST]',
  llama3:
    '<|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nQ<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nA<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nR<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n',
  'mistral-v7': '[SYSTEM_PROMPT] S[/SYSTEM_PROMPT][INST] Q[/INST] A</s>[INST] R[/INST]',
  phi3: '<|system|>\nS<|end|>\n<|user|>\nQ<|end|>\n<|assistant|>\nA<|end|>\n<|user|>\nR<|end|>\n<|assistant|>\n',
  phi4: '<|im_start|>system<|im_sep|>S<|im_end|><|im_start|>user<|im_sep|>Q<|im_end|><|im_start|>assistant<|im_sep|>A<|im_end|><|im_start|>user<|im_sep|>R<|im_end|><|im_start|>assistant<|im_sep|>',
  vicuna: 'S\n\nUSER: Q\nASSISTANT: A</s>\nUSER: R\nASSISTANT:',
  zephyr:
    '<|system|>\nS<|endoftext|>\n<|user|>\nQ<|endoftext|>\n<|assistant|>\nA<|endoftext|>\n<|user|>\nR<|endoftext|>\n<|assistant|>\n',
};

describe('known templates', () => {
  it.each([...KNOWN_TEMPLATES.keys()])('%s writes what llama.cpp writes', async (name) => {
    const template = await openTemplate(
      { model: 'a', own: undefined, bos: '', eos: '' },
      { chatTemplate: name },
    );
    const text = await template!.render([
      { role: 'system', content: 'S' },
      { role: 'user', content: 'Q' },
      { role: 'assistant', content: 'A' },
      { role: 'user', content: 'R' },
    ]);
    expect(text).toBe(EXPECTED[name]);
  });
});
