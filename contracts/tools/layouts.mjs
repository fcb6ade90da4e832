// Storage behind a proxy outlives the code: a new implementation may only append to it.

/** Contracts that stand behind a proxy. */
export const PROXIED = ['Inbox', 'Portal', 'SystemConfig', 'L1CrossDomainMessenger', 'L1StandardBridge'];

const place = ({ slot, offset }) => `slot ${slot}, byte ${offset}`;

/** What of the layout `before` is not where it was in the layout `after`, in words; gaps may be filled. */
export function breaks(before, after) {
  const found = [];
  for (const old of before) {
    if (old.label.startsWith('__gap')) continue;
    const now = after.find(({ label }) => label === old.label);
    if (!now) found.push(`${old.label} is gone`);
    else if (place(now) !== place(old)) found.push(`${old.label} moved from ${place(old)} to ${place(now)}`);
    else if (now.type !== old.type) found.push(`${old.label} is ${now.type}, was ${old.type}`);
  }
  const end = (list) => list.reduce((last, { slot, bytes }) => Math.max(last, +slot + Math.ceil(bytes / 32)), 0);
  const names = new Set(before.map(({ label }) => label));
  const gaps = before.filter(({ label }) => label.startsWith('__gap'));
  const inGap = ({ slot }) => gaps.some((gap) => +slot >= +gap.slot && +slot < +gap.slot + Math.ceil(gap.bytes / 32));
  for (const now of after.filter(({ label }) => !names.has(label))) {
    const shares = before.some((old) => +old.slot === +now.slot && +now.offset < +old.offset + +old.bytes);
    if (+now.slot < end(before) && !inGap(now) && shares) found.push(`${now.label} is put at ${place(now)}, which is taken`);
  }
  return found;
}
