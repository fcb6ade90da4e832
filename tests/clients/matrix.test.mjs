// The table of docs/clients.md names tests that exist, for every client and item.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';

const text = (path) => readFileSync(new URL(path, import.meta.url), 'utf8');
const cells = (line) => line.split('|').slice(1, -1).map((cell) => cell.trim());

it('every test that the table of clients names exists', () => {
  const lines = text('../../docs/clients.md').split('\n');
  const at = lines.findIndex((line) => line.startsWith('| Item |'));
  assert.ok(at > 0, 'there is no table');
  const files = cells(lines[at]).slice(1).map((head) => [...head.matchAll(/\(([^)]*)\)$/g)][0][1]);
  const sources = files.map((names) => [...names.matchAll(/`([^`]+)`/g)].map(([, name]) => text(`./${name}.test.mjs`)).join());
  let named = 0;
  for (const line of lines.slice(at + 2)) {
    if (!line.startsWith('|')) break;
    const [item, ...tests] = cells(line);
    assert.equal(tests.length, sources.length, item);
    tests.forEach((test, index) => {
      assert.ok(test, `${item}: neither test nor reason`);
      const [, name] = /^`([^`]*)`$/.exec(test) ?? [];
      if (!name) return;
      named += 1;
      assert.match(sources[index], new RegExp(`it\\(['"\`]${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`), `${item}: ${name}`);
    });
  }
  assert.ok(named >= 40, `${named} tests`);
});
