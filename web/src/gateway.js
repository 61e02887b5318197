import { refuse } from "./token.js";

const ACCEPT = "application/graphql-response+json, application/json;q=0.9";

// GraphiQL's fetcher: one POST to the gateway that served this page; `onAnswer` sees each decoded answer.
export const fetcherFor = (address, token, onAnswer) => async (operation) => {
  let response;
  try {
    response = await fetch(address, {
      method: "POST",
      headers: { Accept: ACCEPT, "Content-Type": "application/json", Authorization: `Bearer ${token}` },
      body: JSON.stringify(operation),
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
    });
  } catch {
    throw new Error("The gateway could not be reached. Is it running?");
  }
  if (response.status === 401) refuse(token);
  const text = await response.text();
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new Error(`The gateway answered ${response.status} with something that is not JSON.`);
  }
  onAnswer(answer);
  return answer;
};
