const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

// Shows `extensions.freshness` of the last response in one line.
export function FreshnessLine({ freshness }) {
  if (!freshness) return null;
  const { fresh, stale, unconfirmed, oldestAgeSeconds, vendorCalls, gaps } = freshness;
  const parts = [`${fresh} fresh`, `${stale} stale`, `${unconfirmed} unconfirmed`, plural(vendorCalls, "vendor call")];
  if (oldestAgeSeconds != null) parts.push(`oldest value ${Math.round(oldestAgeSeconds)} s old`);
  if (gaps?.length) parts.push(plural(gaps.length, "gap"));
  return <span className="freshness" aria-live="polite">{parts.join(" · ")}</span>;
}
