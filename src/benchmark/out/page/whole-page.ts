import { Html, html } from './html.js';

/** Nothing is loaded, from anywhere, and no script runs. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/** What a page has of its own. */
export interface PageParts {
  readonly title: string;
  /** Rules of its style sheet. */
  readonly style: string;
  readonly content: Html;
}

/** Returns one HTML page that needs nothing else, runs nothing and can reach nothing else. */
export function wholePage({ title, style, content }: PageParts): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${new Html(style)}</style>
</head>
<body>
<main>
${content}
</main>
</body>
</html>
`.markup;
}
