/**
 * Loaded before all else (`node --require`): writes a line to the file that MTAD_NETWORK_LOG names for each name that is
 * looked up, each connection that is opened and each socket for datagrams, with the first word of the command line.
 */
const { appendFileSync } = require('node:fs');
const { syncBuiltinESMExports } = require('node:module');

/** What reaches the network, by module. HTTP clients of all kinds open sockets. */
const WAYS = [
  [require('node:net').Socket.prototype, ['connect']],
  [require('node:dgram'), ['createSocket']],
  [require('node:dns'), ['lookup', 'resolve', 'resolve4', 'resolve6']],
  [require('node:dns').promises, ['lookup', 'resolve', 'resolve4', 'resolve6']],
];

for (const [owner, names] of WAYS)
  for (const name of names) {
    const own = owner[name];
    owner[name] = function (...args) {
      appendFileSync(process.env.MTAD_NETWORK_LOG, `${process.argv[2]}: ${name}\n`);
      return own.apply(this, args);
    };
  }
syncBuiltinESMExports();
