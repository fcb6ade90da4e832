// A layout that breaks what is stored is found; one that appends is not.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { PROXIED, breaks } from './layouts.mjs';

const committed = (name) =>
  JSON.parse(readFileSync(new URL(`../snapshots/storage/${name}.json`, import.meta.url), 'utf8'));
const appended = (layout) => {
  const slot = layout.reduce((last, variable) => Math.max(last, +variable.slot + Math.ceil(variable.bytes / 32)), 0);
  return { label: 'added', slot: String(slot), offset: 0, type: 'uint256', bytes: '32' };
};

describe('storage behind a proxy', () => {
  for (const name of PROXIED) {
    const layout = committed(name);

    it(`${name}: what is appended breaks nothing`, () => {
      assert.deepEqual(breaks(layout, layout), []);
      assert.deepEqual(breaks(layout, [...layout, appended(layout)]), []);
    });

    it(`${name}: what is gone, moved, retyped or put over something is found`, () => {
      const [first, ...rest] = layout;
      assert.match(breaks(layout, rest).join(), /is gone/);
      assert.match(breaks(layout, [{ ...first, slot: '99' }, ...rest]).join(), /moved/);
      assert.match(breaks(layout, [{ ...first, type: 'bytes7' }, ...rest]).join(), /was/);
      const over = { ...appended(layout), slot: first.slot };
      assert.match(breaks(layout, [...layout, over]).join(), /is taken/);
    });
  }
});
