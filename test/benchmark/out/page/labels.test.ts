import { describe, expect, it } from 'vitest';
import { apart, MARK, overlap, placeLabels } from '../../../../src/benchmark/out/page/labels.js';
import { createRng } from '../../../../src/math/rng.js';

const AREA = { left: 0, right: 300, top: 0, bottom: 300 };
const around = ({ x, y }: { x: number; y: number }) => ({
  left: x - MARK,
  right: x + MARK,
  top: y - MARK,
  bottom: y + MARK,
});
const rng = createRng(4);
const crowd = (count: number) =>
  Array.from({ length: count }, () => ({ x: 60 + rng() * 90, y: 60 + rng() * 90, width: 120 }));

describe('marks', () => {
  it('stay where they are while none hides another', () => {
    const far = [
      { x: 50, y: 50 },
      { x: 80, y: 50 },
    ];
    expect(apart(far, AREA)).toEqual(far);
  });

  it('of equal points stand side by side, as those of a crowd', () => {
    for (const points of [Array(5).fill({ x: 100, y: 100 }), crowd(20)]) {
      const placed = apart(points, AREA).map(around);
      for (const [i, a] of placed.entries())
        for (const b of placed.slice(i + 1)) expect(overlap(a, b)).toBe(false);
    }
  });
});

describe('labels', () => {
  it('lie over no mark and no other label, inside the area; the first has a place always', () => {
    for (let trial = 0; trial < 20; trial++) {
      const marks = apart(crowd(14), AREA).map((point) => ({ ...point, width: 120 }));
      const boxes = placeLabels(marks, AREA);
      expect(boxes[0]).not.toBeNull();
      const taken = [...marks.map(around), ...boxes.flatMap((box) => box ?? [])];
      for (const [i, a] of taken.entries())
        for (const b of taken.slice(Math.max(i + 1, marks.length))) expect(overlap(a, b)).toBe(false);
    }
  });
});
