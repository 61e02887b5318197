import { useEffect, useId, useRef, useState, useSyncExternalStore } from "react";
import { current, forget, keep, normalized, subscribe } from "./token.js";

export const useToken = () => useSyncExternalStore(subscribe, current);

const REFUSED = "The gateway refused this token: it is unknown, expired or revoked. Enter another one.";
const UNREADABLE = "A token is one word of plain letters, digits and signs.";

function TokenDialog({ open, message, onClose }) {
  const dialog = useRef(null);
  const field = useRef(null);
  const [problem, setProblem] = useState(null);
  const [shown, setShown] = useState(false);
  const id = useId();

  useEffect(() => {
    if (open && !dialog.current.open) dialog.current.showModal();
    if (!open) dialog.current.close();
  }, [open]);

  const submit = (event) => {
    event.preventDefault();
    const token = normalized(field.current.value);
    setProblem(token ? null : UNREADABLE);
    if (!token) return;
    field.current.value = "";
    keep(token);
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
          type={shown ? "text" : "password"}
          autoComplete="off"
          spellCheck={false}
          required
          aria-invalid={Boolean(alert)}
          aria-describedby={alert ? `${id}-alert ${id}-hint` : `${id}-hint`}
        />
        <label className="token-show">
          <input type="checkbox" checked={shown} onChange={(event) => setShown(event.target.checked)} /> Show it
        </label>
        <p id={`${id}-hint`} className="token-hint">
          <code>make serve</code> prints one on the sandbox; <code>supplygraph token create NAME</code> makes one. It is
          kept for this tab&rsquo;s session only.
        </p>
        <menu>
          <button type="button" onClick={onClose}>Cancel</button>
          <button type="submit" className="primary">Use this token</button>
        </menu>
      </form>
    </dialog>
  );
}

export function TokenBar({ links, children, asksAtOnce = true }) {
  const { token, refused } = useToken();
  const [asking, setAsking] = useState(asksAtOnce && !token);

  useEffect(() => {
    if (refused) setAsking(true);
  }, [refused]);

  const standing = refused ? "Token refused" : token ? "Token set for this session" : "No token";
  return (
    <header className="bar">
      <strong>supplygraph</strong>
      <nav>{links.map(({ href, text }) => <a key={href} href={href}>{text}</a>)}</nav>
      <div className="bar-middle">{children}</div>
      <span role="status" className={token && !refused ? "good" : "bad"}>{standing}</span>
      <button type="button" onClick={() => setAsking(true)}>{token ? "Change token" : "Enter token"}</button>
      {token && <button type="button" onClick={forget}>Forget it</button>}
      <TokenDialog open={asking} message={refused ? REFUSED : null} onClose={() => setAsking(false)} />
    </header>
  );
}
