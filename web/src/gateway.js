import { rejectToken } from "./token.js";

const ACCEPT = "application/graphql-response+json, application/json;q=0.9";

// Create GraphiQL's fetcher: each operation is one POST to the gateway that served this page.
// `onResult` receives every decoded result.
export const createFetcher = (url, token, onResult) => async (operation) => {
  let response;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { Accept: ACCEPT, "Content-Type": "application/json", Authorization: `Bearer ${token}` },
      body: JSON.stringify(operation),
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
    });
  } catch {
    throw new Error("The gateway cannot be reached. Check that it is running, then try again.");
  }
  if (response.status === 401) rejectToken(token);
  const text = await response.text();
  let result;
  try {
    result = JSON.parse(text);
  } catch {
    throw new Error(`The gateway responded with status ${response.status} and a body that is not JSON.`);
  }
  onResult(result);
  return result;
};
