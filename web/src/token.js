// The bearer token lives in this browser tab's session and nowhere else: no localStorage, no cookie, no address.
const KEY = "supplygraph.token";
const listeners = new Set();
let state = { token: sessionStorage.getItem(KEY), refused: false };

const change = (next) => {
  state = next;
  for (const listener of listeners) listener();
};

export const subscribe = (listener) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export const current = () => state;

export const keep = (token) => {
  sessionStorage.setItem(KEY, token);
  change({ token, refused: false });
};

export const forget = () => {
  sessionStorage.removeItem(KEY);
  change({ token: null, refused: false });
};

// Only the token that was sent is refused: an answer to an earlier one says nothing about its successor.
export const refuse = (token) => {
  if (state.token === token) change({ token, refused: true });
};

// The text as it was meant, or null where no HTTP header could carry it.
export const normalized = (text) => {
  const token = text.trim().replace(/^bearer\s+/i, "");
  return /^[\x21-\x7e]+$/.test(token) ? token : null;
};
