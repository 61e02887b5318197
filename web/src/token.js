// The bearer token is stored only in the session storage of this browser tab: not in localStorage, a cookie or a URL.
const KEY = "supplygraph.token";
const listeners = new Set();
let state = { token: sessionStorage.getItem(KEY), rejected: false };

const setState = (next) => {
  state = next;
  for (const listener of listeners) listener();
};

export const subscribe = (listener) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export const tokenState = () => state;

export const storeToken = (token) => {
  sessionStorage.setItem(KEY, token);
  setState({ token, rejected: false });
};

export const removeToken = () => {
  sessionStorage.removeItem(KEY);
  setState({ token: null, rejected: false });
};

// Mark the token that was sent as rejected. A late response to an earlier token says nothing about the current one.
export const rejectToken = (token) => {
  if (state.token === token) setState({ token, rejected: true });
};

// Return the token without surrounding spaces and without "Bearer", or null if no HTTP header can carry it.
export const normalizeToken = (text) => {
  const token = text.trim().replace(/^bearer\s+/i, "");
  return /^[\x21-\x7e]+$/.test(token) ? token : null;
};
