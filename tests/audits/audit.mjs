// Runs every audit of `graphql-http` against AUDIT_URL with the bearer token AUDIT_TOKEN and prints the results as JSON.
import { serverAudits } from "graphql-http";

const { AUDIT_URL: url, AUDIT_TOKEN: token } = process.env;

const fetchFn = (address, init = {}) => {
  const headers = new Headers(init.headers);
  headers.set("authorization", `Bearer ${token}`);
  return fetch(address, { ...init, headers });
};

const results = [];
for (const audit of serverAudits({ url, fetchFn })) {
  const { id, name, status, reason, response } = await audit.fn();
  results.push({ id, name, status, reason: reason ?? null, httpStatus: response?.status ?? null });
}
console.log(JSON.stringify(results));
