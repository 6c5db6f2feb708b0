import { UsageError } from '../errors.js';

/** A model on a hub such as Hugging Face: a file of it, or whichever file the hub has for a quantisation. */
export interface HubAddress {
  readonly kind: 'hub';
  readonly user: string;
  readonly repo: string;
  readonly branch: string;
  /** Path in the repository. */
  readonly file: string | undefined;
  /** Neither: the hub's choice. */
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
/** Names that Windows keeps for devices, whatever follows the dot. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;
const FORMS = 'hf:user/repo:Q4_K_M, hf:user/repo/file.gguf or https://…/file.gguf';

/**
 * The hub that HF_ENDPOINT names, else Hugging Face. Ends with a slash.
 * @throws UsageError that does not repeat what HF_ENDPOINT holds
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
 * What a name means, if it is not a path.
 * @throws UsageError for something that begins like an address and is none
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

/** How people write it; without the query of a URL, where secrets are. */
export function addressText(address: Address): string {
  if (address.kind === 'url') return withoutSecrets(address.url.href);
  const { user, repo, branch, file, quant } = address;
  const rest = file ? `/${file}` : quant ? `:${quant}` : '';
  return `hf:${user}/${repo}${rest}${branch === 'main' ? '' : `#${branch}`}`;
}

/** A name that neither leaves its folder nor means something else to a file system. */
function isSafeName(name: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (!/^[^<>:"|?*\\/\x00-\x1f]+$/.test(name)) return false;
  return !/^\.+$/.test(name) && !/[. ]$/.test(name) && !DEVICE.test(name);
}

/** A path below a folder that stays below it. */
export function isSafePath(path: string): boolean {
  return path.split('/').every(isSafeName);
}

/** `user/repo`, `user/repo:quant`, `user/repo/file.gguf`, the last with `#branch`. */
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

/** The address of a page or a file of the hub, as copied from a browser; of a page that shows a file, that file's. */
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

/** Percent signs undone; what has wrong ones is left to be refused. */
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

/** What names a model, fit to be shown: a URL without user, password, query and fragment, a path as it is. */
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
