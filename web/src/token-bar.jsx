import { useEffect, useId, useRef, useState, useSyncExternalStore } from "react";
import { normalizeToken, removeToken, storeToken, subscribe, tokenState } from "./token.js";

export const useToken = () => useSyncExternalStore(subscribe, tokenState);

const REJECTED = "The gateway rejected this token because it is unknown, expired or revoked. Enter another token.";
const MALFORMED = "A token is one word of ASCII letters, digits and punctuation. Check what you pasted.";

function TokenDialog({ open, message, onClose }) {
  const dialog = useRef(null);
  const field = useRef(null);
  const [problem, setProblem] = useState(null);
  const [visible, setVisible] = useState(false);
  const id = useId();

  useEffect(() => {
    if (open && !dialog.current.open) dialog.current.showModal();
    if (!open) dialog.current.close();
  }, [open]);

  const submit = (event) => {
    event.preventDefault();
    const token = normalizeToken(field.current.value);
    setProblem(token ? null : MALFORMED);
    if (!token) return;
    field.current.value = "";
    storeToken(token);
    onClose();
  };
  const alert = problem ?? message;

  return (
    <dialog ref={dialog} className="token-dialog" aria-labelledby={`${id}-title`} onClose={onClose}>
      <form onSubmit={submit}>
        <h2 id={`${id}-title`}>Access token</h2>
        {alert && <p role="alert" id={`${id}-alert`}>{alert}</p>}
        <label htmlFor={`${id}-token`}>Bearer token</label>
        <input
          ref={field}
          id={`${id}-token`}
          type={visible ? "text" : "password"}
          autoComplete="off"
          spellCheck={false}
          required
          aria-invalid={Boolean(alert)}
          aria-describedby={alert ? `${id}-alert ${id}-hint` : `${id}-hint`}
        />
        <label className="token-show">
          <input type="checkbox" checked={visible} onChange={(event) => setVisible(event.target.checked)} /> Show token
        </label>
        <p id={`${id}-hint`} className="token-hint">
          <code>supplygraph token create NAME</code> creates a token; in the sandbox, <code>make serve</code> prints one.
          The browser stores it only until you close this tab.
        </p>
        <menu>
          <button type="button" onClick={onClose}>Cancel</button>
          <button type="submit" className="primary">Use this token</button>
        </menu>
      </form>
    </dialog>
  );
}

export function TokenBar({ links, children, promptsOnLoad = true }) {
  const { token, rejected } = useToken();
  const [dialogOpen, setDialogOpen] = useState(promptsOnLoad && !token);

  useEffect(() => {
    if (rejected) setDialogOpen(true);
  }, [rejected]);

  const status = rejected ? "Token rejected" : token ? "Token set for this session" : "No token";
  return (
    <header className="bar">
      <strong>supplygraph</strong>
      <nav>{links.map(({ href, text }) => <a key={href} href={href}>{text}</a>)}</nav>
      <div className="bar-middle">{children}</div>
      <span role="status" className={token && !rejected ? "good" : "bad"}>{status}</span>
      <button type="button" onClick={() => setDialogOpen(true)}>{token ? "Change token" : "Enter token"}</button>
      {token && <button type="button" onClick={removeToken}>Forget token</button>}
      <TokenDialog open={dialogOpen} message={rejected ? REJECTED : null} onClose={() => setDialogOpen(false)} />
    </header>
  );
}
