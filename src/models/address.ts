import { UsageError } from '../errors.js';

/** A model on a hub such as Hugging Face: a file of a repository, or the hub's file for a quantisation. */
export interface HubAddress {
  readonly kind: 'hub';
  readonly user: string;
  readonly repo: string;
  readonly branch: string;
  /** The file's path in the repository. */
  readonly file: string | undefined;
  /** A quantisation, such as Q4_K_M. Without `file` and `quant` the hub chooses. */
  readonly quant: string | undefined;
}

export interface UrlAddress {
  readonly kind: 'url';
  readonly url: URL;
}

export type Address = HubAddress | UrlAddress;

const SCHEMES = /^(?:(?:hf|huggingface):(?:\/\/)?|(?:hf\.co|huggingface\.co)\/)(.*)$/is;
const URL_LIKE = /^(?:https?:|[a-z][a-z\d+.-]+:\/\/)/i; // C:\\ is none
const HUB_HOSTS = ['huggingface.co', 'hf.co', 'www.huggingface.co'];
/** Names that Windows reserves for devices, whatever follows the dot. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;
const FORMS = 'hf:user/repo:Q4_K_M, hf:user/repo/file.gguf or https://…/file.gguf';

/**
 * @returns the URL of the hub that HF_ENDPOINT names, else of Hugging Face; it ends with a slash
 * @throws UsageError, which does not repeat the value of HF_ENDPOINT
 */
export function hubEndpoint({ HF_ENDPOINT } = process.env): URL {
  if (!HF_ENDPOINT) return new URL('https://huggingface.co/');
  const url = URL.canParse(HF_ENDPOINT) ? new URL(HF_ENDPOINT.replace(/\/*$/, '/')) : undefined;
  if (!url || !/^https?:$/.test(url.protocol))
    throw new UsageError('HF_ENDPOINT is no http or https URL; give one such as https://huggingface.co');
  if (url.username || url.password)
    throw new UsageError(
      'HF_ENDPOINT holds a password, which is not understood; leave it out, or set HF_TOKEN',
    );
  return url;
}

/**
 * @returns the address that a name means; undefined: the name is a path
 * @throws UsageError for a name that begins like an address and is none
 */
export function parseAddress(text: string, hub = hubEndpoint()): Address | undefined {
  const name = text.trim();
  const scheme = SCHEMES.exec(name);
  if (scheme) return hubAddress(scheme[1]!, name);
  if (!URL_LIKE.test(name)) return undefined;
  if (!URL.canParse(name)) throw malformed(name);
  const url = new URL(name);
  if (!/^https?:$/.test(url.protocol)) throw malformed(name);
  if (url.username || url.password)
    throw new UsageError(`${url.host}: an address with a password is not understood; leave it out`);
  const onHub = HUB_HOSTS.includes(url.hostname) || url.origin === hub.origin;
  return (onHub && pageAddress(url)) || urlAddress(url, name);
}

/** @returns the usual spelling of an address, without the query of a URL, which may hold secrets */
export function addressText(address: Address): string {
  if (address.kind === 'url') return withoutSecrets(address.url.href);
  const { user, repo, branch, file, quant } = address;
  const rest = file ? `/${file}` : quant ? `:${quant}` : '';
  return `hf:${user}/${repo}${rest}${branch === 'main' ? '' : `#${branch}`}`;
}

/** @returns whether a name stays in its folder and means itself to every file system */
function isSafeName(name: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (!/^[^<>:"|?*\\/\x00-\x1f]+$/.test(name)) return false;
  return !/^\.+$/.test(name) && !/[. ]$/.test(name) && !DEVICE.test(name);
}

/** @returns whether a relative path stays below its folder */
export function isSafePath(path: string): boolean {
  return path.split('/').every(isSafeName);
}

/** Reads `user/repo`, `user/repo:quant` or `user/repo/file.gguf`, the last also with `#branch`. */
function hubAddress(text: string, name: string): HubAddress {
  const [path, branch = 'main'] = text.split('#') as [string, string?];
  const [user, repoAndQuant = '', ...file] = path.split('/');
  const [repo, quant] = repoAndQuant.split(':');
  const address = {
    kind: 'hub' as const,
    user: user!,
    repo: repo!,
    branch,
    file: file.length > 0 ? file.join('/') : undefined,
    quant: quant === 'latest' ? undefined : quant,
  };
  const simple = [user, repo, quant ?? 'latest'].every(
    (word) => /^[\w.-]+$/.test(word!) && isSafeName(word!),
  );
  const wholeFile =
    address.file === undefined ? branch === 'main' : quant === undefined && isModelFile(address.file);
  if (!simple || !wholeFile || !isSafePath(branch) || repoAndQuant.split(':').length > 2)
    throw malformed(name);
  return address;
}

/** Reads the URL of a page or a file of the hub, as copied from a browser. A page that shows a file means that file. */
function pageAddress({ pathname, href, search, searchParams }: URL): HubAddress | undefined {
  const parts = pathname.split('/').filter(Boolean).map(decoded);
  const [user, repo, view, branch, ...file] = parts;
  if (parts.length === 2) {
    const shown = searchParams.get('show_file_info');
    if (search && !shown)
      throw new UsageError(
        `What follows the ? in ${withoutSecrets(href)}?… names no file; leave it out, or write ${FORMS}`,
      );
    return hubAddress([user, repo, shown].filter(Boolean).join('/'), href);
  }
  if (!/^(resolve|blob|raw)$/.test(view ?? '') || file.length === 0) return undefined;
  return hubAddress(`${user}/${repo}/${file.join('/')}#${branch}`, href);
}

/** Decodes percent signs. A text with wrong ones stays as it is, and is refused later. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return '';
  }
}

function urlAddress(url: URL, name: string): UrlAddress {
  const path = decoded(url.pathname).slice(1);
  if (!isModelFile(path)) throw malformed(name);
  return { kind: 'url', url };
}

function isModelFile(path: string): boolean {
  return isSafePath(path) && /\.gguf$/i.test(path);
}

/** @returns a name of a model that may be shown: a URL without user, password, query and fragment, a path as it is */
export function withoutSecrets(name: string): string {
  const text = name.trim();
  if (!SCHEMES.test(text) && !URL_LIKE.test(text)) return name;
  const secret = SCHEMES.test(text) ? /\?.*$/s : /[?#].*$/s; // hf:…#branch
  const user = URL.canParse(text) ? /^([a-z][a-z\d+.-]*:)\/*[^/]*@/i : /^([a-z][a-z\d+.-]*:)\/*.*@/is;
  return text.replace(user, '$1//').replace(secret, '');
}

function malformed(name: string): UsageError {
  return new UsageError(`${withoutSecrets(name)} is no address of a model; write ${FORMS}`);
}
