/**
 * Loaded before all else (`node --import`): the library of llama.cpp has no names for drafting heads that mtad knows, as on
 * Windows, where compilers make names of C++ functions in another way.
 */
import koffi from 'koffi';

const { load } = koffi;
koffi.load = (...args) => {
  const library = load(...args);
  return {
    func(name, ...rest) {
      if (/^_+Z.*nextn/.test(name)) throw new Error(`Cannot find function '${name}'`);
      return library.func(name, ...rest);
    },
  };
};
