import "./style-nonce.js";
import "swagger-ui-dist/swagger-ui.css";
import "./page.css";

import { createRoot } from "react-dom/client";
import SwaggerUIBundle from "swagger-ui-dist/swagger-ui-es-bundle.js";
import { TokenBar } from "./token-bar.jsx";
import { rejectToken, tokenState } from "./token.js";

const root = document.getElementById("page");
const addToken = (request) => {
  const { token } = tokenState();
  if (token && !request.loadSpec && !request.headers.Authorization) request.headers.Authorization = `Bearer ${token}`;
  return request;
};
const checkToken = (response) => {
  if (response.status === 401) rejectToken(tokenState().token);
  return response;
};

createRoot(document.getElementById("bar")).render(
  <TokenBar links={[{ href: root.dataset.graphql, text: "GraphiQL" }]} promptsOnLoad={false} />,
);
SwaggerUIBundle({
  domNode: root,
  url: root.dataset.openapi,
  validatorUrl: null,
  persistAuthorization: false,
  docExpansion: "full",
  defaultModelsExpandDepth: 0,
  requestInterceptor: addToken,
  responseInterceptor: checkToken,
});
