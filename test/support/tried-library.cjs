/**
 * Loaded before all else (`node --require`): spares each process the half second in which node-llama-cpp tries its library
 * for processors in a child before it loads it. Libraries for GPUs are tried as ever.
 */
const children = require('node:child_process');
const { EventEmitter } = require('node:events');
const { syncBuiltinESMExports } = require('node:module');

const { fork } = children;

/** Stands for the child, and says what it would say. */
class TriedLibrary extends EventEmitter {
  exitCode = null;
  killed = false;
  #child; // a real one, for GPUs

  constructor(forkArguments) {
    super();
    this.forkArguments = forkArguments;
    setImmediate(() => this.emit('message', { type: 'ready' }));
  }

  send(message) {
    if (this.#child) this.#child.send(message);
    else if (message.type === 'start' && message.gpu !== false) this.#tryReally(message);
    else setImmediate(() => this.#answer(message.type));
  }

  kill(signal) {
    return this.#child?.kill(signal) ?? true;
  }

  #answer(type) {
    if (type === 'start') this.emit('message', { type: 'loaded' });
    if (type === 'test') this.emit('message', { type: 'done' });
    if (type === 'exit') this.emit('exit', 0);
  }

  #tryReally(start) {
    this.#child = fork(...this.forkArguments);
    this.#child.on('message', (message) => {
      if (message.type === 'ready') this.#child.send(start);
      else this.emit('message', message);
    });
    this.#child.on('exit', (code) => this.emit('exit', code));
  }
}

children.fork = (file, ...rest) =>
  String(file).endsWith('testBindingBinary.js') ? new TriedLibrary([file, ...rest]) : fork(file, ...rest);
syncBuiltinESMExports();
