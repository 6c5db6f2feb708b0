/** Part of a picture, in pixels; y grows downwards. */
export interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Half of the room that a mark takes. */
export const MARK = 7;

/** Height of a line of text. */
const LINE = 15;

export function overlap(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

function around({ x, y }: Point): Box {
  return { left: x - MARK, right: x + MARK, top: y - MARK, bottom: y + MARK };
}

function isInside(box: Box, area: Box): boolean {
  return box.left >= area.left && box.right <= area.right && box.top >= area.top && box.bottom <= area.bottom;
}

/**
 * Points so far from each other that no mark lies over another: those that would are moved aside, the later ones, as
 * little as possible.
 */
export function apart(points: readonly Point[], area: Box): Point[] {
  const placed: Point[] = [];
  for (const point of points) {
    const isFree = (candidate: Point) =>
      isInside(around(candidate), area) &&
      placed.every((other) => !overlap(around(candidate), around(other)));
    placed.push([point, ...rings(point)].find(isFree) ?? point);
  }
  return placed;
}

/** Places around a point, the nearest first; beside it before above and below. */
function rings({ x, y }: Point): Point[] {
  const around: Point[] = [];
  for (let radius = 4; radius <= 120; radius += 4)
    for (let i = 0; i < 16; i++) {
      const angle = (Math.PI / 8) * ((i + 1) >> 1) * (i % 2 ? 1 : -1);
      around.push({ x: x + radius * Math.cos(angle), y: y + radius * Math.sin(angle) });
    }
  return around;
}

/** A mark with the text that belongs to it. */
export interface Labelled extends Point {
  /** Of the text, in pixels. */
  readonly width: number;
}

/**
 * Where each text may stand beside its mark without lying over a mark or another text. The first ones choose first.
 * @returns null where there is no room; the first one always has a place while the area is wider than its text
 */
export function placeLabels(marks: readonly Labelled[], area: Box): (Box | null)[] {
  const taken = marks.map(around);
  return marks.map((mark, i) => {
    const places = [...near(mark), ...(i === 0 ? anywhere(mark, area) : [])];
    const box = places.find((one) => isInside(one, area) && taken.every((other) => !overlap(one, other)));
    if (box) taken.push(box);
    return box ?? null;
  });
}

function boxAt(left: number, middle: number, width: number): Box {
  return { left, right: left + width, top: middle - LINE / 2, bottom: middle + LINE / 2 };
}

function near({ x, y, width }: Labelled): Box[] {
  const [right, left, centre] = [x + MARK + 3, x - MARK - 3 - width, x - width / 2];
  const [above, below] = [y - MARK - LINE / 2, y + MARK + LINE / 2];
  return [
    boxAt(right, y, width),
    boxAt(left, y, width),
    ...[above, below].flatMap((middle) =>
      [centre, x - MARK, x + MARK - width].map((at) => boxAt(at, middle, width)),
    ),
  ];
}

/** Every place of the area, the nearest to the mark first. */
function anywhere({ x, y, width }: Labelled, area: Box): Box[] {
  const boxes: Box[] = [];
  for (let middle = area.top + LINE / 2; middle <= area.bottom; middle += 4)
    for (let left = area.left; left + width <= area.right; left += 8) boxes.push(boxAt(left, middle, width));
  const far = (box: Box) => Math.hypot((box.left + box.right) / 2 - x, (box.top + box.bottom) / 2 - y);
  return boxes.sort((a, b) => far(a) - far(b));
}
