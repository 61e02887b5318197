import "./style-nonce.js";
import "swagger-ui-dist/swagger-ui.css";
import "./page.css";

import { createRoot } from "react-dom/client";
import SwaggerUIBundle from "swagger-ui-dist/swagger-ui-es-bundle.js";
import { TokenBar } from "./token-bar.jsx";
import { current, refuse } from "./token.js";

const root = document.getElementById("page");
const withToken = (request) => {
  const { token } = current();
  if (token && !request.loadSpec && !request.headers.Authorization) request.headers.Authorization = `Bearer ${token}`;
  return request;
};
const noticeRefusal = (response) => {
  if (response.status === 401) refuse(current().token);
  return response;
};

createRoot(document.getElementById("bar")).render(
  <TokenBar links={[{ href: root.dataset.graphql, text: "GraphiQL" }]} asksAtOnce={false} />,
);
SwaggerUIBundle({
  domNode: root,
  url: root.dataset.openapi,
  validatorUrl: null,
  persistAuthorization: false,
  docExpansion: "full",
  defaultModelsExpandDepth: 0,
  requestInterceptor: withToken,
  responseInterceptor: noticeRefusal,
});
