const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

// What the last answer told of its own age: `extensions.freshness` in one line.
export function FreshnessLine({ freshness }) {
  if (!freshness) return null;
  const { fresh, stale, unconfirmed, oldestAgeSeconds, vendorCalls, gaps } = freshness;
  const parts = [`${fresh} fresh`, `${stale} stale`, `${unconfirmed} unconfirmed`, plural(vendorCalls, "vendor call")];
  if (oldestAgeSeconds != null) parts.push(`oldest ${Math.round(oldestAgeSeconds)} s`);
  if (gaps?.length) parts.push(plural(gaps.length, "gap"));
  return <span className="freshness" aria-live="polite">{parts.join(" · ")}</span>;
}
